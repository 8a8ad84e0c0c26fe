"""Continuous control in pictures: learning curves (Fig. 3), and which properties are trained (Table 1)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoo.analysis.subsets import subset_names
from zoo.core.csv_files import write_table
from zoo.core.errors import ZooError
from zoo.drawing.style import BLUE, VERMILION, save, zero_line
from zoo.models import PROPERTIES
from zoo.registry.names import parse
from zoo.registry.paper import PAPER_GENERATIONS, TABLE_1, TABLE_1_BUDGET
from zoo.report.control_tables import (
    SIGNS,
    means_until,
    models_of_fig_3,
    population_curve,
    subset_models,
    whole_generations,
)
from zoo.store.catalogue import ModelInfo
from zoo.tasks.brax import FAMILY as BRAX

_KINDS = {"het": ("neurons", BLUE), "hom": ("weights", VERMILION)}
_DRAWN = (TABLE_1_BUDGET // 4, TABLE_1_BUDGET)
_TICKS = (1, 10, 100, PAPER_GENERATIONS)
_DASHES = ("--", ":", "-.", (0, (8, 2)), (0, (1, 3)))


def drawn_models(rows: list[ModelInfo]) -> dict[tuple[str, int, str], ModelInfo]:
    """`models_of_fig_3`, of which there must be some.

    Raises:
        ZooError: if none of the models belongs to one of Brax's environments.
    """
    models = models_of_fig_3(rows)
    if not models:
        raise ZooError(f"no model of {', '.join(BRAX.tasks)} is published here; draw them where there are some")
    return models


def control(rows: list[ModelInfo], out: Path) -> list[Path]:
    """Population's mean return against generation, mean and range over seeds, one panel for each environment.

    Generations are on a logarithmic axis, so that short trainings can be read beside full ones. The paper's
    mean and standard deviation stand at its last generation. Where networks of the paper's size and of a quarter of
    it are published, they alone are drawn; the table has all.

    Args:
        rows: published models; those of other tasks and of subsets of the properties are left out.
        out: folder of ``control.svg`` for light and dark pages and of ``control.csv``.

    Returns:
        The files written.

    Raises:
        ZooError: if none of the models belongs to one of Brax's environments.
    """
    models = drawn_models(rows)
    curves = {key: population_curve(models[key]) for key in sorted(models)}
    drawn = {key: curve for key, curve in curves.items() if key[1] in _DRAWN} or curves
    styles = budget_styles({budget for _, budget, _ in drawn})
    generations = [row["generation"] for curve in drawn.values() for row in curve]
    first, last = min(generations, default=1), max([PAPER_GENERATIONS, *generations])

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, len(BRAX.tasks), sharex=True)
        for axes, task in zip(panels, sorted(BRAX.tasks), strict=True):
            for (_, budget, kind), curve in ((key, curve) for key, curve in drawn.items() if key[0] == task):
                what, colour = _KINDS[kind]
                _line(axes, curve, color=colour, linestyle=styles[budget], label=f"{what}, {budget:,} parameters")
            paper_point(axes, task)
            axes.set(title=BRAX.label(task), xlabel="generation", xscale="log", xlim=(first, 1.25 * last))
            ticks = [tick for tick in _TICKS if tick >= first]
            axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
            zero_line(axes)
        panels[0].set_ylabel("mean return of the population")
        shown = _legend(panels)
        title = "bands: range of training seeds"
        figure.legend([*shown.values()], [*shown], loc="outside lower center", ncols=3, title=title)

    numbers = [{"model": models[key].name} | row for key, curve in curves.items() for row in curve]
    return [*save(paint, (11.0, 3.8), out / "control.svg"), write_table(out / "control.csv", numbers)]


def _legend(panels: Iterable[Axes]) -> dict[str, Any]:
    """All lines by their labels, the smallest networks first and the paper last."""
    shown: dict[str, Any] = {}
    for axes in panels:
        handles, labels = axes.get_legend_handles_labels()
        shown |= dict(zip(labels, handles, strict=True))

    def place(label: str) -> tuple[bool, int, str]:
        return label.startswith("paper"), int("".join(filter(str.isdecimal, label))), label

    return {label: shown[label] for label in sorted(shown, key=place)}


def budget_styles(budgets: set[int]) -> dict[int, object]:
    """Line styles: the paper's budget is drawn through, the others are dashed."""
    others = sorted(budgets - {TABLE_1_BUDGET})
    return {TABLE_1_BUDGET: "-"} | {budget: _DASHES[i % len(_DASHES)] for i, budget in enumerate(others)}


