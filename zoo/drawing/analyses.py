"""Figures of the analyses: each function takes numbers and returns a drawing for `zoo.drawing.style`."""

import itertools
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from zoo.analysis.disturbances import Robustness
from zoo.analysis.fitted_tau import Series, TimeConstants
from zoo.analysis.interventions import Interventions
from zoo.analysis.null import NullControl
from zoo.analysis.shapley import Contributions
from zoo.drawing.style import BLUE, COLOURS, GREEN, MARKERS, NAMES, PURPLE, VERMILION, Draw, in_words, zero_line
from zoo.evaluation.statistics import interval_95
from zoo.models import PROPERTIES

_BINS = 60
_TAU_TICKS = (5, 10, 20, 30, 50, 100, 200, 500, 1000, 2000)
_COLOUR_OF = {"trained": BLUE, "null": VERMILION, "biology": GREEN}


def time_constants(result: TimeConstants) -> tuple[Draw, tuple[float, float]]:
    """Fig. 5: histograms on a logarithmic axis with both fits; models left, biology right. With its size."""
    models = [one.name for one in result.series if one.origin == "trained"]
    biology = [one for one in result.series if one.origin == "biology"]
    panels = [[s for s in result.series if s.name == name] for name in models] + [[one] for one in biology]
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)

    def draw(figure: Figure) -> None:
        grid = figure.subplots(rows, columns, sharex=True, squeeze=False)
        everything = np.concatenate([np.ravel(s.tau_ms) for s in result.series])
        low, high = np.quantile(everything, [0.0005, 0.9995])
        for axes in grid.flat[len(panels) :]:
            axes.set_axis_off()
        for i, (axes, panel) in enumerate(zip(grid.flat, panels, strict=False)):
            for series in panel:
                _histogram(axes, series, float(low), float(high))
            axes.set(xscale="log", xlim=(low, high), title=panel[0].title)
            ticks = [tick for tick in _TAU_TICKS if low <= tick <= high]
            axes.set_xticks(ticks, [f"{tick}" for tick in ticks])
            axes.minorticks_off()
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("membrane time constant (ms)")
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))
            if i % columns == 0:
                axes.set_ylabel("density per unit of ln(time)")

    return draw, (3.6 * columns, 3.9 * rows)


