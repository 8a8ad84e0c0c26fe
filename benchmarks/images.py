"""One generation of PGPE on images against the least that it could cost, all measured in one run.

    python benchmarks/images.py

The least: its two matrix products (images by input weights, once; responses of all members by output
weights), and one read and one write of its neuron state (a float for each member, image and neuron) at the
memory bandwidth measured here. Also: the same generation with `jax.vmap` of the whole network over members.
Everything runs on all cores, and each number is the best of several.
"""

import argparse
import dataclasses
import functools
import os
import time

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

jax.config.update("jax_num_cpu_devices", os.cpu_count())  # Before the imports below start JAX.

from zoo.models import build, initial_state, network_step
from zoo.registry.names import parse
from zoo.registry.recipe import default_recipe, make_network_config, override, task_options
from zoo.tasks.classification import cross_entropy
from zoo.tasks.image_data import Images
from zoo.tasks.images import ImageTask
from zoo.training.methods.base import Group
from zoo.training.run.engine import Engine

_ALL = PartitionSpec()
_BY_MEMBER = PartitionSpec("members")


@dataclasses.dataclass(frozen=True)
class NoiseTask(ImageTask):
    """Random images in the place of MNIST: the cost is the same, and no files are needed."""

    __slots__ = ()

    @property
    def arrays(self):
        rng = np.random.default_rng(0)
        return Images(rng.integers(0, 256, (2000, 784), np.uint8), rng.integers(0, 10, 2000).astype(np.int32))


def best_seconds(call, repeats):
    """Least wall time, and least time of all cores together, which other programs disturb less."""
    jax.block_until_ready(call())  # Compiles.
    times = []
    for _ in range(repeats):
        start, spent = time.perf_counter(), time.process_time()
        jax.block_until_ready(call())
        times.append((time.perf_counter() - start, time.process_time() - spent))
    return np.min(times, axis=0)


def setting(hidden, members, images):
    model = parse(f"hetsnn-mnist-{4 * hidden}")
    recipe = override(default_recipe(model), seeds=1, population=members, batch=images, block_neurons=None)
    task = NoiseTask(model.task, **task_options(model, recipe))
    return task, Group(config=make_network_config(model, task, recipe), recipe=recipe, seeds=(0,))


def spread(function, specs):
    """`function` on all cores: arguments with `_BY_MEMBER` are split by member."""
    mesh = Mesh(np.array(jax.devices()), ("members",))
    mapped = jax.shard_map(function, mesh=mesh, in_specs=specs, out_specs=_BY_MEMBER, check_vma=False)
    return jax.jit(mapped)


def generation(task, group, repeats, count=1):
    engine = Engine(task, [group])
    states = [engine.init()]

    def call():
        states[0], metrics = engine.advance(states[0], count)
        return metrics[0].loss

    return best_seconds(call, repeats) / count


def products(hidden, members, images, repeats):
    """Both matrix products, the second for a member at a time, so that its factors stay in a cache."""
    rng = np.random.default_rng(0)
    inputs, w_in = rng.random((images, 784), np.float32), rng.random((784, hidden), np.float32)
    w_out, block = rng.random((hidden, 10), np.float32), jnp.asarray(rng.random((images, hidden), np.float32))
    first = jax.jit(jnp.matmul)
    second = spread(
        lambda index, block, w: jax.lax.map(lambda i: (block @ (w + i)).sum(), index), (_BY_MEMBER, _ALL, _ALL)
    )
    index = jnp.arange(members, dtype=jnp.float32)
    return best_seconds(lambda: first(inputs, w_in), repeats) + best_seconds(
        lambda: second(index, block, w_out), repeats
    )


def read_and_write(numbers, repeats):
    """Seconds to read and write so many floats, in place: no page of memory is new."""
    data = [jnp.zeros((jax.device_count(), numbers // jax.device_count()))]
    add = jax.jit(spread(lambda x: x + 1, (_BY_MEMBER,)), donate_argnums=0)

    def call():
        data[0] = add(data[0])
        return data[0]

    return best_seconds(call, repeats)


def plain_vmap(task, group, repeats):
    """Scores of all members by `vmap` of a network that is stepped, as one would write it first."""
    config, steps = group.config, task.steps
    parts = {name: jnp.asarray(value[0]) for name, value in group.frozen().items()}
    flat = jnp.asarray(np.repeat(group.initial(), group.recipe.population, 0))
    images = task.arrays
    size = group.recipe.batch
    inputs, labels = task.currents(jnp.asarray(images.pixels[:size])), jnp.asarray(images.labels[:size])

    def score(member, parts, inputs, labels):
        network = build(parts | config.split(member))
        state, total = initial_state(network, inputs.shape[:1]), 0.0
        for _ in range(steps):
            output, state = network_step(network, state, inputs)
            total += output.readout
        return cross_entropy(total / steps, labels, task.temperature_v).mean()

    score_all = spread(jax.vmap(score, in_axes=(0, None, None, None)), (_BY_MEMBER, _ALL, _ALL, _ALL))
    return best_seconds(functools.partial(score_all, flat, parts, inputs, labels), repeats)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=1024)
    parser.add_argument("--members", type=int, default=256)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()
    sizes = options.hidden, options.members, options.images
    task, group = setting(*sizes)
    own = generation(task, group, options.repeats)
    matrix = products(*sizes, options.repeats)
    memory = read_and_write(int(np.prod(sizes)), options.repeats)
    plain = plain_vmap(task, group, max(2, options.repeats // 3))
    print("                                   wall    all cores")
    for what, (wall, cores) in (
        ("one generation", own),
        ("its two matrix products", matrix),
        ("its neuron state, in and out", memory),
        ("vmap of the whole network", plain),
    ):
        print(f"{what:30s} {1e3 * wall:8.1f} ms {1e3 * cores:8.1f} ms")
    print(f"{'ratio to products and state':30s} {'{:8.2f}    {:8.2f}'.format(*own / (matrix + memory))}")
    print(f"{'vmap to one generation':30s} {'{:8.1f}    {:8.1f}'.format(*plain / own)}")


if __name__ == "__main__":
    main()
