"""Mutations of checkpoints, run folders and Hub answers: each is refused by a `ZooError`, or loads. One command:

    python tests/fuzz.py CHECKPOINT [--count 2000] [--seed 0]

The manifest is made to agree after each mutation, as an attacker would. Reported are what was refused, what
loaded, and what escaped: another exception, more than `SECONDS`, more than `BYTES` of memory added, or a file
written elsewhere.
"""

import argparse
import collections
import json
import random
import resource
import shutil
import tempfile
import time
from pathlib import Path

import zoo
from zoo.core.errors import ZooError
from zoo.store.manifest import MANIFEST, write_manifest

SECONDS = 20.0
BYTES = 100e6
_VALUES = (None, True, -1, 0, 2**70, 1e308, -0.5, "", "x" * 300, "../x", "\u0665", [], [[]], {}, {"a": {}}, [1, "a"])


def mutate_bytes(data: bytes, rng: random.Random) -> bytes:
    """Bytes flipped, cut out, doubled or cut off."""
    data = bytearray(data)
    kind = rng.randrange(4)
    for _ in range(rng.choice((1, 2, 8))):
        if not data:
            break
        at = rng.randrange(len(data))
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[at : at + rng.randrange(1, 9)]
        elif kind == 2:
            data[at:at] = data[at : at + rng.randrange(1, 200)]
        else:
            del data[at:]
    return bytes(data)


def mutate_json(value, rng: random.Random):
    """The same document with one value, at any depth, replaced, dropped or doubled."""
    if not isinstance(value, dict | list) or not value or rng.random() < 0.2:
        return rng.choice(_VALUES)
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key, new = rng.choice(keys), json.loads(json.dumps(value))
    kind = rng.randrange(5)
    if kind == 0:
        del new[key]
    elif kind == 1 and isinstance(new, list):
        new.append(new[key])
    elif kind == 1:
        new[f"{key}x"] = new[key]
    else:
        new[key] = mutate_json(value[key], rng)
    return new


def mutate(path: Path, rng: random.Random) -> None:
    """One file in place."""
    data = path.read_bytes()
    if path.suffix == ".json" and rng.random() < 0.8:
        path.write_text(json.dumps(mutate_json(json.loads(data), rng)), encoding="utf-8")
    else:
        path.write_bytes(mutate_bytes(data, rng))


def try_one(folder: Path, act) -> tuple[str, str]:
    """What became of it: ``refused``, ``loaded`` or ``escaped``; and why."""
    outside = {path: path.stat().st_mtime_ns for path in folder.parent.iterdir()}
    # Not tracemalloc: runs that switched it on and off while Orbax's threads worked ended badly; why is not known.
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        act()
        outcome, why = "loaded", ""
    except ZooError as error:
        outcome, why = "refused", str(error)
    except Exception as error:
        outcome, why = "escaped", f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - start
    peak = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    if seconds > SECONDS or peak > BYTES:
        outcome, why = "escaped", f"{seconds:.1f} s, {peak / 1e6:.0f} MB. {why}"
    if {path for path in folder.parent.iterdir()} != set(outside):
        outcome, why = "escaped", f"wrote beside the folder. {why}"
    return outcome, why


def use(folder: Path) -> None:
    """All that reads a checkpoint, short of playing."""
    zoo.model_info(str(folder))
    model = zoo.load(str(folder))
    model.task()
    for seed in model.seeds:
        model.parts(seed)


def fuzz_checkpoint(checkpoint: Path, count: int, seed: int = 0) -> list[tuple[str, str, str]]:
    """Mutates the files of a copy in turn, `count` times.

    Returns:
        File, outcome and reason of each mutation.
    """
    rng, found = random.Random(seed), []
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(shutil.copytree(checkpoint, Path(parent) / checkpoint.name))
        names = sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file() and "state" != p.parts[0])
        for k in range(count):
            path = folder / names[k % len(names)]
            good = path.read_bytes()
            mutate(path, rng)
            if path.name != MANIFEST:
                write_manifest(folder)
            found.append((str(path.relative_to(folder)), *try_one(folder, lambda: use(folder))))
            path.write_bytes(good)
            write_manifest(folder)
    return found


def main() -> int:
    """Prints what escaped, and how many were refused and loaded, by file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    found = fuzz_checkpoint(arguments.checkpoint.resolve(), arguments.count, arguments.seed)
    for file, outcome, why in found:
        if outcome == "escaped":
            print(f"{file}: {why[:300]}")
    for (file, outcome), count in sorted(collections.Counter((f, o) for f, o, _ in found).items()):
        print(f"{count:>6}  {outcome:<8} {file}")
    return any(outcome == "escaped" for _, outcome, _ in found)


if __name__ == "__main__":
    raise SystemExit(main())