def _line(axes: Axes, curve: list[dict], **style) -> None:
    generation, mean, low, high = (
        np.array([row[key] for row in curve]) for key in ("generation", "mean", "low", "high")
    )
    axes.plot(generation, mean, linewidth=1.5, **style)
    axes.fill_between(generation, low, high, color=style["color"], alpha=0.13, linewidth=0)


def ablation(name: str, out: Path, runs: Path | None = None) -> list[Path]:
    """Rewards of the 15 subsets of trained properties: the population's curves, and their ends beside the paper's.

    Ends are after as many generations as all subsets have had.

    Args:
        name: of the model that trains all four.
        out: folder of ``ablation-{name}.svg`` for light and dark pages and of ``ablation-{name}.csv``.
        runs: folder of runs whose checkpoints are taken; by default the published ones.

    Returns:
        The files written.

    Raises:
        ValueError: if the model is not one that trains all four properties in a Brax environment.
        FileNotFoundError: if there is no folder `runs`.
        ZooError: if there is no model of any subset.
    """
    model, models = parse(name), subset_models(name, runs)
    if not models:
        names = ",".join(subset_names(name).values())
        raise ZooError(f"no subset of {name} has a model here; train them: zoo train {names} --lockstep")
    until = min(map(whole_generations, models.values()))
    order = [frozenset(chosen) for chosen in TABLE_1]

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
        for chosen, row in models.items():
            curve = population_curve(row)
            generation, mean = ([row[key] for row in curve] for key in ("generation", "mean"))
            left.plot(generation, mean, linewidth=1.2, color=_with_tau(chosen))
        left.set(title="learning curves", xlabel="generation", ylabel="mean return of the population")
        for y, chosen in enumerate(reversed(order)):
            paper_point(right, model.task, properties=tuple(p for p in PROPERTIES if p in chosen), height=y)
            if chosen in models:
                means = means_until(models[chosen], until)[1]
                colour = _with_tau(chosen)
                right.plot([min(means), max(means)], [y, y], color=colour, linewidth=2)
                right.plot(np.mean(means), y, "o", color=colour, markersize=6, label=_ZOO[colour])
        labels = [", ".join(SIGNS[p] for p in PROPERTIES if p in chosen) for chosen in reversed(order)]
        right.set_yticks(range(len(order)), labels)
        right.set(
            title=f"after {until:,} generations; paper: after {PAPER_GENERATIONS:,}", ylabel="trained properties"
        )
        right.set_xlabel("mean return of the population (line: range of training seeds)")
        right.set_xlim(left=min(0.0, right.get_xlim()[0]))
        zero_line(left)
        handles, labels = right.get_legend_handles_labels()
        shown = dict(zip(labels, handles, strict=True))
        figure.legend([*shown.values()], [*shown], loc="outside lower center", ncols=3)

    numbers = [
        {"model": models[chosen].name, "neurons": model.budget // len(chosen)} | row
        for chosen in order
        if chosen in models
        for row in population_curve(models[chosen])
    ]
    stem = f"ablation-{name}"
    return [*save(paint, (10.0, 5.2), out / f"{stem}.svg"), write_table(out / f"{stem}.csv", numbers)]


_ZOO = {BLUE: "zoo, time constants among the trained", VERMILION: "zoo, time constants not trained"}
"""What the colours of a subset stand for."""


def _with_tau(chosen: frozenset[str]) -> str:
    return BLUE if "x_tau" in chosen else VERMILION


def paper_point(
    axes: Axes,
    task: str,
    *,
    properties: tuple[str, ...] = PROPERTIES,
    x: float = PAPER_GENERATIONS,
    height: float | None = None,
) -> None:
    """The paper's point of Table 1: its reward upwards at `x`, or to the right at a height."""
    mean, std = map(float, TABLE_1[properties][task].split(" ± "))
    place: dict[str, Any] = {"x": x, "y": mean, "yerr": std}
    if height is not None:
        place = {"x": mean, "y": height, "xerr": std}
    axes.errorbar(
        **place,
        marker="D",
        markersize=5,
        capsize=3,
        linestyle="none",
        color=axes.xaxis.label.get_color(),
        label=f"paper: neurons, {TABLE_1_BUDGET:,} parameters, mean ± std",
    )
