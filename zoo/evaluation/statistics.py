"""Means and intervals over training seeds or episodes."""

import math
from collections.abc import Sequence
from typing import NamedTuple

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


class Contrast(NamedTuple):
    """An effect that a test is about.

    Attributes:
        effect: what was measured.
        low, high: ends of its 95 % interval.
        p: of an effect so large, either way, if there is none.
    """

    effect: float
    low: float
    high: float
    p: float


def contrast(samples: Sequence[Sequence[float]], factors: Sequence[float] = (1.0, -1.0)) -> Contrast:
    """Welch's test of means of independent samples, each times its factor, summed: of two, their difference.

    Args:
        samples: each of at least two numbers.
        factors: as many as samples.
    """
    parts = [np.asarray(sample, np.float64) for sample in samples]
    # Of numbers that are all the same, exactly that and 0: rounding is no effect, and no spread.
    means = [part[0] if np.ptp(part) == 0 else part.mean() for part in parts]
    variances = [0.0 if np.ptp(part) == 0 else part.var(ddof=1) for part in parts]
    effect = sum(factor * mean for factor, mean in zip(factors, means, strict=True))
    squares = [f**2 * v / len(part) for f, v, part in zip(factors, variances, parts, strict=True)]
    return student(effect, squares, [len(part) - 1 for part in parts])


def student(effect: float, squares: Sequence[float], degrees: Sequence[float]) -> Contrast:
    """The test of an effect whose squared standard error is a sum, by Welch and Satterthwaite.

    Args:
        effect: what was measured.
        squares: parts of its squared standard error.
        degrees: of freedom of each.
    """
    from scipy.stats import t

    error = math.sqrt(sum(squares))
    if error == 0:
        return Contrast(float(effect), float(effect), float(effect), float(effect == 0))
    freedom = error**4 / sum(square**2 / own for square, own in zip(squares, degrees, strict=True))
    half = t.ppf(0.975, freedom) * error
    p = 2 * t.sf(abs(effect) / error, freedom)
    return Contrast(float(effect), float(effect - half), float(effect + half), float(p))


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
