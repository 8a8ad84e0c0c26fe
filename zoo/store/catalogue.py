"""Which models are on this machine, and what the zoo's table says of each; reads small JSON files alone."""

import dataclasses
import fnmatch
import importlib.resources
import os
from pathlib import Path

from zoo.core.errors import DamagedCheckpointError, UnknownModelError
from zoo.core.json_files import coerce
from zoo.registry.families import KINDS, family_of
from zoo.registry.names import nearest, parse
from zoo.store.agreement import check_evaluation
from zoo.store.manifest import STATE, verify_files
from zoo.store.records import read_config, read_evaluation


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """One line of the zoo's table; everything read from the checkpoint's small files.

    Attributes:
        name, kind, task: as in the name.
        parameters: number of trained parameters, per seed.
        seeds: how many training seeds.
        generations: updates in training.
        mean, std: of the centre's mean return (of images: of its accuracy in %; by gradients: of the network's), over
            training seeds; `std` is 0 of one.
        interval_95: of the mean, over training seeds, or over the episodes of one; None where these are no sample.
        population_mean, population_std: of the last generation's population, over training seeds.
        paper: the paper's value, as it prints it.
        where: ``folder``, ``bundled`` or ``cache`` (pulled from the Hub).
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
    interval_95: tuple[float, float] | None
    population_mean: float | None
    population_std: float | None
    paper: str | None
    where: str
    path: str
    size_bytes: int


def bundled_folder() -> Path:
    """Checkpoints that come with the package."""
    return Path(str(importlib.resources.files("zoo.checkpoints"))).resolve()


def checkpoint_folders() -> list[Path]:
    """Folders with checkpoints on this machine: ``$ZOO_CHECKPOINTS`` (if set), then the bundled ones."""
    named = os.environ.get("ZOO_CHECKPOINTS")
    return ([Path(named).absolute()] if named else []) + [bundled_folder()]


def list_models(
    pattern: str = "*", *, task: str | None = None, kind: str | None = None, cached: bool = False
) -> list[str]:
    """Names of the published models on this machine.

    Args:
        pattern: shell wildcards, for example ``hetsnn-*-1024``.
        task: only models of this task, or of a family.
        kind: only ``het``, ``hom`` or ``full``.
        cached: also what was pulled from the zoo's organisation on the Hub.
    """
    names = {
        path.parent.name
        for folder in checkpoint_folders()
        if folder.is_dir()
        for path in folder.glob("*/config.json")
        if _is_name(path.parent.name)
    }
    if cached:
        from zoo.store.hub import cached_names

        names |= set(cached_names())
    chosen = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
    parsed = {name: parse(name) for name in chosen}
    chosen = [n for n in chosen if task in (None, parsed[n].task, parsed[n].family)]
    return sorted((n for n in chosen if kind in (None, parsed[n].kind)), key=_order)


def _is_name(name: str) -> bool:
    """Whether it is a model's; a backup of a checkpoint beside the others is none."""
    try:
        return str(parse(name)) == name
    except UnknownModelError:
        return False


def _order(name: str):
    model = parse(name)
    family = family_of(model.task)
    return list(KINDS).index(model.kind), family.name, family.number(model.task), model.task, model.budget, name


def as_text(name: str | os.PathLike) -> str:
    """A name as it is; a path object is a folder, whatever it is called."""
    return name if isinstance(name, str) else str(Path(name).absolute())


def is_path(name: str) -> bool:
    """Whether a user means a folder rather than a model's name."""
    return "/" in name or os.sep in name or name.startswith(".")


def find(name: str) -> Path:
    """Folder of a published model on this machine, or of an explicit path.

    Raises:
        UnknownModelError: if there is none, saying which names are close and how to train it.
    """
    if is_path(name):
        if not Path(name).is_dir():
            raise UnknownModelError(f"there is no folder {name}")
        return _result(Path(name).absolute())  # As text, `./NAME` would become NAME, which is a model's name.
    parse(name)
    for folder in checkpoint_folders():
        if (folder / name / "config.json").is_file():
            return folder / name
    close = ", ".join(nearest(name, list_models(), cutoff=0.6)) or "see `zoo list`"
    raise UnknownModelError(f"no checkpoint of '{name}' is published ({close}); train it: zoo train {name}")


def _result(folder: Path) -> Path:
    """A checkpoint's folder: as it is, or of the run that lies there.

    Raises:
        UnknownModelError: if a run has none yet.
    """
    if (folder / "config.json").exists() or not (folder / "run.json").is_file():
        return folder
    if not (folder / "checkpoint").is_dir():
        raise UnknownModelError(
            f"the training in {folder} has no checkpoint yet; run its command again to go on, or measure it as it "
            f"stands: zoo export {folder}"
        )
    return folder / "checkpoint"


def read_info(path: Path, where: str) -> ModelInfo:
    """What the table says of the checkpoint in a folder.

    Raises:
        DamagedCheckpointError: if its files lack something, or were altered.
    """
    verify_files(path, "config.json", "evaluation.json")
    config, evaluation = read_config(path), read_evaluation(path)
    check_evaluation(evaluation, config, path / "evaluation.json")
    model, training = parse(config["name"]), config["training"]
    kinds = {"parameters": int, "generations": int, "population_mean": float | None, "population_std": float | None}
    try:
        measured = {key: coerce(kind, training[key], f"training.{key}") for key, kind in kinds.items()}
    except (KeyError, ValueError) as error:
        raise DamagedCheckpointError(f"{path}/config.json: `training` lacks {error}") from error
    return ModelInfo(
        name=config["name"],
        kind=model.kind,
        task=model.task,
        seeds=len(config["seeds"]),
        mean=evaluation["mean"],
        std=evaluation["std"],
        interval_95=None if (ends := evaluation.get("interval_95")) is None else tuple(ends),
        paper=family_of(model.task).paper_reward(model),
        where=where,
        path=str(path),
        size_bytes=_size(path),
        **measured,
    )


def _size(folder: Path) -> int:
    """Bytes of a checkpoint's files; training state is a folder beside ``params``, which has one of that name too."""
    size = 0
    for parent, folders, files in os.walk(folder):
        if parent == str(folder) and STATE in folders:
            folders.remove(STATE)
        paths = [os.path.join(parent, name) for name in files]
        size += sum(os.path.getsize(path) for path in paths if os.path.isfile(path))
    return size
