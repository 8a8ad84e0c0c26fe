"""From a name to a model: where checkpoints are looked for, and what a loaded one can do."""

import dataclasses
import fnmatch
import importlib.resources
import os
from pathlib import Path

import numpy as np

from zoo.checkpoint import Checkpoint, read_checkpoint, read_config, read_json
from zoo.errors import DamagedCheckpointError, UnknownModelError
from zoo.models import NetworkConfig, SpikingMLP, fixed_weights, physical
from zoo.names import parse
from zoo.tasks import Task, make_task


@dataclasses.dataclass(frozen=True, eq=False)
class ZooModel:
    """A published model: networks of one shape, one for each training seed.

    Attributes:
        name: model name.
        source: where it was loaded from.
        config: everything config.json says.
        network_config: shapes, and what was trained.
        seeds: training seeds.
        trained: trained values by name, [K, …], float32.
        observations: observation statistics ``count`` [K], ``mean`` and ``m2`` [K, o], or None.
        evaluation: the published evaluation.
    """

    name: str
    source: str
    config: dict
    network_config: NetworkConfig
    seeds: tuple[int, ...]
    trained: dict[str, np.ndarray]
    observations: dict[str, np.ndarray] | None
    evaluation: dict

    def __repr__(self) -> str:
        c = self.network_config
        return (
            f"ZooModel('{self.name}', {c.inputs}-{c.hidden}-{c.outputs}, trained={c.trained}, "
            f"{len(self.seeds)} seed(s), source='{self.source}')"
        )

    def _index(self, seed: int | None) -> int:
        if seed is None:
            return 0
        if seed not in self.seeds:
            raise ValueError(f"training seed {seed} is not among this model's seeds {self.seeds}")
        return self.seeds.index(seed)

    def select(self, seed: int) -> "ZooModel":
        """The same model with one training seed alone."""
        rows = slice(self._index(seed), self._index(seed) + 1)
        observations = self.observations and {k: v[rows] for k, v in self.observations.items()}
        trained = {name: value[rows] for name, value in self.trained.items()}
        return dataclasses.replace(self, seeds=(seed,), trained=trained, observations=observations)

    def parts(self, seed: int | None = None) -> dict[str, np.ndarray]:
        """All parts of one seed's network by name: trained ones, and fixed ones drawn again.

        Raises:
            DamagedCheckpointError: if the weights drawn are not those that the model was trained with.
        """
        row = self._index(seed)
        parts = self.network_config.initial(self.seeds[row])
        expected = self.config["fixed_weights"].get(str(self.seeds[row]))
        drawn = fixed_weights.sha256(parts["w_in"], parts["w_out"])
        if drawn != expected:
            raise DamagedCheckpointError(
                f"{self.name}: the weights of seed {self.seeds[row]} have SHA-256 {drawn}; "
                f"the checkpoint was trained with {expected}"
            )
        return parts | {name: value[row] for name, value in self.trained.items()}

    def network(self, seed: int | None = None) -> SpikingMLP:
        """The network of one training seed (by default the first) as a Flax NNX module."""
        row = self._index(seed)
        parts = self.parts(seed)
        trained = {name: parts[name] for name in self.network_config.trained}
        return SpikingMLP(self.network_config, seed=self.seeds[row], trained=trained)

    def neurons(self, seed: int | None = None) -> dict[str, np.ndarray]:
        """Hidden neurons' properties in physical units: tau_ms, v_th and v_rest in V, r_ohm. [hidden]."""
        return physical(self.parts(seed))

    def task(self) -> Task:
        """The task that it was trained on."""
        return make_task(self.config["task"]["name"], **self.config["task"]["options"])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """One line of the zoo's table; everything read from the checkpoint's small files.

    Attributes:
        name, kind, task: as in the name.
        parameters: number of trained parameters, per seed.
        seeds: how many training seeds.
        generations: updates in training.
        mean, std: of the centre's mean return, over training seeds.
        interval_95: of the mean, over training seeds.
        population_mean, population_std: of the last generation's population, over training seeds.
        path: where it lies.
        size_bytes: of the files without training state.
    """

    name: str
    kind: str
    task: str
    parameters: int
    seeds: int
    generations: int
    mean: float
    std: float
    interval_95: tuple[float, float]
    population_mean: float | None
    population_std: float | None
    path: str
    size_bytes: int


