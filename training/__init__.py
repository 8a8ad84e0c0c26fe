"""Recipes, the evolution strategy, and the resumable loop that trains them.

Names are imported when used: the command line describes recipes without loading evosax.
"""

import importlib

_HOME = {
    "Engine": "engine",
    "Group": "method",
    "Outcome": "loop",
    "Recipe": "recipe",
    "default_recipe": "recipe",
    "export_run": "export",
    "override": "runs",
    "train": "loop",
}

__all__ = ["Engine", "Group", "Outcome", "Recipe", "default_recipe", "export_run", "override", "train"]


def __getattr__(name: str):
    """The public name from its module."""
    if name not in _HOME:
        raise AttributeError(f"module 'zoo.training' has no attribute '{name}'")
    return getattr(importlib.import_module(f"zoo.training.{_HOME[name]}"), name)
