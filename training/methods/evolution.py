"""PGPE's generations of many runs: ask, play, tell."""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from zoo.core.divisors import largest_divisor
from zoo.models import NetworkConfig, build_population
from zoo.tasks.compiled import compiled_rollout, find_kernel
from zoo.tasks.observations import ObservationStats, update
from zoo.tasks.rollout import Episodes, Policies, rollout
from zoo.training.methods.base import Group, RunsMethod, make_hyper
from zoo.training.methods.pgpe import BlockSearch, Hyper, Search

_BLOCK_NUMBERS = 2**20
"""Trained numbers of the members that a CPU core plays at a time: 4 MiB, so that they stay in its cache."""


class RunState(NamedTuple):
    """Everything that changes while a run trains. Leading axis R.

    Attributes:
        search: evosax state: centre, sigma, optimiser, best member so far, generation.
        stats: observation statistics (unused ones stay at zero).
        nan_members: how many members had a return that is not finite, in all.
        env_steps: environment steps lived through, in all.
    """

    search: Any
    stats: ObservationStats
    nan_members: Int[Array, " R"]
    env_steps: Float[Array, " R"]


class Metrics(NamedTuple):
    """Of one generation. Leading axis R.

    Attributes:
        mean, best, std: of the members' finite returns.
        sigma: mean standard deviation of the search distribution.
        length: mean episode length, in steps.
        nan_members: members whose return was NaN or infinite.
    """

    mean: Float[Array, " R"]
    best: Float[Array, " R"]
    std: Float[Array, " R"]
    sigma: Float[Array, " R"]
    length: Float[Array, " R"]
    nan_members: Int[Array, " R"]


def hyper_of(group: Group) -> Hyper:
    """[R] settings of the runs."""
    absent = {
        "centre_lr_final": group.numbers("centre_lr"),
        "centre_lr_drop": np.inf,
        "sigma_final": group.numbers("sigma"),
        "expected_reward_weight": 0.0,
    }
    return make_hyper(Hyper, group, absent)


