"""Generations of many runs in one compiled program.

A *group* is a set of runs whose networks have one shape and whose recipes share the static fields;
the runs differ in seed and in `Hyper`. All groups of an engine play the same task. Devices form a
mesh (runs, members): each plays its own runs and members without talking to the others, and
population fitness is gathered once per generation.
"""

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Float, Int

from zoo.models import PROPERTIES, WEIGHTS, NetworkConfig, build_population
from zoo.tasks import Task
from zoo.tasks.observations import ObservationStats, empty, update
from zoo.tasks.rollout import Episodes, Policies, rollout
from zoo.training.pgpe import Hyper, Search
from zoo.training.recipe import Recipe

CHUNK = 64
"""Most generations of one call; sets the size of its buffer of metrics."""

_BLOCK_NUMBERS = 2**19
"""Trained numbers of the members that a CPU core plays at a time: 2 MiB, so that they stay in its cache."""


class RunState(NamedTuple):
    """Everything that changes while a run trains. Leading axis R.

    Attributes:
        search: evosax state: centre, sigma, optimiser, best member so far, generation.
        stats: observation statistics (unused ones stay at zero).
        nan_members: how many members had a NaN return, in all.
        env_steps: environment steps lived through, in all.
    """

    search: object
    stats: ObservationStats
    nan_members: Int[Array, " R"]
    env_steps: Float[Array, " R"]


