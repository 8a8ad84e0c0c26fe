"""PGPE (Sehnke et al., 2010) as the paper uses it, on evosax; one run's state in and out."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from evosax.algorithms import PGPE
from evosax.core.fitness_shaping import centered_rank_fitness_shaping_fn
from evosax.core.optimizer import clipup
from jaxtyping import Array, Float

_OPTIMISERS = {"adam": optax.adam, "sgd": optax.sgd, "clipup": clipup}


class Hyper(NamedTuple):
    """Settings that may differ between runs of one program; arrays of shape [] or [R]."""

    centre_lr: Float[Array, ""]
    centre_lr_final: Float[Array, ""]
    sigma: Float[Array, ""]
    sigma_lr: Float[Array, ""]
    sigma_max_change: Float[Array, ""]
    expected_reward_weight: Float[Array, ""]
    generations: Float[Array, ""]


class Search:
    """The search distribution of one run: `init`, `ask`, `tell` are pure and can be mapped over runs.

    Returns are maximised; centred ranks, ties averaged; a NaN return ranks last.
    """

    def __init__(self, population: int, size: int, optimiser: str):
        self._optimiser = optax.inject_hyperparams(_OPTIMISERS[optimiser])(learning_rate=0.0)
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

    def ask(self, key, state, hyper: Hyper) -> Float[Array, "P D"]:
        """Members: centre + sigma z for the first half, centre - sigma z for the second."""
        population, _ = self._pgpe.ask(key, state, self._params(hyper))
        return population

    def tell(self, population, fitness: Float[Array, " P"], state, hyper: Hyper):
        """Moves centre and sigma by the members' fitness (higher is better)."""
        progress = state.generation_counter / jnp.maximum(hyper.generations - 1, 1)
        fade = (1 + jnp.cos(jnp.pi * jnp.clip(progress, 0, 1))) / 2
        rate = hyper.centre_lr_final + (hyper.centre_lr - hyper.centre_lr_final) * fade
        opt_state = state.opt_state
        opt_state = opt_state._replace(hyperparams=opt_state.hyperparams | {"learning_rate": rate})
        state, _ = self._pgpe.tell(
            jax.random.key(0), population, -fitness, state.replace(opt_state=opt_state), self._params(hyper)
        )
        return state
