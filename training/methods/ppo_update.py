"""One update of an actor and its critic from what they have played: epochs of minibatches of whole sequences.

Axes: T steps, B sequences of a minibatch. The actor's parameters are one flat vector: the network's trained numbers
and the logarithms of the actions' deviations behind them.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float

from zoo.models import NetworkState, Packed, Surrogate
from zoo.models.episode_scan import Unroll, unroll_episodes
from zoo.training.methods.critic import squared_error
from zoo.training.methods.ppo_equations import (
    clipped_objective,
    gaussian_entropy,
    gaussian_kl,
    gaussian_log_probability,
)


class Sequences(NamedTuple):
    """What a gradient needs of some sequences, their axis second, but first in `state`.

    Attributes:
        state: potentials at the beginning (`zoo.models.episode_scan`).
        seen: observations as the network gets them.
        begins: whether an episode begins at a step.
        actions, means, log_p: as played.
        advantages: standardised.
        critic_inputs: what the critic gets.
        targets: what it should say.
    """

    state: NetworkState
    seen: Float[Array, "T B o"]
    begins: Bool[Array, "T B"]
    actions: Float[Array, "T B a"]
    means: Float[Array, "T B a"]
    log_p: Float[Array, "T B"]
    advantages: Float[Array, "T B"]
    critic_inputs: Float[Array, "T B c"]
    targets: Float[Array, "T B"]

    def take(self, index: Array) -> "Sequences":
        """Some of the sequences."""
        state = jax.tree.map(lambda x: x[index], self.state)
        rest = (x[:, index] for x in self[1:])
        return Sequences(state, *rest)


class Objective(NamedTuple):
    """How an actor is judged.

    Attributes:
        make: the network of the trained numbers, and the logarithms of the deviations, from the actor's vector.
        gain: action per volt of readout.
        clip: of probability ratios.
        entropy_weight: of the entropy.
        old_log_std: deviations with which the actions were drawn.
        surrogate: how spikes are differentiated.
        unroll: what takes the network through sequences: `unroll_episodes`, or as it does.
    """

    make: Callable[[Float[Array, " A"]], tuple[Packed, Float[Array, " a"]]]
    gain: float
    clip: float
    entropy_weight: float
    old_log_std: Float[Array, " a"]
    surrogate: Surrogate
    unroll: Unroll = unroll_episodes


class Told(NamedTuple):
    """Sums over steps, for a log: KL(old || new), and how many ratios were clipped."""

    kl: Float[Array, ""]
    clipped: Float[Array, ""]


def actor_loss(actor: Float[Array, " A"], objective: Objective, played: Sequences) -> tuple[Float[Array, ""], Told]:
    """``-sum(clipped objective) - entropy_weight sum(entropy)`` over the steps of some sequences."""
    packed, log_std = objective.make(actor)
    readouts, _ = objective.unroll(packed, played.state, played.seen, played.begins, objective.surrogate)
    means = objective.gain * readouts
    ratio = jnp.exp(gaussian_log_probability(played.actions, means, log_std) - played.log_p)
    gained = clipped_objective(ratio, played.advantages, objective.clip)
    entropy = gaussian_entropy(log_std) * played.log_p.size
    told = Told(
        kl=gaussian_kl(played.means, objective.old_log_std, means, log_std).sum(),
        clipped=(jnp.abs(ratio - 1) > objective.clip).sum(dtype=jnp.float32),
    )
    return -gained.sum() - objective.entropy_weight * entropy, told


def actor_gradient(
    actor: Float[Array, " A"], objective: Objective, played: Sequences, part: int
) -> tuple[Float[Array, " A"], Told]:
    """Gradient of `actor_loss`, `part` sequences at a time, so that a part's arrays stay in the cache."""
    count = played.log_p.shape[1] // part
    gradient = jax.grad(functools.partial(actor_loss, objective=objective), has_aux=True)

    def body(sums, index):
        own = played.take(index * part + jnp.arange(part))
        return jax.tree.map(jnp.add, sums, gradient(actor, played=own)), None

    if count == 1:
        return gradient(actor, played=played)
    zeros = (jnp.zeros_like(actor), Told(jnp.zeros(()), jnp.zeros(())))
    return jax.lax.scan(body, zeros, jnp.arange(count))[0]


