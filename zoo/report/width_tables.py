"""What more parameters bring, and trained weights against trained neurons, with tests corrected for their number."""

from collections.abc import Iterable
from statistics import fmean
from typing import NamedTuple

import numpy as np

from zoo.core.formatting import number
from zoo.evaluation.statistics import Contrast, student
from zoo.report.control_tables import (
    fully_trained,
    generations_of_both,
    means_until,
    models_of_fig_3,
    whole_generations,
)
from zoo.report.tested_tables import KINDS, compared, tested
from zoo.store.catalogue import ModelInfo
from zoo.tasks.brax import FAMILY as BRAX


class Points(NamedTuple):
    """Networks of one environment and kind: the number of parameters of each, and its return."""

    parameters: tuple[float, ...]
    returns: tuple[float, ...]


def trend(first: Points, second: Points | None = None) -> Contrast:
    """What the return gains when the number of parameters is doubled, by least squares over networks.

    Args:
        first: at least three, of two numbers of parameters or more.
        second: as many at least; their gain is taken off.
    """
    from scipy.stats import linregress

    points = (first,) if second is None else (first, second)
    lines = [linregress(np.log2(own.parameters), own.returns) for own in points]
    gain = lines[0].slope - sum(line.slope for line in lines[1:])
    return student(gain, [line.stderr**2 for line in lines], [len(own.returns) - 2 for own in points])


def trend_table(rows: Iterable[ModelInfo]) -> str:
    """What twice the parameters bring in each of Brax's environments, to neurons and to weights, as Markdown.

    Every training seed's population in its last generation is one number; the last p is corrected for the number of
    rows (Holm). A second table has what they bring to weights less what they bring to neurons.

    Args:
        rows: published models; others than Brax's are left out, and those that are not `fully_trained`.
    """
    cells = {key: row for key, row in models_of_fig_3(rows).items() if fully_trained(row)}
    found, lines = [], {}
    for task, kind in sorted({(task, kind) for task, _, kind in cells}):
        own = {budget: row for (t, budget, k), row in sorted(cells.items()) if (t, k) == (task, kind)}
        means = {budget: means_until(row, whole_generations(row))[1] for budget, row in own.items()}
        points = [(budget, mean) for budget, seeds in means.items() for mean in seeds]
        if len(own) < 2 or len(points) < 3:
            continue
        least, *_, most = own
        start = f"| {BRAX.label(task)} | {KINDS[kind]} | {least:,} to {most:,} | {len(points)} "
        start += f"| {number(fmean(means[least]))} | {number(fmean(means[most]))} "
        lines[task, kind] = Points(*zip(*points, strict=True))
        found.append((start, trend(lines[task, kind])))
    both = [task for task, kind in lines if kind == "hom" and (task, "het") in lines]
    gaps = [(f"| {BRAX.label(task)} ", trend(lines[task, "hom"], lines[task, "het"])) for task in both]
    gains = tested(
        "| environment | trained | parameters | networks | smallest | largest | gain by doubling (95 % interval) | p "
        "| p, corrected |\n| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        found,
    )
    return gains + tested(
        "\n| environment | weights' gain - neurons' (95 % interval) | p | p, corrected |\n"
        "| --- | ---: | ---: | ---: |\n",
        gaps,
    )


def difference_table(rows: Iterable[ModelInfo]) -> str:
    """Trained weights against trained neurons, pair by pair, as Markdown.

    Population means after as many generations as both have had; the interval is Welch's over training seeds, and the
    last p is corrected for the number of pairs (Holm).

    Args:
        rows: published models; others than Brax's are left out, and pairs of which one had no whole episodes by then.
    """
    cells = models_of_fig_3(rows)
    found = []
    for task, budget in sorted({(task, budget) for task, budget, _ in cells}):
        pair = [cells[task, budget, kind] for kind in KINDS if (task, budget, kind) in cells]
        if len(pair) < 2:
            continue
        if (until := generations_of_both(*pair)) is None:
            continue
        neurons, weights = (means_until(row, until)[1] for row in pair)
        found += compared(f"| {BRAX.label(task)} | {budget:,} | {until:,} ", neurons, weights)
    return tested(
        "| environment | parameters | generations | neurons | weights | weights - neurons (95 % interval) "
        "| Welch's p | corrected |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        found,
    )
