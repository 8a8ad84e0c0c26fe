"""The resumable training loop: any number of models in lockstep, one folder each.

runs/NAME/run.json       name and recipe
runs/NAME/start/         what it began with, where that is a trained model
runs/NAME/state/         newest training states
runs/NAME/training.csv   the curve, written as it goes
runs/NAME/activity.csv   firing rates at the method's milestones, where it names some
runs/NAME/checkpoint/    the result, in the published format
"""

import contextlib
import dataclasses
import math
import os
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zoo.core.errors import DivergedError
from zoo.core.programs import make_room_for_programs
from zoo.registry.names import parse
from zoo.registry.recipe import read_recipe
from zoo.registry.settings import check_minutes
from zoo.store.catalogue import as_text
from zoo.store.curves import append_rows, cut_rows
from zoo.training.methods.activity import COLUMNS
from zoo.training.run import hosts
from zoo.training.run.devices import check_plugin, check_split
from zoo.training.run.engine import CHUNK, Engine, to_host
from zoo.training.run.export import export_ended
from zoo.training.run.logs import Log
from zoo.training.run.plan import within_memory
from zoo.training.run.position import Position, hardware
from zoo.training.run.progress import Progress
from zoo.training.run.runs import Preparation, Run, prepare_run, shared_task
from zoo.training.run.signals import StopRequest
from zoo.training.run.starts import shared
from zoo.training.run.state import drop_states_after, restore_state, save_state

