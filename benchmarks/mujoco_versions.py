"""Whether MuJoCo's version changes what robots earn: the systems that Brax makes of their files, and the returns.

    python benchmarks/mujoco_versions.py measure > here.json        # once in each environment, with its own MuJoCo
    python benchmarks/mujoco_versions.py compare one.json two.json

Measured are a hash of all arrays of each robot's system, and whole episodes of all networks of each published model
by the machine code of that system, to the last digit. Sizes of MuJoCo's own buffers are left out.
"""

import argparse
import hashlib
import importlib.metadata
import json
import sys
from pathlib import Path

import jax
import numpy as np

import zoo
from zoo.registry.names import parse
from zoo.tasks.brax import ENVIRONMENTS, make_environment


def system_hash(name: str) -> str:
    """Of the arrays of a robot's system, with their paths and types."""
    total = hashlib.sha256()
    for path, value in jax.tree_util.tree_leaves_with_path(make_environment(name, "spring").sys):
        if jax.tree_util.keystr(path) == "._sizes":  # Of MuJoCo's own buffers.
            continue
        array = np.asarray(value)
        total.update(f"{jax.tree_util.keystr(path)} {array.dtype} {array.shape}".encode() + array.tobytes())
    return total.hexdigest()


def measure(pattern: str, episodes: int) -> dict:
    """Versions, hashes and returns."""
    versions = {name: importlib.metadata.version(name) for name in ("mujoco", "mujoco-mjx", "brax", "jax")}
    found = {"versions": versions, "systems": {name: system_hash(name) for name in ENVIRONMENTS}, "returns": {}}
    for name in zoo.list_models(pattern, task="brax") if episodes else []:
        model = zoo.load(name)
        result = zoo.evaluate(model, episodes=episodes, compiled=True)
        found["returns"][name] = [float(value).hex() for row in result.returns for value in row]
        print(f"{name} ({parse(name).task}): {result.mean:.6g}", file=sys.stderr, flush=True)
    return found


def main() -> int:
    """Prints a measurement, or whether two are equal to the digit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    sub = verbs.add_parser("measure")
    sub.add_argument("--models", default="*")
    sub.add_argument("--episodes", type=int, default=8, help="of each network; 0: the systems alone")
    sub = verbs.add_parser("compare")
    sub.add_argument("files", nargs=2, type=Path)
    arguments = parser.parse_args()
    if arguments.verb == "measure":
        print(json.dumps(measure(arguments.models, arguments.episodes), indent=1))
        return 0
    one, two = (json.loads(path.read_text(encoding="utf-8")) for path in arguments.files)
    print(f"{one['versions']}\n{two['versions']}")
    differ = [f"{part} {name}" for part in ("systems", "returns") for name in one[part].keys() | two[part].keys()
              if one[part].get(name) != two[part].get(name)]  # fmt: skip
    counts = f"{len(one['systems'])} systems and the returns of {len(one['returns'])} models"
    print("\n".join(f"differs: {name}" for name in sorted(differ)) or f"{counts} are equal to the digit")
    return bool(differ)


if __name__ == "__main__":
    raise SystemExit(main())
