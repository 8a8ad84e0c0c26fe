"""What PPO leaves of neurons that it teaches nothing: the same training on advantages that are noise.

    python benchmarks/ppo_null.py hetsnn-hc-16384-bp --updates 305

Printed for the runs on noise and, where a model of that name is published, for its training seeds: the deviations of
the trained properties over neurons, of time constants that of their natural logarithm. All begin at 0. The factor on
rates is printed, too: what learning and noise do to a spread is comparable where its sums over updates are.
"""

import argparse
import dataclasses
from types import MappingProxyType

import jax
import numpy as np

import zoo
from zoo.models.properties import tau_ms_from_x
from zoo.registry.names import parse
from zoo.registry.recipe import default_recipe, make_network_config, make_recipe_task, override
from zoo.training import Engine, Group
from zoo.training.methods.ppo import PPO
from zoo.training.methods.ppo_method import ProximalPolicies


class NoisePPO(PPO):
    """Advantages of independent standard normal numbers, as standardised ones are of mean 0 and deviation 1."""

    def _learn(self, group, state, sequences, make, initial, rates, key):
        noise = jax.random.normal(jax.random.fold_in(key, 1), sequences.advantages.shape)
        return super()._learn(group, state, sequences._replace(advantages=noise), make, initial, rates, key)


class NoiseMethod(ProximalPolicies):
    """PPO that learns nothing."""

    name = "noise-ppo"
    implementations = MappingProxyType({"control": f"{__name__}:NoisePPO"})


def spreads(config, networks):
    """Of trained properties [hidden], for each network: deviations over neurons, of tau that of its logarithm."""
    for parts in networks:
        row = {name: float(np.std(parts[name])) for name in config.trained if name != "x_tau"}
        if "x_tau" in config.trained:
            row["log tau"] = float(np.std(np.log(tau_ms_from_x(parts["x_tau"]))))
        if {"v_th", "v_rest"} <= row.keys():
            row["v_th - v_rest"] = float(np.std(parts["v_th"] - parts["v_rest"]))
        yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--seeds", type=int, nargs="+", default=[100, 101])
    parser.add_argument("--updates", type=int, default=305)
    parser.add_argument("--every", type=int, default=61)
    arguments = parser.parse_args()
    zoo.register(NoiseMethod())
    model = parse(arguments.name)
    own = default_recipe(model)
    task = make_recipe_task(model, own)
    config = make_network_config(model, task, own)
    recipe = override(own, seeds=len(arguments.seeds), generations=arguments.updates)
    recipe = dataclasses.replace(recipe, method=NoiseMethod.name)
    group = Group(config=config, recipe=recipe, seeds=tuple(arguments.seeds))
    engine = Engine(task, [group])
    states, done = engine.init(), 0
    while done < arguments.updates:
        step = min(arguments.every, arguments.updates - done)
        states, (metrics,) = engine.advance(states, step)
        done += step
        parameters = np.asarray(engine.method.parameters(states[0]))
        rows = spreads(config, map(config.split, parameters))
        steps = float(np.mean(states[0].env_steps)) / 1e6
        print(f"noise, {steps:.2f} M steps, factor {words_of(metrics.factor[-1], 2)}: {words(rows)}", flush=True)
    if arguments.name in zoo.list_models():
        trained = zoo.load(arguments.name)
        networks = [{name: values[k] for name, values in trained.trained.items()} for k in range(len(trained.seeds))]
        print(f"{arguments.name}: {words(spreads(config, networks))}")


def words_of(values, digits=3):
    return ", ".join(f"{value:.{digits}g}" for value in values)


def words(rows):
    rows = list(rows)
    return "; ".join(f"{name} {words_of([row[name] for row in rows])}" for name in rows[0])


if __name__ == "__main__":
    main()
