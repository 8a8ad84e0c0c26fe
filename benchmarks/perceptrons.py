"""What the robots pay an ordinary network: the same PPO, physics and budget, a multilayer perceptron as the actor.

    python benchmarks/perceptrons.py hc --widths 64 64          # one of the usual size
    python benchmarks/perceptrons.py hc --parameters 16384      # two layers of as many parameters in all
    python benchmarks/perceptrons.py wal --widths 64 64 --seeds 100 101 --updates 610 --set discount=0.995

Settings are those of the robot's `-bp` models, but for what only a spiking network has. Printed in the end, seed by
seed: the mean return of the greedy policy over 128 episodes, by the compiled step; on the way also the process's
seconds.
"""

import argparse
import ast
import dataclasses
import itertools
import time
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

import zoo
from zoo.evaluation.episodes import initial_keys
from zoo.models import NetworkConfig
from zoo.registry.names import parse
from zoo.registry.recipe import default_recipe, make_recipe, make_recipe_task
from zoo.registry.settings import setting
from zoo.tasks.observations import ObservationStats, normalise
from zoo.training import Engine, Group
from zoo.training.methods.critic import apply_layers, initial_layers
from zoo.training.methods.ppo import PPO
from zoo.training.methods.ppo_method import ProximalPolicies
from zoo.training.methods.ppo_physics import physics_of
from zoo.training.methods.ppo_settings import PPOSettings


class Perceptron(NamedTuple):
    """Layers, and the threshold of a hidden neuron that there is not."""

    layers: tuple
    height: float = float("inf")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PerceptronSettings(PPOSettings):
    """As of a spiking actor."""

    actor_layers: tuple[int, ...] = setting((64, 64), "widths of the actor's hidden layers.")


class PerceptronPPO(PPO):
    """Actors that remember nothing."""

    def _layers(self, group, seed):
        return initial_layers(seed, (self.task.observation_size, *group.recipe.actor_layers, self.task.action_size))

    def initial(self, group):
        return np.stack([ravel_pytree(self._layers(group, seed))[0] for seed in group.seeds])

    def rates(self, group):
        return np.full(self.initial(group).shape[1], group.recipe.settings.weight_rate)

    def network(self, group, frozen, numbers):
        return Perceptron(ravel_pytree(self._layers(group, 0))[1](numbers))

    def unroll(self, group):
        return lambda perceptron, state, inputs, begins, surrogate: (apply_layers(perceptron.layers, inputs), state)


class PerceptronMethod(ProximalPolicies):
    """PPO with another kind of actor."""

    name = "perceptron-ppo"
    implementations = MappingProxyType({"control": f"{__name__}:PerceptronPPO"})
    settings = MappingProxyType({"control": PerceptronSettings})


def count(sizes):
    """Parameters."""
    return sum((inputs + 1) * outputs for inputs, outputs in itertools.pairwise(sizes))


def width_of(parameters, inputs, outputs):
    """Of two equal layers that have about as many."""
    return min(range(1, 1000), key=lambda w: abs(count((inputs, w, w, outputs)) - parameters))


def greedy(task, group, method):
    """Mean returns [R] without noise over the episodes that published models are measured on."""
    physics = physics_of(task, "kernel")

    def of_run(numbers, stats, keys):
        perceptron = method.network(group, None, numbers)
        state, observation = jax.tree.map(
            lambda x: jnp.moveaxis(x, 0, -1), jax.vmap(task.kernel_task.reset)(keys, jnp.arange(len(keys)))
        )

        def step(now, _):
            carried, observation, alive, total = now
            seen = normalise(stats, observation.T, group.recipe.observation_clip)
            taken = physics.step(carried, apply_layers(perceptron.layers, seen).T)
            total += jnp.where(alive, taken.reward, 0.0)
            return (taken.state, taken.observation, alive & ~taken.done, total), None

        start = (physics.begin(state), observation, jnp.ones(len(keys), bool), jnp.zeros(len(keys)))
        return jax.lax.scan(step, start, None, task.episode_limit)[0][-1].mean()

    keys = initial_keys(0, 128)
    play = jax.jit(lambda numbers, stats: jax.lax.map(lambda run: of_run(*run, keys), (numbers, stats)))
    return lambda state: np.asarray(play(method.parameters(state), ObservationStats(*state.stats)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["ant", "hc", "hp", "wal"])
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--widths", type=int, nargs="+")
    size.add_argument("--parameters", type=int)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--updates", type=int, default=1221)
    parser.add_argument("--every", type=int, default=61)
    parser.add_argument("--set", nargs="*", default=[], metavar="SETTING=VALUE")
    arguments = parser.parse_args()
    model = parse(f"homsnn-{arguments.task}-16384-bp")
    own = default_recipe(model)
    task = make_recipe_task(model, own)
    inputs, outputs = task.observation_size, task.action_size
    widths = tuple(arguments.widths or [width_of(arguments.parameters, inputs, outputs)] * 2)
    changes: dict = {key: ast.literal_eval(text) for key, text in (pair.split("=") for pair in arguments.set)}
    changes |= {"seeds": len(arguments.seeds), "generations": arguments.updates}
    changes |= {"method": PerceptronMethod.name, "critic_potentials": False, "actor_layers": widths}
    zoo.register(PerceptronMethod())
    recipe = make_recipe(model, **{**own.flat(), **changes})
    config = NetworkConfig(inputs=inputs, hidden=1, outputs=outputs, trained=("r",))
    group = Group(config=config, recipe=recipe, seeds=tuple(arguments.seeds))
    engine = Engine(task, [group])
    returns, states, done = greedy(task, group, engine.method), engine.init(), 0
    while done < arguments.updates:
        step = min(arguments.every, arguments.updates - done)
        states, _ = engine.advance(states, step)
        done += step
        found, steps = returns(states[0]), float(np.mean(states[0].env_steps)) / 1e6
        words = ", ".join(f"{value:.0f}" for value in found)
        print(f"{steps:.2f} M steps, {time.process_time():.0f} s: {found.mean():.0f} ({words})", flush=True)
    print(
        f"{arguments.task}, {'-'.join(map(str, widths))} ({count((inputs, *widths, outputs)):,} parameters): ", end=""
    )
    print(f"{found.mean():.0f} ({words})")


if __name__ == "__main__":
    main()