def checkpoint_folders() -> list[Path]:
    """Folders with checkpoints on this machine: ``$ZOO_CHECKPOINTS`` (if set), then the bundled ones."""
    named = os.environ.get("ZOO_CHECKPOINTS")
    bundled = Path(str(importlib.resources.files("zoo.checkpoints")))
    return ([Path(named)] if named else []) + [bundled]


def list_models(pattern: str = "*", *, task: str | None = None) -> list[str]:
    """Names of the published models on this machine.

    Args:
        pattern: shell wildcards, for example ``hetsnn-*-1024``.
        task: only models of this task, or of a family: ``mem``, ``cartpole``, ``brax``, ``image``.
    """
    names = {
        path.parent.name
        for folder in checkpoint_folders()
        if folder.is_dir()
        for path in folder.glob("*/config.json")
        if not path.parent.name.startswith(".")
    }
    chosen = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
    return sorted((n for n in chosen if task in (None, parse(n).task, parse(n).family)), key=_order)


def _order(name: str):
    model = parse(name)
    number = model.task[len(model.task.rstrip("0123456789")) :]
    return model.kind, model.family, int(number or 0), model.task, model.budget, name


def find(name: str) -> Path:
    """Folder of a published model, or of an explicit path.

    Raises:
        UnknownModelError: if there is none, saying which names are close and how to train it.
    """
    if os.sep in name or name.startswith("."):
        path = Path(name)
        if not path.is_dir():
            raise UnknownModelError(f"there is no folder {path}")
        return path
    parse(name)
    for folder in checkpoint_folders():
        if (folder / name / "config.json").is_file():
            return folder / name
    published = ", ".join(list_models(name.split("-")[0] + "-*")) or "none of this kind"
    raise UnknownModelError(
        f"no checkpoint of '{name}' is published (published: {published}); train it: zoo train {name}"
    )


def load(name: str, *, seed: int | None = None) -> ZooModel:
    """Loads a published model after checking every byte of it.

    Args:
        name: model name (``hetsnn-mem25-1024``) or path of a checkpoint folder.
        seed: keep this training seed alone; by default all are held.

    Raises:
        UnknownModelError: if there is no such model.
        DamagedCheckpointError: if its files are not what was published.
        ValueError: if `seed` is not one of its training seeds.
    """
    path = find(name)
    model = _from_checkpoint(read_checkpoint(path))
    return model if seed is None else model.select(seed)


def _from_checkpoint(checkpoint: Checkpoint) -> ZooModel:
    return ZooModel(
        name=checkpoint.config["name"],
        source=str(checkpoint.path),
        config=checkpoint.config,
        network_config=checkpoint.network,
        seeds=checkpoint.seeds,
        trained=checkpoint.params["trained"],
        observations=checkpoint.params.get("observations"),
        evaluation=checkpoint.evaluation,
    )


def model_info(name: str) -> ModelInfo:
    """What the zoo's table says of a model; reads JSON alone.

    Raises:
        UnknownModelError: if there is no such model.
        DamagedCheckpointError: if its files lack something.
    """
    path = find(name)
    config, evaluation = read_config(path), read_json(path / "evaluation.json")
    model = parse(config["name"])
    training = config["training"]
    try:
        return ModelInfo(
            name=config["name"],
            kind=model.kind,
            task=model.task,
            parameters=training["parameters"],
            seeds=len(config["seeds"]),
            generations=training["generations"],
            mean=evaluation["mean"],
            std=evaluation["std"],
            interval_95=tuple(evaluation["interval_95"]),
            population_mean=training["population_mean"],
            population_std=training["population_std"],
            path=str(path),
            size_bytes=sum(p.stat().st_size for p in path.rglob("*") if p.is_file() and "state" not in p.parts),
        )
    except (KeyError, TypeError) as error:
        raise DamagedCheckpointError(f"{path}: config.json or evaluation.json lacks {error}") from error
