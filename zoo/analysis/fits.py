"""Gamma and log-normal distributions with location 0, fitted by maximum likelihood (section 4.4).

Both families' likelihoods depend on a sample through the means of x, ln x and (ln x)^2 alone, so a
bootstrap resamples those sums and never the sample itself, and leaving out a network leaves out its sums.
"""

import dataclasses
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from scipy import special, stats

Family = Literal["gamma", "lognormal"]
FAMILIES: tuple[Family, ...] = ("gamma", "lognormal")
_NEWTON_STEPS = 12  # Quadratic convergence from a start within 1.5 %: far more than float64 needs.
_LEAST_SPREAD = 1e-6  # Of ln x. A gamma shape is then right to 0.02 %; ten times narrower, rounding makes 30 % of it.


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A fitted distribution.

    Attributes:
        family: ``gamma`` or ``lognormal``.
        shape: gamma: k, the mean squared over the variance; log-normal: standard deviation of ln x.
        scale: gamma: mean / k; log-normal: exp(mean of ln x), the median. In the sample's unit.
        shape_interval, scale_interval: 95 % intervals: Student's over networks, or of a single sample the
            bootstrap's percentiles; NaN without resamples.
        n: size of the sample.
        log_likelihood: at the maximum.
        ks: Kolmogorov-Smirnov distance between sample and fit.
        ks_p: probability of a distance at least as large if the family were true; parameters are fitted
            again to each simulated sample (Lilliefors' correction); NaN without any.
    """

    family: Family
    shape: float
    scale: float
    shape_interval: tuple[float, float]
    scale_interval: tuple[float, float]
    n: int
    log_likelihood: float
    ks: float
    ks_p: float

    @property
    def aic(self) -> float:
        """Akaike's criterion, ``2 * 2 parameters - 2 ln L``; the smaller one of two fits is preferred."""
        return 4.0 - 2.0 * self.log_likelihood

    def distribution(self):
        """The fitted distribution, frozen, as SciPy has it."""
        return _distribution(self.family, self.shape, self.scale)


def _distribution(family: Family, shape, scale):
    if family not in FAMILIES:
        raise ValueError(f"family (='{family}') must be one of {', '.join(FAMILIES)}")
    return (stats.gamma if family == "gamma" else stats.lognorm)(shape, loc=0.0, scale=scale)


def gamma_shape(gap: Float[np.ndarray, "*b"]) -> Float[np.ndarray, "*b"]:
    """Shape k with ``ln k - digamma(k) = gap``, where ``gap = ln(mean x) - mean(ln x) > 0``.

    Newton's method from Minka's approximation (2002, Estimating a Gamma distribution).
    """
    gap = np.asarray(gap, np.float64)
    k = (3.0 - gap + np.sqrt((gap - 3.0) ** 2 + 24.0 * gap)) / (12.0 * gap)
    for _ in range(_NEWTON_STEPS):
        step = (np.log(k) - special.digamma(k) - gap) / (1.0 / k - special.polygamma(1, k))
        k = np.maximum(k - step, 0.1 * k)
    return k


def _maximise(family: Family, moments: Float[np.ndarray, "*b 3"]) -> tuple[np.ndarray, np.ndarray]:
    """Shape and scale [*b] from the means of x, ln x and (ln x)^2."""
    mean, log_mean, log_square = np.moveaxis(moments, -1, 0)
    if family == "gamma":
        shape = gamma_shape(np.log(mean) - log_mean)
        return shape, mean / shape
    return np.sqrt(np.maximum(log_square - log_mean**2, 0.0)), np.exp(log_mean)


def _moments(sample: Float[np.ndarray, "*b n"]) -> Float[np.ndarray, "*b 3"]:
    logs = np.log(sample)
    return np.stack([sample.mean(-1), logs.mean(-1), np.square(logs).mean(-1)], -1)


def _spreads(moments: Float[np.ndarray, "*b 3"]) -> Bool[np.ndarray, "*b"]:
    """Whether samples spread enough for float64 to tell how much."""
    _, log_mean, log_square = np.moveaxis(moments, -1, 0)
    return log_square - log_mean**2 > _LEAST_SPREAD**2


def ks_distance(sample: Float[np.ndarray, "*b n"], cdf) -> Float[np.ndarray, "*b"]:
    """Largest distance between the empirical distribution function and `cdf`."""
    below = cdf(np.sort(sample, axis=-1))
    n = sample.shape[-1]
    steps = np.arange(n + 1) / n
    return np.maximum((steps[1:] - below).max(-1), (below - steps[:-1]).max(-1))


def _ks_p(family: Family, shape: float, scale: float, n: int, ks: float, draws: int, rng) -> float:
    """Share of simulated samples whose distance from their own fit reaches `ks`; never exactly 0, of none NaN."""
    if not draws:
        return float("nan")
    reached = 0
    for _ in range(draws):
        sample = _distribution(family, shape, scale).rvs(n, random_state=rng)
        reached += ks_distance(sample, _distribution(family, *_maximise(family, _moments(sample))).cdf) >= ks
    return (reached + 1) / (draws + 1)


def _over_networks(family: Family, moments: Float[np.ndarray, "K 3"]) -> tuple[np.ndarray, np.ndarray]:
    """Shape and scale, low and high, of networks with `moments` [K, 3]: Student's interval by the jackknife.

    A network counts by what the fit of all changes without it, which for a mean is the network's own value (Tukey's
    pseudo-values). On the logarithm, as both are positive and a time constant's spread is a factor.
    """
    k = len(moments)
    others = (moments.sum(0) - moments) / (k - 1)
    if not _spreads(others).all():
        row = np.flatnonzero(~_spreads(others))[0]
        raise ValueError(f"without its row {row}, sample holds one number alone: there is no interval over its rows")
    without = np.log(_maximise(family, others))  # [2, K]
    together = np.log(_maximise(family, moments.mean(0)))
    error = np.sqrt((k - 1) / k * np.square(without - without.mean(1, keepdims=True)).sum(1))
    half = stats.t.ppf(0.975, k - 1) * error
    return np.exp(together - half), np.exp(together + half)


def _over_numbers(family: Family, moments: Float[np.ndarray, "n 3"], resamples: int, rng):
    """The same of n numbers by the bootstrap's percentiles, of resamples that hold different ones; of none NaN."""
    n = len(moments)
    resampled = rng.multinomial(n, np.full(n, 1.0 / n), size=resamples) @ moments / n
    usable = resampled[_spreads(resampled)]
    return np.percentile(_maximise(family, usable), [2.5, 97.5], axis=1) if len(usable) else np.full((2, 2), np.nan)


def fit(
    sample: Float[np.ndarray, " n"] | Float[np.ndarray, "K n"],
    family: Family,
    *,
    bootstrap: int = 2000,
    ks_draws: int = 200,
    seed: int = 0,
) -> Fit:
    """Fits one family with location 0.

    Args:
        sample: positive numbers. With two axes, the intervals are over rows: neurons of one network
            were trained together and are not independent. Of a single row its numbers are, so that the intervals
            say nothing of other networks.
        family: ``gamma`` or ``lognormal``.
        bootstrap: resamples behind the intervals of a single sample; with 0 there are none, and they are NaN.
        ks_draws: simulated samples behind `Fit.ks_p`; with 0 it is NaN.
        seed: of both.

    Raises:
        ValueError: if `family` is unknown, `bootstrap` or `ks_draws` is negative, or the sample has other axes, fewer
            than three different positive numbers, differences of little more than rounding, or several rows of which
            all but one hold a single number.
    """
    for name, count in (("bootstrap", bootstrap), ("ks_draws", ks_draws)):
        if count < 0:
            raise ValueError(f"{name} (={count}) must not be negative; 0 does without")
    values = np.asarray(sample, np.float64)
    if values.ndim not in (1, 2):
        raise ValueError(f"sample has shape {values.shape}; it must be numbers [n], or networks by neurons [K, n]")
    rows = values.reshape(-1, 1) if values.ndim == 1 or 1 in values.shape else values
    pooled = rows.ravel()
    if not np.all(np.isfinite(pooled) & (pooled > 0)) or len(np.unique(pooled)) < 3:
        raise ValueError(f"sample ({pooled.size} numbers) must hold at least three different, all positive, finite")
    per_row = _moments(rows)
    if not _spreads(per_row.mean(0)):
        raise ValueError(
            f"sample ({pooled.size} numbers of {pooled.min():.9g} to {pooled.max():.9g}) differs by little more than "
            f"rounding; the standard deviation of its logarithms must be above {_LEAST_SPREAD:g}"
        )
    rng = np.random.default_rng(seed)
    shape, scale = map(float, _maximise(family, per_row.mean(0)))
    alone = rows.shape[1] == 1
    low, high = _over_numbers(family, per_row, bootstrap, rng) if alone else _over_networks(family, per_row)
    distribution = _distribution(family, shape, scale)
    ks = float(ks_distance(pooled, distribution.cdf))
    return Fit(
        family=family,
        shape=shape,
        scale=scale,
        shape_interval=(float(low[0]), float(high[0])),
        scale_interval=(float(low[1]), float(high[1])),
        n=pooled.size,
        log_likelihood=float(distribution.logpdf(pooled).sum()),
        ks=ks,
        ks_p=_ks_p(family, shape, scale, pooled.size, ks, ks_draws, rng),
    )
