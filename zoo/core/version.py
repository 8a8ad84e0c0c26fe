"""This package's version, which pyproject.toml alone states."""

import contextlib
import importlib.metadata
import re
from collections.abc import Iterator
from typing import Any

from zoo.core.errors import DamagedCheckpointError, UnsupportedCheckpointError

LIBRARIES = ("hetsnn-zoo", "jax", "flax", "orbax-checkpoint", "evosax", "gymnax", "brax", "numpy")
"""Whose versions decide results."""


def installed() -> dict[str, str]:
    """Versions of the libraries that decide results, as installed here."""
    found = {}
    for name in LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):  # Not every task needs all of them.
            found[name] = importlib.metadata.version(name)
    return found


def version() -> str:
    """As installed; ``0+unknown`` in a clone that is not."""
    try:
        return importlib.metadata.version("hetsnn-zoo")
    except importlib.metadata.PackageNotFoundError:
        return "0+unknown"


@contextlib.contextmanager
def as_written_by(writer: Any) -> Iterator[None]:
    """A block that reads what some version of the zoo wrote: what it does not know may be a later one's.

    Args:
        writer: the version, as a file says it; anything else says nothing.

    Raises:
        UnsupportedCheckpointError: in place of `DamagedCheckpointError`, naming both versions.
    """
    try:
        yield
    except DamagedCheckpointError as error:
        if not isinstance(writer, str) or _order(writer) <= _order(version()):
            raise
        raise UnsupportedCheckpointError(
            f"{error}. It was written by hetsnn-zoo {writer}; this is {version()}: pip install --upgrade hetsnn-zoo"
        ) from error


def _order(text: str) -> tuple[int, ...]:
    """The numbers of the last of some versions, as they count."""
    return tuple(int(number) for number in re.findall(r"[0-9]{1,9}", text.split(", ")[-1].split("+")[0]))
