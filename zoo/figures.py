"""Figures of the paper, drawn from published checkpoints; numbers as CSV beside each."""

import csv
import dataclasses
from pathlib import Path

import numpy as np

from zoo.evaluation import evaluate_parts, interval_95
from zoo.loading import list_models, load
from zoo.names import parse

MEMORY_LENGTHS = (5, 10, 15, 20, 25)
SWEEP_TAU_MS = (6.0, 10.0, 20.0, 40.0, 80.0, 160.0)
_COLUMNS = ("series", "length", "seeds", "mean", "low", "high")
_BLUE, _ORANGE = "#0072B2", "#D55E00"  # Okabe-Ito, safe for colour-blind readers.


def memory_length(out: Path, *, sweep_tau: bool = False, seeds: int = 20) -> list[Path]:
    """Figure 2: reward against memory length; right half: homogeneous networks of other time constants.

    Args:
        out: folder for ``memory_length.svg``, ``.png`` and ``.csv``.
        sweep_tau: train what no checkpoint holds: with the paper's fitness and centre rate, heterogeneous
            networks, and homogeneous ones of each time constant in `SWEEP_TAU_MS`. Without it, those rows
            are kept from the CSV.
        seeds: training seeds of that.

    Returns:
        The files written.

    Raises:
        FileNotFoundError: if there is no CSV to keep rows from.
    """
    out.mkdir(parents=True, exist_ok=True)
    table = out / "memory_length.csv"
    if sweep_tau:
        swept = list(_sweep(seeds))
    elif table.is_file():
        with table.open(newline="", encoding="utf-8") as file:
            swept = [row for row in csv.DictReader(file) if not row["series"].startswith("zoo")]
    else:
        raise FileNotFoundError(f"{table} does not exist; add --sweep-tau to train what it should hold")
    rows = [*_published(), *swept]
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return [*_draw(rows, out / "memory_length"), table]


def _row(series: str, length: int, means: np.ndarray) -> dict:
    low, high = interval_95(means)
    numbers = {"mean": means.mean(), "low": low, "high": high}
    return {"series": series, "length": length, "seeds": len(means)} | {
        key: f"{value:.4f}" for key, value in numbers.items()
    }


def _published():
    """Rows of the published memory models, from their evaluations."""
    for name in list_models("*snn-mem*-1024", task="mem"):
        model = parse(name)
        means = np.array([row["mean"] for row in load(name).evaluation["seeds"]])
        yield _row(f"zoo {model.kind}snn", int(model.task[3:]), means)


def _sweep(seeds: int):
    """Rows of networks that are trained here with the paper's fitness and centre rate."""
    paper = {"expected_reward_weight": 0.0, "centre_lr": 0.15, "centre_lr_final": None}
    for length in MEMORY_LENGTHS:
        het, hom = f"hetsnn-mem{length}-1024", f"homsnn-mem{length}-1024"
        settings = {"paper hetsnn": (het, paper)}
        settings |= {f"paper homsnn {tau:g} ms": (hom, paper | {"tau_ms": (tau,)}) for tau in SWEEP_TAU_MS}
        for series, means in _train_side_by_side(settings, seeds).items():
            yield _row(series, length, means)


def _train_side_by_side(settings: dict, seeds: int) -> dict[str, np.ndarray]:
    """Mean returns [seeds] of the centres after training several recipes of one task in one program."""
    from zoo.training.engine import CHUNK, Engine, to_host
    from zoo.training.method import Group
    from zoo.training.progress import Progress
    from zoo.training.recipe import default_recipe, make_network_config, make_recipe_task

    groups = []
    for name, changes in settings.values():
        model = parse(name)
        recipe = dataclasses.replace(default_recipe(model), seeds=seeds, **changes)
        task = make_recipe_task(model, recipe)
        config = make_network_config(model, task, recipe)
        groups.append(Group(config=config, recipe=recipe, seeds=tuple(range(seeds))))
    engine = Engine(task, groups)
    states, generations = engine.init(), groups[0].recipe.generations
    with Progress(generations, 0, quiet=False) as bar:
        for start in range(0, generations, CHUNK // 4):
            count = min(CHUNK // 4, generations - start)
            states, metrics = engine.advance(states, count)
            bar.update(start + count, metrics)
    results = {}
    for series, group, state in zip(settings, groups, to_host(states), strict=True):
        initial = [group.config.initial(seed) for seed in group.seeds]
        parts = {name: np.stack([p[name] for p in initial]) for name in initial[0]}
        parts |= group.config.split(np.asarray(engine.method.parameters(state)))
        returns, *_ = evaluate_parts(task, parts, None, 5.0, task.evaluation_episodes, seed=0)
        results[series] = returns.mean(1)
    return results


def _draw(rows: list[dict], stem: Path) -> list[Path]:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams |= {"svg.hashsalt": "zoo", "font.size": 9, "axes.spines.top": False,
                            "axes.spines.right": False}  # fmt: skip
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.4), sharey=True, layout="constrained")

    def line(axes, series, label, **style):
        chosen = sorted((r for r in rows if r["series"] == series), key=lambda r: int(r["length"]))
        if not chosen:
            return
        length = [int(r["length"]) for r in chosen]
        mean, low, high = (np.array([float(r[key]) for r in chosen]) for key in ("mean", "low", "high"))
        (drawn,) = axes.plot(length, mean, label=label, **style)
        axes.fill_between(length, np.clip(low, -1, 1), np.clip(high, -1, 1), color=drawn.get_color(),
                          alpha=0.18, linewidth=0)  # fmt: skip

    line(left, "zoo hetsnn", "heterogeneous, zoo recipe", color=_BLUE, marker="o", ms=9, lw=4)
    line(left, "zoo homsnn", "homogeneous, zoo recipe", color=_ORANGE, marker="s", ms=4)
    line(left, "paper hetsnn", "heterogeneous, paper's fitness", color=_BLUE, marker="o", ls=":", mfc="white")
    line(
        left,
        "paper homsnn 20 ms",
        "homogeneous, paper's fitness",
        color=_ORANGE,
        marker="s",
        ls=":",
        mfc="white",
    )
    left.set(xscale="log", title="Trained neurons against trained weights", ylabel="mean return (-1 to 1)")
    ticks = sorted({int(r["length"]) for r in rows})
    left.set_xticks(ticks, [str(t) for t in ticks])
    left.minorticks_off()
    colours = plt.get_cmap("viridis")(np.linspace(0.05, 0.9, len(SWEEP_TAU_MS)))
    for tau, colour in zip(SWEEP_TAU_MS, colours, strict=True):
        line(right, f"paper homsnn {tau:g} ms", f"{tau:g} ms", color=colour, marker=".")
    right.set(title="Homogeneous networks, paper's fitness")
    right.set_xticks(MEMORY_LENGTHS)
    for axes, title in ((left, None), (right, "membrane time constant")):
        axes.set_xlabel("memory length (steps of 5 ms)")
        axes.set_ylim(-0.05, 1.05)
        axes.legend(
            frameon=False,
            fontsize=8,
            title=title,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.18),
            ncols=2 if title is None else 3,
        )
    paths = [stem.with_suffix(".svg"), stem.with_suffix(".png")]
    figure.savefig(paths[0], metadata={"Date": None})
    figure.savefig(paths[1], dpi=150)
    plt.close(figure)
    return paths
