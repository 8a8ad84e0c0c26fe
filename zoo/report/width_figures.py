"""Reward against the number of trained parameters, as the paper's Fig. 3 has it."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from zoo.core.csv_files import write_table
from zoo.drawing.style import BLUE, VERMILION, save, zero_line
from zoo.registry.paper import TABLE_1_BUDGET
from zoo.report.control_figures import drawn_models, paper_point
from zoo.report.control_tables import fully_trained
from zoo.store.catalogue import ModelInfo
from zoo.tasks.brax import FAMILY as BRAX

_KINDS = {"het": ("neurons", BLUE, 0.97), "hom": ("weights", VERMILION, 1.03)}
"""Label, colour, and how far to the side a point stands, so that bars of both kinds can be seen."""


def widths(rows: list[ModelInfo], out: Path) -> list[Path]:
    """The last population's mean return, mean ± standard deviation over seeds, against trained parameters.

    The paper's number for its Table 1 stands beside it. Budgets that are not published yet have no point.

    Args:
        rows: published models; those of other tasks, of subsets of the properties and those that are not
            `fully_trained` are left out.
        out: folder of ``widths.svg`` for light and dark pages and of ``widths.csv``.

    Returns:
        The files written.

    Raises:
        ZooError: if none of the models belongs to one of Brax's environments.
    """
    models = drawn_models([row for row in rows if fully_trained(row)])
    budgets = sorted({budget for _, budget, _ in models})

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, len(BRAX.tasks), sharex=True)
        for axes, task in zip(panels, sorted(BRAX.tasks), strict=True):
            for kind, (label, colour, aside) in _KINDS.items():
                own = {b: models[task, b, kind] for b in budgets if (task, b, kind) in models}
                places = aside * np.array(list(own), float)
                means = [info.population_mean for info in own.values()]
                spread = [info.population_std for info in own.values()]
                axes.errorbar(
                    places, means, yerr=spread, color=colour, label=label, marker="o", markersize=4, capsize=3
                )
            paper_point(axes, task, x=TABLE_1_BUDGET)
            axes.set(title=BRAX.label(task), xlabel="trained parameters", xscale="log")
            axes.set_xticks(budgets, [f"{budget:,}" for budget in budgets], rotation=30)
            axes.minorticks_off()
            zero_line(axes)
        panels[0].set_ylabel("mean return of the population")
        title = "mean ± standard deviation over training seeds"
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, title=title)

    numbers = [
        {"model": info.name, "parameters": info.parameters, "seeds": info.seeds,
         "population_mean": info.population_mean, "population_std": info.population_std}
        for _, info in sorted(models.items())
    ]  # fmt: skip
    return [*save(paint, (11.0, 3.6), out / "widths.svg"), write_table(out / "widths.csv", numbers)]
