"""Price of starting: `import zoo` against `import jax, flax.nnx`, and of loading a bundled model after that.

python benchmarks/start.py
"""

import statistics
import subprocess
import sys

REPEATS = 11
LOAD = (
    "import time, jax, zoo; jax.devices(); t = time.perf_counter(); "
    "zoo.load('hetsnn-mem25-1024'); print(time.perf_counter() - t)"
)


def seconds(code):
    script = f"import time; t = time.perf_counter(); {code}; print(time.perf_counter() - t)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def load_seconds():
    done = subprocess.run([sys.executable, "-c", LOAD], check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def main():
    base, with_zoo, load = [], [], []
    for _ in range(REPEATS):  # Taken in turn, so that a slow spell of the machine meets all alike.
        base.append(seconds("import jax, flax.nnx"))
        with_zoo.append(seconds("import zoo"))
        load.append(load_seconds())
    base, with_zoo, load = map(statistics.median, (base, with_zoo, load))
    print(f"import jax, flax.nnx:   {base:.3f} s")
    print(f"import zoo:             {with_zoo:.3f} s, {with_zoo / base:.2f} times")
    print(f"load hetsnn-mem25-1024: {load:.3f} s")


if __name__ == "__main__":
    main()
