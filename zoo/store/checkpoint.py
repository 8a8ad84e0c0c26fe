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
from zoo.core.errors import DamagedCheckpointError, ZooError
from zoo.core.json_files import from_json, write_json
from zoo.core.version import as_written_by
from zoo.models import NetworkConfig
from zoo.registry.recipe import Recipe
from zoo.store.agreement import check_evaluation, check_finite, check_length, check_model
from zoo.store.manifest import MANIFEST, SCHEMA, verify_manifest, write_manifest
from zoo.store.records import read_config, read_evaluation, trained_by

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
        recipe = trained_by(config, path)
    seeds = tuple(config["seeds"])
    if _numbers(network, len(seeds)) > _MAX_NUMBERS:
        raise DamagedCheckpointError(f"{path}/config.json asks for more than {_MAX_NUMBERS:,} numbers")
    check_model(config, network, path / "config.json")
    evaluation = read_evaluation(path)
    check_evaluation(evaluation, config, path / "evaluation.json")
    check_length(evaluation["episodes"], config, path / "evaluation.json")
    params = read_arrays(path / "params", params_like(network, len(seeds), config["observations"]))
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


def params_like(network: NetworkConfig, seeds: int, observations: bool) -> dict:
    """Shapes and types of `Checkpoint.params`, as `zoo.core.arrays.read_arrays` takes them.

    Args:
        network: of all seeds.
        seeds: how many there are.
        observations: whether there are observation statistics.
    """

    def leaf(*shape):
        return jax.ShapeDtypeStruct((seeds, *shape), np.float32)

    tree = {"trained": {name: leaf(*shape) for name, shape in network.trained_shapes.items()}}
    if observations:
        tree["observations"] = {"count": leaf(), "mean": leaf(network.inputs), "m2": leaf(network.inputs)}
    return tree


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A new folder that takes `target`'s place when the block ends well; else nothing changes.

    A folder cannot be exchanged at one stroke: who is killed between the two renames finds the old one beside it,
    as ``.NAME.….old``.

    Raises:
        ZooError: if the place is not writable, the disk is full, or it is the folder that the program is in.
    """
    if target.resolve() == Path.cwd():
        raise ZooError("the folder that you are in cannot be replaced; name another one, or call from outside of it")
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
        if old.is_symlink():
            old.unlink()
        shutil.rmtree(old, ignore_errors=True)


def write_checkpoint(
    target: Path,
    *,
    config: dict,
    params: dict,
    evaluation: dict,
    curve: str,
    extra: Callable[[Path], None] = lambda folder: None,
    own: bool = False,
) -> None:
    """Writes a checkpoint beside `target`, reads it back, and puts it in place when it is whole.

    Args:
        target: folder; an existing checkpoint is replaced, anything else is left alone, unless it is the zoo's `own`.
        config: content of config.json, see `Checkpoint`; the schema version is added.
        params: arrays, see `Checkpoint`.
        evaluation: content of evaluation.json.
        curve: content of training.csv.
        extra: adds further files (``state/``, ``activity.csv``) to the folder that it is given.
        own: whether `target` is for this checkpoint alone: what is left of a damaged one is replaced, too.
    """
    if not own and target.exists() and not (target / MANIFEST).is_file() and any(target.iterdir()):
        raise ZooError(f"{target} exists and is not a checkpoint; choose another folder")
    with replacing(target) as folder:
        write_json(folder / "config.json", {"schema": SCHEMA} | config)
        write_json(folder / "evaluation.json", evaluation)
        (folder / "training.csv").write_text(curve, encoding="utf-8")
        write_arrays(folder / "params", params)
        extra(folder)
        write_manifest(folder)
        read_checkpoint(folder)
