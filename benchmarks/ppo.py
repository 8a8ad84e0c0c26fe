"""Training a spiking actor on a robot by gradients: environment steps per second, and what an update costs.

    pip install -e '.[bptt]' && python benchmarks/ppo.py                     # hopper, 16,384 parameters
    python benchmarks/ppo.py --task hc --budget 4096 --without brax snntorch
    python benchmarks/ppo.py --task hc --brax-python old/bin/python          # see brax_ppo.py

In one run, one after the other, so that all meet the same machine: the zoo's PPO (collecting and updates), the zoo's
PGPE (a generation of 256 members), Brax's own PPO with an MLP actor of about as many parameters and the same numbers
of environments, steps, epochs and minibatches, and forward and backward of the same sequences in snnTorch. Of the
zoo's update also the gradient alone beside its own matrix products, which no way of computing it does without.
Gradients are counted in the cores' time, best of several tens of calls after compilation; trainings in the time that
passes, of Brax's in its last epoch.
"""

import argparse
import subprocess
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_num_cpu_devices", 2)  # Before anything computes.

from zoo.models import NetworkState, Surrogate, build, pack
from zoo.models.episode_scan import unroll_episodes
from zoo.registry.names import parse
from zoo.registry.recipe import default_recipe, make_network_config, make_recipe_task, override
from zoo.training import Engine, Group
from zoo.training.methods.ppo_physics import unroll_of

_AT_ONCE = 10
"""Calls: one is not much longer than some machines' clocks of a core's time are coarse."""


def best(function, *args, calls=5):
    """Seconds of the cores a call, the mean of the fastest ten, after one that compiles."""
    jax.block_until_ready(function(*args))
    times = []
    for _ in range(calls):
        start = time.process_time()
        for _ in range(_AT_ONCE):
            jax.block_until_ready(function(*args))
        times.append((time.process_time() - start) / _AT_ONCE)
    return min(times)


def group_of(name, **changes):
    model, recipe = parse(name), override(default_recipe(name), **changes)
    task = make_recipe_task(model, recipe)
    return task, Group(config=make_network_config(model, task, recipe), recipe=recipe, seeds=(0,))


def training(name, steps_of, updates=4, **changes):
    """Environment steps per second of `Engine`."""
    task, group = group_of(name, **changes)
    engine = Engine(task, [group])
    states = engine.init()
    states, _ = engine.advance(states, 1)
    start = time.perf_counter()
    states, metrics = engine.advance(states, updates)
    return steps_of(group, metrics[0], updates) / (time.perf_counter() - start)


def ppo_steps(group, metrics, updates):
    return updates * group.recipe.settings.environments * group.recipe.settings.steps


def pgpe_steps(group, metrics, updates):
    return float(metrics.length.sum()) * group.recipe.population


