"""Steps of one run's environments, one after the other, with actions drawn around a spiking network's readout.

Axes: N environments, T steps. An environment's last axis is the batch (`zoo.tasks.lanes`), a network's first.

Environments go on from one update to the next: so do potentials, clocks and returns. Where an episode ends, the next
begins at once, in a state that was drawn for this environment and this update; the network is told (`begins`) and
starts from rest. A step into something that is not a number counts as a fall without reward.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from zoo.models import NetworkState, Packed, Surrogate
from zoo.models.episode_scan import Unroll
from zoo.tasks import Task
from zoo.tasks.base import Step
from zoo.training.methods.ppo_equations import Ends, gaussian_log_probability

BatchedStep = Callable[[Any, Float[Array, "a N"]], Step]


class Environments(NamedTuple):
    """Where a run's environments and networks stand.

    Attributes:
        state: of the task, leaves [..., N].
        observation: [o, N], not yet acted on.
        v: [N, hidden] potentials above rest, after their reset.
        v_out: [N, a] potentials of the readout.
        begins: whether an episode begins with the next step.
        clock: steps of the episode so far.
        returns: rewards of the episode so far.
        whole: whether the episode began at its beginning; not so for the first ones, whose ends are spread out.
    """

    state: Any
    observation: Float[Array, "o N"]
    v: Float[Array, "N hidden"]
    v_out: Float[Array, "N a"]
    begins: Bool[Array, " N"]
    clock: Int[Array, " N"]
    returns: Float[Array, " N"]
    whole: Bool[Array, " N"]


class Played(NamedTuple):
    """What happened, step by step.

    Attributes:
        observations: that the networks acted on.
        v_out: potentials of the readout before the step.
        begins: whether an episode began with this step.
        means: gain x readout, around which actions were drawn.
        actions: as drawn, not yet clipped.
        log_p: their log-density.
        rewards: of the task.
        ends: of the steps.
        last_observations, last_v_out: what a next step would have seen, where the step ended an episode.
        returns: of the episode that the step belongs to, so far.
        whole: as in `Environments`.
        lengths: steps of that episode, so far.
        not_numbers: whether the physics lost itself.
    """

    observations: Float[Array, "T N o"]
    v_out: Float[Array, "T N a"]
    begins: Bool[Array, "T N"]
    means: Float[Array, "T N a"]
    actions: Float[Array, "T N a"]
    log_p: Float[Array, "T N"]
    rewards: Float[Array, "T N"]
    ends: Ends
    last_observations: Float[Array, "T N o"]
    last_v_out: Float[Array, "T N a"]
    returns: Float[Array, "T N"]
    whole: Bool[Array, "T N"]
    lengths: Int[Array, "T N"]
    not_numbers: Bool[Array, "T N"]


def start(task: Task, reset: Callable, keys: Array, hidden: int, stagger: bool) -> Environments:
    """Environments before their first step.

    Args:
        task: what is played.
        reset: of keys [N], to states and observations [..., N].
        keys: of the initial states.
        hidden: neurons of the network.
        stagger: spread the ends of the first episodes evenly over the time limit.
    """
    (count,) = keys.shape
    state, observation = reset(keys)
    clock = jnp.arange(count) * task.episode_limit // count if stagger else jnp.zeros(count, jnp.int32)
    return Environments(
        state=state,
        observation=observation,
        v=jnp.zeros((count, hidden)),
        v_out=jnp.zeros((count, task.action_size)),
        begins=jnp.ones(count, bool),
        clock=clock.astype(jnp.int32),
        returns=jnp.zeros(count),
        whole=clock == 0,
    )


def at_rest(packed: Packed, now: Environments) -> NetworkState:
    """Potentials that the next step begins with: resets by thresholds that have moved, and beginnings of episodes."""
    begins = now.begins[:, None]
    return NetworkState(
        v=jnp.where(begins | (now.v >= packed.height), 0.0, now.v), v_out=jnp.where(begins, 0.0, now.v_out)
    )


def collect(
    task: Task,
    step: BatchedStep,
    unroll: Unroll,
    packed: Packed,
    see: Callable[[Array], Array],
    log_std: Float[Array, " a"],
    gain: float,
    now: Environments,
    fresh: tuple[Any, Float[Array, "o N"]],
    noise: Float[Array, "T N a"],
) -> tuple[Environments, Played]:
    """Plays T steps in each environment.

    Args:
        task: what is played.
        step: `Task.step` of states and readouts [..., N].
        unroll: what steps the network: the same as will learn from it.
        packed: the network.
        see: what the network gets of an observation.
        log_std: logarithms of the actions' standard deviations.
        gain: action per volt of readout, the task's own gain included.
        now: where they stand.
        fresh: states and observations that their next episodes begin with.
        noise: standard normal numbers.
    """
    fresh_state, fresh_observation = fresh
    task_gain = getattr(task, "action_gain", 1.0)  # What the step itself multiplies by.

    def one(now, noise):
        observation = now.observation.T
        before = NetworkState(now.v, now.v_out)
        readouts, after = unroll(packed, before, see(observation)[None], now.begins[None], Surrogate())
        mean = gain * readouts[0]
        action = mean + jnp.exp(log_std) * noise
        taken = step(now.state, (action / task_gain).T)
        good = jnp.isfinite(taken.observation).all(0) & jnp.isfinite(taken.reward)
        clock = now.clock + 1
        fell = taken.done | ~good
        cut = ~fell & (clock >= task.episode_limit)
        over = fell | cut
        reward = jnp.where(good, taken.reward, 0.0)
        returns = now.returns + reward
        played = Played(
            observations=observation,
            v_out=jnp.where(now.begins[:, None], 0.0, now.v_out),
            begins=now.begins,
            means=mean,
            actions=action,
            log_p=gaussian_log_probability(action, mean, log_std),
            rewards=reward,
            ends=Ends(fell, cut),
            last_observations=jnp.where(good, taken.observation, 0.0).T,
            last_v_out=after.v_out,
            returns=returns,
            whole=now.whole,
            lengths=clock,
            not_numbers=~good,
        )
        following = Environments(
            state=jax.tree.map(lambda new, old: jnp.where(over, new, old), fresh_state, taken.state),
            observation=jnp.where(over, fresh_observation, taken.observation),
            v=after.v,
            v_out=after.v_out,
            begins=over,
            clock=jnp.where(over, 0, clock),
            returns=jnp.where(over, 0.0, returns),
            whole=now.whole | over,
        )
        return following, played

    return jax.lax.scan(one, now, noise)
