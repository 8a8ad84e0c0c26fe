"""Public names that are imported when they are used: a command line starts without simulators."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def public_names(package: str, homes: Mapping[str, Sequence[str]]) -> tuple[list[str], Callable[[str], Any]]:
    """What a package sets as its ``__all__`` and ``__getattr__``.

    Args:
        package: its ``__name__``.
        homes: public names by the module that has them, relative to the package.
    """
    where = {name: f"{package}.{module}" for module, names in homes.items() for name in names}

    def find(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        return getattr(importlib.import_module(where[name]), name)

    return sorted(where), find