_CHUNK_SECONDS = 2.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a training ended.

    Attributes:
        folders: of the runs.
        generations: how far each got.
        goal: how far their recipes go; ``checkpoint/`` of a run that is there has the result.
        interrupted: whether a signal asked for the stop.
        signal: which, if any: ``signal.SIGINT`` or ``signal.SIGTERM``.
    """

    folders: tuple[Path, ...]
    generations: tuple[int, ...]
    goal: int
    interrupted: bool
    signal: int = 0

    @property
    def finished(self) -> bool:
        """Whether all runs are at the goal."""
        return min(self.generations) >= self.goal


def train(
    names: str | Sequence[str],
    *,
    out: str | Path = "runs",
    max_minutes: float | None = None,
    save_minutes: float = 2.0,
    fresh: bool = False,
    continue_published: bool = False,
    start_from: str | os.PathLike | None = None,
    quiet: bool = False,
    log: Log | None = None,
    **changes,
) -> Outcome:
    """Trains a model, or several of one task in lockstep; goes on where an earlier call stopped.

    Stops in good order, with its state saved, when all generations are done, after `max_minutes`, or on
    SIGINT or SIGTERM. Killed in any other way it loses at most `save_minutes`; either way, calling it
    again ends at the same numbers as one call without a break.

    Runs in lockstep are independent: each goes on from its own newest state, and when one has all its
    generations the others go on without it (on a GPU in a smaller batch, which may sum in another order).

    Several processes that `jax.distributed` has joined make one call together (see `zoo.training.run.hosts`).

    Args:
        names: model name, or several names of one task, each once.
        out: parent folder of the runs.
        max_minutes: time limit, by default none.
        save_minutes: time between saved states.
        fresh: discard what earlier calls left in `out` for these names.
        continue_published: go on from the training state that the published checkpoint carries.
        start_from: what `zoo.load` takes: a model whose networks the runs begin with (`zoo.training.run.starts`).
        quiet: no progress bar.
        log: what else is told of the curves as they go.
        **changes: fields of `Recipe` that differ from the zoo's recipe.

    Raises:
        ValueError, ZooError: if a name, a setting or what is in `out` will not do, saying why.
    """
    make_room_for_programs()
    names, until = _each_once(names), _deadline(max_minutes, save_minutes)
    with contextlib.ExitStack() as locks:
        start = None if start_from is None else as_text(start_from)
        options = {"fresh": fresh, "continue_published": continue_published, "start_from": start}
        runs, prepared, done = _prepare(names, Path(out), locks, **options, **changes)
        task, goal = shared_task(runs), runs[0].recipe.generations
        reached = {run.folder: goal for run in done}
        going, stopped, diverged = [run for run in runs if run not in done], False, []
        request = locks.enter_context(StopRequest())
        while going and not stopped:
            shown = _Shown(quiet=quiet or not hosts.is_main(), log=log if log and hosts.is_main() else Log())
            generations, stopped = _train_until_one_ends(going, task, prepared, until, save_minutes, shown, request)
            reached.update((run.folder, g) for run, g in zip(going, generations, strict=True))
            ended = [run for run in going if reached[run.folder] >= goal]
            diverged += hosts.from_main(lambda ended=ended: export_ended([run.folder for run in ended]))
            going, prepared = [run for run in going if run not in ended], []
            answers = hosts.gather(request.received, time.monotonic() > until)
            stopped = stopped or bool(answers[:, 0].any()) or bool(answers[0, 1])
        return _outcome(runs, reached, goal, int(hosts.gather(request.received).max()), diverged)


def _each_once(names: str | Sequence[str]) -> list[str]:
    names = [names] if isinstance(names, str) else list(dict.fromkeys(names))
    if not names:
        raise ValueError("names must have at least one model, such as 'hetsnn-mem5-256'")
    return names


def _deadline(max_minutes: float | None, save_minutes: float) -> float:
    """When to stop, by the monotonic clock; both times are checked."""
    check_minutes(max_minutes=max_minutes, save_minutes=save_minutes)
    return math.inf if max_minutes is None else time.monotonic() + 60 * max_minutes


class _Shown(NamedTuple):
    """What is to be seen of a training, here."""

    quiet: bool
    log: Log


def _outcome(runs, reached, goal, received, diverged) -> Outcome:
    if diverged:
        raise DivergedError("; ".join(diverged))
    folders = tuple(run.folder for run in runs)
    return Outcome(
        folders=folders,
        generations=tuple(reached[folder] for folder in folders),
        goal=goal,
        interrupted=bool(received),
        signal=received,
    )


def _prepare(names, out, locks, **options) -> tuple[list[Run], list[Preparation], list[Run]]:
    """The runs, whose folders process 0 has checked and holds; what it has yet to do there; and which are done."""
    prepared = []

    def prepare():
        prepared.extend(prepare_run(name, out, locks, **options) for name in names)
        return [[dataclasses.asdict(p.run.recipe), p.done, p.run.start and p.run.start.kind] for p in prepared]

    answers = list(zip(names, hosts.from_main(prepare), strict=True))
    own = [preparation.run.start for preparation in prepared] or [None] * len(names)
    runs, done = [], []
    for (name, (fields, is_done, kind)), start in zip(answers, own, strict=True):
        model, recipe = parse(name), read_recipe(fields, name, name)
        start = shared(start, kind, model, recipe)
        runs.append(Run(model=model, recipe=recipe, folder=out / name, start=start))
        done += [runs[-1]] if is_done else []
    return runs, [preparation for preparation in prepared if not preparation.done], done


def _train_until_one_ends(runs, task, prepared, until, save_minutes, shown, request) -> tuple[list[int], bool]:
    """Generations that the runs are at, all saved; and whether time or a signal stopped them."""
    start = time.monotonic()
    check_plugin()
    engine = Engine(task, [run.group(task) for run in runs])
    hosts.check_mesh(engine.mesh)
    with within_memory([str(run.model) for run in runs], engine):
        hosts.from_main(lambda: [preparation.begin() for preparation in prepared])
        return _advance(runs, engine, start, until, save_minutes, shown, request)


def _advance(runs, engine, start, until, save_minutes, shown, request) -> tuple[list[int], bool]:
    """As `_train_until_one_ends`, of runs that have begun."""
    states, before = _restore(runs, engine)
    split = engine.mesh.shape["members"]
    check_split([position.members_over for position in before], split)
    generations = [position.generation for position in before]
    goal = runs[0].recipe.generations
    milestones = engine.method.milestones(goal)
    saved_at, size, done, stopped = start, 1, 0, False

    def save():
        seconds, on_host = time.monotonic() - start, to_host(states)
        where = hardware() + " without a kernel" * bool(engine.notes)

        def write():
            for run, state, position in zip(runs, on_host, before, strict=True):
                now = position.after(done, seconds, where, split)
                save_state(run.folder / "state", state, dataclasses.asdict(now))

        hosts.from_main(write)

    for run, group, generation in zip(runs, engine.groups, generations, strict=True):
        shown.log.begin(str(run.model), group.seeds, generation, run.recipe.flat())
    with Progress(goal, min(generations), shown.quiet) as bar:
        bar.say("; ".join([f"training on {hardware()}", *engine.notes]))
        _record_activity(runs, engine, states, generations, {0}.intersection(milestones))
        while max(generations) < goal and not stopped:
            began, first = time.monotonic(), done == 0
            count = min(size, *(min(m for m in (*milestones, goal) if m > g) - g for g in generations))
            states, metrics = engine.advance(states, count)
            _append_curves(runs, engine.groups, metrics, generations)
            for run, group, block, g in zip(runs, engine.groups, metrics, generations, strict=True):
                shown.log.write(str(run.model), group.seeds, g + 1, block)
            done, generations = done + count, [g + count for g in generations]
            now = time.monotonic()
            bar.update(min(generations), metrics)
            # The first call compiles; its time says nothing about the next.
            size = int(np.clip(_CHUNK_SECONDS * count / (now - began), 1, min(CHUNK, 2 * size)))
            expected_end = now if first else now + (now - began) / count * size
            answers = hosts.gather(request.received, size, expected_end > until, now - saved_at > 60 * save_minutes)
            size, late, due = int(answers[0, 1]), bool(answers[0, 2]), bool(answers[0, 3])
            stopped = bool(answers[:, 0].any()) or late
            _record_activity(runs, engine, states, generations, milestones)
            if stopped or max(generations) == goal or due:
                save()
                saved_at = time.monotonic()
    return generations, stopped


def _restore(runs, engine) -> tuple[list, list[Position]]:
    """Each run's newest state and where it stands; its curves are cut to that generation."""
    fresh = engine.init()
    states = list(to_host(fresh))

    def read():
        positions = [Position() for _ in runs]
        for i, run in enumerate(runs):
            if found := restore_state(run.folder / "state", fresh[i]):
                states[i], progress = found
                positions[i] = Position.read(progress)
            generation = positions[i].generation
            drop_states_after(run.folder / "state", generation)
            if (last := cut_rows(run.folder / "training.csv", generation)) < generation:
                warnings.warn(
                    f"{run.folder / 'training.csv'} ends at generation {last}, the saved state is of {generation}: "
                    "the published curve will lack what lies between",
                    stacklevel=2,
                )
            # Generation 0 has no saved state: what was recorded of it may be torn, and is recorded anew.
            cut_rows(run.folder / "activity.csv", generation or -1)
        return [dataclasses.asdict(position) for position in positions]

    positions = [Position(**fields) for fields in hosts.from_main(read)]
    if not any(position.generation for position in positions):
        return fresh, positions
    return [engine.place(state) for state in hosts.share(states, fresh)], positions


def _append_curves(runs, groups, metrics, generations) -> None:
    """Adds what was measured since `generations` to every run's training.csv; all processes call it."""

    def write():
        for run, group, block, generation in zip(runs, groups, metrics, generations, strict=True):
            rows = [
                [generation + i + 1, seed, *(float(column[i, j]) for column in block)]
                for i in range(block.mean.shape[0])
                for j, seed in enumerate(group.seeds)
            ]
            append_rows(run.folder / "training.csv", ["generation", "seed", *block._fields], rows)

    hosts.from_main(write)


def _record_activity(runs, engine, states, generations, milestones) -> None:
    """Adds rows to the activity.csv of every run that is at one of the milestones; all processes call it."""
    if not any(g in milestones for g in generations):
        return
    parameters = to_host([engine.method.parameters(state) for state in states])

    def write():
        for run, group, own, generation in zip(runs, engine.groups, parameters, generations, strict=True):
            if generation in milestones:
                rows = [(generation, *row) for row in engine.method.activity(group, own)]
                append_rows(run.folder / "activity.csv", COLUMNS, rows)

    hosts.from_main(write)