def _histogram(axes, series: Series, low: float, high: float) -> None:
    """Density of ln tau, as a step line, with the fitted families over it."""
    values, colour = np.ravel(series.tau_ms), _COLOUR_OF[series.origin]
    bins = np.geomspace(low, high, (_BINS if values.size > 1000 else _BINS // 2) + 1)
    heights = np.histogram(values, bins)[0] / values.size / np.diff(np.log(bins))
    label = {"trained": "trained", "null": "null control", "biology": "cells"}[series.origin]
    axes.stairs(heights, bins, fill=True, alpha=0.3, color=colour, label=f"{label} (n = {values.size:,})")
    x = np.geomspace(low, high, 400)
    styles = {"lognormal": "-", "gamma": ":"}
    for family, style in styles.items():
        if series.origin == "null" and family == "gamma":
            continue
        fit = series.fits[family]
        name = "log-normal" if family == "lognormal" else "gamma"
        axes.plot(x, x * fit.distribution().pdf(x), style, color=colour, linewidth=1.4,
                  label=f"{name} {fit.shape:.2f}, {fit.scale:.3g} ms")  # fmt: skip


def null_control(nulls: Sequence[NullControl]) -> tuple[Draw, tuple[float, float]]:
    """Spread of ln tau of each training seed: trained against drift alone, four models a row. With its size."""
    columns = min(4, len(nulls))
    rows = -(-len(nulls) // columns)

    def draw(figure: Figure) -> None:
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in panels[len(nulls) :]:
            axes.set_visible(False)
        for axes, null in zip(panels, nulls, strict=False):
            trained, drifted = np.log(null.trained_tau_ms).std(1), np.log(null.null_tau_ms).std(1)
            ends = np.array([min(trained.min(), drifted.min()), max(trained.max(), drifted.max())])
            room = 0.06 * np.ptp(ends)
            ends += [-room, room]
            axes.plot(ends, ends, color=matplotlib.rcParams["axes.edgecolor"], linewidth=0.8, label="equal spread")
            axes.scatter(drifted, trained, s=18, color=BLUE, alpha=0.8, linewidths=0, label="one training seed")
            axes.set(xlim=ends, ylim=ends, aspect="equal", title=null.name)
            axes.locator_params(nbins=5)
            axes.set_xlabel("null control: std of ln(time constant)")
            axes.set_ylabel("trained: std of ln(time constant)")
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)

    return draw, (4.0 * columns, 4.2 * rows)


def shapley(results: Sequence[Contributions]) -> tuple[Draw, tuple[float, float]]:
    """Fig. 4: normalised Shapley values with 95 % intervals over seeds, of results with a gain. With its size."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        width = 0.8 / len(results)
        for i, result in enumerate(results):
            means, low, high = np.array([result.shares[name] for name in PROPERTIES]).T
            place = np.arange(len(PROPERTIES)) + (i - (len(results) - 1) / 2) * width
            axes.bar(place, 100 * means, 0.92 * width, color=COLOURS[i % 4], label=_of_seeds(result))
            axes.errorbar(place, 100 * means, 100 * np.array([means - low, high - means]), fmt="none", capsize=2,
                          ecolor=matplotlib.rcParams["text.color"], linewidth=1)  # fmt: skip
        zero_line(axes)
        axes.set_xticks(range(len(PROPERTIES)), [NAMES[name] for name in PROPERTIES])
        axes.set_ylabel("Shapley value (% of the gain\nover the untrained network)")
        axes.legend(title="model", loc="upper left", bbox_to_anchor=(1.0, 1.0))

    return draw, (7.2, 3.2)


def _of_seeds(result: Contributions) -> str:
    """A legend's entry; of one training seed there is no interval."""
    seeds = len(next(iter(result.values.values())))
    return result.name if seeds > 1 else f"{result.name},\none training seed"


_KINDS = {
    "reset": ("reset to {start}", VERMILION, "s"),
    "shuffled": ("shuffled across neurons", BLUE, "o"),
    "drawn": ("drawn from the fit", GREEN, "^"),
    "mouse": ("drawn from mouse cells", PURPLE, "D"),
    "human": ("drawn from human cells", PURPLE, "P"),
}


def interventions(result: Interventions, max_return: float | None) -> tuple[Draw, tuple[float, float]]:
    """Mean return after each intervention with its 95 % interval over seeds. With its size."""
    changed = [outcome for outcome in result.outcomes if outcome.kind != "trained"]
    targets = [name for name in (*PROPERTIES, "all") if any(o.target == name for o in changed)]
    order = [outcome for name in targets for outcome in changed if outcome.target == name]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        trained = result.outcomes[0].means.mean()
        axes.axvline(trained, color=matplotlib.rcParams["axes.edgecolor"], linewidth=1, linestyle="--")
        for y, outcome in enumerate(reversed(order)):
            _, colour, marker = _KINDS[outcome.kind]
            low, high = interval_95(outcome.means)
            axes.plot([low, high], [y, y], color=colour, linewidth=2)
            axes.plot(outcome.means.mean(), y, marker, color=colour, markersize=6)
        kinds = {kind: text.format(start=result.start) for kind, (text, *_) in _KINDS.items()}
        labels = [f"{in_words(o.target, targets)}: {kinds[o.kind]}" for o in reversed(order)]
        axes.set_yticks(range(len(order)), labels)
        goal = f", of at most {max_return:g}" if max_return is not None else ""
        axes.set_xlabel(f"mean return{goal} (dashed: as trained, {trained:.4g})")
        axes.set_title(result.name)

    return draw, (6.8, 0.8 + 0.27 * len(order))


def robustness(result: Robustness) -> tuple[Draw, tuple[float, float]]:
    """Mean return against each disturbance, heterogeneous against homogeneous. With its size."""
    kinds = list(dict.fromkeys(point.kind for point in result.points))

    def draw(figure: Figure) -> None:
        row = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
        names = list(dict.fromkeys(point.name for point in result.points))
        for axes, kind in zip(row, kinds, strict=True):
            for name, marker, colour in zip(names, itertools.cycle(MARKERS), itertools.cycle(COLOURS), strict=False):
                chosen = [p for p in result.points if p.kind == kind and p.name == name]
                level, means = [p.level for p in chosen], np.array([p.means.mean() for p in chosen])
                low, high = np.array([interval_95(p.means) for p in chosen]).T
                axes.plot(level, means, marker=marker, markersize=4, color=colour, label=name)
                axes.fill_between(level, low, high, color=colour, alpha=0.18, linewidth=0)
            axes.set(xlabel=result.units[kind], title=kind)
        row[0].set_ylabel("mean return")
        figure.legend(*row[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(names))

    return draw, (3.0 * len(kinds), 3.3)