class Learner(NamedTuple):
    """What an update changes: an actor or a critic with its optimiser.

    Attributes:
        parameters: the numbers.
        adam: moments and count.
        skipped: updates left out because their gradient was not finite.
    """

    parameters: optax.Params
    adam: optax.ScaleByAdamState
    skipped: Array


def learner(parameters: optax.Params) -> Learner:
    """Before the first update."""
    return Learner(parameters, optax.scale_by_adam().init(parameters), jnp.zeros((), jnp.int32))


def descend(
    before: Learner, gradient: optax.Params, rates: optax.Params, clip_norm: float
) -> tuple[Learner, Float[Array, ""]]:
    """One step of Adam along a shortened gradient, or none if the gradient's square is not finite.

    Args:
        before: what is changed.
        gradient: of a loss.
        rates: of each number, or of each leaf.
        clip_norm: longest gradient.

    Returns:
        What it becomes, and the gradient's norm before it was shortened: infinite if it was not finite.
    """
    norm = optax.global_norm(gradient)
    usable = jnp.isfinite(norm)
    scale = jnp.where(usable, jnp.minimum(1.0, clip_norm / jnp.maximum(norm, 1e-30)), 0.0)
    shortened = jax.tree.map(lambda x: jnp.where(usable, x * scale, 0.0), gradient)
    direction, adam = optax.scale_by_adam().update(shortened, before.adam)
    moved = jax.tree.map(lambda p, d, rate: p - rate * d, before.parameters, direction, rates)
    kept = functools.partial(jax.tree.map, lambda new, old: jnp.where(usable, new, old))
    after = Learner(
        kept(moved, before.parameters),
        kept(adam, optax.ScaleByAdamState(*before.adam)),
        before.skipped + (~usable).astype(jnp.int32),
    )
    return after, jnp.where(usable, norm, jnp.inf)


class Progress(NamedTuple):
    """Of one minibatch, for a log: the actor's gradient norm, KL and share of clipped ratios, the critic's error."""

    grad_norm: Float[Array, ""]
    kl: Float[Array, ""]
    clipped: Float[Array, ""]
    critic_error: Float[Array, ""]


class Learners(NamedTuple):
    """Actor and critic."""

    actor: Learner
    critic: Learner


class Rates(NamedTuple):
    """Of the actor's numbers [A], and of the critic."""

    actor: Float[Array, " A"]
    critic: Float[Array, ""]


def epochs(
    learners: Learners,
    played: Sequences,
    orders: Array,
    objective: Objective,
    rates: Rates,
    *,
    part: int,
    clip_norm: float,
    restrain: Callable[[Float[Array, " A"]], Float[Array, " A"]],
    own: Callable[[Array], Array] = lambda index: index,
    total: Callable = lambda tree: tree,
) -> tuple[Learners, Progress]:
    """Learns from minibatches one after the other.

    Args:
        learners: actor and critic.
        played: all sequences.
        orders: [M, B] which sequences each minibatch has.
        objective: of the actor.
        rates: of both.
        part: sequences of this device that a gradient holds at a time.
        clip_norm: longest gradient.
        restrain: what is done to the actor's numbers after a step.
        own: this device's sequences of a minibatch.
        total: sum over devices.

    Returns:
        Both after it, and the `Progress` of each minibatch [M].
    """
    size = played.log_p.shape[0] * orders.shape[1]
    critic_rates = jax.tree.map(lambda _: rates.critic, learners.critic.parameters)

    def minibatch(learners, index):
        batch = played.take(own(index))
        found = actor_gradient(learners.actor.parameters, objective, batch, part)
        error, by_critic = jax.value_and_grad(squared_error)(
            learners.critic.parameters, batch.critic_inputs, batch.targets
        )
        share = batch.log_p.size / size
        (gradient, told), error, by_critic = total(
            (jax.tree.map(lambda x: x / size, found), *jax.tree.map(lambda x: x * share, (error, by_critic)))
        )
        actor, norm = descend(learners.actor, gradient, rates.actor, clip_norm)
        actor = actor._replace(parameters=restrain(actor.parameters))
        critic, _ = descend(learners.critic, by_critic, critic_rates, clip_norm)
        return Learners(actor, critic), Progress(norm, told.kl, told.clipped, error)

    return jax.lax.scan(minibatch, learners, orders)
