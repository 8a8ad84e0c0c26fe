"""Episodes of many networks of several shapes in one batch of environments.

Axes: R runs (each with a population of its own), P members of a population, E episodes of a member.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from zoo.models import Network, pack, packed_state, population_step
from zoo.tasks.base import Task
from zoo.tasks.lanes import vmap_last
from zoo.tasks.observations import Moments, ObservationStats, moments, normalise


class Policies(NamedTuple):
    """Networks of one shape.

    Attributes:
        networks: populations (`build_population`) with a leading axis R.
        keys: [R, P or 1, E] keys of the episodes' initial states. With 1, all members of a run start
            from the same states (common random numbers), and these are computed once.
        stats: observation statistics with a leading axis R, or None to leave observations alone.
        members: P.
        gain: factor on readouts, before the task's own.
        limit: most steps of an episode, [] int32, where that is less than the task's; None for the task's.
    """

    networks: Network
    keys: PRNGKeyArray
    stats: ObservationStats | None
    members: int
    gain: float = 1.0
    limit: Int[Array, ""] | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(R, P, E)."""
        runs, _, episodes = self.keys.shape
        return runs, self.members, episodes


class Episodes(NamedTuple):
    """What the episodes of one `Policies` came to.

    Attributes:
        returns: [R, P, E] sums of rewards.
        expected: [R, P, E] sums of `Step.expected`.
        lengths: [R, P, E] steps taken.
        spikes: [R, P, E] hidden spikes per neuron and step, while the episode lasted.
        moments: of the observations acted on, leading axis R, for `observations.update`.
    """

    returns: Float[Array, "R P E"]
    expected: Float[Array, "R P E"]
    lengths: Float[Array, "R P E"]
    spikes: Float[Array, "R P E"] | None
    moments: Moments | None


class _Sums(NamedTuple):
    alive: Bool[Array, " N"]
    returns: Float[Array, " N"]
    expected: Float[Array, " N"]
    lengths: Float[Array, " N"]


def rollout(
    task: Task,
    groups: Sequence[Policies],
    *,
    clip: float = 5.0,
    count_spikes: bool = False,
    physics: str = "lanes",
) -> list[Episodes]:
    """Plays every episode to its end; the loop stops as soon as all have ended.

    Environments of all groups advance as one batch, their last axis; networks advance group by group.

    Args:
        task: what to play.
        groups: networks, by shape.
        clip: bound of normalised observations, in standard deviations.
        count_spikes: whether to fill `Episodes.spikes`.
        physics: ``lanes``, or ``brax`` for JAX's own `vmap` everywhere.
    """
    shapes = [group.shape for group in groups]
    sizes = [runs * members * episodes for runs, members, episodes in shapes]
    offsets = [sum(sizes[:i]) for i in range(len(sizes))]

    def parts(flat):
        """Slices of a flat batch [N, …] as [R, P, E, …], one a group."""
        return [
            flat[start : start + size].reshape(*shape, *flat.shape[1:])
            for start, size, shape in zip(offsets, sizes, shapes, strict=True)
        ]

    def join(pieces):
        return jnp.concatenate([p.reshape(-1, *p.shape[3:]) for p in pieces])

    def act(group, packed, state, observation, alive):
        """Readouts [R, P, E, a] of one group, its next state and sums over this step."""
        seen = observation
        step_moments = None
        if group.stats is not None:
            seen = jax.vmap(lambda s, o: normalise(s, o, clip))(group.stats, observation)
            step_moments = jax.vmap(moments)(group.stats, observation, alive)
        output, state = jax.vmap(population_step)(packed, state, seen)
        spikes = output.spikes.mean(-1) * alive if count_spikes else None
        readout = output.readout if group.gain == 1 else group.gain * output.readout
        return readout, state, (spikes, step_moments)

    def body(carry):
        t, env_state, observation, sums, states, totals = carry
        results = [
            act(*of_group)
            for of_group in zip(groups, networks, states, parts(observation.T), parts(sums.alive), strict=True)
        ]
        readouts, states, news = map(list, zip(*results, strict=True))
        step = _map_last(task.step, physics)(env_state, join(readouts).T)
        sums = _Sums(
            alive=sums.alive & ~step.done & (t + 1 < limits),
            returns=sums.returns + jnp.where(sums.alive, step.reward, 0.0),
            expected=sums.expected + jnp.where(sums.alive, step.expected, 0.0),
            lengths=sums.lengths + sums.alive,
        )
        totals = jax.tree.map(jnp.add, totals, news)
        return t + 1, step.state, step.observation, sums, states, totals

    def going_on(carry):
        t, _, _, sums, _, _ = carry
        return (t < task.episode_limit) & sums.alive.any()

    env_state, observation = _reset(task, groups, join)
    size = sum(sizes)
    own = [task.episode_limit if group.limit is None else group.limit for group in groups]
    limits = jnp.concatenate([jnp.broadcast_to(limit, n) for limit, n in zip(own, sizes, strict=True)])
    zeros = jnp.zeros(size)
    sums = _Sums(jnp.ones(size, bool), zeros, zeros, zeros)
    networks = [jax.vmap(pack)(group.networks) for group in groups]
    states = [
        jax.vmap(lambda packed, s=shape: packed_state(packed, s[1:]))(network)
        for network, shape in zip(networks, shapes, strict=True)
    ]
    totals = [
        (
            jnp.zeros(shape) if count_spikes else None,
            None if group.stats is None else Moments(*map(jnp.zeros_like, group.stats)),
        )
        for group, shape in zip(groups, shapes, strict=True)
    ]
    carry = (jnp.int32(0), env_state, observation, sums, states, totals)
    *_, sums, _, totals = jax.lax.while_loop(going_on, body, carry)
    return [
        Episodes(returns, expected, lengths, None if spikes is None else spikes / lengths, new)
        for returns, expected, lengths, (spikes, new) in zip(
            parts(sums.returns), parts(sums.expected), parts(sums.lengths), totals, strict=True
        )
    ]


def _map_last(function, physics):
    """Maps over the last axis: by `vmap_last` for a CPU's registers; by JAX's own `vmap`, which a GPU runs faster."""
    if physics == "lanes" and jax.default_backend() == "cpu":
        return vmap_last(function)
    return jax.vmap(function, in_axes=-1, out_axes=-1)


def _reset(task, groups, join):
    """Initial states and observations [..., N] of all groups' episodes."""

    def one(group):
        runs, members, episodes = group.shape
        index = jnp.broadcast_to(jnp.arange(episodes), group.keys.shape)
        fresh = jax.vmap(jax.vmap(jax.vmap(task.reset)))(group.keys, index)
        return jax.tree.map(lambda x: jnp.broadcast_to(x, (runs, members, episodes, *x.shape[3:])), fresh)

    return jax.tree.map(lambda *pieces: jnp.moveaxis(join(pieces), 0, -1), *map(one, groups))
