"""The checkpoint format: one folder, verified file by file before anything in it is used.

    config.json       what the model is and how it was trained
    params/           Orbax: what was trained, stacked over training seeds; observation statistics
    evaluation.json   every episode's return, and the command that measured it
    training.csv      the learning curve
    MANIFEST.json     size and SHA-256 of every other file
    state/            optional: training state, to go on from

Data only: JSON, CSV and arrays; reading a checkpoint never executes anything in it.
"""

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from zoo.errors import DamagedCheckpointError, UnsupportedCheckpointError, ZooError
from zoo.models import NetworkConfig

SCHEMA = 1
MANIFEST = "MANIFEST.json"
_REQUIRED = ("config.json", "evaluation.json", "training.csv")
_IGNORED = {"README.md", ".gitattributes"}  # The Hub's card and git's settings are not part of the model.
_OPTIONAL_FOLDER = "state"
_MAX_JSON_BYTES = 64 * 2**20
_MAX_NUMBERS = 2**29


def read_json(path: Path) -> dict:
    """A JSON object from a file of bounded size.

    Raises:
        DamagedCheckpointError: if it is too large or not a JSON object.
    """
    if path.stat().st_size > _MAX_JSON_BYTES:
        raise DamagedCheckpointError(f"{path} is larger than {_MAX_JSON_BYTES >> 20} MiB")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise DamagedCheckpointError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise DamagedCheckpointError(f"{path} holds a {type(value).__name__}; it must hold an object")
    return value


