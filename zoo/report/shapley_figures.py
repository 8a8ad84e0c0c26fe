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
from zoo.report.shapley_tables import excesses
from zoo.tasks.brax import FAMILY as BRAX

_WHOSE = {"zoo": BLUE, "paper": VERMILION}


def shapley(out: Path) -> list[Path]:
    """Each property's Shapley value above the mean of the four, one panel for each robot of which all are published.

    Args:
        out: folder of ``shapley.svg`` for light and dark pages and of ``shapley.csv``.

    Returns:
        The files written.

    Raises:
        ZooError: if there is no such robot.
    """
    found = {
        (task, whose): excesses([rewards])
        for task, both in whole_tables().items()
        for whose, rewards in zip(_WHOSE, both, strict=True)
    }
    if not found:
        raise ZooError(
            "no robot has all 15 subsets of the properties published; `zoo table missing` has what is left"
        )
    tasks = sorted({task for task, _ in found})

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, len(tasks), squeeze=False)[0]
        for axes, task in zip(panels, tasks, strict=True):
            for shift, (whose, colour) in zip((-0.2, 0.2), _WHOSE.items(), strict=True):
                effect, low, high, _ = np.array([found[task, whose][name] for name in PROPERTIES]).T
                place = np.arange(len(PROPERTIES)) + shift
                axes.bar(place, effect, 0.36, color=colour, label=whose)
                axes.errorbar(
                    place, effect, [effect - low, high - effect], fmt="none", capsize=2, linewidth=1,
                    ecolor=axes.xaxis.label.get_color(),
                )  # fmt: skip
            axes.set_xticks(range(len(PROPERTIES)), [SIGNS[name] for name in PROPERTIES])
            axes.set_title(BRAX.label(task))
            zero_line(axes)
        panels[0].set_ylabel("Shapley value above\nthe mean of the four")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)

    numbers = [
        {"task": task, "whose": whose, "property": name}
        | dict(zip(("worth", "low", "high", "p"), effect, strict=True))
        for (task, whose), effects in found.items()
        for name, effect in effects.items()
    ]
    return [
        *save(paint, (2.6 * len(tasks) + 0.6, 3.0), out / "shapley.svg"),
        write_table(out / "shapley.csv", numbers),
    ]
