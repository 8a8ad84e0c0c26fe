"""Fig. 4 on the robots: what each property is worth in Table 1, in the zoo's rewards and in the paper's."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from zoo.core.csv_files import write_table
from zoo.core.errors import ZooError
from zoo.drawing.style import BLUE, VERMILION, save, zero_line
from zoo.models import PROPERTIES
from zoo.report.control_tables import SIGNS
from zoo.report.property_tables import whole_tables
from zoo.report.shapley_tables import excess, excesses
from zoo.tasks.brax import FAMILY as BRAX


def shapley(out: Path) -> list[Path]:
    """Each property's Shapley value above the mean of the four, one panel for each robot of which all are published.

    Args:
        out: folder of ``shapley.svg`` for light and dark pages and of ``shapley.csv``.

    Returns:
        The files written.

    Raises:
        ZooError: if there is no such robot.
    """
    tables = whole_tables()
    if not tables:
        raise ZooError(
            "no robot has all 15 subsets of the properties published; `zoo table missing` has what is left"
        )
    effects = {task: excesses([returns]) for task, (returns, _) in tables.items()}
    papers = {task: excess(paper) for task, (_, paper) in tables.items()}
    place = np.arange(len(PROPERTIES))

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, len(tables), squeeze=False)[0]
        for axes, task in zip(panels, tables, strict=True):
            effect, low, high, _ = np.array([effects[task][name] for name in PROPERTIES]).T
            ends, ink = [effect - low, high - effect], axes.xaxis.label.get_color()
            axes.bar(place - 0.2, effect, 0.36, color=BLUE, label="zoo, with 95 % intervals")
            axes.errorbar(place - 0.2, effect, ends, fmt="none", capsize=2, linewidth=1, ecolor=ink)
            axes.bar(place + 0.2, [papers[task][name] for name in PROPERTIES], 0.36, color=VERMILION, label="paper")
            axes.set_xticks(place, [SIGNS[name] for name in PROPERTIES])
            axes.set_title(BRAX.label(task))
            zero_line(axes)
        panels[0].set_ylabel("Shapley value above\nthe mean of the four")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)

    numbers = [
        {"task": task, "property": name, "paper": papers[task][name]}
        | dict(zip(("worth", "low", "high", "p"), effect, strict=True))
        for task in tables
        for name, effect in effects[task].items()
    ]
    size = (2.6 * len(tables) + 0.6, 3.0)
    return [*save(paint, size, out / "shapley.svg"), write_table(out / "shapley.csv", numbers)]
