"""Recipes, the methods, and the resumable loop that trains with them.

Names are imported when used: the command line describes recipes without loading evosax.
"""

from zoo.core.lazy import public_names
from zoo.registry.recipe import Recipe, default_recipe, make_recipe, override

__all__ = ["Recipe", "default_recipe", "make_recipe", "override"]

_lazy, __getattr__ = public_names(
    __name__,
    {
        "methods.base": ("Group",),
        "run.engine": ("Engine",),
        "run.export": ("export_run",),
        "run.joining": ("join_checkpoints",),
        "run.loop": ("Outcome", "train"),
    },
)
__all__ += _lazy
