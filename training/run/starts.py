"""Trainings that begin with a trained model's networks (`zoo train NAME --from MODEL`), not with fresh ones.

The networks of equal training seeds have equal weights before training; so run k begins with network k. A copy of
what it began with stays in the run's folder, from which it goes on: neither another version of the model nor its
absence changes a training that has begun.
"""

import dataclasses
from pathlib import Path

import jax
import numpy as np

from zoo.core.arrays import read_arrays, write_arrays
from zoo.core.errors import DamagedCheckpointError, ZooError
from zoo.models import NetworkConfig
from zoo.registry.families import family_of
from zoo.registry.names import ModelName, parse
from zoo.registry.recipe import Recipe, make_network_config, make_recipe_task, override
from zoo.registry.settings import settings_of
from zoo.store.checkpoint import params_like, replacing
from zoo.store.loading import load
from zoo.store.manifest import verify_manifest, write_manifest
from zoo.store.pins import manifest_hash
from zoo.store.zoo_model import ZooModel
from zoo.tasks.observations import ObservationStats
from zoo.training.methods.base import Start
from zoo.training.run import hosts

FOLDER = "start"
"""Of a run's folder: the copy."""
_SEEN = ("tau_ms", "v_th", "normalise_observations", "observation_clip")
"""Settings that say what a network is, or what it sees."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The model that a training begins with, as run.json and config.json tell of it.

    Attributes:
        asked: what the user called it.
        name: of the model.
        manifest: ``sha256:…`` of its manifest, in which every file's hash stands.
        generations: that it had behind it.
        statistics: whether its observation statistics are those of the task that is trained, too.
        settings: what the recipe takes over from it: what a network is and sees, how the task takes its readouts.
    """

    asked: str
    name: str
    manifest: str
    generations: int
    statistics: bool
    settings: dict

    @classmethod
    def of(cls, model: ZooModel, asked: str, name: ModelName) -> "Origin":
        """Of a loaded model, for the training of a name."""
        given = model.recipe.flat()
        kept = {key: given[key] for key in _SEEN}
        if parse(model.name).family == name.family:
            kept |= {key: given[key] for key in settings_of(family_of(name.task).options)}
        return cls(
            asked=asked,
            name=model.name,
            manifest=manifest_hash(model.path),
            generations=model.config["training"]["generations"],
            statistics=model.observations is not None and parse(model.name).task == name.task,
            settings=kept,
        )

    @classmethod
    def read(cls, record: dict, where: Path) -> "Origin | None":
        """Of the content of a run.json; None where a training began with fresh networks.

        Raises:
            DamagedCheckpointError: if it says something else.
        """
        value = record.get("origin")
        if value is None:
            return None
        names = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(value, dict) or set(value) != names or not isinstance(value["settings"], dict):
            raise DamagedCheckpointError(f"{where}: `origin` must say {', '.join(sorted(names))}; use --fresh")
        return cls(**value)

    def recipe(self, base: Recipe) -> Recipe:
        """A recipe with what is taken over."""
        return override(base, **{name: _tuple(value) for name, value in self.settings.items()})

    def gives_statistics(self, recipe: Recipe) -> bool:
        """Whether a training by that recipe begins with its observation statistics."""
        return self.statistics and recipe.normalise_observations

    def published(self) -> dict:
        """What a checkpoint's config.json says of it."""
        return {"name": self.name, "manifest": self.manifest, "generations": self.generations}


def _tuple(value):
    return tuple(value) if isinstance(value, list) else value


def begin_with(asked: str, name: ModelName, recorded: Origin | None) -> tuple[Origin, ZooModel | None]:
    """The model that a user asks for, loaded unless a run remembers it by that name."""
    if recorded is not None and recorded.asked == asked:
        return recorded, None
    model = load(asked)
    return Origin.of(model, asked, name), model


