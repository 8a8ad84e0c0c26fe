"""Mutations of checkpoints, run folders and Hub answers: each is refused, or does no harm. One command:

    python tests/fuzz.py FOLDER [--what checkpoint|run|hub] [--count 2000] [--seed 0]

FOLDER is a checkpoint, which a Hub's answers are made of, too, or the folder of a run (`runs/NAME`). Manifests are
made to agree after each mutation, as an attacker would. Reported are what was refused, what loaded, and what escaped:
another exception than a `ZooError`, more than `SECONDS`, more than `BYTES` of memory added, or a file written
elsewhere; and the peak of memory of a good use before and after all, which may be twice that.
"""

import argparse
import collections
import contextlib
import functools
import json
import os
import random
import re
import resource
import shutil
import tempfile
import time
from pathlib import Path
from unittest import mock

import jax

import zoo
from zoo.core.errors import ZooError
from zoo.registry.recipe import make_recipe_task
from zoo.store.curves import cut_rows
from zoo.store.manifest import MANIFEST, write_manifest

SECONDS = 90.0  # Other programs may hold a machine for a while.
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


def forget_peak() -> None:
    """Has `peak_bytes` count from now on, where the system can (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_bytes() -> int:
    """The most memory that this process had since `forget_peak`, or since it began."""
    with contextlib.suppress(OSError):
        if found := re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text()):
            return 1024 * int(found[1])
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def try_one(folder: Path, act) -> tuple[str, str]:
    """What became of it: ``refused``, ``loaded`` or ``escaped``; and why."""
    outside = {path: path.stat().st_mtime_ns for path in folder.parent.iterdir()}
    # Not tracemalloc: runs that switched it on and off while Orbax's threads worked ended badly; why is not known.
    forget_peak()
    start, before = time.monotonic(), peak_bytes()
    try:
        act()
        outcome, why = "loaded", ""
    except ZooError as error:
        outcome, why = "refused", str(error)
    except Exception as error:
        outcome, why = "escaped", f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - start
    added = peak_bytes() - before
    if seconds > SECONDS or added > BYTES:
        outcome, why = "escaped", f"{seconds:.1f} s, {added / 1e6:.0f} MB. {why}"
    # A training's lock lies beside its folder.
    if {path for path in folder.parent.iterdir() if path.name != f".{folder.name}.lock"} != set(outside):
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


def go_on(folder: Path, model, recipe) -> None:
    """All that `zoo train` and `zoo export` read of a run's folder, short of computing.

    Args:
        folder: of the run.
        model, recipe: what is asked to go on.
    """
    from zoo.training.run.export import read_curve
    from zoo.training.run.runs import prepare_run
    from zoo.training.run.state import drop_states_after, restore_state

    changes = {name: value for name, value in recipe.flat().items() if name != "method"}
    with contextlib.ExitStack() as locks:
        prepare_run(str(model), folder.parent, locks, **changes)
    restored = restore_state(folder / "state", initial_state(model, recipe))
    generation = restored[1]["generation"] if restored else 0
    drop_states_after(folder / "state", generation)
    for name in ("training.csv", "activity.csv"):
        cut_rows(folder / name, generation)
    if generation:
        read_curve(folder / "training.csv", generation)
    use(folder / "checkpoint")


@functools.cache
def initial_state(model, recipe):
    """What a saved state is compared with."""
    from zoo.training.run.engine import Engine
    from zoo.training.run.runs import Run

    run = Run(model=model, recipe=recipe, folder=Path())
    task = make_recipe_task(model, recipe)
    return Engine(task, [run.group(task)], devices=jax.devices()[:1]).init()[0]


def fuzz_run(run: Path, count: int, seed: int = 0) -> list[tuple[str, str, str]]:
    """Mutates the files of copies of a run's folder, `count` times; see `fuzz_checkpoint`."""
    from zoo.training.run.records import read_recorded

    rng, found, asked = random.Random(seed), [], read_recorded(run / "run.json")
    files = sorted(p.relative_to(run) for p in run.rglob("*") if p.is_file())
    own = [name for name in files if name.parts[0] != "checkpoint"]
    names = [*own, *own, *own, *files]
    with tempfile.TemporaryDirectory() as parent:
        for k in range(count):
            folder = Path(shutil.copytree(run, Path(parent) / str(k) / run.name))
            path = folder / names[k % len(names)]
            mutate(path, rng)
            for manifest in folder.rglob(MANIFEST):
                if manifest.parent in path.parents and path.name != MANIFEST:
                    write_manifest(manifest.parent)
            outcome = try_one(folder, functools.partial(go_on, folder, *asked))
            found.append((re.sub(r"[0-9]{8}", "N", str(path.relative_to(folder))), *outcome))
            shutil.rmtree(folder.parent)
    return found


