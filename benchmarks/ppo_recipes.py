"""Trainings by PPO with other settings, on seeds that no published model has: how the network without noise fares.

    python benchmarks/ppo_recipes.py homsnn-hc-4096-bp --updates 366 --set discount=0.99 final_rate=0.1

Printed every `--every` updates, seed by seed: the mean return of the greedy policy over 32 episodes, the deviations
of actions, the divergence and the factor on rates of the last updates, and the process's seconds.
"""

import argparse
import ast
import functools
import time

import jax
import numpy as np

from zoo.models import build_population
from zoo.registry.names import parse
from zoo.registry.recipe import default_recipe, make_network_config, make_recipe_task, override
from zoo.tasks.compiled import compiled_rollout, find_kernel
from zoo.tasks.rollout import Policies
from zoo.training.methods.base import Group
from zoo.training.run.engine import Engine


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--seeds", type=int, nargs="+", default=[100, 101])
    parser.add_argument("--updates", type=int, default=366)
    parser.add_argument("--every", type=int, default=61)
    parser.add_argument("--set", nargs="*", default=[], metavar="SETTING=VALUE")
    arguments = parser.parse_args()
    settings = {key: literal(value) for key, value in (text.split("=") for text in arguments.set)}
    model = parse(arguments.name)
    recipe = override(default_recipe(model), seeds=len(arguments.seeds), generations=arguments.updates, **settings)
    task = make_recipe_task(model, recipe)
    config = make_network_config(model, task, recipe)
    group = Group(config=config, recipe=recipe, seeds=tuple(arguments.seeds))
    engine = Engine(task, [group])
    returns = greedy(task, group, engine.method)
    states, done = engine.init(), 0
    while done < arguments.updates:
        step = min(arguments.every, arguments.updates - done)
        states, (metrics,) = engine.advance(states, step)
        done += step
        steps, last = float(np.mean(states[0].env_steps)) / 1e6, np.asarray(metrics.factor)[-5:].mean(0)
        log_std = np.asarray(states[0].actor.parameters)[:, -task.action_size :].mean(1)
        print(
            f"{steps:.2f} M steps, {time.process_time():.0f} s: {words(returns(states[0]), 0)};",
            f"log deviation {words(log_std, 2)}; divergence {np.asarray(metrics.kl)[-5:].mean():.4f};",
            f"factor {words(last, 2)}; gradient {np.nanmean(np.asarray(metrics.grad_norm)[-5:]):.3g}",
            flush=True,
        )


def literal(text):
    """A number, tuple or None, or else the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def words(values, decimals):
    """Seed by seed."""
    return ", ".join(f"{value:.{decimals}f}" for value in np.asarray(values))


def greedy(task, group, method):
    """Mean returns [R] of the networks without noise over 32 episodes that no training has seen."""
    kernel, config = find_kernel(task).step, group.config
    keys = jax.random.split(jax.random.key(2**20), (len(group.seeds), 1, 32))

    @jax.jit
    def play(state, frozen):
        networks = jax.vmap(functools.partial(build_population, config))(frozen, method.parameters(state)[:, None])
        policies = Policies(networks, keys, method.stats(state), members=1)
        return compiled_rollout(kernel, policies, clip=group.recipe.observation_clip).returns.mean((1, 2))

    return lambda state: play(state, group.frozen())


if __name__ == "__main__":
    main()
