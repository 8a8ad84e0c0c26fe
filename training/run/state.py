"""Training states on disk: complete or not there at all, checked before they are used."""

import re
import shutil
import warnings
from pathlib import Path

import jax
import numpy as np

from zoo.core.arrays import read_arrays, write_arrays
from zoo.core.errors import DamagedCheckpointError, OtherArraysError, ZooError
from zoo.core.json_files import coerce, read_json, write_json
from zoo.store.checkpoint import replacing
from zoo.store.leftovers import sweep
from zoo.store.manifest import verify_manifest, write_manifest

_UNDAMAGED = (
    "It is undamaged: go on with the packages, and on the kind of machine, that it was saved with (PPO's states of "
    "environments are a compiled step's where llvmlite is there, Brax's where it is not). Or start"
)
_KEEP = 2
_AN_HOUR = 3600.0
_NAME = re.compile(r"[0-9]{8,12}")  # As `save_state` writes it; a copy beside them is none.


def _name(path) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")


def save_state(folder: Path, state, progress: dict) -> Path:
    """Writes a training state as ``folder/<generation>/`` and drops all but the newest two.

    Args:
        folder: ``state/`` of a run.
        state: tree of host arrays, a method's state of a run.
        progress: JSON; its ``generation`` names the state.
    """
    target = folder / f"{progress['generation']:08d}"
    with replacing(target) as new:
        leaves = jax.tree_util.tree_leaves_with_path(state)
        write_arrays(new / "arrays", {_name(path): leaf for path, leaf in leaves})
        write_json(new / "progress.json", progress)
        write_manifest(new)
    for old in saved_states(folder)[:-_KEEP]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def saved_states(folder: Path) -> list[Path]:
    """Complete states in `folder`, oldest first."""
    return sorted(path for path in folder.glob("[0-9]*") if _NAME.fullmatch(path.name) and path.is_dir())


def drop_states_after(folder: Path, generation: int) -> None:
    """Removes what a training does not go on from: leftovers of killed saves, and states that are newer.

    Newer are damaged ones, which count among the newest. The folder must be this process's alone.
    """
    sweep(folder)
    sweep(folder.parent, older_than_s=_AN_HOUR)  # `zoo export` may be writing there.
    for path in saved_states(folder):
        if int(path.name) > generation:
            shutil.rmtree(path)


def restore_state(folder: Path, like) -> tuple[object, dict] | None:
    """The newest undamaged state and its progress; None if there is no state.

    Args:
        folder: ``state/`` of a run.
        like: tree with leaves of the expected shapes and dtypes.

    Raises:
        ZooError: if all states are damaged or of another shape.

    Warns:
        UserWarning: if a newer one is.
    """
    saved, problems, others = saved_states(folder), [], False
    for path in reversed(saved):
        try:
            found = _read(path, like)
        except (DamagedCheckpointError, OSError) as error:
            problems.append(str(error))
            others = others or isinstance(error, OtherArraysError)
            continue
        if problems:
            warnings.warn(f"{'; '.join(problems)}. Used is that of generation {int(path.name):,}", stacklevel=2)
        return found
    if not saved:
        return None
    raise ZooError(
        f"no training state in {folder} can be used: {'; '.join(problems)}. "
        f"{_UNDAMAGED if others else 'Start'} anew with --fresh, or in another folder with --out"
    )


def _read(path: Path, like) -> tuple[object, dict]:
    verify_manifest(path)
    leaves = jax.tree_util.tree_leaves_with_path(like)
    arrays = read_arrays(path / "arrays", {_name(p): leaf for p, leaf in leaves})
    values = [np.asarray(arrays[_name(p)]) for p, _ in leaves]
    return jax.tree.unflatten(jax.tree.structure(like), values), _read_progress(path)


def _read_progress(path: Path) -> dict:
    progress, where = read_json(path / "progress.json"), path / "progress.json"
    try:
        for name, kind in {"generation": int, "seconds": float, "hardware": str}.items():
            coerce(kind, progress.get(name), name)
    except ValueError as error:
        raise DamagedCheckpointError(f"{where}: {error}") from error
    if progress["generation"] != int(path.name):
        raise DamagedCheckpointError(f"{where}: generation (={progress['generation']}) must be that of {path.name}")
    return progress
