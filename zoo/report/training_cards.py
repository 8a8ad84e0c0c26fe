"""What a card says of a model's training: by what, how long, how to repeat it, and where it leaves the paper."""

import dataclasses

from zoo.core.formatting import number
from zoo.models import TAU_MS, V_TH
from zoo.registry.commands import training_command
from zoo.registry.families import family_of
from zoo.registry.methods import method_of
from zoo.registry.names import parse
from zoo.store.catalogue import ModelInfo
from zoo.store.curves import population_means
from zoo.store.manifest import read_manifest
from zoo.store.zoo_model import ZooModel


def training(model: ZooModel, info: ModelInfo) -> list[str]:
    """The lines of a card's section on training."""
    name = parse(model.name)
    method = method_of(name)
    curve = method.curve(model).format(number(info.population_mean))
    drawn = population_means((model.path / "training.csv").read_text(encoding="utf-8"))
    return [
        *_began(model),
        *method.story(model),
        *family_of(name.task).simulator(model.config),
        *_departures(model),
        "",
        _again(model),
        *_going_on(model),
        *(["", f"![{curve}]({model.name}-curve.svg)"] if drawn else []),
    ]


def _began(model: ZooModel) -> list[str]:
    """With which model's networks, where they were not fresh."""
    origin = model.config.get("origin")
    if origin is None:
        return []
    return [
        f"Began with the networks of `{origin['name']}` after {origin['generations']:,} of its own generations "
        f"(manifest `{origin['manifest'][:19]}…`); what follows is what came after.",
        "",
    ]


_NUMBERS = {
    "population": "members:",
    "generations": "generations:",
    "episodes": "episodes per member:",
    "centre_lr": "the centre's learning rate",
    "sigma": "sigma",
    "sigma_lr": "sigma's learning rate",
    "learning_rate": "the learning rate",
    "seeds": "training seeds:",
}


def _departures(model: ZooModel) -> list[str]:
    """Where the recipe is not the paper's, and what the paper leaves open."""
    recipe, name = model.recipe, parse(model.name)
    family = family_of(name.task)
    first, last = method_of(name).departures(recipe, name)
    notes = [
        f"{_NUMBERS[field]} {getattr(recipe, field):g} (paper: {value:g})"
        for field, value in family.paper_settings(name).items()
        if getattr(recipe, field, value) != value
    ]
    notes += first
    if name.kind == "full":
        notes.append("the paper trains neurons or weights, never both")
    if recipe.tau_ms != (TAU_MS,):
        ends = " to ".join(f"{tau:g}" for tau in recipe.tau_ms)
        notes.append(
            f"membrane time constants start at {ends} ms"
            + (", log-uniformly spread" if len(recipe.tau_ms) > 1 else "")
        )
    if recipe.v_th != V_TH:
        notes.append(f"thresholds start at {recipe.v_th:g} V")
    if model.observations is not None:
        notes.append(f"observations are normalised by running statistics and clipped at ±{recipe.observation_clip:g}")
    notes += [*family.departures(recipe), *last]
    return ["", "Other than in the paper: " + "; ".join(notes) + "."] if notes else []


def _again(model: ZooModel) -> str:
    """The command that trains it from scratch, as it was trained."""
    recipe = model.recipe
    done, stopped = model.config["training"]["generations"], ""
    if done < recipe.generations and recipe.open_ended:
        recipe = dataclasses.replace(recipe, generations=done)
    elif done < recipe.generations:
        stopped = f", which does not stop before generation {recipe.generations:,}"
    origin = model.config.get("origin")
    options = () if origin is None else ("--from", origin["name"])
    return f"Train it again: `{training_command(model.name, recipe, *options)}`{stopped}."


def _going_on(model: ZooModel) -> list[str]:
    """How to train it for longer, where the checkpoint carries its training state and the recipe allows it."""
    if not any(name.startswith("state/") for name in read_manifest(model.path)):
        return []
    recipe, command = model.recipe, f"zoo train {model.name} --continue"
    if model.config["training"]["generations"] < recipe.generations:
        how = f"Go on from here: `{command}`" + (" (`--generations N` goes further)" if recipe.open_ended else "")
    elif recipe.open_ended:
        how = f"Train it for longer: `{command} --generations N`, with N above {recipe.generations:,}"
    else:
        return []
    return [f"{how}. A wheel leaves the training state out: run it in a clone of the repository."]
