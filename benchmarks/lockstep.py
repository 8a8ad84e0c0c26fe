"""What lockstep saves: K seeds of a model in one command, against one seed per command.

    python benchmarks/lockstep.py --name hetsnn-mem25-1024 --seeds 50 --generations 300

Every command is timed as a user would: process start, imports, compilation, training, evaluation and the
checkpoint. The single command is timed `--repeats` times and the median multiplied by K. The generations
per second of one run and of K in lockstep are measured apart, after compilation.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

CLI = "import sys; from zoo.cli import main; sys.exit(main(sys.argv[1:]))"


def time_command(name, seeds, generations):
    with tempfile.TemporaryDirectory() as out:
        options = ["--seeds", str(seeds), "--generations", str(generations), "--out", out, "--quiet"]
        environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": f"{out}/programs", "XDG_CACHE_HOME": f"{out}/cache"}
        start = time.perf_counter()
        command = [sys.executable, "-c", CLI, "train", name, *options]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        return time.perf_counter() - start


def generations_per_second(name, seeds, generations=60):
    from zoo.registry.recipe import make_network_config, make_recipe_task, override, parse
    from zoo.training import Engine, Group, default_recipe

    model = parse(name)
    recipe = override(default_recipe(model), seeds=seeds)
    task = make_recipe_task(model, recipe)
    config = make_network_config(model, task, recipe)
    engine = Engine(task, [Group(config=config, recipe=recipe, seeds=tuple(range(seeds)))])
    states, _ = engine.advance(engine.init(), 2)
    start = time.perf_counter()
    engine.advance(states, generations)
    return generations / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="hetsnn-mem25-1024")
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--generations", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    name, seeds, generations = arguments.name, arguments.seeds, arguments.generations

    single = statistics.median(time_command(name, 1, generations) for _ in range(arguments.repeats))
    together = time_command(name, seeds, generations)
    print(f"{name}, {generations} generations, {os.cpu_count()} cores")
    print(f"one seed, one command:        {single:8.1f} s, so {seeds} of them {seeds * single:8.1f} s")
    print(f"{seeds} seeds, one command:       {together:8.1f} s")
    print(f"ratio:                        {together / (seeds * single):8.1%}")

    import jax

    jax.config.update("jax_num_cpu_devices", os.cpu_count())
    one, many = generations_per_second(name, 1), generations_per_second(name, seeds)
    print(f"compiled, generations/s:      {one:8.1f} of one run, {many:8.2f} of {seeds} in lockstep")
    print(f"compiled ratio:               {one / (seeds * many):8.1%} of {seeds} runs one after another")


if __name__ == "__main__":
    main()
