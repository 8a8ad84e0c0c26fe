"""What a checkpoint says of its model: config.json and evaluation.json, with the types of what is used checked."""

import math
from pathlib import Path

from zoo.core.errors import DamagedCheckpointError, UnknownModelError
from zoo.core.json_files import coerce, read_json
from zoo.core.seeds import is_seed
from zoo.registry.names import parse
from zoo.registry.recipe import Recipe, read_recipe, upgraded
from zoo.store.manifest import check_schema


def read_evaluation(path: Path) -> dict:
    """evaluation.json of a checkpoint folder, with the types of what the zoo uses checked.

    Raises:
        DamagedCheckpointError: naming the field.
    """
    where = path / "evaluation.json"
    if not where.is_file():
        raise DamagedCheckpointError(f"{path} is not a checkpoint: it has no evaluation.json")
    evaluation = read_json(where)
    kinds = {"command": str, "seed": int, "episodes": int, "mean": float, "std": float}
    _check_fields(evaluation, kinds | {"interval_95": tuple[float, ...] | None, "seeds": list}, where)
    seeds, ends = evaluation["seeds"], evaluation.get("interval_95")
    if not seeds or not (len(seeds) == 1 if ends is None else len(ends) == 2):
        raise DamagedCheckpointError(
            f"{where}: `seeds` must have at least one row, and `interval_95` two ends; of one seed it may be null"
        )
    for row in evaluation["seeds"]:
        kinds = {"training_seed": int, "mean": float, "std": float, "spike_rate": float}
        _check_fields(row if isinstance(row, dict) else {}, kinds, f"{where}: a row of `seeds`")
    return evaluation


def _check_fields(value: dict, kinds: dict, where) -> None:
    """Raises unless `value` has the fields with their types, all numbers finite."""
    try:
        for name, kind in kinds.items():
            got = value.get(name)
            if kind is list:
                if not isinstance(got, list):
                    raise ValueError(f"`{name}` must be a JSON list")
            elif not all(map(math.isfinite, _floats(coerce(kind, got, f"`{name}`")))):
                raise ValueError(f"`{name}` (={got!r}) must be finite")
    except ValueError as error:
        raise DamagedCheckpointError(f"{where}: {error}") from error


def _floats(value) -> list[float]:
    return [number for number in (value if isinstance(value, tuple) else (value,)) if isinstance(number, float)]


def read_config(path: Path) -> dict:
    """config.json of a checkpoint folder, with its fields' types checked, without touching arrays."""
    where = path / "config.json"
    if not where.is_file():
        raise DamagedCheckpointError(f"{path} is not a checkpoint: it has no config.json")
    config = read_json(where)
    check_schema(config, where)
    kinds = {
        "name": str, "task": dict, "network": dict, "recipe": dict, "seeds": list, "training": dict,
        "fixed_weights": dict, "observations": bool,
    }  # fmt: skip
    for key, kind in kinds.items():
        if not isinstance(config.get(key), kind):
            raise DamagedCheckpointError(f"{where}: `{key}` must be a JSON {kind.__name__}")
    try:
        parse(config["name"])
    except UnknownModelError as error:
        raise DamagedCheckpointError(f"{where}: `name`: {error}") from error
    _upgrade(config, where)
    seeds = config["seeds"]
    if not seeds or not all(map(is_seed, seeds)) or len(set(seeds)) != len(seeds):
        raise DamagedCheckpointError(f"{where}: `seeds` must be different integers of 0 or more, below 2^32")
    return config


def trained_by(config: dict, path: Path) -> Recipe:
    """The recipe by which a model was trained, in what `read_config` read of its checkpoint folder.

    Raises:
        DamagedCheckpointError: if it is none.
    """
    return read_recipe(config["recipe"], config["name"], f"{path}/config.json")


def _upgrade(config: dict, where: Path) -> None:
    """Makes the recipe one of today's schema.

    Raises:
        DamagedCheckpointError: if its method is none.
    """
    if config["schema"] > 1:
        return
    try:
        config["recipe"] = upgraded(config["recipe"], parse(config["name"]))
    except ValueError as error:
        raise DamagedCheckpointError(f"{where}: recipe: {error}") from error
