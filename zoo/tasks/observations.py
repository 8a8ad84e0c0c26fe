"""Running mean and variance of observations, shared by the population of a run."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

_MIN_STD = 1e-3


class ObservationStats(NamedTuple):
    """Statistics of all observations that a run has acted on.

    Attributes:
        count: how many observations; float32 is exact to 2^24, and past that only sets the weight of
            what is new.
        mean: [o].
        m2: [o], sum of squared deviations from the mean.
    """

    count: Float[Array, ""]
    mean: Float[Array, " o"]
    m2: Float[Array, " o"]


def empty(size: int) -> ObservationStats:
    """No observations yet: `normalise` leaves them as they are."""
    return ObservationStats(jnp.zeros(()), jnp.zeros(size), jnp.zeros(size))


def std(stats: ObservationStats) -> Float[Array, "*b o"]:
    """Standard deviation, 1 while there are fewer than two observations, never below 1e-3.

    Statistics with leading axes, `count` with a last one of 1, give as many deviations.
    """
    variance = stats.m2 / jnp.maximum(stats.count, 1.0)
    return jnp.where(stats.count < 2, 1.0, jnp.maximum(jnp.sqrt(variance), _MIN_STD))


def normalise(stats: ObservationStats, observation: Array, clip: float) -> Array:
    """``(observation - mean) / std`` clipped at ± `clip`."""
    return jnp.clip((observation - stats.mean) / std(stats), -clip, clip)


class Moments(NamedTuple):
    """Sums over new observations of deviations from an old mean, and of their squares."""

    count: Float[Array, ""]
    deviation: Float[Array, " o"]
    squared: Float[Array, " o"]


def moments(stats: ObservationStats, observations: Array, live: Array) -> Moments:
    """`Moments` of observations [..., o] where `live` [...] is true, about the mean of `stats`."""
    axes = tuple(range(live.ndim))
    deviation = jnp.where(live[..., None], observations - stats.mean, 0.0)
    return Moments(live.sum(dtype=jnp.float32), deviation.sum(axes), jnp.square(deviation).sum(axes))


def update(stats: ObservationStats, new: Moments) -> ObservationStats:
    """Adds new observations (Chan et al., 1983). Non-finite sums are left out."""
    count = stats.count + new.count
    shift = new.deviation / jnp.maximum(count, 1.0)
    m2 = stats.m2 + new.squared - count * jnp.square(shift)
    usable = jnp.isfinite(new.squared).all() & (new.count > 0)
    updated = ObservationStats(count, stats.mean + shift, jnp.maximum(m2, 0.0))
    return ObservationStats(*(jnp.where(usable, a, b) for a, b in zip(updated, stats, strict=True)))
