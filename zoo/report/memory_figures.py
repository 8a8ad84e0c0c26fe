"""Figures of the paper, drawn from published checkpoints; numbers as CSV beside each."""

import csv
from pathlib import Path

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from zoo.core.csv_files import read_table
from zoo.drawing.style import BLUE, PURPLE, VERMILION, save
from zoo.evaluation.episodes import evaluate_parts
from zoo.evaluation.statistics import interval_95
from zoo.registry.names import parse
from zoo.store.loading import list_models, load
from zoo.tasks.memory import FAMILY as MEMORY

MEMORY_LENGTHS = (5, 10, 15, 20, 25)
SWEEP_TAU_MS = (6.0, 10.0, 20.0, 40.0, 80.0, 160.0)
_COLUMNS = ("series", "length", "seeds", "mean", "low", "high")


def memory_length(out: Path, *, sweep_tau: bool = False, seeds: int = 20) -> list[Path]:
    """Figure 2: reward against memory length; right half: homogeneous networks of other time constants.

    Args:
        out: folder of ``memory_length.svg`` for light and dark pages and of ``memory_length.csv``.
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
        swept = [row for row in read_table(table) if not row["series"].startswith("zoo")]
    else:
        raise FileNotFoundError(f"{table} does not exist; add --sweep-tau to train what it should hold")
    rows = [*_published(), *swept]
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return [*_draw(rows, out / "memory_length.svg"), table]


def _row(series: str, length: int, means: np.ndarray) -> dict:
    low, high = interval_95(means)
    numbers = {"mean": means.mean(), "low": low, "high": high}
    return {"series": series, "length": length, "seeds": len(means)} | {
        key: "" if np.isnan(value) else f"{value:.4f}" for key, value in numbers.items()
    }


def _published():
    """Rows of the published memory models, from their evaluations."""
    for name in list_models("*snn-*-1024", task=MEMORY.name):
        model = parse(name)
        if model.kind == "full":
            continue
        means = np.array([row["mean"] for row in load(name).evaluation["seeds"]])
        yield _row(f"zoo {model.kind}snn", MEMORY.number(model.task), means)


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
    from zoo.registry.recipe import default_recipe, make_network_config, make_recipe_task, override
    from zoo.training.methods.base import Group
    from zoo.training.run.engine import CHUNK, Engine, to_host
    from zoo.training.run.progress import Progress

    groups = []
    for name, changes in settings.values():
        model = parse(name)
        recipe = override(default_recipe(model), seeds=seeds, **changes)
        task = make_recipe_task(model, recipe)
        config = make_network_config(model, task, recipe)
        groups.append(Group(config=config, recipe=recipe, seeds=tuple(range(seeds))))
    engine = Engine(task, groups)
    generations = groups[0].recipe.generations
    with Progress(generations, 0, quiet=False) as bar:
        states = engine.train(generations, bar.update, CHUNK // 4)
    results = {}
    for series, group, state in zip(settings, groups, to_host(states), strict=True):
        parts = group.initial_parts() | group.config.split(np.asarray(engine.method.parameters(state)))
        returns, *_ = evaluate_parts(task, parts, None, 5.0, task.evaluation_episodes, seed=0)
        results[series] = returns.mean(1)
    return results


def _draw(rows: list[dict], path: Path) -> list[Path]:
    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, sharey=True)

        def line(axes, series, label, **style):
            chosen = sorted((r for r in rows if r["series"] == series), key=lambda r: int(r["length"]))
            if not chosen:
                return
            length = [int(r["length"]) for r in chosen]
            mean, low, high = (np.array([float(r[key] or "nan") for r in chosen]) for key in ("mean", "low", "high"))
            (drawn,) = axes.plot(length, mean, label=label, **style)
            band = np.clip([low, high], -1, 1)
            axes.fill_between(length, *band, color=drawn.get_color(), alpha=0.18, linewidth=0)

        paper = {"linestyle": ":", "markerfacecolor": "none"}
        line(left, "zoo hetsnn", "heterogeneous, zoo recipe", color=BLUE, marker="o", markersize=9, linewidth=4)
        line(left, "zoo homsnn", "homogeneous, zoo recipe", color=VERMILION, marker="s", markersize=4)
        line(left, "paper hetsnn", "heterogeneous, paper's fitness", color=BLUE, marker="o", **paper)
        line(left, "paper homsnn 20 ms", "homogeneous, paper's fitness", color=VERMILION, marker="s", **paper)
        left.set(xscale="log", title="Trained neurons against trained weights", ylabel="mean return (-1 to 1)")
        ticks = sorted({int(r["length"]) for r in rows})
        left.set_xticks(ticks, [str(t) for t in ticks])
        left.minorticks_off()
        shades = LinearSegmentedColormap.from_list("", [BLUE, PURPLE, VERMILION])(
            np.linspace(0, 1, len(SWEEP_TAU_MS))
        )
        for tau, shade, marker in zip(SWEEP_TAU_MS, shades, "os^Dv*", strict=True):
            line(right, f"paper homsnn {tau:g} ms", f"{tau:g} ms", color=shade, marker=marker, markersize=5)
        right.set(title="Homogeneous networks, paper's fitness")
        right.set_xticks(MEMORY_LENGTHS)
        lowest = min(-0.05, *(float(row["mean"]) - 0.05 for row in rows))
        for axes, title, columns in ((left, None, 2), (right, "membrane time constant", 3)):
            axes.set(xlabel="memory length (steps of 5 ms)", ylim=(lowest, 1.05))
            axes.legend(title=title, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=columns)

    return save(paint, (9.0, 4.4), path)
