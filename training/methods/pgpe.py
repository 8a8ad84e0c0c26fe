"""PGPE (Sehnke et al., 2010), the paper's method, on evosax; one run's state in and out.

The paper names population, rates and initial sigma. Ours are the optimiser (Adam unless the recipe says otherwise),
ranks in place of returns (its Eq. 7 takes these as they are), and the bound on sigma's change.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from evosax.algorithms import PGPE
from evosax.core.fitness_shaping import centered_rank_fitness_shaping_fn
from jaxtyping import Array, Float, Int

from zoo.training.methods.noise import shared_normal
from zoo.training.methods.optimisers import OPTIMISERS, SPEEDS


class Hyper(NamedTuple):
    """Settings that may differ between runs of one program; arrays of shape [] or [R].

    As in `Recipe`; an infinite `centre_lr_drop` stands for none.
    """

    centre_lr: Float[Array, ""]
    centre_lr_final: Float[Array, ""]
    centre_lr_drop: Float[Array, ""]
    sigma: Float[Array, ""]
    sigma_final: Float[Array, ""]
    sigma_lr: Float[Array, ""]
    sigma_max_change: Float[Array, ""]
    expected_reward_weight: Float[Array, ""]
    generations: Float[Array, ""]


class Search:
    """The search distribution of one run: `init`, `ask`, `tell` are pure and can be mapped over runs.

    Returns are maximised; centred ranks, ties averaged; a NaN return ranks last.

    Attributes:
        fitness_shape: of what `tell` is told.

    Args:
        population: members, in antithetic pairs.
        size: D, trained parameters.
        optimiser: of the centre.
        shared_noise: share of the variance that neurons have in common (`zoo.training.methods.noise`).
    """

    def __init__(self, population: int, size: int, optimiser: str, shared_noise: float = 0.0):
        self.fitness_shape: tuple[int, ...] = (population,)
        self._size, self._shared_noise = size, shared_noise
        self._optimiser = optax.inject_hyperparams(OPTIMISERS[optimiser])(learning_rate=0.0)
        self._speed = SPEEDS.get(optimiser)
        self._pgpe = PGPE(
            population,
            jnp.zeros(size),
            optimizer=self._optimiser,
            fitness_shaping_fn=centered_rank_fitness_shaping_fn,
            metrics_fn=lambda *_: {},
        )

    def _params(self, hyper: Hyper):
        return self._pgpe.default_params.replace(
            std_init=hyper.sigma, std_lr=hyper.sigma_lr, std_max_change=hyper.sigma_max_change
        )

    def init(self, centre: Float[Array, " D"], hyper: Hyper):
        """State around a centre."""
        return self._pgpe.init(jax.random.key(0), centre, self._params(hyper))  # The key is not used.

    def ask(self, key, state, hyper: Hyper, fixed: Mapping[str, Array] | None = None) -> Float[Array, "P D"]:
        """Members: centre + sigma z for the first half, centre - sigma z for the second.

        Args:
            key: of random numbers.
            state: of the search.
            hyper: its settings.
            fixed: parts of the network that are not trained; those that share noise need them.
        """
        if not self._shared_noise:
            population, _ = self._pgpe.ask(key, state, self._params(hyper))
            return population
        pairs = self.fitness_shape[0] // 2
        z = shared_normal(key, pairs, self._size, self._shared_noise, fixed or {})
        return state.mean + state.std * jnp.concatenate([z, -z])

    def tell(self, population, fitness: Float[Array, " P"], state, hyper: Hyper):
        """Moves centre and sigma by the members' fitness (higher is better)."""
        generation = state.generation_counter
        rate = _scheduled(hyper.centre_lr, hyper.centre_lr_final, hyper, generation)
        opt_state = state.opt_state
        rates = {"learning_rate": rate}
        if self._speed is not None:
            rates["max_velocity"] = jnp.float32(self._speed(rate))
        opt_state = opt_state._replace(hyperparams=opt_state.hyperparams | rates)
        state, _ = self._pgpe.tell(
            jax.random.key(0), population, -fitness, state.replace(opt_state=opt_state), self._params(hyper)
        )
        now, following = (_scheduled(hyper.sigma, hyper.sigma_final, hyper, generation + i) for i in (0, 1))
        return state.replace(std=state.std * (following / now))


def _scheduled(first, final, hyper: Hyper, generation):
    """A setting that goes from `first` to `final`: in one step where there is one, else along a cosine."""
    progress = generation / jnp.maximum(hyper.generations - 1, 1)
    cosine = (1 + jnp.cos(jnp.pi * jnp.clip(progress, 0, 1))) / 2
    step = (generation < hyper.centre_lr_drop).astype(jnp.float32)
    fade = jnp.where(jnp.isfinite(hyper.centre_lr_drop), step, cosine)
    return final + (first - final) * fade


class BlockSearch(Search):
    """A search for each block of neurons, all at once: cooperative coevolution (Potter and De Jong, 1994).

    A member's block is judged with all other neurons at their centre, so that a member has a fitness for
    each block, and the search of a block has few dimensions, however wide the network is.

    Args:
        population: members of each search.
        blocks: where each block's parameters stand in a flat vector (`NetworkConfig.blocks`).
        optimiser: of the centres.
    """

    def __init__(self, population: int, blocks: Int[np.ndarray, "J K"], optimiser: str):
        super().__init__(population, blocks.size, optimiser)
        self.fitness_shape = (population, len(blocks))
        self._of_block = Search(population, blocks.shape[1], optimiser)
        self._blocks, self._places = blocks, np.argsort(blocks, axis=None)

    def init(self, centre: Float[Array, " D"], hyper: Hyper):
        """State around a centre; its best fitness is a block's, [J]."""
        state = super().init(centre, hyper)
        return state.replace(best_fitness=jnp.broadcast_to(state.best_fitness, len(self._blocks)))

    def tell(self, population, fitness: Float[Array, " P J"], state, hyper: Hyper):
        """Moves the centre and sigma of each block by its own fitness."""
        size = self._blocks.size
        state = jax.tree.map(lambda x: x[self._blocks] if x.shape == (size,) else x, state)
        axes = jax.tree.map(lambda x: 0 if x.ndim else None, state)
        tell = jax.vmap(self._of_block.tell, in_axes=(1, 1, axes, None), out_axes=axes)
        state = tell(population[:, self._blocks], fitness, state, hyper)
        return jax.tree.map(lambda x: x.ravel()[self._places] if x.ndim == 2 else x, state)
