"""What the parts of a checkpoint say of each other must agree: a name is no label that one could exchange."""

import dataclasses
import math
import re
import reprlib
from pathlib import Path
from typing import Any

import numpy as np

from zoo.core.errors import DamagedCheckpointError, UnknownModelError
from zoo.core.seeds import is_seed
from zoo.models import NetworkConfig
from zoo.registry.families import family_of
from zoo.registry.names import LARGEST_NUMBER, ModelName, parse

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_EPISODES = 1_000_000
_MAX_STEPS = 100_000_000
"""Of one network's evaluation: a thousand times that of the longest published one."""


def check_model(config: dict, network: NetworkConfig, where: Path) -> None:
    """Raises unless task, network, seeds and number of parameters are those of the model that config.json names.

    Args:
        config: content of config.json, whose fields have their types.
        network: its network.
        where: the file, for messages.

    Raises:
        DamagedCheckpointError: naming what disagrees.
    """
    model, training = parse(config["name"]), config["training"]
    task = _check_task(model, config["task"], where)
    sizes = family_of(model.task).sizes(task)
    # A network that was imported has its own shape and trained parts; the name says its task.
    wanted = (
        network
        if "imported" in config
        else dataclasses.replace(
            network,
            hidden=model.hidden(network.inputs, network.outputs),
            trained=model.trained,
        )
    )
    for given, right, what in (
        ((network.inputs, network.outputs), sizes, "network's inputs and outputs"),
        (network.hidden, wanted.hidden, "network.hidden"),
        (network.trained, wanted.trained, "network.trained"),
        (training.get("parameters"), network.trained_size, "training.parameters"),
        (sorted(config["fixed_weights"]), sorted(map(str, config["seeds"])), "the seeds of fixed_weights"),
    ):
        if given != right:
            raise DamagedCheckpointError(f"{where}: {what} (={reprlib.repr(given)}) must be {right!r} in {model}")
    if not all(isinstance(digest, str) and _SHA256.fullmatch(digest) for digest in config["fixed_weights"].values()):
        raise DamagedCheckpointError(f"{where}: `fixed_weights` must hold a SHA-256 of each seed's weights")
    if "origin" in config:
        _check_origin(config["origin"], where)


def _check_origin(origin: Any, where: Path) -> None:
    """What a training began with, where that was another model."""
    kinds = {"name": str, "manifest": str, "generations": int}
    good = isinstance(origin, dict) and {name: type(value) for name, value in origin.items()} == kinds
    if not good or not _SHA256.fullmatch(origin["manifest"].removeprefix("sha256:")):
        raise DamagedCheckpointError(f"{where}: `origin` must say a model's name, manifest and generations")
    try:
        parse(origin["name"])
    except UnknownModelError as error:
        raise DamagedCheckpointError(f"{where}: `origin`: {error}") from error


def _check_task(model: ModelName, task: dict, where: Path) -> Any:
    """The task that a config.json names, if the model has such a one."""
    options = task.get("options")
    if not isinstance(options, dict) or any(map(_is_absurd, options.values())) or task.get("name") != model.task:
        raise DamagedCheckpointError(f"{where}: no such task of {model}: {reprlib.repr(task)}")
    try:
        return family_of(model.task).make_task(model.task, **options)
    except (TypeError, ValueError) as error:
        raise DamagedCheckpointError(f"{where}: no such task of {model}: {reprlib.repr(task)}: {error}") from error


def check_length(episodes: int, config: dict, where: Path) -> None:
    """Raises if an evaluation would have to play for days: its episodes times the longest that each may be.

    Raises:
        DamagedCheckpointError: with both.
    """
    task = _check_task(parse(config["name"]), config["task"], where)
    steps: int = getattr(task, "episode_limit", getattr(task, "steps", 1))
    if episodes * steps > _MAX_STEPS:
        raise DamagedCheckpointError(
            f"{where}: {episodes:,} episodes of up to {steps:,} steps; at most {_MAX_STEPS:,} steps are allowed"
        )


def _is_absurd(option) -> bool:
    """Whether an option of a task is a number that no task has."""
    return isinstance(option, int | float) and not abs(option) <= LARGEST_NUMBER


def check_evaluation(evaluation: dict, config: dict, where: Path) -> None:
    """Raises unless an evaluation is of the model's seeds, and as long as it says.

    Raises:
        DamagedCheckpointError: naming what disagrees.
    """
    seeds, episodes = [row["training_seed"] for row in evaluation["seeds"]], evaluation["episodes"]
    if seeds != config["seeds"]:
        raise DamagedCheckpointError(
            f"{where}: it is of the training seeds {reprlib.repr(seeds)}; "
            f"the model's are {reprlib.repr(config['seeds'])}"
        )
    if not 1 <= episodes <= _MAX_EPISODES or not is_seed(evaluation["seed"]):
        raise DamagedCheckpointError(
            f"{where}: `episodes` (={episodes}) must be between 1 and {_MAX_EPISODES:,}, "
            f"and `seed` (={evaluation['seed']}) from 0 to 2^32 - 1"
        )
    for row in evaluation["seeds"]:
        returns = row.get("returns")
        if returns is None:
            continue
        if not isinstance(returns, list) or len(returns) != episodes or not all(map(_is_finite, returns)):
            raise DamagedCheckpointError(f"{where}: each row's `returns` must be {episodes} finite numbers")


def _is_finite(value) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def check_finite(params: dict, seeds: tuple[int, ...], where: Path) -> None:
    """Raises unless all trained values and statistics of a checkpoint are numbers to compute with.

    Raises:
        DamagedCheckpointError: naming the training seeds whose are not.
    """
    for part, arrays in params.items():
        for name, value in arrays.items():
            good = np.isfinite(value) & (value >= 0 if name in ("count", "m2") else True)
            if not good.all():
                bad = [seed for seed, row in zip(seeds, good.reshape(len(seeds), -1).all(1), strict=True) if not row]
                raise DamagedCheckpointError(
                    f"{where}: {part}.{name} of training seed{'s' * (len(bad) > 1)} {', '.join(map(str, bad))} holds "
                    "numbers that are not finite, or negative counts"
                )
