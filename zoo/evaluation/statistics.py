"""Means and intervals over training seeds or episodes."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


class OverSeeds:
    """Mean and spread of what has a property ``means``, one number a training seed."""

    __slots__ = ()
    means: Float[np.ndarray, " K"]

    @property
    def mean(self) -> float:
        """Mean over training seeds."""
        return float(self.means.mean())

    @property
    def std(self) -> float:
        """Sample standard deviation over training seeds (0 for one)."""
        return float(self.means.std(ddof=1)) if len(self.means) > 1 else 0.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Values of p corrected for their number (Holm, 1979), in their order.

    Where there is nothing to be found, at most one set in twenty has a value below 0.05.
    """
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.minimum(np.maximum.accumulate(factors * np.asarray(p_values, np.float64)[order]), 1.0)
    return corrected[np.argsort(order)].tolist()


def interval_95(samples) -> tuple[float, float]:
    """Student's t interval of the mean of independent samples; of a single one, which has none, NaN."""
    from scipy.stats import t

    samples = np.asarray(samples, np.float64)
    if len(samples) < 2:
        return math.nan, math.nan
    half = t.ppf(0.975, len(samples) - 1) * samples.std(ddof=1) / np.sqrt(len(samples))
    return float(samples.mean() - half), float(samples.mean() + half)
