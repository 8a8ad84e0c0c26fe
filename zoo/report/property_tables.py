"""Which trained property tells in Table 1's subsets: those with it against those without, beside the paper's own."""

from collections.abc import Mapping
from statistics import fmean

from zoo.core.formatting import number
from zoo.registry.paper import TABLE_1, TABLE_1_BUDGET
from zoo.report.control_tables import SIGNS, means_until, subset_models, whole_generations
from zoo.report.width_tables import tested, welch
from zoo.tasks.brax import FAMILY as BRAX

_Rewards = Mapping[frozenset[str], float]


def property_table() -> str:
    """What each property brings to the subsets that train it, on robots of which all 15 are published, as Markdown.

    A subset is one number, its population's mean over its seeds after as many generations as all 15 have had. The
    interval is Welch's of the eight subsets with a property and the seven without; the last p is corrected for the
    number of rows (Holm). A second table has the rank correlation (Spearman) of the 15 numbers with the paper's.
    """
    found, ranks = [], []
    for task in sorted(BRAX.tasks):
        ours = subset_rewards(f"hetsnn-{task}-{TABLE_1_BUDGET}")
        if len(ours) < len(TABLE_1):
            continue
        paper = {frozenset(chosen): _mean(cells[task]) for chosen, cells in TABLE_1.items()}
        for name, sign in SIGNS.items():
            having, lacking = split(ours, name)
            in_paper = fmean(split(paper, name)[0]) - fmean(split(paper, name)[1])
            means = f"{number(fmean(having))} | {number(fmean(lacking))}"
            found.append((f"| {BRAX.label(task)} | {sign} | {means} | {in_paper:+.0f} ", welch(having, lacking)))
        ranks.append(_ranks(BRAX.label(task), ours, paper))
    differences = tested(
        "| environment | property | with it | without it | the paper's difference | difference (95 % interval) "
        "| Welch's p | corrected |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        found,
    )
    head = "| environment | subsets above the paper's | rank correlation with the paper's | p |\n"
    return differences + "\n" + head + "| --- | ---: | ---: | ---: |\n" + "".join(ranks)


def subset_rewards(name: str) -> dict[frozenset[str], float]:
    """Population means of the published subsets of a model's properties, at equal generations, by subset."""
    rows = subset_models(name)
    until = min(map(whole_generations, rows.values()), default=0)
    return {chosen: fmean(means_until(row, until)[1]) for chosen, row in rows.items()}


def split(rewards: _Rewards, name: str) -> tuple[list[float], list[float]]:
    """Rewards of the subsets that train a property, and of those that do not."""
    parts: tuple[list[float], list[float]] = ([], [])
    for chosen, reward in rewards.items():
        parts[name not in chosen].append(reward)
    return parts


def _mean(cell: str) -> float:
    """Of a mean ± deviation."""
    return float(cell.split(" ±")[0])


def _ranks(label: str, ours: _Rewards, paper: _Rewards) -> str:
    from scipy.stats import spearmanr

    result = spearmanr(*zip(*((ours[chosen], paper[chosen]) for chosen in paper), strict=True))
    above = sum(ours[chosen] > paper[chosen] for chosen in paper)
    return f"| {label} | {above} of {len(paper)} | {result.statistic:+.2f} | {result.pvalue:.2g} |\n"
