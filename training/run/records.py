"""What a run's folder says of itself: which model, by which recipe, and what it began with."""

from pathlib import Path

from zoo.core.errors import DamagedCheckpointError, ZooError
from zoo.core.json_files import read_json
from zoo.core.version import as_written_by
from zoo.registry.names import ModelName, parse
from zoo.registry.recipe import Recipe, read_recipe, upgraded
from zoo.training.run.starts import Origin


def record_of(folder: Path) -> Path:
    """Where a run's folder says what is trained in it."""
    return folder / "run.json"


def _read(record: Path) -> dict:
    if not record.is_file():
        raise ZooError(f"{record.parent} is no run of `zoo train`: it has no {record.name}")
    try:
        return read_json(record)
    except DamagedCheckpointError as error:
        raise DamagedCheckpointError(f"{error}; put it back, or train anew with --fresh") from error


def read_recorded(record: Path) -> tuple[ModelName, Recipe]:
    """The model and the recipe in a run's record, of any version.

    Raises:
        ZooError: if there is none.
        DamagedCheckpointError: if it cannot be read.
        UnsupportedCheckpointError: if it is one of a later version, which knows more settings.
    """
    content = _read(record)
    name, recipe = content.get("name"), content.get("recipe")
    if not isinstance(name, str) or not isinstance(recipe, dict):
        raise DamagedCheckpointError(f"{record} must say a model's `name` and its `recipe`; use --fresh")
    model = parse(name)
    try:
        recipe = recipe if "settings" in recipe else upgraded(recipe, model)
    except ValueError as error:
        raise DamagedCheckpointError(f"{record}: {error}") from error
    with as_written_by(content.get("version")):
        return model, read_recipe(recipe, model, str(record))


def recorded_recipe(folder: Path) -> Recipe:
    """That of the run in a folder."""
    record = record_of(folder)
    if not record.is_file():
        raise ZooError(f"{folder} has a training state, and no {record.name} that says of which recipe; use --fresh")
    return read_recorded(record)[1]


def recorded_origin(folder: Path) -> Origin | None:
    """What the run in a folder began with."""
    record = record_of(folder)
    return Origin.read(_read(record), record) if record.is_file() else None
