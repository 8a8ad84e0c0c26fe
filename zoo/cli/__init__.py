"""The `zoo` command."""

from zoo.cli.main import main

__all__ = ["main"]