def make_start(model: ZooModel, origin: Origin, name: ModelName, recipe: Recipe) -> Start:
    """What the runs of a recipe begin with: networks of a model, which `origin` remembers.

    Raises:
        ZooError: if the model has other shapes, too few networks, or was trained in parts that these runs leave as
            they are.
    """
    config = make_network_config(name, make_recipe_task(name, recipe), recipe)
    _check_shape(model, name, config)
    seeds = recipe.training_seeds
    if missing := sorted(set(seeds) - set(model.seeds)):
        count = missing[0] - recipe.first_seed
        raise ZooError(
            f"{model.name} has no network of training seed {missing[0]}; its seeds are "
            f"{', '.join(map(str, model.seeds))}"
            + (f". Train at most as many: --seeds {count}" if count else f". Train those: {_option(model.seeds)}")
        )
    parts = [model.parts(seed) for seed in seeds]
    for seed, own in zip(seeds, parts, strict=True):
        fresh = config.initial(seed)
        unlike = [part for part in own if part not in config.trained and not np.array_equal(own[part], fresh[part])]
        if unlike:
            raise ZooError(
                f"{name} trains {', '.join(config.trained)} and leaves {', '.join(unlike)} as before any training, "
                f"which {model.name} does not have so; begin with a model that trained nothing but that"
            )
    trained = {part: np.stack([own[part] for own in parts]) for part in config.trained}
    observations = None
    if origin.gives_statistics(recipe) and model.observations is not None:
        rows = [model.seeds.index(seed) for seed in seeds]
        observations = ObservationStats(**{key: value[rows] for key, value in model.observations.items()})
    return Start(trained=trained, observations=observations)


def _option(seeds: tuple[int, ...]) -> str:
    """How to train with the first of a model's seeds, and those that follow it."""
    count = next(k for k in range(1, len(seeds) + 1) if seeds[0] + k not in seeds)
    return f"--first-seed {seeds[0]} --seeds {count}"


def _check_shape(model: ZooModel, name: ModelName, config: NetworkConfig) -> None:
    has, wanted = ((c.inputs, c.hidden, c.outputs) for c in (model.network_config, config))
    if has != wanted:
        shapes = [f"{a} inputs, {b} hidden neurons and {c} outputs" for a, b, c in (has, wanted)]
        raise ZooError(
            f"{model.name} has {shapes[0]}; {name} has {shapes[1]}. --from takes a model of the same shape: the same "
            "kind and budget, on a task with as many inputs and outputs"
        )


def write_start(folder: Path, start: Start) -> None:
    """Puts the copy into a run's folder."""
    with replacing(folder / FOLDER) as new:
        write_arrays(new / "arrays", _tree(start))
        write_manifest(new)


def read_start(folder: Path, origin: Origin, name: ModelName, recipe: Recipe) -> Start:
    """The copy in a run's folder.

    Raises:
        DamagedCheckpointError: if it is not there, or not as it was written.
    """
    path = folder / FOLDER
    if not path.is_dir():
        raise DamagedCheckpointError(f"{path} is missing, with which the run began; train anew with --fresh")
    verify_manifest(path)
    return _start(read_arrays(path / "arrays", _like(name, recipe, origin.gives_statistics(recipe))))


def shared(start: Start | None, kind: str | None, name: ModelName, recipe: Recipe) -> Start | None:
    """Process 0's start on all processes.

    Args:
        start: process 0's.
        kind: of it (`Start.kind`), which all know; None where there is none.
        name: what is trained.
        recipe: how.
    """
    if kind is None:
        return None
    like = _like(name, recipe, kind != "parameters")
    return _start(hosts.share(like if start is None else _tree(start), like))


def _tree(start: Start) -> dict:
    tree = {"trained": dict(start.trained)}
    return tree if start.observations is None else tree | {"observations": start.observations._asdict()}


def _start(tree: dict) -> Start:
    observations = tree.get("observations")
    trained = {name: np.asarray(value) for name, value in tree["trained"].items()}
    if observations is None:
        return Start(trained=trained)
    return Start(trained=trained, observations=ObservationStats(**jax.tree.map(np.asarray, observations)))


def _like(name: ModelName, recipe: Recipe, with_statistics: bool) -> dict:
    config = make_network_config(name, make_recipe_task(name, recipe), recipe)
    return params_like(config, recipe.seeds, with_statistics)
