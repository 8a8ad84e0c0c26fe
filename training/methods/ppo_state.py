"""What changes while PPO trains, what it tells of each update, and where its random numbers come from."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from zoo.tasks.observations import ObservationStats
from zoo.training.methods.ppo_collect import Environments, Played
from zoo.training.methods.ppo_equations import Scale
from zoo.training.methods.ppo_settings import PPOSettings
from zoo.training.methods.ppo_update import Learner

_KL_BAND, _KL_STEP = 1.5, 1.2
"""How far an update's divergence may be from what is wanted before rates change, and by how much they do."""


class PPOState(NamedTuple):
    """Everything that changes while a run trains. Leading axis R.

    Attributes:
        actor: the network's trained numbers and the logarithms of the deviations, with their optimiser.
        critic: its layers, with their optimiser.
        stats: observation statistics (unused ones stay at zero).
        scale: of value targets.
        factor: on the actor's rates, by divergence.
        environments: where they stand.
        generation: updates so far.
        env_steps: in all.
        nan_steps: steps in which the physics lost itself, in all.
    """

    actor: Learner
    critic: Learner
    stats: ObservationStats
    scale: Scale
    factor: Float[Array, " R"]
    environments: Environments
    generation: Int[Array, " R"]
    env_steps: Float[Array, " R"]
    nan_steps: Int[Array, " R"]


class PPOMetrics(NamedTuple):
    """Of one update. Leading axis R.

    Attributes:
        mean, best, std: of the returns of the episodes that ended in it, begun at their beginning; NaN without any.
        grad_norm: of the actor's gradients before clipping, mean over minibatches.
        entropy: of the policy, in nats.
        length: mean length of those episodes.
        kl: divergence of the policy from the one that played, mean over the last epoch, in nats.
        clipped: share of clipped ratios in the last epoch.
        critic_error: half the mean squared error of the critic, in deviations of value targets.
        reward: mean over steps.
        factor: on the actor's rates.
        nan_gradients: minibatches that were skipped.
    """

    mean: Float[Array, " R"]
    best: Float[Array, " R"]
    std: Float[Array, " R"]
    grad_norm: Float[Array, " R"]
    entropy: Float[Array, " R"]
    length: Float[Array, " R"]
    kl: Float[Array, " R"]
    clipped: Float[Array, " R"]
    critic_error: Float[Array, " R"]
    reward: Float[Array, " R"]
    factor: Float[Array, " R"]
    nan_gradients: Int[Array, " R"]


def adapted(factor: Float[Array, ""], kl: Float[Array, ""], settings: PPOSettings) -> Float[Array, ""]:
    """A factor on rates that makes an update's divergence what is wanted."""
    factor = jnp.where(kl > _KL_BAND * settings.kl, factor / _KL_STEP, factor)
    factor = jnp.where(kl < settings.kl / _KL_BAND, factor * _KL_STEP, factor)
    return jnp.clip(factor, settings.least_factor, settings.most_factor)


class Finished(NamedTuple):
    """Of the episodes that ended in an update, begun at their beginning; NaN without any."""

    mean: Float[Array, ""]
    best: Float[Array, ""]
    std: Float[Array, ""]
    length: Float[Array, ""]


def finished(played: Played) -> Finished:
    """Mean, maximum and deviation of their returns, and their mean length."""
    over = (played.ends.fell | played.ends.cut) & played.whole
    count = over.sum()
    share = 1 / jnp.where(count > 0, count, jnp.nan)
    mean = jnp.where(over, played.returns, 0.0).sum() * share
    best = jnp.where(count > 0, jnp.where(over, played.returns, -jnp.inf).max(), jnp.nan)
    std = jnp.sqrt(jnp.where(over, jnp.square(played.returns - mean), 0.0).sum() * share)
    return Finished(mean, best, std, jnp.where(over, played.lengths, 0).sum() * share)


class Keys(NamedTuple):
    """Random keys of an update of a run, from its seed and number alone."""

    begins: Array
    noise: Array
    orders: Array


def keys_of(seed: Int[Array, ""], generation: Int[Array, ""], environments: int) -> Keys:
    """One key for the beginnings of episodes in each environment, one for actions, one for minibatches."""
    begins, noise, orders = jax.random.split(jax.random.fold_in(jax.random.key(seed), generation), 3)
    return Keys(jax.random.split(begins, environments), noise, orders)
