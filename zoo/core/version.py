"""This package's version, which pyproject.toml alone states."""

import importlib.metadata


def version() -> str:
    """As installed; ``0+unknown`` in a clone that is not."""
    try:
        return importlib.metadata.version("hetsnn-zoo")
    except importlib.metadata.PackageNotFoundError:
        return "0+unknown"
