"""How long a training takes to begin: the first generation of a new process, with empty caches and with filled ones.

    python benchmarks/first_call.py
    python benchmarks/first_call.py --robots hc

Each line is of a process of its own that has imported the zoo. First what reads the robot and imports Brax, then the
rest: tracing, compilation by LLVM and XLA, and one generation of 16 members and ten steps. Peak memory is the whole
process's.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time


def child(name: str) -> None:
    """Begins a training, as `zoo train` does."""
    from zoo.cli.main import _keep_programs, _use_all_cores

    _use_all_cores()
    _keep_programs()
    from zoo.registry.names import parse
    from zoo.registry.recipe import default_recipe, make_network_config, make_recipe_task, override
    from zoo.training.methods.base import Group
    from zoo.training.run.engine import Engine

    model = parse(name)
    recipe = override(default_recipe(model), population=16, episode_limit=10, seeds=1)
    wall, processor = time.perf_counter(), time.process_time()
    task = make_recipe_task(model, recipe)
    _ = task.environment
    robot = time.perf_counter() - wall
    engine = Engine(task, [Group(config=make_network_config(model, task, recipe), recipe=recipe, seeds=(0,))])
    engine.advance(engine.init(), 1)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"robot {robot:.1f} s, then {wall - robot:.1f} s; of processors {processor:.1f} s, peak {peak:,.0f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--robots", nargs="+", default=["hp", "wal", "hc", "ant"])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return child(arguments.child)
    for robot in arguments.robots:
        with tempfile.TemporaryDirectory() as caches:
            for state in ("empty", "filled"):
                command = [sys.executable, __file__, "--child", f"hetsnn-{robot}-16384"]
                own = {"XDG_CACHE_HOME": caches, "JAX_COMPILATION_CACHE_DIR": f"{caches}/jax"}
                environment = os.environ | own
                run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
                print(f"{robot}, {state} caches: {run.stdout.strip()}", flush=True)
    return None


if __name__ == "__main__":
    main()
