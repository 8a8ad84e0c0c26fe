"""Figures on gradients: Fig. 7, Fig. 8, and the Jacobians that the paper's argument is about."""

from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from zoo.analysis.firing import record
from zoo.analysis.jacobians import factors, potentials, spectrum
from zoo.core.csv_files import write_table
from zoo.drawing.style import BLUE, GREEN, PURPLE, VERMILION, save
from zoo.models import V_TH, Surrogate
from zoo.report.gradient_tables import LIMITS, read_rows, values
from zoo.store.loading import load

DATA = Path("docs/gradients")
_STYLES = {
    "WeightBP": ("weights, REINFORCE with baseline", VERMILION, "-", "s"),
    "WeightBP plain": ("weights, REINFORCE without baseline", VERMILION, ":", "s"),
    "WeightES": ("weights, PGPE", PURPLE, "--", "D"),
    "NeuronBP": ("neurons, REINFORCE with baseline", BLUE, "-", "o"),
    "NeuronBP plain": ("neurons, REINFORCE without baseline", BLUE, ":", "o"),
    "NeuronES": ("neurons, PGPE", GREEN, "--", "^"),
}


def draw(which: str, out: Path, data: Path = DATA) -> list[Path]:
    """Draws one of `FIGURES`.

    Args:
        which: figure.
        out: folder of the SVG files and, where the figure computes its numbers, of their CSV.
        data: folder of the sweeps' results.

    Returns:
        The files written.
    """
    return FIGURES[which](out, data)


def cartpole_methods(out: Path, data: Path) -> list[Path]:
    """Fig. 7: learning curves of the methods at each limit, and what they reach, against the limit."""
    curves, rows = read_rows(data / "fig7-curves.csv"), read_rows(data / "fig7.csv")
    if (data / "fig7-plain.csv").is_file():
        curves += read_rows(data / "fig7-plain-curves.csv")
        rows += read_rows(data / "fig7-plain.csv")

    def paint(figure: Figure) -> None:
        panels = figure.subplot_mosaic([["100", "200", "500", "1000"], ["last", "last", "greedy", "greedy"]])
        for limit in LIMITS:
            axes = panels[str(limit)]
            for method, style in _STYLES.items():
                _curve(axes, [c for c in curves if c["method"] == method and c["limit"] == str(limit)], style)
            axes.set(title=f"at most {limit} steps", xlabel="episodes", ylim=(0, 1.04 * limit), xlim=(0, 3840))
            axes.set_xticks([0, 1000, 2000, 3000])
        panels["100"].set_ylabel("mean return")
        titles = {"last": "last 128 episodes (actions sampled)", "greedy": "after training (actions greedy)"}
        for column, title in titles.items():
            axes = panels[column]
            for method, style in _STYLES.items():
                _against_limit(axes, rows, method, column, style)
            axes.set(xscale="log", xlabel="limit (steps)", title=title, ylim=(0, 1.04))
            axes.set_xticks(LIMITS, [str(limit) for limit in LIMITS])
            axes.minorticks_off()
        panels["last"].set_ylabel("mean return / limit")
        handles, labels = panels["last"].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, title="bands and bars: 95 % over seeds")

    return save(paint, (10.0, 6.4), out / "cartpole_methods.svg")


def _curve(axes, points: list[dict], style) -> None:
    if not points:
        return
    _, colour, line, _ = style
    episodes, mean, low, high = (
        np.array([float(p[c] or "nan") for p in points]) for c in ("episodes", "mean", "low", "high")
    )
    axes.plot(episodes, mean, line, color=colour, linewidth=1.5)
    axes.fill_between(episodes, low, high, color=colour, alpha=0.18, linewidth=0)


def _against_limit(axes, rows, method, column, style) -> None:
    from zoo.evaluation.statistics import interval_95

    label, colour, line, marker = style
    limits = [limit for limit in LIMITS if len(values(rows, column, method=method, limit=limit))]
    if not limits:
        return
    parts = [values(rows, column, method=method, limit=limit) / limit for limit in limits]
    means = np.array([part.mean() for part in parts])
    low, high = np.array([interval_95(part) for part in parts]).T
    axes.errorbar(limits, means, [means - low, high - means], linestyle=line, marker=marker, color=colour, capsize=2,
                  markersize=4, linewidth=1.5, label=label)  # fmt: skip


_EPISODES = 4
_BP_MODELS = ("homsnn-cartpole500-1024-bp", "hetsnn-cartpole500-1024-bp")


