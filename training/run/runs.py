"""Folders of runs: what is trained there, with which recipe, and from where it goes on."""

import contextlib
import dataclasses
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from zoo.core.errors import ZooError
from zoo.core.json_files import write_json
from zoo.core.version import version
from zoo.registry.commands import training_command
from zoo.registry.names import ModelName, parse
from zoo.registry.recipe import (
    Recipe,
    default_recipe,
    make_network_config,
    make_recipe_task,
    override,
)
from zoo.store.manifest import STATE, verify_manifest
from zoo.store.records import read_config, trained_by
from zoo.tasks import Task
from zoo.training.methods.base import Group, Start
from zoo.training.run.changes import changed
from zoo.training.run.published import copy_published, published_folder
from zoo.training.run.records import record_of, recorded_origin, recorded_recipe
from zoo.training.run.starts import Origin, begin_with, make_start, read_start, write_start
from zoo.training.run.state import saved_states


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One model in training: name, recipe, folder, and what it begins with where that is a trained model."""

    model: ModelName
    recipe: Recipe
    folder: Path
    start: Start | None = None

    def group(self, task) -> Group:
        """As the engine wants it."""
        config = make_network_config(self.model, task, self.recipe)
        gain = self.recipe.action_gain / task.action_gain if hasattr(task, "action_gain") else 1.0
        seeds = self.recipe.training_seeds
        return Group(config=config, recipe=self.recipe, seeds=seeds, readout_gain=gain, start=self.start)


def shared_task(runs: Sequence[Run]) -> Task:
    """What all runs in lockstep play; gains of actions may differ, and then become the groups' own.

    Raises:
        ValueError: if anything else differs.
    """
    tasks = {make_recipe_task(run.model, run.recipe) for run in runs}
    if len(tasks) > 1 and all(hasattr(task, "action_gain") for task in tasks):
        tasks = {dataclasses.replace(task, action_gain=1.0) for task in tasks}
    if len(tasks) > 1:
        names = sorted({task.name for task in tasks})
        differ = names if len(names) > 1 else sorted(map(repr, tasks))
        raise ValueError(f"models in lockstep must share one task; these have {', '.join(differ)}")
    if len(clips := {run.recipe.observation_clip for run in runs}) > 1:
        raise ValueError(f"models in lockstep must share observation_clip; these have {sorted(clips)}")
    if len(goals := {run.recipe.generations for run in runs}) > 1:
        raise ValueError(f"models in lockstep must have the same number of generations; these have {sorted(goals)}")
    return tasks.pop()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """A run that may begin or go on: its folder is locked, and nothing in it has changed yet.

    Attributes:
        run: what is trained.
        fresh: whether an earlier run there is to be thrown away.
        source: folder of the published checkpoint whose training goes on, or None.
        origin: the model whose networks it begins with, or None.
        done: whether all its generations are behind it, and its checkpoint written.
    """

    run: Run
    fresh: bool
    source: Path | None
    origin: Origin | None
    done: bool

    def begin(self) -> None:
        """Makes the folder, or finds it as it was.

        Raises:
            ZooError: if it cannot be written.
        """
        folder = self.run.folder
        record = record_of(folder)
        if self.fresh:
            _discard(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # First of all: a state without its recipe could be gone on from with another.
            content = {"name": folder.name, "version": version(), "recipe": dataclasses.asdict(self.run.recipe)}
            if self.origin is not None:
                content["origin"] = dataclasses.asdict(self.origin)
            write_json(record, content)
            if self.run.start is not None and not saved_states(folder / STATE):
                write_start(folder, self.run.start)
            if self.source is not None:
                copy_published(self.source, folder)
        except OSError as error:
            raise _cannot_write(folder, error) from error


def _discard(folder: Path) -> None:
    """Removes what a training left in a folder, its result first and its recipe last; what else is there stays."""
    for name in ("checkpoint", STATE, "start", "training.csv", "activity.csv", "run.json"):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def prepare_run(
    name: str,
    out: Path,
    locks: contextlib.ExitStack,
    *,
    fresh: bool = False,
    continue_published: bool = False,
    start_from: str | None = None,
    **changes,
) -> Preparation:
    """Checks that a run may begin, or go on, and holds its folder.

    Args:
        name: model name.
        out: parent of run folders.
        locks: until its end no other training can have the folder.
        fresh: throw away what an earlier run left there.
        continue_published: where there is no run yet, begin with the published checkpoint's recipe,
            training state and curve.
        start_from: model whose networks it begins with.
        **changes: recipe fields that differ from the zoo's recipe, or from the published one's.

    Raises:
        ZooError: if the folder has a run with another recipe, of more generations, or another training in it, or
            cannot be written, or the published checkpoint carries no training state.
        ValueError: if a change is of no effect on this model, or gives it another name's method, or weighs memory
            length's two contexts unlike.
    """
    model = parse(name)
    folder = Path(out) / name
    begun = _has_begun(folder) and not fresh
    recorded = recorded_origin(folder) if begun else None
    if continue_published and start_from is not None:
        raise ValueError("--from and --continue exclude each other: a training state has networks of its own")
    source, base = _published(name, folder, begun) if continue_published else (None, default_recipe(model))
    origin, trained = (None, None) if start_from is None else begin_with(start_from, model, recorded)
    recipe = changed(model, base if origin is None else origin.recipe(base), changes)
    if source is not None:
        _check_same(base, recipe, f"the published {name}", "train without --continue")
        _check_length(recipe, read_config(source)["training"]["generations"], f"the published {name}")
    locks.enter_context(_hold(folder))
    if begun != (_has_begun(folder) and not fresh):
        raise ZooError(f"another training has been in {folder} meanwhile: give the command again")
    if begun:
        _check_begun(folder, recipe, recorded, origin, () if str(out) == "runs" else ("--out", str(out)))
    elif not fresh and (folder / "checkpoint").exists():
        raise ZooError(
            f"{folder} has the checkpoint of a training whose state is gone: start anew with --fresh, which removes "
            "it, or elsewhere with --out"
        )
    start = None
    if origin is not None:
        if begun:
            start = read_start(folder, origin, model, recipe)
        elif trained is not None:
            start = make_start(trained, origin, model, recipe)
    run = Run(model=model, recipe=recipe, folder=folder, start=start)
    done = begun and _is_done(folder, recipe)
    return Preparation(run=run, fresh=fresh, source=source, origin=origin, done=done)


def _published(name: str, folder: Path, begun: bool) -> tuple[Path | None, Recipe]:
    """The published checkpoint that a run begins with, and its recipe.

    A run that has begun goes on by its own, whatever is published by then.
    """
    if begun:
        return None, recorded_recipe(folder)
    source = published_folder(name)
    return source, trained_by(read_config(source), source)


def _check_begun(folder: Path, recipe: Recipe, recorded: Origin | None, origin: Origin | None, options) -> None:
    """Raises `ZooError` unless a run that has begun may go on by a recipe, and from what it began with."""
    before = recorded_recipe(folder)
    own = before if not before.open_ended else override(before, generations=recipe.generations)
    options = (*options, *(() if recorded is None else ("--from", recorded.asked)))
    command = training_command(folder.name, own, *options)
    advice = f"to go on: {command}; or start anew with --fresh, or elsewhere with --out"
    first, now = (None if o is None else (o.name, o.manifest) for o in (recorded, origin))
    if first != now:
        began = "fresh networks" if first is None else f"those of {first[0]}, {first[1][:19]}…"
        raise ZooError(f"{folder} has a run that began with {began}; {advice}")
    _check_same(before, recipe, str(folder), advice)
    _check_length(recipe, int(saved_states(folder / STATE)[-1].name), str(folder))


def _has_begun(folder: Path) -> bool:
    """Whether a run has a state to go on from."""
    return bool(saved_states(folder / STATE))


def _is_done(folder: Path, recipe: Recipe) -> bool:
    """Whether a run's last state and its checkpoint are both of its last generation, and the latter by its recipe."""
    if int(saved_states(folder / STATE)[-1].name) != recipe.generations:
        return False
    with contextlib.suppress(ZooError, OSError):
        verify_manifest(folder / "checkpoint")
        config = read_config(folder / "checkpoint")
        done = config["training"]["generations"]
        return done == recipe.generations and trained_by(config, folder / "checkpoint") == recipe
    return False


