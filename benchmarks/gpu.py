"""Training on a GPU by the compiled step: first whether it is right, then how fast it is. One report comes of it.

    python benchmarks/gpu.py --max-minutes 5 --out report     # on a machine with an NVIDIA GPU
    python benchmarks/gpu.py --dry-run --out report           # tiny, on a processor, whose kernel stands in

Right: populations as training begins with play on the GPU and, by the processor's kernel, on the processor: rewards
of one and of five steps agree in every episode, and whole episodes have the same distribution of returns (Kolmogorov
and Smirnov's test; as many episodes as members). Fast: whole generations of 256 members and 1,000 steps in which no
episode ends early, search and statistics included, six runs and 60 side by side, against Brax's own steps under
`vmap` (`--physics brax`) with six. Runs that do not fit side by side take turns, so six are its rate for 60, too.

What has not been begun when the time is up is left out, and the report says so.
"""

import argparse
import functools
import json
import os
import shutil
import subprocess
import time
import traceback
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats

os.environ.setdefault("HETSNN_ZOO_GPU_KERNEL", "1")  # What is to be checked here.
from throughput import NeverEnding, best_seconds

from zoo.kernels.play import StepKernel
from zoo.registry.names import parse
from zoo.registry.recipe import default_recipe, make_network_config, make_recipe_task, override
from zoo.tasks.compiled import compiled_rollout, find_kernel
from zoo.training.methods.base import Group
from zoo.training.methods.evolution import Evolution, _make_policies
from zoo.training.run.engine import Engine


def begun(name, runs, **changes):
    """Task and group of runs at their beginning."""
    model = parse(name)
    recipe = override(default_recipe(model), seeds=runs, **changes)
    task = make_recipe_task(model, recipe)
    return task, Group(config=make_network_config(model, task, recipe), recipe=recipe, seeds=tuple(range(runs)))


def check(name, population, steps, sigma=0.05):
    """How far two runs' episodes on the device are from those on the processor."""
    task, group = begun(name, 2, population=population, episode_limit=steps)
    method = Evolution(task, 1)
    state, (_, _, frozen) = method.init(group), method.constants(group)
    centre = np.asarray(method.parameters(state))
    noise = np.random.default_rng(0).normal(size=(2, population, centre.shape[-1]))
    members = (centre[:, None] + sigma * noise).astype(np.float32)
    key = jax.random.key(0)

    def play(kernel, limit):
        keys = jax.random.split(key, (2, 1, 1))

        @jax.jit
        def episodes(members):
            made = _make_policies(group, frozen, keys, None, jnp.int32(limit), members)
            return compiled_rollout(kernel, made)

        return [np.asarray(x).ravel() for x in episodes(members)[:3]]

    device = find_kernel(task)
    if device.step is None:
        raise RuntimeError(device.reason)
    with jax.default_device(jax.devices("cpu")[0]):
        processor = StepKernel(task.kernel_task)
        expected = {limit: play(processor, limit) for limit in (1, 5, steps)}
    got = {limit: play(device.step, limit) for limit in (1, 5, steps)}
    found = {
        f"greatest difference of rewards, {limit} steps": float(abs(got[limit][0] - expected[limit][0]).max())
        for limit in (1, 5)
    }
    test = scipy.stats.ks_2samp(got[steps][0], expected[steps][0])
    found |= {"same distribution of returns, p": float(test.pvalue), "statistic": float(test.statistic)}
    means = {where: float(np.mean(x[steps][0])) for where, x in (("device", got), ("processor", expected))}
    lengths = {where: float(np.mean(x[steps][2])) for where, x in (("device", got), ("processor", expected))}
    again = play(device.step, steps)
    same = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(again, got[steps], strict=True))
    return found | {"mean return": means, "mean length": lengths, "the same twice, bit by bit": same}


def rate(name, population, steps, runs, physics):
    """Environment steps a second of whole generations."""
    task, group = begun(name, runs, population=population, episode_limit=steps, physics=physics)
    engine = Engine(NeverEnding(task), [group])
    states = [engine.init()]
    start = time.perf_counter()

    def call():
        states[0], metrics = engine.advance(states[0], 1)
        return metrics

    jax.block_until_ready(call())
    first = time.perf_counter() - start
    seconds = best_seconds(call)
    return {
        "env steps/s": runs * population * steps / seconds,
        "seconds a generation": seconds,
        "seconds of the first": first,
        "notes": list(engine.notes),
    }


def sections(dry):
    """What is checked and timed, most important first."""
    population, steps = (8, 10) if dry else (256, 1000)
    few, many, robots = (2, 3, ("hp",)) if dry else (6, 60, ("hc", "hp"))
    parts = {
        f"check {robot}": functools.partial(check, f"hetsnn-{robot}-16384", population, steps) for robot in robots
    }
    for robot in robots:
        for runs, physics in ((few, "kernel"), (many, "kernel"), (few, "brax")):
            size = (population, steps, runs, physics)
            parts[f"{robot}, {runs} runs, {physics}"] = functools.partial(rate, f"hetsnn-{robot}-16384", *size)
    return parts


def machine():
    """What it was measured on."""
    shown = shutil.which("nvidia-smi")
    query = "name,driver_version,clocks.max.sm,memory.total"
    text = shown and subprocess.run(
        [shown, f"--query-gpu={query}", "--format=csv,noheader"], capture_output=True, text=True, check=False
    )
    return {"devices": [str(d) for d in jax.devices()], "gpu": text and text.stdout.strip(), "jax": jax.__version__}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--max-minutes", type=float, default=5)
    parser.add_argument("--out", type=Path, default=Path("gpu-report"))
    parser.add_argument("--dry-run", action="store_true")
    arguments = parser.parse_args()
    start = time.monotonic()
    if jax.default_backend() != "gpu" and not arguments.dry_run:
        parser.error(f"needs a GPU, and JAX has {jax.default_backend()}; --dry-run does without")
    arguments.out.mkdir(parents=True, exist_ok=True)
    report = {"machine": machine(), "dry run": arguments.dry_run}
    for name, measure in sections(arguments.dry_run).items():
        if time.monotonic() - start > 60 * arguments.max_minutes:
            report[name] = "not begun: the time was up"
        else:
            try:
                report[name] = measure()
            except Exception:  # The others are still worth having.
                report[name] = traceback.format_exc()
        print(f"{time.monotonic() - start:6.1f} s  {name}: {json.dumps(report[name])}", flush=True)
        (arguments.out / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    print(shutil.make_archive(str(arguments.out), "zip", arguments.out))


if __name__ == "__main__":
    main()
