"""The compiled step against JAX's, side by side in one run: physics alone, and whole generations of training.

    python benchmarks/kernels.py                     # all four robots
    python benchmarks/kernels.py --robots hp hc --steps 300
    HETSNN_ZOO_VECTOR_BITS=256 XLA_FLAGS=--xla_cpu_max_isa=AVX2 python benchmarks/kernels.py   # as an older processor

Physics alone: 256 environments, actions drawn beforehand, on all cores: Brax under `vmap`, with the batch last
(`zoo.tasks.lanes`), by the kernel one step a call, and the least time that the kernel's operations need at the rate
of fused products that a core was measured to have. Generations: 16,384 parameters, 256 members, search and statistics
included, no episode ending early, by physics of JAX and of the kernel. `benchmarks/throughput.py` has the peers.
"""

import argparse
import ctypes
import os
import platform
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

jax.config.update("jax_num_cpu_devices", os.cpu_count())  # Before the imports below start JAX.

from throughput import NeverEnding, best_seconds

from zoo.kernels.machine import Library, host, object_code
from zoo.registry.names import parse
from zoo.registry.recipe import default_recipe, make_network_config, make_recipe_task, override
from zoo.tasks.brax import BraxTask
from zoo.tasks.compiled import find_kernel
from zoo.tasks.lanes import CPU_OPTIONS, vmap_last
from zoo.training.methods.base import Group
from zoo.training.run.engine import Engine

ENVIRONMENTS = 256


def physics_rate(task, steps, how):
    """Environment steps a second of all cores."""
    kernel = find_kernel(task).step if how == "kernel" else None
    source = kernel.task if kernel else task
    actions = jax.random.uniform(jax.random.key(1), (steps, task.action_size, ENVIRONMENTS), minval=-1, maxval=1)

    def run(keys, actions):
        state, observation = jax.vmap(source.reset, in_axes=(0, None))(keys, 0)
        state = jax.tree.map(lambda x: jnp.moveaxis(x, 0, -1), state)
        carry = (kernel.begin(state) if kernel else state, observation.T)

        def step(carry, action):
            if kernel:
                following, out = kernel.step(carry[0], action)
                return (following, out.observation), None
            mapped = vmap_last(task.step) if how == "lanes" else jax.vmap(task.step, in_axes=-1, out_axes=-1)
            out = mapped(carry[0], action)
            return (out.state, out.observation), None

        return jax.lax.scan(step, carry, actions)[0][1]

    mesh, by_member = Mesh(np.array(jax.devices()), ("members",)), PartitionSpec("members")
    last = PartitionSpec(None, None, "members")
    spread = jax.shard_map(
        run, mesh=mesh, in_specs=(by_member, last), out_specs=PartitionSpec(None, "members"), check_vma=False
    )
    spread = jax.jit(spread, compiler_options=CPU_OPTIONS if how == "lanes" else None)
    keys = jax.random.split(jax.random.key(0), ENVIRONMENTS)
    return ENVIRONMENTS * steps / best_seconds(lambda: spread(keys, actions))


def training_rate(name, steps, physics, generations=1):
    """Environment steps a second of whole generations."""
    model = parse(name)
    recipe = override(default_recipe(model), episode_limit=steps, seeds=1, physics=physics)
    task = NeverEnding(make_recipe_task(model, recipe))
    config = make_network_config(model, task, recipe)
    engine = Engine(task, [Group(config=config, recipe=recipe, seeds=(0,))])
    states = [engine.init()]

    def call():
        states[0], metrics = engine.advance(states[0], generations)
        return metrics

    return recipe.population * steps * generations / best_seconds(call)


_CHAINS = 12
"""Sums that grow side by side: as many as hide the latency of an addition."""


def fused_products_per_second():
    """Fused products of a float32 a second that one core does, of full registers."""
    machine = host()
    kind = f"<{machine.lanes} x float>"
    names = [f"%s{i}" for i in range(_CHAINS)]
    heads = [f"{n} = phi {kind} [ zeroinitializer, %entry ], [ {n}n, %loop ]" for n in names]
    sums = [f"{n}n = call {kind} @llvm.fma.v{machine.lanes}f32({kind} {n}, {kind} %x, {kind} %x)" for n in names]
    stores = [
        f"%a{i} = getelementptr {kind}, ptr %out, i64 {i}\n store {kind} {n}n, ptr %a{i}" for i, n in enumerate(names)
    ]
    text = f"""declare {kind} @llvm.fma.v{machine.lanes}f32({kind}, {kind}, {kind})
    define void @spin(ptr %out, i64 %count) {{
    entry:
      %x = load {kind}, ptr %out
      br label %loop
    loop:
      %i = phi i64 [ 0, %entry ], [ %in, %loop ]
      {chr(10).join(heads + sums)}
      %in = add i64 %i, 1
      %more = icmp slt i64 %in, %count
      br i1 %more, label %loop, label %after
    after:
      {chr(10).join(stores)}
      ret void
    }}"""
    library = Library([object_code(text, machine)], machine)  # Its code lives as long as it does.
    spin = library.function("spin", ctypes.c_void_p, ctypes.c_int64)
    memory, rounds = np.zeros(16 * (_CHAINS + 1), np.float32), 2_000_000
    aligned = memory.ctypes.data + (-memory.ctypes.data % 64)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        spin(aligned, rounds)
        seconds.append(time.perf_counter() - start)
    return rounds * _CHAINS * machine.lanes / min(seconds)


def processor():
    """Name of this machine's processor, where the system tells it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--robots", nargs="+", default=["hp", "wal", "hc", "ant"])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--only", choices=("physics", "training"))
    arguments = parser.parse_args()
    machine, cores = host(), len(jax.devices())
    rate = fused_products_per_second()
    print(f"{processor()}, {cores} cores, {machine.lanes} lanes; {rate / 1e9:.1f} G fused products/s a core")
    for robot in arguments.robots:
        task = BraxTask(robot)
        operations = find_kernel(task).step.special.operations
        if arguments.only != "training":
            rates = {how: physics_rate(task, arguments.steps, how) for how in ("vmap", "lanes", "kernel")}
            limit = cores * rate / operations
            row = " | ".join(f"{r:,.0f}" for r in rates.values())
            gain = rates["kernel"] / rates["lanes"]
            print(
                f"physics | {robot} | {operations:,} operations | {row} | {gain:.1f} times batch last, "
                f"{rates['kernel'] / limit:.2f} of the limit {limit:,.0f}",
                flush=True,
            )
        if arguments.only != "physics":
            rates = {
                physics: training_rate(f"hetsnn-{robot}-16384", arguments.steps, physics)
                for physics in ("lanes", "kernel")
            }
            row = " | ".join(f"{r:,.0f}" for r in rates.values())
            print(f"training | {robot} | {row} | {rates['kernel'] / rates['lanes']:.1f} times", flush=True)


if __name__ == "__main__":
    main()
