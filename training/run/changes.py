"""What a user changes of a model's recipe, and whether that means anything there."""

import dataclasses
import difflib

from zoo.models.constants import PROPERTIES
from zoo.registry.families import family_of
from zoo.registry.methods import find_method, tags
from zoo.registry.names import ModelName
from zoo.registry.recipe import Recipe, all_settings, override


def changed(model: ModelName, base: Recipe, changes: dict) -> Recipe:
    """A recipe with a user's changes, all of which must mean something.

    Raises:
        ValueError: if one names no setting, says nothing of this model's training, gives it another name's method, or
            weighs memory length's two contexts unlike.
    """
    method = changes.pop("method", base.method)
    if method != base.method:
        family = family_of(model.task)
        others = [tag for tag in tags() if method in (tag, family.methods.get(tag, tag))]
        advice = "".join(f"; train {dataclasses.replace(model, trainer=tag)} instead" for tag in others)
        raise ValueError(f"method (={method}) must be {base.method} for {model}{advice}")
    _check_changes(model, base, changes)
    recipe = override(base, **changes)
    field = find_method(recipe.method).episodes
    if family_of(model.task).even_episodes and getattr(recipe, field) % 2:
        raise ValueError(f"{field} (={getattr(recipe, field)}) must be even on {model.task}: contexts alternate")
    return recipe


def _check_changes(model: ModelName, recipe: Recipe, changes: dict) -> None:
    """Raises `ValueError` if a change names no setting, or one that says nothing of this model's training."""
    known, own = all_settings(), recipe.flat()
    if "task" in changes:
        raise ValueError("task: a name says which; one of your own gets names by zoo.register (docs/extending.md)")
    if unknown := [name for name in changes if name not in known]:
        near = difflib.get_close_matches(unknown[0], own, n=1)
        meant = f"did you mean `{near[0]}`?" if near else f"its fields are {', '.join(own)}"
        raise ValueError(f"a recipe has no `{unknown[0]}`; {meant}")
    silent = _silent(model, own | changes)
    if idle := [name for name in changes if name not in own or (name in silent and changes[name] != own[name])]:
        raise ValueError(f"{', '.join(idle)}: of no effect on {model}, which {recipe.method} trains")


def _silent(model: ModelName, settings: dict) -> set[str]:
    """Settings that act on nothing that this model trains or sees, where the others are as they are."""
    trained = (*(model.properties if model.kind != "hom" else ()), *(("weight",) if model.kind != "het" else ()))
    silent = {f"{name}_rate" for name in (*PROPERTIES, "weight") if name not in trained}
    if model.kind != "het":
        silent.add("shared_noise")  # Weights that are trained tell no neuron what it has in common with another.
    if not settings["normalise_observations"]:
        silent.add("observation_clip")
    if settings.get("surrogate") == "triangle":
        silent.add("alpha")
    return silent | set(family_of(model.task).idle)