class Evolution(RunsMethod):
    """The search distribution of every run, moved by its members' fitness (`zoo.training.methods.base.RunsMethod`).

    Args:
        task: what all runs play.
        shards: number of devices that share a run's members.
    """

    metrics: type = Metrics
    in_lanes = True
    """Whether a CPU computes it on batches whose last axis fills its registers (`Task.cpu_options`)."""

    @staticmethod
    def splits(group: Group) -> int:
        """The population."""
        return group.recipe.population

    def physics(self, group: Group) -> str:
        """What computes the physics here: as the recipe says, unless there is no kernel to be had."""
        wanted = _asked(group)
        return "lanes" if wanted == "kernel" and find_kernel(self.task).step is None else wanted

    def notes(self, groups: Sequence[Group]) -> list[str]:
        """Why the physics is not what a recipe asks for, where it is not."""
        unlike = [group for group in groups if self.physics(group) != _asked(group)]
        return [f"physics by JAX, which is slower: {find_kernel(self.task).reason}"] if unlike else []

    @staticmethod
    def hyper(group: Group) -> Hyper:
        """[R] settings of the runs; another strategy has others."""
        return hyper_of(group)

    @staticmethod
    def search(group: Group) -> Search:
        """The strategy: `init`, `ask`, `tell`, and a state with ``mean``, ``std`` and ``generation_counter``."""
        return make_search(group)

    def constants(self, group: Group):
        """`Hyper`, seeds and the fixed parts of the networks."""
        return self.hyper(group), np.asarray(group.seeds, np.uint32), group.frozen()

    def init(self, group: Group) -> RunState:
        """Search distributions around what the group begins with."""
        runs = len(group.seeds)
        states = jax.jit(jax.vmap(self.search(group).init))(group.initial(), self.hyper(group))
        # Booked as int32 from the start, so that the state's types never change.
        states = states.replace(generation_counter=np.zeros(runs, np.int32))
        return RunState(states, group.initial_stats(), np.zeros(runs, np.int32), np.zeros(runs, np.float32))

    def parameters(self, state: RunState) -> Float[Array, "R D"]:
        """The centres."""
        return state.search.mean

    def totals(self, state: RunState) -> dict:
        """Environment steps of a run, on average, and NaN members of all."""
        return {"env_steps": float(np.mean(state.env_steps)), "nan_members": int(np.sum(state.nan_members))}

    def generation(self, groups, states, constants, arrays, *, merged):
        """Ask, play, tell."""
        populations, own, policies = [], [], []
        for group, state, (hyper, seeds, frozen) in zip(groups, states, constants, strict=True):
            ask_keys, env_keys = _keys(seeds, state.search.generation_counter, group.recipe.episodes)
            fixed = (frozen,) if shared_noise(group) else ()  # Strategies of others do not know of it.
            population = jax.vmap(self.search(group).ask)(ask_keys, state.search, hyper, *fixed)
            stats = state.stats if group.recipe.normalise_observations else None
            limit = _limit(group, state.search.generation_counter)
            policies.append(functools.partial(_make_policies, group, frozen, env_keys, stats, limit))
            populations.append(population)
            own.append(self._own(population, axis=1))
        clip = groups[0].recipe.observation_clip
        if merged and "kernel" not in map(self.physics, groups):
            made = [make(members) for make, members in zip(policies, own, strict=True)]
            episodes = rollout(self.task, made, clip=clip, physics=self.physics(groups[0]))
        else:
            episodes = [self._play(*args, clip) for args in zip(groups, policies, own, strict=True)]
        results = [
            self._learn(*args)
            for args in zip(groups, populations, episodes, states, [c[0] for c in constants], strict=True)
        ]
        states, metrics = zip(*results, strict=True)
        return list(states), list(metrics)

    def _play(self, group, make_policies, own, clip):
        """Episodes of members [R, P, D]."""
        physics = self.physics(group)
        if physics == "kernel":
            return compiled_rollout(find_kernel(self.task).step, make_policies(own), clip=clip)
        return self._play_in_blocks(make_policies, own, clip, physics)

    def _play_in_blocks(self, make_policies, own, clip, physics):
        """Episodes of members [R, P, D], some members at a time; each block ends when its last member does."""
        runs, members, size = own.shape
        count = block_count(members, runs * size)
        blocks = own.reshape(runs, count, members // count, size).swapaxes(0, 1)
        played = jax.lax.map(
            lambda block: rollout(self.task, [make_policies(block)], clip=clip, physics=physics)[0], blocks
        )
        join = functools.partial(jax.tree.map, lambda x: x.swapaxes(0, 1).reshape(runs, members, -1))
        moments = played.moments and jax.tree.map(lambda x: x.sum(0), played.moments)
        return Episodes(*join(tuple(played[:3])), spikes=None, moments=moments)

    def _learn(self, group, population, episodes, state, hyper):
        """The update of one group from its episodes."""
        gather = functools.partial(self._gather, axis=1)
        returns = gather(episodes.returns.mean(-1))
        returns = jnp.where(jnp.isfinite(returns), returns, jnp.nan)  # An infinite one would rank first.
        fitness = returns
        if hasattr(hyper, "expected_reward_weight"):
            fitness += hyper.expected_reward_weight[:, None] * gather(episodes.expected.mean(-1))
        lengths = gather(episodes.lengths)
        searched = jax.vmap(self.search(group).tell)(population, fitness, state.search, hyper)
        stats = state.stats
        if episodes.moments is not None:
            stats = jax.vmap(update)(stats, jax.lax.psum(episodes.moments, "members"))
        nan_members = jnp.isnan(returns).sum(-1, dtype=jnp.int32)
        metrics = Metrics(
            mean=jnp.nanmean(returns, -1),
            best=jnp.nanmax(returns, -1),
            std=jnp.nanstd(returns, -1),
            sigma=searched.std.reshape(len(returns), -1).mean(-1),  # One for all dimensions, or one each.
            length=lengths.mean((-2, -1)),
            nan_members=nan_members,
        )
        state = RunState(searched, stats, state.nan_members + nan_members, state.env_steps + lengths.sum((-2, -1)))
        return state, metrics


@functools.lru_cache(maxsize=64)
def _make_search(config: NetworkConfig, population: int, block: int | None, optimiser: str, shared: float) -> Search:
    if block is None:
        return Search(population, config.trained_size, optimiser, shared)
    return BlockSearch(population, config.blocks(block), optimiser)


def make_search(group: Group) -> Search:
    """The search of a group's runs."""
    recipe = group.recipe
    return _make_search(group.config, recipe.population, block_neurons(group), recipe.optimiser, shared_noise(group))


def shared_noise(group: Group) -> float:
    """Share of the noise's variance that neurons have in common."""
    return getattr(group.recipe, "shared_noise", 0.0)  # A setting of PGPE on control tasks alone.


def _asked(group: Group) -> str:
    """What a recipe wants to compute the physics; a strategy of others may not know of it."""
    return getattr(group.recipe, "physics", "lanes")


def block_neurons(group: Group) -> int | None:
    """Neurons that are searched apart from the others; None where one block holds them all."""
    neurons = getattr(group.recipe, "block_neurons", None)  # A setting on images alone.
    return None if neurons == group.config.hidden else neurons


def _keys(seeds, generations, episodes):
    """Keys of a generation, from seed and generation alone: for `ask` [R], for resets [R, 1, E]."""

    def one(seed, generation):
        key = jax.random.fold_in(jax.random.key(seed), generation)
        ask, env = jax.random.split(key)
        return ask, jax.random.split(env, (1, episodes))

    return jax.vmap(one)(seeds, generations)


def _make_policies(group, frozen, keys, stats, limit, own) -> Policies:
    """Networks of members [R, P, D]."""
    networks = jax.vmap(functools.partial(build_population, group.config))(frozen, own)
    return Policies(networks, keys, stats, own.shape[1], group.readout_gain, limit)


def _limit(group: Group, generations) -> Int[Array, ""] | None:
    """Most steps of an episode in a generation, which all runs of a group are at; None for the task's own."""
    recipe = group.recipe
    if getattr(recipe, "short_limit", None) is None:  # A setting of PGPE on episodes alone.
        return None
    short = min(recipe.short_limit, recipe.episode_limit)
    return jnp.where(generations[0] < recipe.short_generations, short, recipe.episode_limit)


def block_count(members: int, numbers: int) -> int:
    """Smallest division of the members into equal blocks of at most `_BLOCK_NUMBERS` numbers."""
    return members // largest_divisor(members, _BLOCK_NUMBERS // numbers)