def write_json(path: Path, value: dict) -> None:
    """Writes a JSON object, replacing the file in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def from_json(cls: type, value: dict, where: str):
    """A frozen dataclass from a JSON object; names and types must be the fields'.

    Raises:
        DamagedCheckpointError: naming the field.
    """
    fields = {field.name: field for field in dataclasses.fields(cls)}
    if not isinstance(value, dict) or set(value) - set(fields):
        raise DamagedCheckpointError(f"{where} must be an object with the fields {sorted(fields)}, got {value!r}")
    try:
        types = typing.get_type_hints(cls)
        return cls(**{name: coerce(types[name], item, f"{where}.{name}") for name, item in value.items()})
    except (TypeError, ValueError) as error:
        raise DamagedCheckpointError(f"{where}: {error}") from error


def coerce(kind, value, where: str):
    """A JSON value as a field's type: int, float, str, bool, X | None, or tuple[X, ...].

    Raises:
        ValueError: if it is of another type.
    """
    options = typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        if isinstance(value, list | tuple):
            return tuple(coerce(options[0], item, where) for item in value)
    elif type(None) in options:
        return None if value is None else coerce(options[0], value, where)
    elif kind is float and type(value) in (int, float):
        return float(value)
    elif type(value) is kind:
        return value
    raise ValueError(f"{where} (={value!r}) must be of type {getattr(kind, '__name__', kind)}")


def sha256_file(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path) -> None:
    """Records size and SHA-256 of all files below `folder`."""
    files = {
        path.relative_to(folder).as_posix(): {"size": path.stat().st_size, "sha256": sha256_file(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    write_json(folder / MANIFEST, {"schema": SCHEMA, "files": files})


def verify_manifest(folder: Path) -> None:
    """Checks that `folder` holds exactly the files that its manifest lists, bit by bit.

    Raises:
        DamagedCheckpointError: naming every file that is missing, superfluous or altered.
        UnsupportedCheckpointError: if the checkpoint comes from a newer version.
    """
    if not (folder / MANIFEST).is_file():
        raise DamagedCheckpointError(f"{folder} is not a checkpoint: it has no {MANIFEST}")
    manifest = read_json(folder / MANIFEST)
    _check_schema(manifest, folder / MANIFEST)
    listed = manifest.get("files")
    if not isinstance(listed, dict) or not all(map(_is_entry, listed.items())):
        raise DamagedCheckpointError(f"{folder / MANIFEST} must list paths with size and sha256")
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()}
    present -= {MANIFEST} | _IGNORED
    expected = set(listed)
    if not any(name.startswith(f"{_OPTIONAL_FOLDER}/") for name in present):
        expected = {name for name in expected if not name.startswith(f"{_OPTIONAL_FOLDER}/")}
    problems = [f"{name} is missing" for name in sorted(expected - present)]
    problems += [f"{name} does not belong to it" for name in sorted(present - expected)]
    for name in sorted(expected & present):
        path, entry = folder / name, listed[name]
        if path.stat().st_size != entry["size"] or sha256_file(path) != entry["sha256"]:
            problems.append(f"{name} was altered")
    if problems:
        raise DamagedCheckpointError(
            f"checkpoint {folder} is damaged: {'; '.join(problems)}. Get it again, or train it: zoo train NAME"
        )


def _is_entry(item) -> bool:
    name, entry = item
    path = PurePosixPath(name)
    inside = name == path.as_posix() and not path.is_absolute() and ".." not in path.parts and "\\" not in name
    return inside and isinstance(entry, dict) and isinstance(entry.get("size"), int) and "sha256" in entry


def _check_schema(value: dict, path: Path) -> None:
    schema = value.get("schema")
    if type(schema) is not int or schema < 1:
        raise DamagedCheckpointError(f"{path}: schema (={schema!r}) must be a positive integer")
    if schema > SCHEMA:
        raise UnsupportedCheckpointError(
            f"{path}: schema {schema} is newer than this version's {SCHEMA}; pip install --upgrade hetsnn-zoo"
        )


def write_arrays(path: Path, tree: dict) -> None:
    """Saves a tree of arrays with Orbax, as host arrays: no device is recorded."""
    ocp.save(path.absolute().resolve(), jax.tree.map(np.asarray, tree))
    (path / "commit_success.txt").unlink(missing_ok=True)  # Holds a path of this machine; not needed.


def read_arrays(path: Path, like: dict) -> dict:
    """Loads a tree of NumPy arrays after checking names, shapes and dtypes against `like`.

    Args:
        path: what `write_arrays` wrote.
        like: the same tree with leaves that have ``shape`` and ``dtype``.

    Raises:
        DamagedCheckpointError: if Orbax cannot read it, or its content differs from `like`.
    """
    real = path.absolute().resolve()
    try:
        found = ocp.metadata(real).metadata
    except Exception as error:  # Orbax raises many types here.
        raise DamagedCheckpointError(f"Orbax cannot read {path}: {error}") from error
    want = {jax.tree_util.keystr(k): v for k, v in jax.tree_util.tree_leaves_with_path(like)}
    have = {jax.tree_util.keystr(k): v for k, v in jax.tree_util.tree_leaves_with_path(found)}
    if set(want) != set(have):
        raise DamagedCheckpointError(f"{path} holds {sorted(have)}; it must hold {sorted(want)}")
    for key, leaf in want.items():
        got = (tuple(have[key].shape), np.dtype(have[key].dtype))
        if got != (tuple(leaf.shape), np.dtype(leaf.dtype)):
            raise DamagedCheckpointError(
                f"{path}: {key} is {got[1]}{list(got[0])}; it must be {leaf.dtype}{list(leaf.shape)}"
            )
    try:
        return jax.tree.map(np.asarray, ocp.load(real))
    except Exception as error:
        raise DamagedCheckpointError(f"Orbax cannot read {path}: {error}") from error


@dataclasses.dataclass(frozen=True, slots=True)
class Checkpoint:
    """A verified checkpoint's content.

    Attributes:
        path: where it lies.
        config: content of config.json.
        network: its ``network`` part.
        seeds: training seeds, the leading axis of `params`.
        params: ``{"trained": {name: [K, …]}}`` and, with normalised observations,
            ``"observations": {"count", "mean", "m2"}``.
        evaluation: content of evaluation.json.
    """

    path: Path
    config: dict
    network: NetworkConfig
    seeds: tuple[int, ...]
    params: dict
    evaluation: dict


def read_checkpoint(path: Path) -> Checkpoint:
    """Verifies and reads a checkpoint.

    Raises:
        DamagedCheckpointError: if anything is not as the format says.
        UnsupportedCheckpointError: if it comes from a newer version.
    """
    verify_manifest(path)
    for name in _REQUIRED:
        if not (path / name).is_file():
            raise DamagedCheckpointError(f"checkpoint {path} is damaged: {name} is missing")
    config = read_config(path)
    network = from_json(NetworkConfig, config["network"], f"{path}/config.json: network")
    seeds = tuple(config["seeds"])
    if network.trained_size * len(seeds) > _MAX_NUMBERS:
        raise DamagedCheckpointError(f"{path}/config.json asks for more than {_MAX_NUMBERS} numbers")
    params = read_arrays(path / "params", _abstract_params(network, len(seeds), config["observations"]))
    return Checkpoint(path, config, network, seeds, params, read_json(path / "evaluation.json"))


def read_config(path: Path) -> dict:
    """config.json of a checkpoint folder, with its fields' types checked, without touching arrays."""
    where = path / "config.json"
    if not where.is_file():
        raise DamagedCheckpointError(f"{path} is not a checkpoint: it has no config.json")
    config = read_json(where)
    _check_schema(config, where)
    kinds = {
        "name": str, "task": dict, "network": dict, "recipe": dict, "seeds": list, "training": dict,
        "fixed_weights": dict, "observations": bool,
    }  # fmt: skip
    for key, kind in kinds.items():
        if not isinstance(config.get(key), kind):
            raise DamagedCheckpointError(f"{where}: `{key}` must be a JSON {kind.__name__}")
    seeds = config["seeds"]
    if not seeds or any(type(seed) is not int or seed < 0 for seed in seeds) or len(set(seeds)) != len(seeds):
        raise DamagedCheckpointError(f"{where}: `seeds` must be different integers of 0 or more")
    return config


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
        if old.exists() and not target.exists():
            os.replace(old, target)
        raise ZooError(f"cannot write {target}: {error}; the old content is unchanged") from error
    finally:
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
    """Writes a checkpoint beside `target`, reads it back, and puts it in place in one step.

    Args:
        target: folder; an existing checkpoint is replaced, anything else is left alone.
        config: content of config.json, see `Checkpoint`; the schema version is added.
        params: arrays, see `Checkpoint`.
        evaluation: content of evaluation.json.
        curve: content of training.csv.
        extra: adds further files (``state/``) to the folder that it is given.
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
