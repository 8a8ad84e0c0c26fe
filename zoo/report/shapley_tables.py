"""Shapley values of the four properties in Table 1 (Fig. 4), from the zoo's rewards and from the paper's."""

from collections.abc import Sequence
from statistics import fmean, stdev

from zoo.analysis.shapley import shapley_values
from zoo.evaluation.statistics import Contrast, student
from zoo.models import PROPERTIES
from zoo.report.control_tables import SIGNS
from zoo.report.property_tables import Rewards, twins, variance_of_twins, whole_tables
from zoo.report.tested_tables import tested
from zoo.tasks.brax import FAMILY as BRAX


def shapley_table() -> str:
    """What each property is worth above the mean of the four, on robots of which all 15 subsets are published.

    Of all these robots together, too, each robot's rewards divided by the standard deviation of its 15. The interval
    is what another training of every subset would change (`excesses`); the last p is corrected for the number of rows
    (Holm), of either table apart.
    """
    tables, rows, both = whole_tables(), [], []
    for task, (ours, paper) in tables.items():
        theirs = excesses([paper])
        for name, effect in excesses([ours]).items():
            in_paper = f"{theirs[name].effect:+.0f} ({theirs[name].low:+.0f} to {theirs[name].high:+.0f})"
            rows.append((f"| {BRAX.label(task)} | {SIGNS[name]} | {in_paper} ", effect))
    for whose, robots in zip(("zoo", "paper"), zip(*tables.values(), strict=True), strict=False):
        scales = [100 / (len(robots) * stdev(rewards.values())) for rewards in robots]
        both += [(f"| {whose} | {SIGNS[name]} ", effect) for name, effect in excesses(robots, scales).items()]
    columns = "(95 % interval) | p | corrected |\n| --- | --- |"
    alone = f"| environment | property | the paper's | worth above the mean of the four {columns} ---: |"
    together = f"| {len(tables)} robots | property | worth above it, in % of a deviation {columns}"
    return "\n".join(
        tested(f"{head} ---: | ---: | ---: |\n", found) for head, found in ((alone, rows), (together, both))
    )


def excess(rewards: Rewards) -> dict[str, float]:
    """Each property's Shapley value less the mean of the four.

    The untrained network's return, which Table 1 does not have, adds the same to all four values, and the full set's
    reward does, too: the 14 proper subsets alone decide the differences.
    """
    values = shapley_values(PROPERTIES, {**rewards, frozenset(): 0.0})
    return {name: float(value) - fmean(map(float, values.values())) for name, value in values.items()}


def excesses(robots: Sequence[Rewards], scales: Sequence[float] = (1.0,)) -> dict[str, Contrast]:
    """`excess` of rewards times their scale, summed over robots, with Student's interval.

    How far one more training of a subset would have ended from this one is taken from twins, the pairs of subsets
    that are one search twice, and to be the same for all subsets of a robot.
    """
    squares = [
        _error(rewards) * scale**2 * variance_of_twins(rewards) for rewards, scale in zip(robots, scales, strict=True)
    ]
    return {
        name: student(
            sum(scale * excess(rewards)[name] for rewards, scale in zip(robots, scales, strict=True)),
            squares,
            [len(twins(rewards)) for rewards in robots],
        )
        for name in PROPERTIES
    }


def _error(rewards: Rewards) -> float:
    """How much of a reward's variance becomes that of a property's `excess`: 5 / 24."""
    units = ({other: float(other == chosen) for other in rewards} for chosen in rewards)
    return sum(excess(unit)[PROPERTIES[0]] ** 2 for unit in units)
