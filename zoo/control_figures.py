"""Learning curves of continuous control (Fig. 3): trained neurons, trained weights, and where the paper ends."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoo.analysis.style import BLUE, VERMILION, save, zero_line
from zoo.analysis.tables import write_table
from zoo.catalogue import ModelInfo
from zoo.control_tables import ENVIRONMENTS, full_models, population_curve
from zoo.errors import ZooError
from zoo.models import PROPERTIES
from zoo.names import BRAX_TASKS
from zoo.paper import PAPER_GENERATIONS, TABLE_1, TABLE_1_BUDGET

_KINDS = {"het": ("neurons", BLUE), "hom": ("weights", VERMILION)}
_TICKS = (1, 10, 100, PAPER_GENERATIONS)
_DASHES = ("--", ":", "-.", (0, (8, 2)), (0, (1, 3)))


def control(rows: list[ModelInfo], out: Path) -> list[Path]:
    """Population's mean return against generation, mean and range over seeds, one panel for each environment.

    Generations are on a logarithmic axis, so that short trainings can be read beside full ones. The paper's
    mean and standard deviation stand at its last generation.

    Args:
        rows: published models; those of other tasks and of subsets of the properties are left out.
        out: folder of ``control.svg`` for light and dark pages and of ``control.csv``.

    Returns:
        The files written.

    Raises:
        ZooError: if none of the models belongs to one of Brax's environments.
    """
    models = full_models(rows)
    if not models:
        raise ZooError(f"no model of {', '.join(BRAX_TASKS)} is published here; draw them where there are some")
    curves = {key: population_curve(models[key]) for key in sorted(models)}
    styles = budget_styles({budget for _, budget, _ in models})

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, len(BRAX_TASKS), sharex=True)
        for axes, task in zip(panels, sorted(BRAX_TASKS), strict=True):
            for (_, budget, kind), curve in ((key, curve) for key, curve in curves.items() if key[0] == task):
                what, colour = _KINDS[kind]
                _line(axes, curve, color=colour, linestyle=styles[budget], label=f"{what}, {budget:,} parameters")
            _paper(axes, task)
            axes.set(title=ENVIRONMENTS[task], xlabel="generation", xscale="log", xlim=(1, 1.25 * PAPER_GENERATIONS))
            axes.set_xticks(_TICKS, [f"{tick:,}" for tick in _TICKS])
            zero_line(axes)
        panels[0].set_ylabel("mean return of the population")
        shown = {}
        for axes in panels:
            handles, labels = axes.get_legend_handles_labels()
            shown |= dict(zip(labels, handles, strict=True))
        title = "bands: range of training seeds"
        figure.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=3, title=title)

    numbers = [{"model": models[key].name} | row for key, curve in curves.items() for row in curve]
    return [*save(paint, (11.0, 3.8), out / "control.svg"), write_table(out / "control.csv", numbers)]


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


def _paper(axes: Axes, task: str) -> None:
    """The paper's point: heterogeneous networks of Table 1's budget, all four properties trained."""
    mean, std = map(float, TABLE_1[PROPERTIES][task].split(" ± "))
    axes.errorbar(
        PAPER_GENERATIONS,
        mean,
        std,
        marker="D",
        markersize=5,
        capsize=3,
        linestyle="none",
        color=axes.xaxis.label.get_color(),
        label=f"paper: neurons, {TABLE_1_BUDGET:,} parameters, mean ± std",
    )
