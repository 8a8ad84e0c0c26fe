"""Small trainings on Brax that compare settings of the search, side by side, before long ones are begun.

    python benchmarks/brax_recipes.py --task hc --kind het

Every pair of centre rate and sigma is trained with the same `--seeds`; all runs of one action gain advance in one
program. Printed for each, seed by seed: the mean return of the last five generations' populations, and of the centre
over 32 fresh episodes. Episodes are cut at `--limit` steps, the centre's at `--centre-limit`; `--constant` leaves out
what the recipe does to rate and sigma over time, `--cosine` has them fall along a cosine in place of a step.
`--pull` draws trained neurons back to those at the start, where all are alike, by so many rates of their distance a
generation; `--spread` has them begin apart, normally distributed in the search's units with this standard deviation.
`--step-bonus` is added to a member's fitness, and not to its return, for each step of its episodes: -0.5 leaves half
of what an environment pays for not having fallen. `--shaping` says what members count by in place of their rank:
their return in standard deviations of the population's, as the paper's Eq. 7 takes it but for the scale, or weights
of natural evolution strategies, by which the worse half counts alike. What is left names the model or is a setting of
its recipe.
"""

import argparse
import dataclasses
import functools
import itertools
import time

import jax
import jax.numpy as jnp
import numpy as np
from evosax.core.fitness_shaping import standardize_fitness_shaping_fn

from zoo.models import build_population
from zoo.registry.names import parse
from zoo.registry.recipe import default_recipe, make_network_config, make_recipe_task, override
from zoo.tasks.compiled import compiled_rollout, find_kernel
from zoo.tasks.rollout import Policies, rollout
from zoo.training import methods
from zoo.training.methods.base import Group, Start
from zoo.training.methods.evolution import Evolution
from zoo.training.methods.pgpe import Search
from zoo.training.run.engine import Engine

_TELL = Search.tell
_LEARN = Evolution._learn


def pull_back(pull, start):
    """Has every search of this process draw its centre back to `start`, by `pull` rates of the distance."""

    def tell_and_pull(self, population, fitness, state, hyper):
        moved = _TELL(self, population, fitness, state, hyper)
        rate = moved.opt_state.hyperparams["learning_rate"]
        return moved.replace(mean=moved.mean - pull * rate * (moved.mean - start))

    Search.tell = tell_and_pull


def pay_steps(bonus):
    """Has every search of this process rank members by their return and so much for each step of their episodes."""

    def learn_from_both(self, group, population, episodes, state, hyper):
        judged = episodes._replace(returns=episodes.returns + bonus * episodes.lengths)
        state, metrics = _LEARN(self, group, population, judged, state, hyper)
        return state, metrics._replace(mean=metrics.mean - bonus * metrics.length)

    Evolution._learn = learn_from_both


def by_weights(population, fitness, state, params):
    """Weights of natural evolution strategies (Wierstra et al., 2014) of what is to be minimised; NaN comes last."""
    count = fitness.shape[-1]
    ranks = jnp.argsort(jnp.argsort(fitness, axis=-1), axis=-1)
    worth = jnp.maximum(0, jnp.log(count / 2 + 1) - jnp.log(ranks + 1))
    return 1 / count - worth / worth.sum(-1, keepdims=True)


SHAPINGS = {"ranks": None, "returns": standardize_fitness_shaping_fn, "weights": by_weights}


def shape_fitness(shaping):
    """Has every search of this process judge its members by `shaping`."""
    methods.pgpe.centered_rank_fitness_shaping_fn = shaping


def apart(group, spread):
    """A start with neurons that differ: each run's own, and normally distributed numbers added to them."""
    alike = group.initial()
    noise = np.stack([np.random.default_rng(7000 + seed).normal(size=alike.shape[1]) for seed in group.seeds])
    return Start(trained=group.config.split(np.asarray(alike + spread * noise, np.float32)))


