"""Trees of arrays on disk, by Orbax: host arrays, checked before they are used."""

import contextlib
import logging
import math
import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from types import ModuleType

import jax
import numpy as np

from zoo.core.errors import DamagedCheckpointError, OtherArraysError
from zoo.core.json_files import read_object

_COMMITTED = "commit_success.txt"


def _orbax() -> ModuleType:
    """Imported when first used: lists and cards read no arrays."""
    from orbax.checkpoint import v1

    return v1


def write_arrays(path: Path, tree: dict) -> None:
    """Saves a tree of arrays with Orbax, as host arrays: no device is recorded.

    In a computation of several processes, the one that calls this writes alone.
    """
    ocp, target, tree = _orbax(), path.absolute().resolve(), jax.tree.map(np.asarray, tree)
    try:
        with _no_log():
            if jax.process_count() > 1:
                _write_alone(target, tree)
            else:
                ocp.save(target, tree)
    except Exception as error:  # Orbax raises many types here, and tells its log of them.
        raise OSError(_reason(error)) from error
    # Orbax's mark of a finished checkpoint, which its readers look for on object stores; without this machine's path.
    (path / _COMMITTED).write_text("Checkpoint commit was successful\n", encoding="utf-8")


_REASONS = re.compile(
    r"No space left on device|Disk quota exceeded|File too large|Read-only file system|Permission denied"
)


def _reason(error: BaseException) -> str:
    """Why a write failed, in a few words."""
    known = _REASONS.search(str(error))
    return known[0] if known else (str(error).splitlines() or [type(error).__name__])[0][:300]


@contextlib.contextmanager
def _no_log() -> Iterator[None]:
    """Keeps back the pages that each of Orbax's threads logs of an error, which is raised as well."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


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
    ocp = _orbax()
    return ocp.Context(multiprocessing_options=ocp.options.MultiprocessingOptions(**_this_process()))


_MAX_METADATA_BYTES = 2**20
_METADATA = ("_METADATA", "_CHECKPOINT_METADATA", "_sharding", "array_metadata")
_SPARE_BYTES = 2**22  # Trees of keys, metadata and what an earlier write left of them.


def _check_files(path: Path) -> None:
    """Refuses metadata that no checkpoint needs, before Orbax takes it for a tree."""
    for file in path.rglob("*"):
        large = file.name.startswith(_METADATA) and file.is_file() and file.stat().st_size > _MAX_METADATA_BYTES
        if large:
            raise DamagedCheckpointError(f"{file} has more than {_MAX_METADATA_BYTES:,} bytes")


def _check_storage(path: Path, have: dict, want: dict) -> None:
    """Refuses chunks larger than their arrays, which would be allocated whole, and more bytes than arrays have."""
    for key, leaf in want.items():
        storage = getattr(have[key], "storage_metadata", None)
        _check_chunk(path, key, getattr(storage, "chunk_shape", None) or (), leaf.shape)
    for name, shape, chunk in _stored(path):
        _check_chunk(path, name, chunk, shape)
    needed = sum(math.prod(leaf.shape) * np.dtype(leaf.dtype).itemsize for leaf in want.values())
    if (size := sum(file.stat().st_size for file in path.rglob("*") if file.is_file())) > 2 * needed + _SPARE_BYTES:
        raise DamagedCheckpointError(f"{path} has {size:,} bytes for arrays of {needed:,}")


def _check_chunk(path: Path, name: str, chunk: Sequence[int], shape: Sequence[int]) -> None:
    if any(c > max(1, n) for c, n in zip_longest(chunk, shape[: len(chunk)], fillvalue=0)):
        raise DamagedCheckpointError(f"{path}: {name} has chunks of {list(chunk)}, larger than its {list(shape)}")


def _stored(path: Path) -> Iterator[tuple[str, Sequence[int], Sequence[int]]]:
    """Names, shapes and outer chunks of the arrays in Orbax's database, of which its own metadata shows the inner."""
    import tensorstore

    for base in (path / "state", path):
        if not (base / "manifest.ocdbt").is_file():
            continue
        store = tensorstore.KvStore.open({"driver": "ocdbt", "base": f"file://{base}/"}).result()
        for key in store.list().result():
            if key.endswith(b"/zarr.json"):
                text = store.read(key).result().value
                metadata = read_object(text, f"{path}: {key.decode(errors='replace')}")
                with contextlib.suppress(KeyError, TypeError):  # Of another form; then Orbax cannot read it either.
                    yield key.decode(), metadata["shape"], metadata["chunk_grid"]["configuration"]["chunk_shape"]


def _few(names: set[str], most: int = 3) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(sorted(names)[:most]) or "none") + more


def read_arrays(path: Path, like: dict) -> dict:
    """Loads a tree of NumPy arrays after checking names, shapes and dtypes against `like`.

    Args:
        path: what `write_arrays` wrote.
        like: the same tree with leaves that have ``shape`` and ``dtype``.

    Raises:
        DamagedCheckpointError: if Orbax cannot read it.
        OtherArraysError: if its names, shapes or dtypes differ from those of `like`.
    """
    ocp, real = _orbax(), path.absolute().resolve()
    _check_files(real)
    try:
        with _alone():
            found = ocp.metadata(real).metadata
    except Exception as error:  # Orbax raises many types here.
        raise DamagedCheckpointError(f"Orbax cannot read {path}: {error}") from error
    want = {jax.tree_util.keystr(k): v for k, v in jax.tree_util.tree_leaves_with_path(like)}
    have = {jax.tree_util.keystr(k): v for k, v in jax.tree_util.tree_leaves_with_path(found)}
    if set(want) != set(have):
        missing, unexpected = _few(set(want) - set(have)), _few(set(have) - set(want))
        raise OtherArraysError(f"{path} holds other arrays; missing: {missing}; unexpected: {unexpected}")
    for key, leaf in want.items():
        got = (tuple(have[key].shape), np.dtype(have[key].dtype))
        if got != (tuple(leaf.shape), np.dtype(leaf.dtype)):
            raise OtherArraysError(
                f"{path}: {key} is {got[1]}{list(got[0])}; it must be {leaf.dtype}{list(leaf.shape)}"
            )
    try:
        _check_storage(real, have, want)
    except (OSError, ValueError) as error:  # What tensorstore raises.
        raise DamagedCheckpointError(f"Orbax cannot read {path}: {error}") from error
    try:
        with _alone():
            return jax.tree.map(np.asarray, ocp.load(real))
    except Exception as error:
        raise DamagedCheckpointError(f"Orbax cannot read {path}: {error}") from error
