"""Settings of recipes as options of the command line."""

import argparse
import typing
from collections.abc import Callable


def add_recipe_options(sub) -> None:
    """An option for each setting of recipes, parsed as its type.

    An option that is not given leaves no attribute, so that "none", where a setting may be None, can be told from it.
    """
    from zoo.registry.recipe import all_settings

    group = sub.add_argument_group("recipe", "fields of the recipe; the default is the zoo's for that name")
    for name, (type_, field) in all_settings().items():
        kinds = typing.get_args(type_)
        kind = next((t for t in kinds if t is not type(None)), type_)
        option = f"--{name.replace('_', '-')}"
        shared = {"default": argparse.SUPPRESS, "help": field.metadata["help"].replace("%", "%%")}
        if type_ is bool:
            group.add_argument(option, action=argparse.BooleanOptionalAction, **shared)
        elif typing.get_origin(type_) is tuple:
            group.add_argument(option, type=kind, nargs="+", metavar=kind.__name__.upper(), **shared)
        elif type(None) in kinds:
            group.add_argument(option, type=_or_none(kind), metavar=f"{kind.__name__.upper()}|none", **shared)
        else:
            group.add_argument(option, type=kind, metavar=kind.__name__.upper(), **shared)


def _or_none(kind: type) -> Callable[[str], object]:
    """A parser of that type, or of "none"."""

    def parsed(text: str):
        return None if text == "none" else kind(text)

    parsed.__name__ = kind.__name__  # What argparse calls the type in its messages.
    return parsed
