"""What more parameters bring, and trained weights against trained neurons, with tests corrected for their number."""

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import NamedTuple

import numpy as np

from zoo.core.formatting import number
from zoo.evaluation.statistics import holm
from zoo.report.control_tables import (
    fully_trained,
    generations_of_both,
    means_until,
    models_of_fig_3,
    whole_generations,
)
from zoo.store.catalogue import ModelInfo
from zoo.tasks.brax import FAMILY as BRAX

_KINDS = {"het": "neurons", "hom": "weights"}


class Trend(NamedTuple):
    """A straight line through returns against the logarithm of the number of parameters.

    Attributes:
        gain: of return, when the number is doubled.
        low, high: ends of its 95 % interval, Student's t.
        p: that there is none.
    """

    gain: float
    low: float
    high: float
    p: float


def trend(parameters: Sequence[float], returns: Sequence[float]) -> Trend:
    """Least squares over networks; at least three, of two numbers of parameters or more."""
    from scipy.stats import linregress, t

    line = linregress(np.log2(parameters), returns)
    half = t.ppf(0.975, len(returns) - 2) * line.stderr
    return Trend(float(line.slope), float(line.slope - half), float(line.slope + half), float(line.pvalue))


def trend_table(rows: Iterable[ModelInfo]) -> str:
    """What twice the parameters bring in each of Brax's environments, of neurons and of weights, as Markdown.

    Every training seed's population in its last generation is one number; the last p is corrected for the number of
    rows (Holm).

    Args:
        rows: published models; others than Brax's are left out, and those that are not `fully_trained`.
    """
    cells = {key: row for key, row in models_of_fig_3(rows).items() if fully_trained(row)}
    found = []
    for task, kind in sorted({(task, kind) for task, _, kind in cells}):
        own = {budget: row for (t, budget, k), row in sorted(cells.items()) if (t, k) == (task, kind)}
        means = {budget: means_until(row, whole_generations(row))[1] for budget, row in own.items()}
        points = [(budget, mean) for budget, seeds in means.items() for mean in seeds]
        if len(own) < 2 or len(points) < 3:
            continue
        least, *_, most = own
        start = f"| {BRAX.label(task)} | {_KINDS[kind]} | {least:,} to {most:,} | {len(points)} "
        start += f"| {number(fmean(means[least]))} | {number(fmean(means[most]))} "
        found.append((start, trend(*zip(*points, strict=True))))
    return tested(
        "| environment | trained | parameters | networks | smallest | largest | gain by doubling (95 % interval) | p "
        "| p, corrected |\n| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        found,
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
        pair = [cells[task, budget, kind] for kind in _KINDS if (task, budget, kind) in cells]
        if len(pair) < 2:
            continue
        if (until := generations_of_both(*pair)) is None:
            continue
        neurons, weights = (means_until(row, until)[1] for row in pair)
        if min(len(neurons), len(weights)) < 2:
            continue
        means = f"{number(fmean(neurons))} | {number(fmean(weights))}"
        found.append((f"| {BRAX.label(task)} | {budget:,} | {until:,} | {means} ", welch(weights, neurons)))
    return tested(
        "| environment | parameters | generations | neurons | weights | weights - neurons (95 % interval) "
        "| Welch's p | corrected |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        found,
    )


def tested(head: str, found: Sequence[tuple[str, Sequence[float]]]) -> str:
    """A table whose rows go on from their beginnings with an effect, its interval, p, and p corrected by Holm."""
    corrected = holm([p for _, (*_, p) in found])
    return head + "".join(
        f"{start}| {effect:+.0f} ({low:+.0f} to {high:+.0f}) | {p:.2g} | {together:.2g} |\n"
        for (start, (effect, low, high, p)), together in zip(found, corrected, strict=True)
    )


def welch(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float, float]:
    """Welch's test of two independent samples: difference of means, ends of its 95 % interval, p."""
    from scipy.stats import ttest_ind

    result = ttest_ind(first, second, equal_var=False)
    low, high = result.confidence_interval(0.95)
    return float(np.mean(first) - np.mean(second)), float(low), float(high), float(result.pvalue)
