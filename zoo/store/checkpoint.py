"""The checkpoint format: one folder, verified file by file before anything in it is used.

    config.json       what the model is and how it was trained
    params/           Orbax: what was trained, stacked over training seeds; observation statistics
    evaluation.json   every episode's return, and the command that measured it
    training.csv      the learning curve
    activity.csv      optional: firing rates at milestones of the training
    MANIFEST.json     size and SHA-256 of every other file
    state/            optional: training state, to go on from

Data only: JSON, CSV and arrays; reading a checkpoint never executes anything in it.
"""

import dataclasses
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jax
import numpy as np

from zoo.core.arrays import read_arrays, write_arrays
from zoo.core.errors import DamagedCheckpointError, UnknownModelError, ZooError
from zoo.core.json_files import coerce, from_json, read_json, write_json
from zoo.core.seeds import is_seed
from zoo.core.version import as_written_by
from zoo.models import NetworkConfig
from zoo.registry.names import parse
from zoo.registry.recipe import Recipe, read_recipe, upgraded
from zoo.store.agreement import check_evaluation, check_finite, check_length, check_model
from zoo.store.manifest import MANIFEST, SCHEMA, check_schema, verify_manifest, write_manifest

_REQUIRED = ("config.json", "evaluation.json", "training.csv")
_MAX_NUMBERS = 2**26  # 256 MiB of float32: a thousand times the largest published model.


@dataclasses.dataclass(frozen=True, slots=True)
class Checkpoint:
    """A verified checkpoint's content.

    Attributes:
        path: where it lies.
        config: content of config.json.
        network: its ``network`` part.
        recipe: its ``recipe`` part.
        seeds: training seeds, the leading axis of `params`.
        params: ``{"trained": {name: [K, …]}}`` and, with normalised observations,
            ``"observations": {"count", "mean", "m2"}``.
        evaluation: content of evaluation.json.
    """

    path: Path
    config: dict
    network: NetworkConfig
    recipe: Recipe
    seeds: tuple[int, ...]
    params: dict
    evaluation: dict


def read_checkpoint(path: Path, *, verified: bool = False) -> Checkpoint:
    """Verifies and reads a checkpoint.

    Args:
        path: its folder.
        verified: whether its manifest has just been checked.

    Raises:
        DamagedCheckpointError: if anything is not as the format says.
        UnsupportedCheckpointError: if it comes from a newer version.
    """
    if not verified:
        verify_manifest(path)
    for name in _REQUIRED:
        if not (path / name).is_file():
            raise DamagedCheckpointError(f"checkpoint {path} is damaged: {name} is missing")
    config = read_config(path)
    with as_written_by(_writer(config)):
        network = from_json(NetworkConfig, config["network"], f"{path}/config.json: network")
        recipe = read_recipe(config["recipe"], config["name"], f"{path}/config.json")
    seeds = tuple(config["seeds"])
    if _numbers(network, len(seeds)) > _MAX_NUMBERS:
        raise DamagedCheckpointError(f"{path}/config.json asks for more than {_MAX_NUMBERS:,} numbers")
    check_model(config, network, path / "config.json")
    evaluation = read_evaluation(path)
    check_evaluation(evaluation, config, path / "evaluation.json")
    check_length(evaluation["episodes"], config, path / "evaluation.json")
    params = read_arrays(path / "params", _abstract_params(network, len(seeds), config["observations"]))
    check_finite(params, seeds, path / "params")
    return Checkpoint(path, config, network, recipe, seeds, params, evaluation)


def _writer(config: dict) -> str | None:
    """The version of the zoo that wrote a config.json, where it says one."""
    versions = config["training"].get("versions")
    return versions.get("hetsnn-zoo") if isinstance(versions, dict) else None


def _numbers(network: NetworkConfig, seeds: int) -> int:
    """How many numbers loading and drawing a model may allocate; Python's integers, which do not overflow."""
    trained = sum(math.prod(shape) for shape in network.trained_shapes.values())
    return seeds * (trained + 2 * network.inputs) + network.hidden * (network.inputs + network.outputs + 4)


def read_evaluation(path: Path) -> dict:
    """evaluation.json of a checkpoint folder, with the types of what the zoo uses checked.

    Raises:
        DamagedCheckpointError: naming the field.
    """
    where = path / "evaluation.json"
    if not where.is_file():
        raise DamagedCheckpointError(f"{path} is not a checkpoint: it has no evaluation.json")
    evaluation = read_json(where)
    kinds = {"command": str, "seed": int, "episodes": int, "mean": float, "std": float}
    _check_fields(evaluation, kinds | {"interval_95": tuple[float, ...], "seeds": list}, where)
    if len(evaluation["interval_95"]) != 2 or not evaluation["seeds"]:
        raise DamagedCheckpointError(f"{where}: `interval_95` must have two ends, and `seeds` at least one row")
    for row in evaluation["seeds"]:
        kinds = {"training_seed": int, "mean": float, "std": float, "spike_rate": float}
        _check_fields(row if isinstance(row, dict) else {}, kinds, f"{where}: a row of `seeds`")
    return evaluation


