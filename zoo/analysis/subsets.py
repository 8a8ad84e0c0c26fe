"""The subsets of trained properties (Table 1): training those that no checkpoint holds, and the untrained network."""

import dataclasses
from pathlib import Path

import numpy as np
from jaxtyping import Float

from zoo.analysis.shapley import Contributions, Subset, contributions, subsets
from zoo.core.errors import ZooError
from zoo.evaluation.episodes import evaluate_parts
from zoo.models import PROPERTIES
from zoo.registry.commands import training_command
from zoo.registry.families import family_of
from zoo.registry.metrics import RETURN
from zoo.registry.names import ModelName, parse
from zoo.registry.recipe import Recipe, make_network_config, make_recipe_task
from zoo.store.records import read_config, read_evaluation, trained_by
from zoo.tasks.observations import ObservationStats
from zoo.training import default_recipe, override, train
from zoo.training.methods.base import Group

_EVALUATION_SEED = 0


def subset_names(name: str) -> dict[Subset, str]:
    """Model names of all 15 subsets with the budget of a heterogeneous model.

    Raises:
        ValueError: if the model is homogeneous, trains a subset already, or classifies images.
    """
    model = parse(name)
    if family_of(model.task).metric != RETURN:
        raise ValueError(f"{name} classifies images; subsets are compared on control tasks")
    if model.kind != "het" or model.properties != PROPERTIES:
        raise ValueError(f"{name} must be heterogeneous and train all of {', '.join(PROPERTIES)}")
    return {
        chosen: str(dataclasses.replace(model, properties=tuple(p for p in PROPERTIES if p in chosen)))
        for chosen in subsets(PROPERTIES)
        if chosen
    }


def train_subsets(
    name: str, *, out: Path, generations: int | None = None, seeds: int | None = None, quiet: bool = False
) -> Contributions:
    """Trains the 15 subsets of a model in lockstep and computes the properties' Shapley values.

    Subsets with fewer properties get more neurons, so that the number of trained parameters stays (section
    4.3). A call that was interrupted goes on; runs that are finished already are read, not trained again,
    whoever trained them. The empty set is the network of the full one before training.

    Args:
        name: of the full model.
        out: parent of the run folders.
        generations: instead of the recipe's; the values then speak of early learning.
        seeds: instead of the recipe's.
        quiet: no progress bar.

    Raises:
        ValueError: if `name` does not stand for all four properties, or classifies images; before anything is
            trained, if a finished run had another recipe or began with another model's neurons.
        ZooError: if the training was asked to stop.
    """
    names = subset_names(name)
    changes = {"generations": generations, "seeds": seeds}
    changes = {key: value for key, value in changes.items() if value is not None}
    recipe = override(default_recipe(name), **changes)
    finished = {run for run in names.values() if _is_finished(out, run)}
    for run in sorted(finished):
        read_means(out / run / "checkpoint", recipe)
    unfinished = [run for run in names.values() if run not in finished]
    if unfinished:
        outcome = train(unfinished, out=out, quiet=quiet, **changes)
        if not outcome.finished:
            raise ZooError(
                f"stopped after generation {min(outcome.generations)}; the same command goes on from there"
            )
    return _measured(name, names, recipe, out)


def read_subsets(name: str, runs: Path) -> Contributions:
    """The Shapley values of what `train_subsets` left in a folder, with nothing trained.

    Raises:
        ValueError: as of `train_subsets`.
        FileNotFoundError: if not all 15 subsets have been trained there to the end, with the command that does so.
    """
    names = subset_names(name)
    missing = [run for run in names.values() if not _is_finished(runs, run)]
    full, settings = runs / name / "checkpoint", {}
    if (full / "config.json").is_file():
        begun = trained_by(read_config(full), full)
        settings = {"generations": begun.generations, "seeds": begun.seeds}
    if missing:
        options = "".join(f" --{key} {value}" for key, value in settings.items())
        raise FileNotFoundError(
            f"{runs} lacks {len(missing)} of the 15 trained subsets of {name}, for example {missing[0]}; run: "
            f"zoo analyse shapley {name} --runs {runs}{options}"
        )
    return _measured(name, names, override(default_recipe(name), **settings), runs)


def _is_finished(runs: Path, name: str) -> bool:
    """Whether a run's checkpoint has had all generations of its recipe; `zoo export` writes one at any time."""
    checkpoint = runs / name / "checkpoint"
    if not (checkpoint / "evaluation.json").is_file():
        return False
    config = read_config(checkpoint)
    return config["training"]["generations"] >= trained_by(config, checkpoint).generations


def _measured(name: str, names: dict[Subset, str], recipe: Recipe, runs: Path) -> Contributions:
    """From the finished runs of all subsets, and the untrained network."""
    rewards = {chosen: read_means(runs / run / "checkpoint", recipe) for chosen, run in names.items()}
    rewards[frozenset()] = untrained(parse(name), recipe, runs / name)
    return contributions(name, recipe.generations, rewards)


def read_means(checkpoint: Path, recipe: Recipe) -> Float[np.ndarray, " K"]:
    """Mean return of each training seed of a checkpoint.

    Raises:
        ValueError: if it was trained by another recipe, or not from a fresh network on.
        ZooError: if its training has generations of the recipe yet to come, with the command that goes on.
    """
    config = read_config(checkpoint)
    own, done = trained_by(config, checkpoint), config["training"]["generations"]
    if "origin" in config:
        raise ValueError(f"{checkpoint} began with another model's neurons (--from); choose another folder")
    before, now = own.flat(), recipe.flat()
    differ = [key for key in now if before.get(key) != now[key]]
    if differ:
        raise ValueError(f"{checkpoint} differs in {', '.join(differ)}; choose another folder")
    if done < recipe.generations:
        command = training_command(config["name"], own, "--out", str(checkpoint.parent.parent))
        raise ZooError(f"{checkpoint} has had {done} of {recipe.generations} generations; to go on: {command}")
    return np.array([row["mean"] for row in read_evaluation(checkpoint)["seeds"]])


def untrained(model: ModelName, recipe: Recipe, run: Path) -> Float[np.ndarray, " K"]:
    """Mean return of each seed's network before training: random weights, Table 4's properties.

    Where the recipe normalises observations, it sees them as the trained network of `run` does, so that
    nothing but the neurons differs.
    """
    task = make_recipe_task(model, recipe)
    config = make_network_config(model, task, recipe)
    parts = Group(config=config, recipe=recipe, seeds=recipe.training_seeds).initial_parts()
    stats = None
    if recipe.normalise_observations:
        from zoo.store.loading import load

        stats = ObservationStats(**(load(str(run.resolve() / "checkpoint")).observations or {}))
    returns, *_ = evaluate_parts(
        task, parts, stats, recipe.observation_clip, task.evaluation_episodes, _EVALUATION_SEED
    )
    return returns.mean(1)
