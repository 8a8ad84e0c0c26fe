"""Public names that are imported when they are used: a command line starts without simulators."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from importlib.util import resolve_name
from typing import Any


def public_names(package: str, homes: Mapping[str, Sequence[str]]) -> tuple[list[str], Callable[[str], Any]]:
    """What a package sets as its ``__all__`` and ``__getattr__``.

    Args:
        package: its ``__name__``.
        homes: public names by the module that has them, relative to the package, or with two dots beside it.
    """
    where = {name: resolve_name(f".{module}", package) for module, names in homes.items() for name in names}

    def find(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        return getattr(importlib.import_module(where[name]), name)

    return sorted(where), find


def names_of(package: str, names: Sequence[str], modules: Sequence[str]) -> Callable[[str], Any]:
    """What a package sets as its ``__getattr__``, where it states its names itself.

    Args:
        package: its ``__name__``.
        names: public ones.
        modules: that have them, relative to the package; those that are imported fastest come first. They are
            themselves found by their names.
    """

    def find(name: str) -> Any:
        if name in modules:
            return importlib.import_module(f"{package}.{name}")
        for module in modules if name in names else ():
            found = getattr(importlib.import_module(f"{package}.{module}"), name, None)
            if found is not None:
                return found
        raise AttributeError(f"module '{package}' has no attribute '{name}'")

    return find
