"""Which trained property tells in Table 1's subsets: those with it against those without, beside the paper's own."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import TypeVar

from zoo.core.formatting import number
from zoo.evaluation.statistics import Contrast, contrast
from zoo.registry.paper import TABLE_1, TABLE_1_BUDGET
from zoo.report.control_tables import means_until, subset_models, whole_generations
from zoo.report.tested_tables import tested
from zoo.tasks.brax import FAMILY as BRAX

Rewards = Mapping[frozenset[str], float]
"""One of each subset of the properties that was trained."""
Returns = Mapping[frozenset[str], Sequence[float]]
"""Those of each subset's training seeds."""

_Value = TypeVar("_Value")

ACTING = {"tau": {"x_tau"}, "v_th or v_rest": {"v_th", "v_rest"}, "R": {"r"}}
"""Properties that act apart from each other, as the table calls them: two do by their distance alone."""


def property_table() -> str:
    """What each property brings to the subsets that train it, on robots of which all 15 are published, as Markdown.

    A subset is one number, its population's mean over its seeds after as many generations as all 15 have had. The
    interval is Welch's of the subsets with a property and those without; the last p is corrected for the number of
    rows (Holm). A second table has the same of all these robots together. A third has the rank correlation (Spearman)
    of the 15 numbers with the paper's, and how far the 15 are apart beside how far twins are, which are one search
    twice (`twins`).
    """
    found, orders, pairs = [], [], []
    for task, (returns, paper) in whole_tables().items():
        ours = means(returns)
        for sign, names in ACTING.items():
            having, lacking = split(ours, names)
            in_paper = fmean(split(paper, names)[0]) - fmean(split(paper, names)[1])
            both = f"{number(fmean(having))} | {number(fmean(lacking))}"
            found.append((f"| {BRAX.label(task)} | {sign} | {both} | {in_paper:+.0f} ", contrast([having, lacking])))
        orders.append(_order(BRAX.label(task), ours, paper))
        pairs.append((ours, paper))
    differences = tested(
        "| environment | trained | with it | without it | the paper's difference | difference (95 % interval) "
        "| Welch's p | corrected |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        found,
    )
    head = "| environment | subsets above the paper's | rank correlation with the paper's | p "
    head += "| deviation of all 15 | of twins | in the paper | of its twins |\n"
    return f"{differences}\n{_together(pairs)}\n{head}| --- |{' ---: |' * 7}\n{''.join(orders)}"


def whole_tables() -> dict[str, tuple[Returns, Rewards]]:
    """The zoo's returns and the paper's rewards of the 15 subsets, for each robot of which all are published."""
    tables: dict[str, tuple[Returns, Rewards]] = {}
    for task in sorted(BRAX.tasks):
        ours = subset_returns(f"hetsnn-{task}-{TABLE_1_BUDGET}")
        if len(ours) == len(TABLE_1):
            tables[task] = ours, {frozenset(chosen): _mean(cells[task]) for chosen, cells in TABLE_1.items()}
    return tables


def subset_returns(name: str) -> dict[frozenset[str], list[float]]:
    """Population means of the published subsets of a model's properties, at equal generations, seed by seed."""
    rows = subset_models(name)
    until = min(map(whole_generations, rows.values()), default=0)
    return {chosen: means_until(row, until)[1] for chosen, row in rows.items()}


def means(returns: Returns) -> dict[frozenset[str], float]:
    """Over training seeds."""
    return {chosen: fmean(values) for chosen, values in returns.items()}


def split(rewards: Rewards, names: set[str]) -> tuple[list[float], list[float]]:
    """Rewards of the subsets that train one of these properties, and of those that train none."""
    parts: tuple[list[float], list[float]] = ([], [])
    for chosen, reward in rewards.items():
        parts[not names & chosen].append(reward)
    return parts


def together(robots: Sequence[Rewards], names: set[str]) -> Contrast:
    """Mean over robots of what one of these properties brings, in % of the deviation of a robot's 15 rewards."""
    samples = [sample for rewards in robots for sample in split(rewards, names)]
    return contrast(samples, [sign * scale for scale in shares(robots) for sign in (1, -1)])


def shares(robots: Sequence[Rewards]) -> list[float]:
    """What robots' rewards are multiplied by, so that their sum is a mean in % of each one's own deviation."""
    return [100 / (len(robots) * stdev(rewards.values())) for rewards in robots]


def twins(rewards: Mapping[frozenset[str], _Value]) -> list[tuple[_Value, _Value]]:
    """Rewards, or seeds' returns, of four pairs of subsets that differ only in which of v_th and v_rest they train.

    By their distance alone these act, so that a pair is one search twice, up to its draws.
    """
    pairs = []
    for chosen, reward in rewards.items():
        if "v_th" in chosen and "v_rest" not in chosen:
            pairs.append((reward, rewards[chosen - {"v_th"} | {"v_rest"}]))
    return pairs


def _together(pairs: Sequence[tuple[Rewards, Rewards]]) -> str:
    """Effects on all robots: of the zoo's rewards, and of the paper's."""
    found = [
        (f"| {whose} | {sign} ", together(rewards, names))
        for whose, rewards in zip(("zoo", "paper"), zip(*pairs, strict=True), strict=False)
        for sign, names in ACTING.items()
    ]
    head = f"| {len(pairs)} robots | trained | difference in % of a deviation (95 % interval) | p | corrected |\n"
    return tested(head + "| --- | --- | ---: | ---: | ---: |\n", found)


def _mean(cell: str) -> float:
    """Of a mean ± deviation."""
    return float(cell.split(" ±")[0])


def _spread(rewards: Rewards) -> str:
    """Standard deviations of all rewards, and within twins."""
    apart = math.sqrt(fmean((first - second) ** 2 / 2 for first, second in twins(rewards)))
    return f"{stdev(rewards.values()):.0f} | {apart:.0f}"


def _order(label: str, ours: Rewards, paper: Rewards) -> str:
    from scipy.stats import spearmanr

    result = spearmanr(*zip(*((ours[chosen], paper[chosen]) for chosen in paper), strict=True))
    above = sum(ours[chosen] > paper[chosen] for chosen in paper)
    start = f"| {label} | {above} of {len(paper)} | {result.statistic:+.2f} | {result.pvalue:.2g} "
    return f"{start}| {_spread(ours)} | {_spread(paper)} |\n"
