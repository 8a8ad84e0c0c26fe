"""Packages that one part of the zoo needs: without them the rest works, and the part says how to get them."""

import contextlib
import importlib.metadata
import re
from collections.abc import Iterator

from zoo.core.errors import MissingPackageError


@contextlib.contextmanager
def needed_for(what: str, *names: str, extra: str | None = None) -> Iterator[None]:
    """A block that imports packages.

    Args:
        what: what needs them, for the message.
        *names: as they are installed.
        extra: the zoo's own that brings them, for what a plain installation has not.

    Raises:
        MissingPackageError: if one cannot be imported, with the line that installs them.
    """
    try:
        yield
    except ImportError as error:
        wanted = requirements(*names) if extra is None else [f"hetsnn-zoo[{extra}]"]
        line = " ".join(f"'{requirement}'" for requirement in wanted)
        raise MissingPackageError(f"{what} needs {', '.join(names)} ({error}): pip install {line}") from error


def requirements(*names: str) -> list[str]:
    """The versions of some packages that this version of the zoo was made for; as named where it is not installed."""
    try:
        declared = importlib.metadata.requires("hetsnn-zoo") or []
    except importlib.metadata.PackageNotFoundError:
        declared = []
    plain = [requirement for requirement in declared if ";" not in requirement]
    by_name = {re.split(r"[^A-Za-z0-9._-]", requirement)[0]: requirement for requirement in plain}
    return [by_name.get(name, name) for name in names]
