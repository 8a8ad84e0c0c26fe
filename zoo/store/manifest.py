"""The manifest: size and SHA-256 of every file of a checkpoint, checked within bounds before anything is read."""

import functools
import hashlib
import os
import re
from pathlib import Path, PurePosixPath

from zoo.core.errors import DamagedCheckpointError, UnsupportedCheckpointError
from zoo.core.json_files import read_json, write_json

SCHEMA = 2
"""1: recipes hold the settings of all methods and tasks side by side. 2: apart."""
MANIFEST = "MANIFEST.json"
STATE = "state"
"""Folder that a copy of a checkpoint may leave out as a whole."""

_FILES = frozenset({"config.json", "evaluation.json", "training.csv", "activity.csv"})
_FOLDERS = ("params", STATE)
_PART = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")  # No hidden files.

MAX_FILES = 1000
MAX_BYTES = 4 * 2**30
MAX_MANIFEST_BYTES = 2**20
_MAX_DEPTH = 12
_SHA256 = re.compile(r"[0-9a-f]{64}")


def write_manifest(folder: Path) -> None:
    """Records size and SHA-256 of all files below `folder`."""
    files = {
        path.relative_to(folder).as_posix(): {"size": path.stat().st_size, "sha256": sha256_file(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / MANIFEST
    }
    write_json(folder / MANIFEST, {"schema": SCHEMA, "files": files})


def read_manifest(folder: Path) -> dict[str, dict]:
    """The files that a manifest lists, ``{path: {"size", "sha256"}}``, with paths, number and sizes bounded.

    Raises:
        DamagedCheckpointError: if there is no manifest or it is not one.
        UnsupportedCheckpointError: if the checkpoint comes from a newer version.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise DamagedCheckpointError(f"{folder} is not a checkpoint: it has no {MANIFEST}")
    _refuse_foreign_link(path, folder)
    manifest = read_json(path, MAX_MANIFEST_BYTES)
    check_schema(manifest, path)
    listed = manifest.get("files")
    if not isinstance(listed, dict) or not all(map(_is_entry, listed.items())):
        raise DamagedCheckpointError(f"{path} must list paths with size and sha256")
    check_bounds({name: entry["size"] for name, entry in listed.items()}, str(path))
    return listed


def verify_manifest(folder: Path, *, partial_state: bool = False) -> None:
    """Checks that `folder` holds exactly the files that its manifest lists, bit by bit.

    Names and sizes come first: no file is hashed that is not as long as it should be.

    Args:
        folder: of the checkpoint.
        partial_state: whether any file of the training state may be missing, as where a fetch broke off; by default
            only all of them together. Those that are there must be right either way.

    Raises:
        DamagedCheckpointError: naming every file that is missing, superfluous or altered, or a link that
            leads out of the folder.
        UnsupportedCheckpointError: if the checkpoint comes from a newer version.
    """
    listed = read_manifest(folder)
    present = _files(folder)
    missing = listed.keys() - present
    if partial_state or not any(map(_is_state, present)):
        missing = {name for name in missing if not _is_state(name)}
    problems = [f"{name} is missing" for name in sorted(missing)]
    problems += [f"{name} does not belong to it" for name in sorted(present - listed.keys())]
    for name in sorted(listed.keys() & present):
        path, entry = folder / name, listed[name]
        _refuse_foreign_link(path, folder)
        if not path.is_file() or path.stat().st_size != entry["size"] or sha256_file(path) != entry["sha256"]:
            problems.append(f"{name} was altered")
    if problems:
        raise DamagedCheckpointError(
            f"checkpoint {folder} is damaged: {'; '.join(problems)}. Get it again, or train it: zoo train NAME"
        )


def state_files(folder: Path) -> list[str]:
    """The files of the training state that the manifest lists, whether or not this copy has them."""
    return [name for name in read_manifest(folder) if _is_state(name)]


def has_state(folder: Path) -> bool:
    """Whether the manifest lists a training state and this copy has every file of it; none is verified."""
    names = state_files(folder)
    return bool(names) and all((folder / name).is_file() for name in names)


def is_part(name: str) -> bool:
    """Whether the format knows a file of this path: nothing else is fetched or published."""
    if name in _FILES:
        return True
    first, *rest = PurePosixPath(name).parts
    return first in _FOLDERS and bool(rest) and all(map(_PART.fullmatch, rest))


def verify_files(folder: Path, *names: str) -> None:
    """Checks some of the files that the manifest lists, for who reads no other.

    Raises:
        DamagedCheckpointError: if it is missing or altered.
        UnsupportedCheckpointError: if the checkpoint comes from a newer version.
    """
    listed = read_manifest(folder)
    for name in names:
        entry, path = listed.get(name), folder / name
        _refuse_foreign_link(path, folder)
        if entry is None or not path.is_file():
            raise DamagedCheckpointError(f"checkpoint {folder} is damaged: {name} is missing")
        if path.stat().st_size != entry["size"] or sha256_file(path) != entry["sha256"]:
            raise DamagedCheckpointError(f"checkpoint {folder} is damaged: {name} was altered")


def check_bounds(sizes: dict[str, int], where: str) -> None:
    """Refuses what no checkpoint needs: thousands of files, gigabytes, paths that lead elsewhere.

    Args:
        sizes: bytes by path.
        where: what lists them, for the message.

    Raises:
        DamagedCheckpointError: naming the bound.
    """
    if len({name.casefold() for name in sizes}) < len(sizes):
        raise DamagedCheckpointError(f"{where} lists files whose names differ in case only")
    if len(sizes) > MAX_FILES:
        raise DamagedCheckpointError(f"{where} lists {len(sizes):,} files; at most {MAX_FILES:,} are allowed")
    for name, size in sizes.items():
        if not is_inside(name) or size < 0:
            raise DamagedCheckpointError(f"{where} must list paths inside the folder, got {name!r} ({size} bytes)")
    if (total := sum(sizes.values())) > MAX_BYTES:
        raise DamagedCheckpointError(f"{where} lists {total:,} bytes; at most {MAX_BYTES:,} are allowed")


@functools.lru_cache(maxsize=2**12)  # All models' manifests list much the same names.
def is_inside(name: str) -> bool:
    """Whether a path in POSIX form, in its shortest spelling, stays within the folder that it is relative to."""
    path = PurePosixPath(name)
    usual = name == path.as_posix() and name != "." and name.isascii() and name.isprintable()
    usual = usual and not set('\\:*?"<>|') & set(name) and not any(part[-1] in ". " for part in path.parts)
    return usual and not path.is_absolute() and ".." not in path.parts and len(path.parts) <= _MAX_DEPTH


def check_schema(value: dict, path: Path) -> None:
    """Raises unless a JSON document is of a schema version that this code reads."""
    schema = value.get("schema")
    if type(schema) is not int or schema < 1:
        raise DamagedCheckpointError(f"{path}: schema (={schema!r}) must be a positive integer")
    if schema > SCHEMA:
        raise UnsupportedCheckpointError(
            f"{path}: schema {schema} is newer than this version's {SCHEMA}; pip install --upgrade hetsnn-zoo"
        )


def sha256_file(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_entry(item) -> bool:
    name, entry = item
    if not is_inside(name) or not isinstance(entry, dict) or type(entry.get("size")) is not int:
        return False
    return isinstance(entry.get("sha256"), str) and _SHA256.fullmatch(entry["sha256"]) is not None


def _is_state(name: str) -> bool:
    return name.startswith(f"{STATE}/")


def _is_ignored(name: str) -> bool:
    """The Hub's card, its pictures and git's settings are beside the model, not part of it."""
    if name.rpartition("/")[2] == ".DS_Store":  # A file manager was there.
        return True
    return name in {MANIFEST, "README.md", ".gitattributes"} or ("/" not in name and name.endswith((".svg", ".png")))


def _files(folder: Path) -> set[str]:
    """Names of all files below `folder`; folders behind links are not entered.

    Raises:
        DamagedCheckpointError: if there are more than any checkpoint has.
    """
    found = set()
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        for name in [*files, *links]:
            found.add(Path(parent, name).relative_to(folder).as_posix())
        if len(found) > 2 * MAX_FILES:
            raise DamagedCheckpointError(f"{folder} has more than {MAX_FILES:,} files")
    return {name for name in found if not _is_ignored(name)}


def _refuse_foreign_link(path: Path, folder: Path) -> None:
    """Raises if a file lies elsewhere than in the folder, or in the blobs of the Hub cache that the folder is in.

    The cache's layout is ``models--org--name/snapshots/COMMIT/FILE -> ../../blobs/HASH``, where a blob may
    again be a link into the cache's own ``blobs``, which repositories share.
    """
    try:
        root, real = folder.resolve(), path.resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError before Python 3.13.
        raise DamagedCheckpointError(f"{path} is a link that leads nowhere: {error}") from error
    allowed = [root]
    repository = root.parent.parent
    if root.parent.name == "snapshots" and repository.name.startswith("models--"):
        allowed += [repository / "blobs", repository.parent / "blobs"]
    if not any(real.is_relative_to(place) for place in allowed):
        raise DamagedCheckpointError(f"{path} is a link to {real}, outside of the checkpoint; it is not read")