def train(name, recipe, settings, run_seeds, centre_limit, pull=0.0, spread=0.0):
    """Population and centre returns [R] after the recipe's generations; run i has setting i and seed i."""
    model = parse(name)
    task = make_recipe_task(model, recipe)
    config = make_network_config(model, task, recipe)
    varying = tuple((field, tuple(one[field] for one in settings)) for field in settings[0])
    group = Group(config=config, recipe=recipe, seeds=run_seeds, varying=varying)
    if spread:
        group = dataclasses.replace(group, start=apart(group, spread))
    if pull:
        pull_back(pull, Group(config=config, recipe=recipe, seeds=run_seeds[:1]).initial()[0])
    engine = Engine(task, [group])
    populations = []
    (state,) = engine.train(recipe.generations, lambda done, metrics: populations.append(metrics[0].mean))
    keys = jax.random.split(jax.random.key(2**20), (len(settings), 1, 32))

    @jax.jit
    def play(state, frozen):
        networks = jax.vmap(functools.partial(build_population, config))(frozen, state.search.mean[:, None])
        policies = Policies(networks, keys, state.stats, members=1)
        whole = dataclasses.replace(task, limit=centre_limit)
        if kernel := find_kernel(whole).step:
            return compiled_rollout(kernel, policies, clip=recipe.observation_clip).returns.mean((1, 2))
        return rollout(whole, [policies], clip=recipe.observation_clip)[0].returns.mean((1, 2))

    return np.concatenate(populations)[-5:].mean(0), np.asarray(play(state, group.frozen()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="hp")
    parser.add_argument("--kind", default="het")
    parser.add_argument("--budget", type=int, default=1024)
    parser.add_argument("--subset", help="properties to train, as a name has them (tau-vth); by default all four")
    parser.add_argument("--population", type=int, default=64)
    parser.add_argument("--generations", type=int, default=60)
    parser.add_argument("--limit", type=int, default=300)
    parser.add_argument("--centre-limit", type=int, help="by default --limit")
    parser.add_argument("--constant", action="store_true")
    parser.add_argument("--cosine", action="store_true")
    parser.add_argument("--centre-lr-drop", type=int, help="by default the recipe's")
    parser.add_argument("--centre-lr-final", type=float, help="by default the recipe's")
    parser.add_argument("--sigma-final", type=float, help="by default the recipe's")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--centre-lr", type=float, nargs="+", default=[0.02, 0.05, 0.15])
    parser.add_argument("--sigma", type=float, nargs="+", default=[0.05, 0.1, 0.2])
    parser.add_argument("--action-gain", type=float, nargs="+", default=[1.0, 3.0])
    parser.add_argument("--optimiser", help="by default the recipe's")
    parser.add_argument("--sigma-lr", type=float, help="by default the recipe's")
    parser.add_argument("--shared-noise", type=float, help="by default the recipe's")
    parser.add_argument("--pull", type=float, default=0.0)
    parser.add_argument("--spread", type=float, default=0.0)
    parser.add_argument("--step-bonus", type=float, default=0.0)
    parser.add_argument("--shaping", choices=SHAPINGS, default="ranks")
    arguments = parser.parse_args()
    if shaping := SHAPINGS[arguments.shaping]:
        shape_fitness(shaping)
    if arguments.step_bonus:
        pay_steps(arguments.step_bonus)
    name = "-".join(filter(None, (f"{arguments.kind}snn", arguments.task, str(arguments.budget), arguments.subset)))
    settings = [
        {"centre_lr": rate, "sigma": sigma} for rate, sigma in itertools.product(arguments.centre_lr, arguments.sigma)
    ]
    recipe = override(
        default_recipe(name),
        seeds=len(settings) * len(arguments.seeds),
        population=arguments.population,
        generations=arguments.generations,
        episode_limit=arguments.limit,
    )
    if arguments.constant:
        falling = ("centre_lr_final", "centre_lr_drop", "sigma_final", "short_limit", "short_generations")
        recipe = override(recipe, **dict.fromkeys(falling))
    if arguments.cosine:
        recipe = override(recipe, centre_lr_drop=None)
    settled = ("optimiser", "sigma_lr", "centre_lr_drop", "centre_lr_final", "sigma_final", "shared_noise")
    told = {field: value for field in settled if (value := getattr(arguments, field)) is not None}
    recipe = override(recipe, **settings[0] | told)
    limit = arguments.centre_limit or arguments.limit
    runs = list(itertools.product(settings, arguments.seeds))
    show = functools.partial(print, flush=True)
    for gain in arguments.action_gain:
        start = time.perf_counter()
        given = override(recipe, action_gain=gain), *zip(*runs, strict=True), limit
        population, centre = train(name, *given, arguments.pull, arguments.spread)
        show(f"{name}, action gain {gain:g}, {time.perf_counter() - start:.0f} s")
        for setting, *results in zip(
            settings, *(v.reshape(len(settings), -1) for v in (population, centre)), strict=True
        ):
            words = (", ".join(f"{value:.1f}" for value in values) for values in results)
            show("  {}: population {}; centre {}".format(setting, *words))


if __name__ == "__main__":
    main()
