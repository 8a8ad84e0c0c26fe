"""Is one quantity larger than another, measured on the same training seeds?"""

import dataclasses

import numpy as np
from jaxtyping import Float
from scipy import stats

from zoo.evaluation.statistics import interval_95


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PairedTest:
    """A paired comparison ``first - second`` over training seeds.

    Attributes:
        n: pairs.
        first, second: means.
        difference: mean of the differences.
        interval: Student's 95 % interval of `difference`.
        p: two-sided Wilcoxon signed-rank test, exact for few pairs; 1 if no pair differs.
        larger: share of pairs in which the first is larger.
    """

    n: int
    first: float
    second: float
    difference: float
    interval: tuple[float, float]
    p: float
    larger: float

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"{self.first:.4g} against {self.second:.4g}, difference {self.difference:+.4g} "
            f"(95 % interval {low:.4g} to {high:.4g}), Wilcoxon p = {self.p:.2g}, n = {self.n}"
        )


def paired_test(first: Float[np.ndarray, " K"], second: Float[np.ndarray, " K"]) -> PairedTest:
    """Compares two values per training seed.

    Raises:
        ValueError: if the two are not of one length, or there are fewer than two pairs.
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape or first.ndim != 1 or len(first) < 2:
        raise ValueError(f"pairs needed: first is {first.shape}, second is {second.shape}; both must be [K], K > 1")
    difference = first - second
    p = float(stats.wilcoxon(difference).pvalue) if np.any(difference) else 1.0
    return PairedTest(
        n=len(first),
        first=float(first.mean()),
        second=float(second.mean()),
        difference=float(difference.mean()),
        interval=interval_95(difference),
        p=p,
        larger=float((difference > 0).mean()),
    )
