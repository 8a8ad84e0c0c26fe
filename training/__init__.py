"""Recipes, the methods, and the resumable loop that trains with them.

Names are imported when used: the command line describes recipes without loading evosax.
"""

from zoo.core.lazy import public_names

__all__, __getattr__ = public_names(
    __name__,
    {
        "methods.base": ("Group",),
        "recipe": ("Recipe", "default_recipe"),
        "run.engine": ("Engine",),
        "run.export": ("export_run",),
        "run.loop": ("Outcome", "train"),
        "run.runs": ("override",),
    },
)