class Metrics(NamedTuple):
    """Of one generation. Leading axis R.

    Attributes:
        mean, best, std: of the members' returns (NaN left out).
        sigma: mean standard deviation of the search distribution.
        length: mean episode length, in steps.
        nan_members: members whose return was NaN.
    """

    mean: Float[Array, " R"]
    best: Float[Array, " R"]
    std: Float[Array, " R"]
    sigma: Float[Array, " R"]
    length: Float[Array, " R"]
    nan_members: Int[Array, " R"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Runs of one shape: the network, the recipe and the seeds."""

    config: NetworkConfig
    recipe: Recipe
    seeds: tuple[int, ...]

    @property
    def frozen_names(self) -> tuple[str, ...]:
        """Parts of the network that are not trained."""
        return tuple(n for n in PROPERTIES + WEIGHTS if n not in self.config.trained)

    def hyper(self) -> Hyper:
        """[R] settings of the runs."""
        recipe = self.recipe
        final = recipe.centre_lr if recipe.centre_lr_final is None else recipe.centre_lr_final
        one = Hyper(
            centre_lr=recipe.centre_lr,
            centre_lr_final=final,
            sigma=recipe.sigma,
            sigma_lr=recipe.sigma_lr,
            sigma_max_change=recipe.sigma_max_change,
            expected_reward_weight=recipe.expected_reward_weight,
            generations=recipe.generations,
        )
        return Hyper(*(np.full(len(self.seeds), value, np.float32) for value in one))


class Engine:
    """Advances the runs of all its groups together.

    Args:
        task: what all groups play.
        groups: the runs.
        runs_per_block: how many runs of a group a device advances side by side; blocks follow one
            another. With "all", groups also share one batch of environments, which an accelerator wants;
            one run at a time keeps its state in a CPU's cache. None chooses by platform.
        devices: to spread over; by default all.
    """

    def __init__(
        self,
        task: Task,
        groups: Sequence[Group],
        *,
        runs_per_block: int | Literal["all"] | None = None,
        devices: Sequence[jax.Device] | None = None,
    ):
        devices = list(devices or jax.devices())
        self.task, self.groups = task, tuple(groups)
        by_platform = 1 if devices[0].platform == "cpu" else "all"
        self._runs_per_block = by_platform if runs_per_block is None else runs_per_block
        self.mesh = self._make_mesh(devices)
        self._searches = [Search(g.recipe.population, g.config.trained_size, g.recipe.optimiser) for g in self.groups]
        self._by_run = NamedSharding(self.mesh, P("runs"))
        self._constants = [self._place(self._make_constants(g)) for g in self.groups]
        self._advance = self._compile()

    def _make_mesh(self, devices):
        """As many devices as divide every group's runs go to runs, the others to members."""
        by_run = functools.reduce(math.gcd, (len(g.seeds) for g in self.groups), len(devices))
        by_member = len(devices) // by_run
        while any(g.recipe.population % by_member for g in self.groups):
            by_member -= 1
        return Mesh(np.array(devices[: by_run * by_member]).reshape(by_run, by_member), ("runs", "members"))

    def _place(self, tree):
        """Puts host arrays [R, …] on the devices, split by run; works on several hosts, too."""

        def put(x):
            x = np.asarray(x)
            return jax.make_array_from_callback(x.shape, self._by_run, lambda index: x[index])

        return jax.tree.map(put, tree)

    def _make_constants(self, group):
        frozen = [group.config.initial(seed) for seed in group.seeds]
        return (
            group.hyper(),
            np.asarray(group.seeds, np.uint32),
            {name: np.stack([parts[name] for parts in frozen]) for name in group.frozen_names},
        )

    def init(self) -> list[RunState]:
        """States of all groups before the first generation."""
        return [self._init_group(*pair) for pair in zip(self.groups, self._searches, strict=True)]

    def _init_group(self, group, search):
        config = group.config
        centres = np.stack([config.flatten(config.initial(seed)) for seed in group.seeds])
        runs = len(group.seeds)
        states = jax.jit(jax.vmap(search.init))(centres, group.hyper())
        stats = jax.vmap(lambda _: empty(config.inputs))(jnp.arange(runs))
        # Booked as int32 from the start, so that the state's types never change.
        states = states.replace(generation_counter=np.zeros(runs, np.int32))
        state = RunState(states, stats, np.zeros(runs, np.int32), np.zeros(runs, np.float32))
        return self.place(state)

    def place(self, state: RunState) -> RunState:
        """A state of host arrays, on this engine's devices."""
        return self._place(state)

    def advance(self, states: list[RunState], generations: int):
        """Runs up to `CHUNK` generations.

        Returns:
            The new states, and for each group `Metrics` of NumPy arrays [generations, R].
        """
        if not 1 <= generations <= CHUNK:
            raise ValueError(f"generations (={generations}) must be between 1 and {CHUNK}")
        states, metrics = self._advance(states, self._constants, np.int32(generations))
        return states, jax.tree.map(lambda x: to_host(x)[:, :generations].swapaxes(0, 1), metrics)

    def _compile(self):
        by_run = P("runs")
        mapped = jax.shard_map(
            self._advance_local,
            mesh=self.mesh,
            in_specs=(by_run, by_run, P()),
            out_specs=(by_run, by_run),
            check_vma=False,
        )
        return jax.jit(mapped, donate_argnums=0)

    def _advance_local(self, states, constants, generations):
        """This device's runs, `generations` times; metrics land in a buffer [R, CHUNK]."""

        def body(carry):
            i, states, buffer = carry
            states, metrics = self._generation(states, constants)
            buffer = jax.tree.map(lambda b, m: b.at[:, i].set(m), buffer, metrics)
            return i + 1, states, buffer

        def blank(state):
            runs = state.nan_members.shape[0]
            counts = jnp.zeros((runs, CHUNK), jnp.int32)
            numbers = jnp.zeros((runs, CHUNK))
            return Metrics(numbers, numbers, numbers, numbers, numbers, counts)

        carry = (jnp.int32(0), states, [blank(s) for s in states])
        _, states, buffer = jax.lax.while_loop(lambda c: c[0] < generations, body, carry)
        return states, buffer

    def _generation(self, states, constants):
        """One generation of this device's runs, in blocks as planned."""
        if self._runs_per_block == "all":
            return self._block(range(len(self.groups)), states, constants)
        results = []
        for i, pair in enumerate(zip(states, constants, strict=True)):

            def one_run(pair, i=i):
                lifted = jax.tree.map(lambda x: x[None], pair)
                (state,), (metrics,) = self._block([i], [lifted[0]], [lifted[1]])
                return jax.tree.map(lambda x: x[0], (state, metrics))

            results.append(jax.lax.map(one_run, pair, batch_size=self._runs_per_block))
        states, metrics = zip(*results, strict=True)
        return list(states), list(metrics)

    def _block(self, indices, states, constants):
        """One generation of some groups side by side: ask, play, tell."""
        groups = [self.groups[i] for i in indices]
        searches = [self._searches[i] for i in indices]
        populations, policies = [], []
        for group, search, state, (hyper, seeds, frozen) in zip(groups, searches, states, constants, strict=True):
            ask_keys, env_keys = _keys(seeds, state.search.generation_counter, group.recipe.episodes)
            population = jax.vmap(search.ask)(ask_keys, state.search, hyper)
            own = _slice_members(population, self.mesh.shape["members"])
            stats = state.stats if group.recipe.normalise_observations else None
            policies.append(functools.partial(_make_policies, group.config, frozen, env_keys, stats))
            populations.append((population, own))
        clip = groups[0].recipe.observation_clip
        populations, own = zip(*populations, strict=True)
        if self._runs_per_block == "all":
            made = [make(members) for make, members in zip(policies, own, strict=True)]
            episodes = rollout(self.task, made, clip=clip)
        else:
            episodes = [self._play_in_blocks(policies[0], own[0], clip)]
        results = [
            self._learn(*args)
            for args in zip(searches, populations, episodes, states, [c[0] for c in constants], strict=True)
        ]
        states, metrics = zip(*results, strict=True)
        return list(states), list(metrics)

    def _play_in_blocks(self, make_policies, own, clip):
        """Episodes of members [R, P, D], some members at a time; each block ends when its last member does."""
        runs, members, size = own.shape
        count = _blocks(members, runs * size)
        blocks = own.reshape(runs, count, members // count, size).swapaxes(0, 1)
        played = jax.lax.map(lambda block: rollout(self.task, [make_policies(block)], clip=clip)[0], blocks)
        join = functools.partial(jax.tree.map, lambda x: x.swapaxes(0, 1).reshape(runs, members, -1))
        moments = played.moments and jax.tree.map(lambda x: x.sum(0), played.moments)
        return Episodes(*join(tuple(played[:3])), spikes=None, moments=moments)

    def _learn(self, search, population, episodes, state, hyper):
        """The update of one group from its episodes."""
        gather = functools.partial(jax.lax.all_gather, axis_name="members", axis=1, tiled=True)
        returns = gather(episodes.returns.mean(-1))
        fitness = returns + hyper.expected_reward_weight[:, None] * gather(episodes.expected.mean(-1))
        lengths = gather(episodes.lengths)
        searched = jax.vmap(search.tell)(population, fitness, state.search, hyper)
        stats = state.stats
        if episodes.moments is not None:
            stats = jax.vmap(update)(stats, jax.lax.psum(episodes.moments, "members"))
        nan_members = jnp.isnan(returns).sum(-1, dtype=jnp.int32)
        metrics = Metrics(
            mean=jnp.nanmean(returns, -1),
            best=jnp.nanmax(returns, -1),
            std=jnp.nanstd(returns, -1),
            sigma=searched.std.mean(-1),
            length=lengths.mean((-2, -1)),
            nan_members=nan_members,
        )
        state = RunState(searched, stats, state.nan_members + nan_members, state.env_steps + lengths.sum((-2, -1)))
        return state, metrics


def _keys(seeds, generations, episodes):
    """Keys of a generation, from seed and generation alone: for `ask` [R], for resets [R, 1, E]."""

    def one(seed, generation):
        key = jax.random.fold_in(jax.random.key(seed), generation)
        ask, env = jax.random.split(key)
        return ask, jax.random.split(env, (1, episodes))

    return jax.vmap(one)(seeds, generations)


def _make_policies(config, frozen, keys, stats, own) -> Policies:
    """Networks of members [R, P, D]."""
    networks = jax.vmap(functools.partial(build_population, config))(frozen, own)
    return Policies(networks, keys, stats, own.shape[1])


def _blocks(members: int, numbers: int) -> int:
    """Smallest division of the members into equal blocks of at most `_BLOCK_NUMBERS` numbers."""
    return next(
        n
        for n in range(1, members + 1)
        if members % n == 0 and (members // n * numbers <= _BLOCK_NUMBERS or n == members)
    )


def _slice_members(population, shards):
    """This device's members of populations [R, P, D]."""
    if shards == 1:
        return population
    size = population.shape[1] // shards
    return jax.lax.dynamic_slice_in_dim(population, jax.lax.axis_index("members") * size, size, axis=1)


def to_host(tree):
    """NumPy copies of arrays, gathered from all hosts."""
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        return multihost_utils.process_allgather(tree, tiled=True)
    return jax.tree.map(np.asarray, tree)