def gradient(name, calls):
    """Microseconds a step of a minibatch's gradient, and of its matrix products in parts that stay in the cache."""
    _, group = group_of(name)
    settings, config = group.recipe.settings, group.config
    parts = {name: jnp.asarray(value) for name, value in config.initial(0).items()}
    frozen = {name: parts[name] for name in group.frozen_names}
    flat = jnp.asarray(config.flatten(config.initial(0)))
    unroll, sequences = unroll_of(config), settings.sequences
    small = settings.part(config, sequences)  # Whose arrays stay in a core's cache.
    size = small if unroll is unroll_episodes else sequences
    shape = (sequences // size, settings.steps, size)
    rng = np.random.default_rng(0)
    x, weights = (jnp.asarray(rng.standard_normal((*shape, n)), jnp.float32) for n in (config.inputs, config.outputs))
    begins = jnp.asarray(rng.random(shape) < 0.01)
    surrogate = Surrogate(settings.surrogate, settings.alpha, settings.detach_reset)
    state = NetworkState(jnp.zeros((size, config.hidden)), jnp.zeros((size, config.outputs)))

    def loss(flat, x, weights, begins):
        packed = pack(build(frozen | config.split(flat)))
        # Not linear in the readouts: nobody could do without the way forth.
        return jnp.square(unroll(packed, state, x, begins, surrogate)[0] - weights).sum()

    def over_parts(one):
        def body(total, part):
            return jax.tree.map(jnp.add, total, one(*part)), None

        return jax.jit(
            lambda *data: jax.lax.scan(body, jax.tree.map(jnp.zeros_like, one(*(d[0] for d in data))), data)[0]
        )

    def products(x, weights, begins):
        rows, back = x.reshape(-1, config.inputs), weights.reshape(-1, config.outputs)
        drive = rows @ parts["w_in"]
        out = drive @ parts["w_out"]
        towards = back @ parts["w_out"].T
        found = (out.sum(), rows.T @ towards)
        return (*found, drive.T @ back) if "w_out" in config.trained else found

    steps = sequences * settings.steps
    whole = best(over_parts(lambda *part: jax.grad(loss)(flat, *part)), x, weights, begins, calls=calls)
    rows = (sequences // small, settings.steps * small, -1)
    alone = best(over_parts(products), x.reshape(rows), weights.reshape(rows), begins.reshape(rows), calls=calls)
    return 1e6 * whole / steps, 1e6 * alone / steps


def brax_steps_per_second(name, python):
    """Of Brax's PPO with an MLP of two equal layers that has about as many parameters, in another Python."""
    task, group = group_of(name)
    settings = group.recipe.settings
    inputs, outputs = group.config.inputs, 2 * group.config.outputs
    width = round((-(inputs + outputs) + ((inputs + outputs) ** 2 + 4 * group.config.trained_size) ** 0.5) / 2)
    numbers = {
        "width": width, "limit": task.limit, "environments": settings.environments, "steps": settings.steps,
        "epochs": settings.epochs, "minibatches": settings.minibatches,
    }  # fmt: skip
    options = [f"--{option}={value}" for option, value in numbers.items()]
    script = Path(__file__).with_name("brax_ppo.py")
    environment = type(task.environment).__name__.lower()
    command = [python, "-W", "ignore", script, environment, "--backend", task.backend, *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.split()[-1]), width


def snntorch_microseconds(name, calls):
    """Forward and backward of one minibatch's sequences, per step."""
    import snntorch
    import torch

    _, group = group_of(name)
    settings, config = group.recipe.settings, group.config
    neurons = snntorch.Leaky(
        beta=torch.full((config.hidden,), 0.4), learn_beta=True, learn_threshold=True, reset_mechanism="zero",
        threshold=torch.full((config.hidden,), 0.2), spike_grad=snntorch.surrogate.atan(alpha=2.0),
    )  # fmt: skip
    w_in = torch.randn(config.inputs, config.hidden)
    w_out = torch.randn(config.hidden, config.outputs)
    x = torch.randn(settings.steps, settings.sequences, config.inputs)

    def once():
        membrane, total = neurons.init_leaky(), 0.0
        for current in x @ w_in:
            spikes, membrane = neurons(current, membrane)
            total = total + (spikes @ w_out).sum()
        total.backward()

    once()
    times = []
    for _ in range(calls):
        start = time.process_time()
        for _ in range(_AT_ONCE):
            once()
        times.append((time.process_time() - start) / _AT_ONCE)
    return 1e6 * min(times) / (settings.steps * settings.sequences)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", default="hp")
    parser.add_argument("--kind", default="het", choices=["het", "hom", "full"])
    parser.add_argument("--budget", default=16384, type=int)
    parser.add_argument("--calls", default=5, type=int)
    parser.add_argument("--brax-python", help="of an environment whose Brax can train (see brax_ppo.py)")
    parser.add_argument(
        "--without", nargs="*", default=[], choices=["training", "pgpe", "brax", "snntorch"],
        help="what to leave out; training: all whole trainings, those of PGPE and Brax, too",
    )  # fmt: skip
    arguments = parser.parse_args()
    if arguments.brax_python and {"training", "brax"} & set(arguments.without):
        parser.error("--brax-python says nothing --without training or brax")
    search = f"{arguments.kind}snn-{arguments.task}-{arguments.budget}"
    name = f"{search}-bp"
    whole, alone = gradient(name, arguments.calls)
    print(f"gradient of {name}: {whole:.1f} us a step; its matrix products {alone:.1f} us, {whole / alone:.2f} times")
    if "snntorch" not in arguments.without:
        peer = snntorch_microseconds(name, arguments.calls)
        print(f"snnTorch, forward and backward: {peer:.1f} us a step, {peer / whole:.2f} times the zoo's")
    if "training" in arguments.without:
        return
    own = training(name, ppo_steps)
    print(f"PPO of {name}: {own:,.0f} environment steps/s")
    if "pgpe" not in arguments.without:
        other = training(search, pgpe_steps, updates=1, episode_limit=200)
        print(f"PGPE of {search}: {other:,.0f} steps/s; PPO has {own / other:.2f} times as many")
    if arguments.brax_python and "brax" not in arguments.without:
        other, width = brax_steps_per_second(name, arguments.brax_python)
        print(f"Brax's PPO, MLP {width}-{width}: {other:,.0f} steps/s; the zoo's has {own / other:.2f} times as many")


if __name__ == "__main__":
    main()
