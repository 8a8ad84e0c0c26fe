"""The equations of proximal policy optimisation (Schulman et al., 2017, arXiv 1707.06347) for continuous actions.

Sums over actions are sums over the last axis. Written out here, since none is longer than its import: rlax and
distrax, which have them too, would bring TensorFlow Probability into every installation.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float

_LOG_2_PI = math.log(2 * math.pi)


def gaussian_log_probability(
    action: Float[ArrayLike, "*b a"], mean: Float[ArrayLike, "*b a"], log_std: Float[ArrayLike, " a"]
) -> Float[Array, "*b"]:
    """Log-density of independent Gaussians: ``-sum(((x - mean) / std)^2 / 2 + log std + log(2 pi) / 2)``."""
    z = (action - mean) * jnp.exp(-log_std)
    return -(0.5 * jnp.square(z) + log_std + 0.5 * _LOG_2_PI).sum(-1)


def gaussian_entropy(log_std: Float[ArrayLike, " a"]) -> Float[Array, ""]:
    """Differential entropy in nats: ``sum(log std + log(2 pi e) / 2)``."""
    return (log_std + 0.5 * (_LOG_2_PI + 1)).sum(-1)


def gaussian_kl(
    old_mean: Float[ArrayLike, "*b a"],
    old_log_std: Float[ArrayLike, " a"],
    mean: Float[ArrayLike, "*b a"],
    log_std: Float[ArrayLike, " a"],
) -> Float[Array, "*b"]:
    """KL(old || new) of independent Gaussians, in nats, exactly."""
    ratio = jnp.exp(2 * (old_log_std - log_std))
    shift = jnp.square(mean - old_mean) * jnp.exp(-2 * log_std)
    return (log_std - old_log_std + 0.5 * (ratio + shift - 1)).sum(-1)


class Ends(NamedTuple):
    """How steps ended.

    Attributes:
        fell: the episode was over: nothing comes after it.
        cut: the time limit stopped an episode that would have gone on.
    """

    fell: Bool[Array, "T N"]
    cut: Bool[Array, "T N"]


def advantages(
    rewards: Float[ArrayLike, "T N"],
    values: Float[ArrayLike, "T+1 N"],
    cut_values: Float[ArrayLike, "T N"],
    ends: Ends,
    discount: Float[ArrayLike, ""],
    decay: Float[ArrayLike, ""],
) -> Float[Array, "T N"]:
    """Generalised advantage estimation (Schulman et al., 2016, arXiv 1506.02438, Eq. 16), across ends of episodes.

        delta[t] = r[t] + discount V'[t] - V[t]
        A[t]     = delta[t] + discount decay A[t+1],   A after an end is 0

    where V'[t] is the value of what comes after step t: V[t+1] within an episode, 0 after a fall, and after a cut the
    value of the observation that the cut left unused (Pardo et al., 2018, arXiv 1712.00378).

    Args:
        rewards: of the steps.
        values: V of the observations that the steps began with, and of the one after the last.
        cut_values: V of the observations that the steps ended with; used where they were cut.
        ends: of the steps.
        discount: of later rewards, per step.
        decay: lambda; 0 for one step's difference, 1 for whole returns.
    """
    over = ends.fell | ends.cut
    after = jnp.where(ends.cut, cut_values, jnp.where(ends.fell, 0.0, values[1:]))
    deltas = rewards + discount * after - values[:-1]

    def step(later, inputs):
        delta, over = inputs
        here = delta + discount * decay * jnp.where(over, 0.0, later)
        return here, here

    return jax.lax.scan(step, jnp.zeros_like(deltas[0]), (deltas, over), reverse=True)[1]


def clipped_objective(
    ratio: Float[ArrayLike, "*b"], advantage: Float[ArrayLike, "*b"], clip: Float[ArrayLike, ""]
) -> Float[Array, "*b"]:
    """Eq. 7: ``min(ratio A, clip(ratio, 1 - clip, 1 + clip) A)``, to be made large."""
    return jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - clip, 1 + clip) * advantage)


class Scale(NamedTuple):
    """Moving mean and variance of value targets, by which a critic's numbers become values."""

    mean: Float[Array, ""]
    variance: Float[Array, ""]

    @property
    def std(self) -> Float[Array, ""]:
        """Standard deviation, never below 1e-2."""
        return jnp.maximum(jnp.sqrt(self.variance), 1e-2)

    def value(self, number: Float[ArrayLike, "*b"]) -> Float[Array, "*b"]:
        """The value that the critic means."""
        return self.mean + self.std * number

    def number(self, value: Float[ArrayLike, "*b"]) -> Float[Array, "*b"]:
        """What the critic should say for a value."""
        return (value - self.mean) / self.std

    def moved(self, targets: Float[ArrayLike, "*b"], rate: Float[ArrayLike, ""]) -> "Scale":
        """Both moments a part `rate` of the way to those of new targets; as they are if these are not finite."""
        mean = self.mean + rate * (targets.mean() - self.mean)
        second = self.variance + jnp.square(self.mean)
        second = second + rate * (jnp.square(targets).mean() - second)
        moved = Scale(mean, jnp.maximum(second - jnp.square(mean), 0.0))
        return jax.tree.map(lambda new, old: jnp.where(jnp.isfinite(second), new, old), moved, self)
