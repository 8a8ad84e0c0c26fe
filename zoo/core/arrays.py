"""Trees of arrays on disk, by Orbax: host arrays, checked before they are used."""

import contextlib
from pathlib import Path

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from zoo.core.errors import DamagedCheckpointError


def write_arrays(path: Path, tree: dict) -> None:
    """Saves a tree of arrays with Orbax, as host arrays: no device is recorded.

    In a computation of several processes, the one that calls this writes alone.
    """
    target, tree = path.absolute().resolve(), jax.tree.map(np.asarray, tree)
    if jax.process_count() > 1:
        _write_alone(target, tree)
    else:
        ocp.save(target, tree)
    (path / "commit_success.txt").unlink(missing_ok=True)  # Holds a path of this machine; not needed.


def _write_alone(target: Path, tree: dict) -> None:
    """Orbax's older interface, whose files `read_arrays` reads too: v1's waits for processes that do not save."""
    import orbax.checkpoint

    options = orbax.checkpoint.options.MultiprocessingOptions(**_this_process())
    handler = orbax.checkpoint.PyTreeCheckpointHandler(multiprocessing_options=options)
    with orbax.checkpoint.Checkpointer(handler, multiprocessing_options=options) as checkpointer:
        checkpointer.save(target, tree)


def _this_process() -> dict:
    index = jax.process_index()
    return {"primary_host": index, "active_processes": {index}, "barrier_sync_key_prefix": f"zoo-{index}"}


def _alone():
    """A context in which Orbax does not wait for other processes, where there are any."""
    if jax.process_count() == 1:
        return contextlib.nullcontext()
    return ocp.Context(multiprocessing_options=ocp.options.MultiprocessingOptions(**_this_process()))


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
        with _alone():
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
        with _alone():
            return jax.tree.map(np.asarray, ocp.load(real))
    except Exception as error:
        raise DamagedCheckpointError(f"Orbax cannot read {path}: {error}") from error
