"""Shapley values of the four properties in Table 1 (Fig. 4), from the zoo's rewards and from the paper's."""

import functools
from collections.abc import Sequence
from statistics import fmean

from zoo.analysis.shapley import Subset, shapley_values, subsets
from zoo.evaluation.statistics import Contrast, student
from zoo.models import PROPERTIES
from zoo.report.control_tables import SIGNS
from zoo.report.property_tables import Returns, Rewards, means, shares, twins, whole_tables
from zoo.report.tested_tables import Row, tested
from zoo.tasks.brax import FAMILY as BRAX


def shapley_table() -> str:
    """What each property is worth above the mean of the four, on robots of which all 15 subsets are published.

    The paper's values stand beside it without an interval, since its deviations are of seeds by one section and of
    members by another. A second table is of all these robots together, each in % of the standard deviation of its 15
    rewards. The last p is corrected for the number of a table's rows (Holm).
    """
    tables, rows, together = whole_tables(), [], []
    for task, (returns, paper) in tables.items():
        rows += _rows(BRAX.label(task), excess(paper), excesses([returns]))
    if tables:
        ours, papers = zip(*tables.values(), strict=True)
        scales = shares([means(returns) for returns in ours])
        together = _rows(f"{len(tables)} robots", excess(_sum(papers)), excesses(ours, scales))
    columns = "(95 % interval) | p | corrected |\n| --- | --- | ---: | ---: | ---: | ---: |\n"
    head = "| environment | property | the paper's | worth above the mean of the four"
    return f"{tested(f'{head} {columns}', rows)}\n{tested(f'{head}, in % of a deviation {columns}', together)}"


def excess(rewards: Rewards) -> dict[str, float]:
    """Each property's Shapley value less the mean of the four.

    The untrained network's return, which Table 1 does not have, adds the same to all four values, and the full set's
    reward does, too: the 14 proper subsets alone decide the differences.
    """
    values = shapley_values(PROPERTIES, {**rewards, frozenset(): 0.0})
    return {name: float(value) - fmean(map(float, values.values())) for name, value in values.items()}


def excesses(robots: Sequence[Returns], scales: Sequence[float] = (1.0,)) -> dict[str, Contrast]:
    """`excess` of the mean over seeds, times a scale, summed over robots, with Student's interval.

    What one more training changes is taken to be as uncertain in all subsets of a robot (`variance_of_repeats`).
    """
    worths = [excess(means(returns)) for returns in robots]
    repeats = [variance_of_repeats(returns) for returns in robots]
    found = {}
    for name in PROPERTIES:
        errors = [
            sum(_factors(name)[chosen] ** 2 / len(values) for chosen, values in returns.items()) for returns in robots
        ]
        found[name] = student(
            sum(scale * worth[name] for scale, worth in zip(scales, worths, strict=True)),
            [k**2 * variance * error for k, (variance, _), error in zip(scales, repeats, errors, strict=True)],
            [freedom for _, freedom in repeats],
        )
    return found


def variance_of_repeats(returns: Returns) -> tuple[float, int]:
    """Variance of what was trained more than once, and its degrees of freedom.

    These are the seeds of one subset, and twins: two subsets that differ only in whether threshold or resting
    potential is trained, which is one search.
    """
    squares, freedom = 0.0, 0
    for values in returns.values():
        squares += sum((value - fmean(values)) ** 2 for value in values)
        freedom += len(values) - 1
    for first, second in twins(returns):
        squares += (fmean(first) - fmean(second)) ** 2 / (1 / len(first) + 1 / len(second))
        freedom += 1
    return squares / freedom, freedom


@functools.cache
def _factors(name: str) -> dict[Subset, float]:
    """By how much a property's `excess` grows with the reward of each subset."""
    trained = subsets(PROPERTIES)[1:]
    return {chosen: excess({other: float(other == chosen) for other in trained})[name] for chosen in trained}


def _sum(robots: Sequence[Rewards]) -> Rewards:
    """Of robots' rewards, each in its share; the excess of the sum is the sum of theirs."""
    scales = shares(robots)
    return {
        chosen: sum(k * rewards[chosen] for k, rewards in zip(scales, robots, strict=True)) for chosen in robots[0]
    }


def _rows(label: str, paper: dict[str, float], effects: dict[str, Contrast]) -> list[Row]:
    return [(f"| {label} | {SIGNS[name]} | {paper[name]:+.0f} ", effect) for name, effect in effects.items()]
