"""Price of starting: `import zoo` against `import jax, flax.nnx`, and of loading a bundled model after that.

    python benchmarks/start.py

The first model brings what a loader imports, Orbax above all; the second shows what loading takes.
"""

import statistics
import subprocess
import sys

REPEATS = 11
LOAD = """
import time, jax, zoo
jax.devices()
for _ in range(2):
    start = time.perf_counter()
    zoo.load("hetsnn-mem25-1024")
    print(time.perf_counter() - start)
"""


def seconds(code):
    script = f"import time; t = time.perf_counter(); {code}; print(time.perf_counter() - t)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def load_seconds():
    done = subprocess.run([sys.executable, "-c", LOAD], check=True, capture_output=True, text=True)
    return [float(word) for word in done.stdout.split()]


def main():
    base, with_zoo, loads = [], [], []
    for _ in range(REPEATS):  # Taken in turn, so that a slow spell of the machine meets all alike.
        base.append(seconds("import jax, flax.nnx"))
        with_zoo.append(seconds("import zoo"))
        loads.append(load_seconds())
    base, with_zoo, first, second = map(statistics.median, (base, with_zoo, *zip(*loads, strict=True)))
    print(f"import jax, flax.nnx:   {base:.3f} s")
    print(f"import zoo:             {with_zoo:.3f} s, {with_zoo / base:.2f} times")
    print(f"load hetsnn-mem25-1024: {first:.3f} s with its imports, {second:.3f} s again")


if __name__ == "__main__":
    main()
