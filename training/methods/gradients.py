"""Surrogate gradients through time: one update of the parameters a generation (section 3.2)."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from zoo.models import Surrogate, build, segment_length
from zoo.tasks import Task
from zoo.tasks.observations import ObservationStats, moments, update
from zoo.training.methods.base import Group, RunsMethod, make_hyper
from zoo.training.methods.reinforce import (
    Policy,
    advantages,
    play,
    policy_gradient,
    require_discrete,
    returns_to_go,
)

_BASELINE_RATE = 0.1
"""Weight of the newest update in the running baseline."""


class GradientHyper(NamedTuple):
    """Settings that may differ between runs of one program; arrays [R]."""

    learning_rate: Float[Array, " R"]
    learning_rate_final: Float[Array, " R"]
    alpha: Float[Array, " R"]
    policy_temperature_v: Float[Array, " R"]
    discount: Float[Array, " R"]
    entropy_weight: Float[Array, " R"]
    clip_norm: Float[Array, " R"]
    generations: Float[Array, " R"]


class GradientState(NamedTuple):
    """Everything that changes while a run trains. Leading axis R.

    Attributes:
        parameters: flat, as `NetworkConfig.split` takes them.
        adam: its moments and count.
        stats: observation statistics (unused ones stay at zero).
        baseline: running mean of the returns-to-go, without updates in which it is not finite.
        generation: updates so far, skipped ones included.
        nan_gradients: updates skipped because their gradient was not finite.
        env_steps: environment steps lived through, in all.
    """

    parameters: Float[Array, "R D"]
    adam: optax.ScaleByAdamState
    stats: ObservationStats
    baseline: Float[Array, " R"]
    generation: Int[Array, " R"]
    nan_gradients: Int[Array, " R"]
    env_steps: Float[Array, " R"]


class GradientMetrics(NamedTuple):
    """Of one update. Leading axis R.

    Attributes:
        mean, best, std: of the episodes' returns.
        grad_norm: of the gradient before clipping; infinite where it overflowed.
        entropy: of the policy, mean over steps, in nats.
        length: mean episode length, in steps.
        nan_gradients: 1 where the update was skipped.
    """

    mean: Float[Array, " R"]
    best: Float[Array, " R"]
    std: Float[Array, " R"]
    grad_norm: Float[Array, " R"]
    entropy: Float[Array, " R"]
    length: Float[Array, " R"]
    nan_gradients: Int[Array, " R"]


def hyper_of(group: Group) -> GradientHyper:
    """[R] settings of the runs."""
    absent = {"learning_rate_final": group.numbers("learning_rate"), "clip_norm": np.inf}
    absent |= dict.fromkeys(("policy_temperature_v", "discount", "entropy_weight"), 0.0)  # Of images there are none.
    return make_hyper(GradientHyper, group, absent)


class Gradients(RunsMethod):
    """Parameters moved by Adam along surrogate gradients (`zoo.training.methods.base.RunsMethod`).

    Args:
        task: what all runs learn.
        shards: number of devices that share a run's episodes.

    Raises:
        ValueError: if the task's actions are not discrete.
    """

    metrics: type = GradientMetrics

    def __init__(self, task: Task, shards: int):
        require_discrete(task)
        super().__init__(task, shards)

    @staticmethod
    def splits(group: Group) -> int:
        """Episodes of an update."""
        return group.recipe.batch

    def constants(self, group: Group):
        """`GradientHyper`, seeds and the fixed parts of the networks."""
        return hyper_of(group), np.asarray(group.seeds, np.uint32), group.frozen()

    def init(self, group: Group) -> GradientState:
        """What the group begins with."""
        parameters, runs = group.initial(), len(group.seeds)
        return GradientState(
            parameters=parameters,
            adam=jax.vmap(optax.scale_by_adam().init)(parameters),
            stats=group.initial_stats(),
            baseline=np.zeros(runs, np.float32),
            generation=np.zeros(runs, np.int32),
            nan_gradients=np.zeros(runs, np.int32),
            env_steps=np.zeros(runs, np.float32),
        )

    def parameters(self, state: GradientState) -> Float[Array, "R D"]:
        """The parameters."""
        return state.parameters

    def totals(self, state: GradientState) -> dict:
        """Environment steps of a run, on average, and skipped updates of all."""
        return {"env_steps": float(np.mean(state.env_steps)), "nan_gradients": int(np.sum(state.nan_gradients))}

    def _update(self, group, state, constants, arrays, merged):
        """Play, differentiate, descend."""
        hyper, seeds, frozen = constants
        recipe, config = group.recipe, group.config

        def make_networks(parameters):
            return jax.vmap(lambda fixed, flat: build(fixed | config.split(flat)))(frozen, parameters)

        limit = self.task.episode_limit
        steps = min(recipe.segment_steps or segment_length(limit), limit)
        stats = state.stats if recipe.normalise_observations else None
        policy = Policy(stats, recipe.observation_clip, hyper.policy_temperature_v)
        keys = self._own(make_keys(seeds, state.generation, recipe.batch), axis=2)
        numbers = self._own(jnp.arange(recipe.batch), axis=0)
        networks = make_networks(state.parameters)
        trajectory = play(self.task, networks, policy, keys[:, 0], keys[:, 1], numbers, steps)
        to_go, live = (
            self._gather(x, axis=3)
            for x in (returns_to_go(trajectory.rewards, hyper.discount[:, None]), trajectory.live)
        )
        advantage = advantages(to_go, live, state.baseline, recipe.baseline, recipe.standardise_advantages)
        gradient, entropy = policy_gradient(
            make_networks,
            state.parameters,
            policy,
            trajectory,
            self._own(advantage, axis=3),
            hyper.entropy_weight,
            Surrogate(recipe.surrogate, hyper.alpha, recipe.detach_reset),
        )
        gradient, entropy = jax.lax.psum((gradient, entropy), "members")
        lived = live.sum((0, 1, 3), dtype=jnp.float32)
        moved, norm = descend(state, gradient / recipe.batch, hyper)
        baseline = (to_go * live).sum((0, 1, 3)) / lived
        rate = jnp.where(state.generation == 0, 1.0, _BASELINE_RATE)
        moved = moved._replace(
            stats=state.stats if stats is None else _updated_stats(stats, trajectory),
            baseline=state.baseline + jnp.where(jnp.isfinite(baseline), rate * (baseline - state.baseline), 0.0),
            env_steps=state.env_steps + lived,
        )
        returns = self._gather(trajectory.returns, axis=1)
        metrics = GradientMetrics(
            mean=returns.mean(-1),
            best=returns.max(-1),
            std=returns.std(-1),
            grad_norm=norm,
            entropy=entropy / lived,
            length=lived / recipe.batch,
            nan_gradients=moved.nan_gradients - state.nan_gradients,
        )
        return moved, metrics


def descend(
    state: GradientState, gradient: Float[Array, "R D"], hyper: GradientHyper
) -> tuple[GradientState, Float[Array, " R"]]:
    """One step of Adam, or none for a run whose gradient's square is not finite.

    A gradient that float32 can hold but whose square it cannot would end in Adam's second moment as
    infinity and freeze its parameter for good; so the square decides.

    Args:
        state: before.
        gradient: of the loss.
        hyper: settings of the runs.

    Returns:
        The next state (statistics untouched), and the gradient's norm.
    """
    square = jnp.square(gradient).sum(-1)
    usable = jnp.isfinite(square)
    norm = jnp.where(usable, jnp.sqrt(square), jnp.inf)
    scale = jnp.minimum(1.0, hyper.clip_norm / jnp.maximum(norm, 1e-30))
    clipped = jnp.where(usable[:, None], gradient * scale[:, None], 0.0)
    direction, adam = jax.vmap(optax.scale_by_adam().update)(clipped, state.adam)
    progress = state.generation / jnp.maximum(hyper.generations - 1, 1)
    fade = (1 + jnp.cos(jnp.pi * jnp.clip(progress, 0, 1))) / 2
    rate = hyper.learning_rate_final + (hyper.learning_rate - hyper.learning_rate_final) * fade
    parameters = state.parameters - rate[:, None] * direction

    def keep(new, old):
        return jax.tree.map(lambda a, b: jnp.where(usable.reshape(-1, *[1] * (a.ndim - 1)), a, b), new, old)

    moved = state._replace(
        parameters=keep(parameters, state.parameters),
        adam=keep(adam, optax.ScaleByAdamState(*state.adam)),
        generation=state.generation + 1,
        nan_gradients=state.nan_gradients + (~usable).astype(jnp.int32),
    )
    return moved, norm


def _updated_stats(stats, trajectory):
    """Statistics with the observations of all devices' episodes."""
    by_run = functools.partial(jnp.moveaxis, source=2, destination=0)
    new = jax.vmap(moments)(stats, by_run(trajectory.observations), by_run(trajectory.live))
    return jax.vmap(update)(stats, jax.lax.psum(new, "members"))


def make_keys(seeds, generations, episodes):
    """Keys [R, 2, E] of a generation, from seed and generation alone: of initial states, of actions."""

    def one(seed, generation):
        return jax.random.split(jax.random.fold_in(jax.random.key(seed), generation), (2, episodes))

    return jax.vmap(one)(seeds, generations)
