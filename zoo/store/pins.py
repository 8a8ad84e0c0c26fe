"""Pins: which bytes a model must have, by the hash of its manifest, in which every other file's hash stands."""

import hashlib
import re
from pathlib import Path

from zoo.core.errors import DamagedCheckpointError
from zoo.store.manifest import MANIFEST, read_manifest

_PREFIX = "sha256:"
_PIN = re.compile(rf"{_PREFIX}[0-9a-f]{{64}}")


def manifest_hash(path: Path) -> str:
    """``sha256:…`` of a checkpoint folder's manifest.

    Raises:
        DamagedCheckpointError: if it has none.
    """
    read_manifest(path)
    return _PREFIX + hashlib.sha256((path / MANIFEST).read_bytes()).hexdigest()


def check_pin(path: Path, wanted: str | None) -> None:
    """Raises unless a checkpoint's manifest is the one asked for.

    Args:
        path: its folder.
        wanted: ``sha256:…``, or None, which any manifest satisfies.

    Raises:
        ValueError: if `wanted` is no such hash.
        DamagedCheckpointError: if it is of another manifest.
    """
    if wanted is None:
        return
    if not _PIN.fullmatch(wanted):
        raise ValueError(f"manifest (={wanted!r}) must be {_PREFIX} and 64 hexadecimal digits")
    if (found := manifest_hash(path)) != wanted:
        raise DamagedCheckpointError(f"{path} has the manifest {found}, not {wanted} as asked for; it is not loaded")