def membrane_potentials(out: Path, data: Path) -> list[Path]:
    """Fig. 8: potentials before the reset in four episodes of networks trained by gradients."""
    rows, shown = [], {}
    for name in _BP_MODELS:
        model = load(name)
        parts = model.parts(model.seeds[0])
        for episode in range(_EPISODES):
            u = potentials(parts, record(model, episode=episode).inputs)
            shown[name, episode] = u.ravel()
            low, middle, high = np.percentile(u, [1, 50, 99])
            rows.append({
                "model": name, "episode": episode, "steps": len(u), "min": float(u.min()), "percentile_1": float(low),
                "median": float(middle), "percentile_99": float(high), "max": float(u.max()),
                "fired": float((u >= parts["v_th"]).mean()),
            })  # fmt: skip

    def paint(figure: Figure) -> None:
        grid = figure.subplots(len(_BP_MODELS), _EPISODES, sharex="row", sharey=True, squeeze=False)
        for axes, ((name, episode), u) in zip(grid.flat, shown.items(), strict=True):
            colour = BLUE if name.startswith("het") else VERMILION
            every = np.concatenate([v for (other, _), v in shown.items() if other == name])
            bins = np.linspace(every.min(), every.max(), 61)
            axes.hist(u, bins, density=True, log=True, color=colour, alpha=0.55)
            label, edge = f"threshold before training, {V_TH:g} V", matplotlib.rcParams["axes.edgecolor"]
            axes.axvline(V_TH, color=edge, linewidth=0.8, linestyle="--", label=label)
            axes.set_title(f"{u.min():.2f} to {u.max():.2f} V", fontsize=8, fontweight="normal")
            axes.set_xlabel("u[t] (V)")
            if episode == 0:
                what = "trained neurons" if name.startswith("het") else "trained weights"
                axes.set_ylabel(f"{what}\ndensity (1/V)")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center")

    table = write_table(out / "membrane_potentials.csv", rows)
    return [*save(paint, (10.0, 4.6), out / "membrane_potentials.svg"), table]


_NETWORKS: dict[str, tuple[str, bool]] = {
    "untrained": ("homsnn-cartpole500-1024-bp", False),
    "weights, by gradients": ("homsnn-cartpole500-1024-bp", True),
    "neurons, by gradients": ("hetsnn-cartpole500-1024-bp", True),
    "neurons, by PGPE": ("hetsnn-cartpole500-1024", True),
}
_SURROGATES = {
    "Eq. 9, arctan": Surrogate("arctan", 2.0),
    "Eq. 9, log-sign": Surrogate("log-sign", 2.0),
    "Eq. 11": Surrogate("arctan", 2.0, detach_reset=True),
}
_LENGTHS = np.unique(np.geomspace(1, 400, 25).round().astype(int))


def jacobians(out: Path, data: Path) -> list[Path]:
    """Norm of products of Jacobians against their length, for Eq. 9 and Eq. 11, untrained and trained."""
    rows: list[dict] = []
    shown: dict = {}
    for title, (name, trained) in _NETWORKS.items():
        model = load(name)
        for seed in model.seeds[:5]:
            inputs = record(model, seed).inputs
            parts = model.parts(seed) if trained else model.network_config.initial(seed)
            u = potentials(parts, inputs)
            for equation, surrogate in _SURROGATES.items():
                lengths = _LENGTHS[len(u) >= _LENGTHS]
                found = spectrum(factors(parts, u, surrogate), lengths)
                shown.setdefault((title, equation), []).append(found)
                rows += [
                    {
                        "network": title, "seed": seed, "equation": equation, "length": int(n), "norm": float(norm),
                        "norm_95": float(high), "median": float(median), "exceeding_1": float(share),
                    }
                    for n, norm, high, median, share in zip(
                        found.lengths, found.norm, found.norm_high, found.median, found.exceeding, strict=True
                    )
                ]  # fmt: skip

    def paint(figure: Figure) -> None:
        grid = figure.subplots(1, len(_NETWORKS), sharey=True)
        colours = dict(zip(_SURROGATES, (VERMILION, PURPLE, BLUE), strict=True))
        for axes, title in zip(grid, _NETWORKS, strict=True):
            axes.axhline(1.0, color=matplotlib.rcParams["axes.edgecolor"], linewidth=0.8)
            for equation, colour in colours.items():
                found = shown[title, equation]
                for one in found:
                    axes.plot(one.lengths, one.norm, color=colour, linewidth=0.5, alpha=0.5)
                n = min((one.lengths for one in found), key=len)
                for kind, line, whose in (("norm", "-", "largest"), ("median", ":", "median")):
                    mean = np.exp(np.log([getattr(one, kind)[: len(n)] for one in found]).mean(0))
                    axes.plot(n, mean, line, color=colour, linewidth=1.5, label=f"{equation}: {whose} neuron")
            axes.set(xscale="log", yscale="log", title=title, ylim=(1e-12, 1e12), xlabel="steps n")
        grid[0].set_ylabel("|product of n Jacobians|")
        handles, labels = grid[0].get_legend_handles_labels()
        title = "thick: geometric mean over training seeds; thin: each seed's largest neuron"
        figure.legend(handles, labels, loc="outside lower center", ncols=3, title=title)

    table = write_table(out / "jacobians.csv", rows)
    return [*save(paint, (10.0, 3.8), out / "jacobians.svg"), table]


FIGURES: dict[str, Callable[[Path, Path], list[Path]]] = {
    "cartpole-methods": cartpole_methods,
    "membrane-potentials": membrane_potentials,
    "jacobians": jacobians,
}