@contextlib.contextmanager
def _hold(folder: Path) -> Iterator[None]:
    """Keeps other trainings out of a run's folder; however this process ends, the operating system lets go of it."""
    lock = FileLock(folder.parent / f".{folder.name}.lock", blocking=False)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        message = f"another training is going on in {folder}; wait for its end, stop it, or choose another --out"
        raise ZooError(message) from None
    except OSError as error:
        raise _cannot_write(folder, error) from error
    try:
        yield
    finally:
        lock.release()


def _cannot_write(folder: Path, error: OSError) -> ZooError:
    return ZooError(f"cannot write to {folder}: {error.strerror}; choose another place with --out")


def _check_length(recipe: Recipe, done: int, where: str) -> None:
    """A run cannot be made shorter than it is."""
    if recipe.generations < done:
        raise ZooError(
            f"{where} has {done} generations already; generations (={recipe.generations}) must be at least as many, "
            "or start anew with --fresh"
        )


def _check_same(before: Recipe, now: Recipe, where: str, advice: str) -> None:
    """A run may be made longer; anything else is another run."""
    old, new = before.flat(), now.flat()
    free = {"generations"} if before.open_ended else set()
    differ = [f"{key} was {old[key]}, now {new[key]}" for key in old if key not in free and old[key] != new[key]]
    if differ:
        raise ZooError(
            f"{where} has a run with another recipe ({'; '.join(differ)}), and goes on only with its own; {advice}"
        )