def _check_fields(value: dict, kinds: dict, where) -> None:
    """Raises unless `value` has the fields with their types, all numbers finite."""
    try:
        for name, kind in kinds.items():
            got = value.get(name)
            if kind is list:
                if not isinstance(got, list):
                    raise ValueError(f"`{name}` must be a JSON list")
            elif not all(map(math.isfinite, _floats(coerce(kind, got, f"`{name}`")))):
                raise ValueError(f"`{name}` (={got!r}) must be finite")
    except ValueError as error:
        raise DamagedCheckpointError(f"{where}: {error}") from error


def _floats(value) -> list[float]:
    return [number for number in (value if isinstance(value, tuple) else (value,)) if isinstance(number, float)]


def read_config(path: Path) -> dict:
    """config.json of a checkpoint folder, with its fields' types checked, without touching arrays."""
    where = path / "config.json"
    if not where.is_file():
        raise DamagedCheckpointError(f"{path} is not a checkpoint: it has no config.json")
    config = read_json(where)
    check_schema(config, where)
    kinds = {
        "name": str, "task": dict, "network": dict, "recipe": dict, "seeds": list, "training": dict,
        "fixed_weights": dict, "observations": bool,
    }  # fmt: skip
    for key, kind in kinds.items():
        if not isinstance(config.get(key), kind):
            raise DamagedCheckpointError(f"{where}: `{key}` must be a JSON {kind.__name__}")
    try:
        parse(config["name"])
    except UnknownModelError as error:
        raise DamagedCheckpointError(f"{where}: `name`: {error}") from error
    _upgrade(config, where)
    seeds = config["seeds"]
    if not seeds or not all(map(is_seed, seeds)) or len(set(seeds)) != len(seeds):
        raise DamagedCheckpointError(f"{where}: `seeds` must be different integers of 0 or more, below 2^32")
    return config


def _upgrade(config: dict, where: Path) -> None:
    """Makes the recipe one of today's schema.

    Raises:
        DamagedCheckpointError: if its method is none.
    """
    if config["schema"] > 1:
        return
    try:
        config["recipe"] = upgraded(config["recipe"], parse(config["name"]))
    except ValueError as error:
        raise DamagedCheckpointError(f"{where}: recipe: {error}") from error


def _abstract_params(network: NetworkConfig, seeds: int, observations: bool) -> dict:
    def leaf(*shape):
        return jax.ShapeDtypeStruct((seeds, *shape), np.float32)

    tree = {"trained": {name: leaf(*shape) for name, shape in network.trained_shapes.items()}}
    if observations:
        tree["observations"] = {
            "count": leaf(), "mean": leaf(network.inputs), "m2": leaf(network.inputs)
        }  # fmt: skip
    return tree


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A new folder that takes `target`'s place when the block ends well; else nothing changes.

    A folder cannot be exchanged at one stroke: who is killed between the two renames finds the old one beside it,
    as ``.NAME.….old``.

    Raises:
        ZooError: if the place is not writable or the disk is full.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise ZooError(f"cannot write to {target.parent}: {error.strerror}; choose another folder") from error
    old = temporary.with_name(temporary.name + ".old")
    try:
        new = temporary / "new"
        new.mkdir()
        yield new
        if target.exists():
            os.replace(target, old)
        os.replace(new, target)
    except OSError as error:
        raise ZooError(f"cannot write {target}: {error}; the old content is unchanged") from error
    finally:
        if old.exists() and not target.exists():
            os.replace(old, target)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_checkpoint(
    target: Path,
    *,
    config: dict,
    params: dict,
    evaluation: dict,
    curve: str,
    extra: Callable[[Path], None] = lambda folder: None,
) -> None:
    """Writes a checkpoint beside `target`, reads it back, and puts it in place when it is whole.

    Args:
        target: folder; an existing checkpoint is replaced, anything else is left alone.
        config: content of config.json, see `Checkpoint`; the schema version is added.
        params: arrays, see `Checkpoint`.
        evaluation: content of evaluation.json.
        curve: content of training.csv.
        extra: adds further files (``state/``, ``activity.csv``) to the folder that it is given.
    """
    if target.exists() and not (target / MANIFEST).is_file() and any(target.iterdir()):
        raise ZooError(f"{target} exists and is not a checkpoint; choose another folder")
    with replacing(target) as folder:
        write_json(folder / "config.json", {"schema": SCHEMA} | config)
        write_json(folder / "evaluation.json", evaluation)
        (folder / "training.csv").write_text(curve, encoding="utf-8")
        write_arrays(folder / "params", params)
        extra(folder)
        write_manifest(folder)
        read_checkpoint(folder)