_HEADERS = (
    "ETag",
    "X-Repo-Commit",
    "X-Linked-Etag",
    "X-Linked-Size",
    "Content-Length",
    "Location",
    "Link",
    "X-Error-Code",
)
_TEXTS = ("", "0", "-1", "9" * 30, "x", "../x", "a" * 40, '"' + "b" * 64 + '"', "W/x", "<x>; rel=next", "\u00e9")


class Answers:
    """Mutates one of the answers that a Hub gives: its status, a header or its body."""

    def __init__(self, rng: random.Random):
        self.rng, self.left, self.what = rng, 0, ""

    def arm(self) -> None:
        self.left, self.what = self.rng.randrange(8), "none"

    def __call__(self, status: int, data: bytes, headers: dict) -> tuple[int, bytes, dict]:
        self.left -= 1
        if self.left != -1:
            return status, data, headers
        kind = self.rng.choice(("status", "header", "header", "body", "body", "body"))
        self.what = f"{kind} of {headers['Content-Type']}"
        if kind == "status":
            return self.rng.choice((200, 204, 206, 301, 307, 400, 404, 416, 429, 500, 503)), data, headers
        if kind == "header":
            return status, data, headers | {self.rng.choice(_HEADERS): self.rng.choice(_TEXTS)}
        with contextlib.suppress(ValueError):
            if self.rng.random() < 0.7:
                return status, json.dumps(mutate_json(json.loads(data), self.rng)).encode(), headers
        return status, mutate_bytes(data, self.rng), headers


def fuzz_hub(checkpoint: Path, count: int, seed: int = 0) -> list[tuple[str, str, str]]:
    """Pulls and loads a checkpoint from a Hub, one of whose answers is mutated, `count` times.

    Returns:
        Which answer, outcome and reason of each mutation.
    """
    from hub_server import HubServer

    rng, found, name = random.Random(seed), [], checkpoint.name
    answers = Answers(rng)
    with HubServer() as hub, tempfile.TemporaryDirectory() as parent, mock.patch("time.sleep"):
        hub.add(f"org/{name}", checkpoint)
        hub.mutate = answers
        environment = {"HF_ENDPOINT": hub.url, "no_proxy": "127.0.0.1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        with mock.patch.dict(os.environ, environment):
            for k in range(count):
                cache = Path(parent) / str(k) / "cache"
                cache.mkdir(parents=True)
                answers.arm()

                def act(cache=cache):
                    zoo.load(f"hf://org/{name}", cache_dir=cache, timeout=SECONDS / 2).parts()

                outcome, why = try_one(cache, act)
                blobs = [p.name for p in cache.rglob("blobs/*") if not re.fullmatch(r"[0-9a-f]{40,64}.*", p.name)]
                found.append((answers.what, "escaped" if blobs else outcome, f"{blobs or ''} {why}"))
                shutil.rmtree(cache.parent)
    return found


def use_well(folder: Path, what: str) -> int:
    """What a campaign does each time, with nothing mutated; pulling is as little beside loading.

    Returns:
        The peak of memory of that, in bytes.
    """
    forget_peak()
    if what != "run":
        use(folder)
        return peak_bytes()
    from zoo.training.run.records import read_recorded

    with tempfile.TemporaryDirectory() as parent:
        go_on(Path(shutil.copytree(folder, Path(parent) / folder.name)), *read_recorded(folder / "run.json"))
    return peak_bytes()


_CAMPAIGNS = {"checkpoint": fuzz_checkpoint, "run": fuzz_run, "hub": fuzz_hub}


def main() -> int:
    """Prints what escaped, how many were refused and loaded, by what was mutated, and the peaks of memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--what", choices=_CAMPAIGNS, default="checkpoint")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder, campaign = arguments.folder.resolve(), _CAMPAIGNS[arguments.what]
    first = use_well(folder, arguments.what)
    found = campaign(folder, arguments.count, arguments.seed)
    last = use_well(folder, arguments.what)
    for file, outcome, why in found:
        if outcome == "escaped":
            print(f"{file}: {why[:300]}")
    for (file, outcome), count in sorted(collections.Counter((f, o) for f, o, _ in found).items()):
        print(f"{count:>6}  {outcome:<8} {file}")
    print(f"peak of memory: {first / 2**20:.0f} MiB in a good use, {last / 2**20:.0f} MiB in one at the end")
    return any(outcome == "escaped" for _, outcome, _ in found) or last > 2 * first


if __name__ == "__main__":
    raise SystemExit(main())
