"""Commands that train a model by a given recipe."""

import shlex
from typing import Any

from zoo.registry.recipe import Recipe, default_recipe


def training_command(name: str, recipe: Recipe, *options: str) -> str:
    """`zoo train` with an option for each setting that is not the zoo's choice for that name.

    Args:
        name: of the model.
        recipe: how it is to be trained.
        *options: others, in front of the recipe's.
    """
    return " ".join(["zoo train", name, *map(shlex.quote, options), *changed_options(name, recipe)])


def changed_options(name: str, recipe: Recipe) -> list[str]:
    """An option of `zoo train` for each setting of a recipe that is not the zoo's choice for that name."""
    usual = default_recipe(name).flat()
    return [setting_option(key, value) for key, value in recipe.flat().items() if value != usual.get(key)]


def setting_option(name: str, value: Any) -> str:
    """A setting of a recipe as `zoo train` takes it."""
    option = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{option}" if value else f"--no-{option}"
    if value is None:
        return f"--{option} none"
    return f"--{option} {' '.join(map(str, value)) if isinstance(value, tuple) else value}"
