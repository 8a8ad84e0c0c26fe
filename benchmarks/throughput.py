"""Environment steps per second of Brax training, as ratios, all measured in one run.

    python benchmarks/throughput.py --name hetsnn-hp-16384 --population 256 --steps 1000
    python benchmarks/throughput.py --physics --population 256 --steps 100

  (a) physics alone with random actions, same backend, same batch, on all devices: as `jax.vmap` maps it, and with
      the batch last (`zoo.tasks.lanes`), as training without kernels does;
  (b) evosax's BraxProblem with a Flax MLP policy of about the same number of parameters (it uses one device);
  (c) brax.training.agents.es, with its default policy, on all devices;
  (d) `--runs` runs of the zoo in lockstep, against one.

Episodes are cut at `--steps`, and every step that is simulated counts, whether or not its episode has ended: so
early termination, which saves whole steps, is not part of the rate; what there is to save is printed apart, as the
fraction of the steps of 1000-step episodes that would come after their end.

With `--physics`, (a) alone, of all four environments.
"""

import argparse
import dataclasses
import os
import time

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

jax.config.update("jax_num_cpu_devices", os.cpu_count())  # Before the imports below start JAX.

from zoo.registry.names import parse
from zoo.registry.recipe import default_recipe, make_network_config, make_recipe_task, override
from zoo.tasks.brax import ENVIRONMENTS, make_environment
from zoo.tasks.lanes import CPU_OPTIONS, vmap_last
from zoo.training.methods.base import Group
from zoo.training.run.engine import Engine


def best_seconds(call, repeats=3):
    call()  # Compiles.
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - start)
    return min(times)


def physics(task, population, steps, lanes):
    env = make_environment(task, "spring")
    mesh = Mesh(np.array(jax.devices()), ("members",))
    by_member = PartitionSpec("members")

    def run(keys):
        state = jax.vmap(env.reset)(keys)
        if lanes:
            state = jax.tree.map(lambda x: jnp.moveaxis(x, 0, -1), state)

        def step(state, key):
            action = jax.random.uniform(key, (len(keys), env.action_size), minval=-1, maxval=1)
            return vmap_last(env.step)(state, action.T) if lanes else jax.vmap(env.step)(state, action), None

        return jax.lax.scan(step, state, jax.random.split(keys[0], steps))[0].obs

    spread = jax.shard_map(run, mesh=mesh, in_specs=by_member, out_specs=by_member, check_vma=False)
    spread = jax.jit(spread, compiler_options=CPU_OPTIONS if lanes and jax.default_backend() == "cpu" else None)
    keys = jax.random.split(jax.random.key(0), population)
    return population * steps / best_seconds(lambda: spread(keys))


def zoo_training(name, population, steps, runs, generations=2):
    model = parse(name)
    recipe = override(default_recipe(model), population=population, episode_limit=steps, seeds=runs)
    task = NeverEnding(make_recipe_task(model, recipe))
    config = make_network_config(model, task, recipe)
    engine = Engine(task, [Group(config=config, recipe=recipe, seeds=tuple(range(runs)))])
    states = [engine.init()]

    def call():
        states[0], metrics = engine.advance(states[0], generations)
        return metrics

    return runs * population * steps * generations / best_seconds(call)


@dataclasses.dataclass(frozen=True)
class NeverEnding:
    """A task whose episodes all last to the limit, so that the number of simulated steps is known."""

    task: object

    def __getattr__(self, name):
        return getattr(self.task, name)

    def step(self, state, readout):
        step = self.task.step(state, readout)
        return step._replace(done=jnp.zeros_like(step.done))

    @property
    def kernel_task(self):
        return NeverEnding(self.task.kernel_task)

    @property
    def kernel_key(self):
        return ["never ending", *self.task.kernel_key]


class Mlp(nn.Module):
    hidden: int
    actions: int

    @nn.compact
    def __call__(self, observation, key):
        return jnp.tanh(nn.Dense(self.actions)(nn.tanh(nn.Dense(self.hidden)(observation))))


def evosax_problem(name, population, steps):
    from evosax.problems import BraxProblem

    model = parse(name)
    env = make_environment(model.task, "spring")
    hidden = round((model.budget - env.action_size) / (env.observation_size + 1 + env.action_size))
    policy = Mlp(hidden, env.action_size)
    problem = BraxProblem(ENVIRONMENTS[model.task], policy, episode_length=steps)
    key = jax.random.key(0)
    parameters = jax.vmap(lambda k: policy.init(k, jnp.zeros(env.observation_size), k))(
        jax.random.split(key, population)
    )
    state = problem.init(key)
    return population * steps / best_seconds(lambda: problem.eval(key, parameters, state)[0])


def brax_es(name, population, steps):
    from brax.training.agents.es import train

    times = []
    train.train(
        make_environment(parse(name).task, "spring"),
        num_timesteps=3 * population * steps,
        episode_length=steps,
        population_size=population // 2,
        num_evals=4,
        num_eval_envs=2,
        normalize_observations=True,
        progress_fn=lambda count, metrics: times.append(metrics.get("training/sps", 0.0)),
    )
    return max(float(t) for t in times)


def ended_fraction(name, population):
    """Part of the steps of full episodes that come after the episode's end, in the first three generations.

    A block of members is simulated until its last episode ends, so this bounds from above what is saved.
    """
    model = parse(name)
    recipe = override(default_recipe(model), population=population, seeds=1)
    task = make_recipe_task(model, recipe)
    engine = Engine(task, [Group(config=make_network_config(model, task, recipe), recipe=recipe, seeds=(0,))])
    _, (metrics,) = engine.advance(engine.init(), 3)
    return 1 - float(metrics.length.mean()) / task.episode_limit


def all_physics(population, steps):
    for task, environment in ENVIRONMENTS.items():
        plain, last = (physics(task, population, steps, lanes) for lanes in (False, True))
        print(
            f"{environment:12} vmap {plain:9.0f}, batch last {last:9.0f} env steps/s: {last / plain:.2f} times",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="hetsnn-hp-16384")
    parser.add_argument("--population", type=int, default=256)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--physics", action="store_true")
    arguments = parser.parse_args()
    name, population, steps = arguments.name, arguments.population, arguments.steps
    if arguments.physics:
        return all_physics(population, steps)
    task = parse(name).task
    print(f"{name}, population {population}, {steps} steps, {jax.devices()}")
    rates = {"zoo": zoo_training(name, population, steps, 1)}
    rates["(a) physics alone, vmap"] = physics(task, population, steps, lanes=False)
    rates["(a) physics alone, batch last"] = physics(task, population, steps, lanes=True)
    rates["(b) evosax BraxProblem"] = evosax_problem(name, population, steps)
    rates["(c) brax es"] = brax_es(name, population, steps)
    lockstep = f"(d) zoo, {arguments.runs} runs in lockstep"
    rates[lockstep] = zoo_training(name, population, steps, arguments.runs)
    for what, rate in rates.items():
        print(f"{what:32} {rate:10.0f} env steps/s   zoo is {rates['zoo'] / rate:6.2f} of it", flush=True)
    print(f"cost of {arguments.runs} runs in lockstep: {arguments.runs * rates['zoo'] / rates[lockstep]:.2f} of one")
    print(f"steps of full episodes not live in the first 3 generations: {ended_fraction(name, population):.0%}")


if __name__ == "__main__":
    main()
