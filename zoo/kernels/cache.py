"""Compiled steps on disk.

An entry is found by a digest of all that it depends on. It is whole or not there: files are written aside and moved,
and begin with the digest of what follows. Where nothing can be written, nothing is kept.
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import inspect
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pooch

from zoo.kernels.machine import Machine, compiler, object_code


def cache_folder() -> Path:
    """Where compiled steps are kept: in the user's cache, beside the images."""
    return Path(pooch.os_cache("hetsnn-zoo")) / "kernels"


def digest(parts: Iterable[str | bytes]) -> str:
    """A key of texts and bytes, whose boundaries count."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "little"))
        total.update(data)
    return total.hexdigest()


def sources(*packages: str) -> list[bytes]:
    """Contents of all Python files of some packages, in a fixed order."""
    found = []
    for package in packages:
        for folder in importlib.util.find_spec(package).submodule_search_locations:
            found += [path.read_bytes() for path in sorted(Path(folder).rglob("*.py"))]
    return found


def own_sources(*kinds: type, but: tuple[str, ...]) -> list[bytes]:
    """Contents of the modules that classes and their bases come from, but of those packages and of Python itself.

    Of a class without a file, as in a notebook, its own source; where there is none, bytes that no other call gives.
    """
    known = {*but, *sys.stdlib_module_names}
    bases = dict.fromkeys(base for one in kinds for base in one.__mro__)
    return [_source(base) for base in bases if base.__module__.partition(".")[0] not in known]


def _source(kind: type) -> bytes:
    with contextlib.suppress(OSError, TypeError):
        return Path(inspect.getfile(kind)).read_bytes()
    with contextlib.suppress(OSError, TypeError):
        return inspect.getsource(kind).encode()
    return os.urandom(16)


def versions(*distributions: str) -> list[str]:
    """Names and versions of installed distributions."""
    return [f"{name} {importlib.metadata.version(name)}" for name in distributions]


def of_machine(machine: Machine) -> list[str]:
    """What machine code depends on besides its source."""
    return [machine.cpu, machine.features, machine.triple, str(machine.lanes), compiler()]


def kept(key: str, make: Callable[[], bytes], folder: Path | None = None) -> bytes:
    """The entry of a key; made, and kept, where there is no undamaged one.

    Args:
        key: of the entry.
        make: gives its content.
        folder: of the cache; by default `cache_folder`.
    """
    path = (folder or cache_folder()) / key
    with contextlib.suppress(OSError, ValueError):
        checksum, content = path.read_bytes().split(b"\n", 1)
        if checksum == _checksum(content):
            return content
    content = make()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as aside:
            (Path(aside) / key).write_bytes(_checksum(content) + b"\n" + content)
            os.replace(Path(aside) / key, path)
    return content


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def compiled(ir: str, machine: Machine, folder: Path | None = None) -> bytes:
    """Machine code of an LLVM module, from the cache where it has been compiled before."""
    return kept(digest([ir, *of_machine(machine)]), lambda: object_code(ir, machine), folder)
