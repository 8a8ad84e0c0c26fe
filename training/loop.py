"""The resumable training loop: any number of models in lockstep, one folder each.

runs/NAME/run.json       name and recipe
runs/NAME/state/         newest training states
runs/NAME/training.csv   the curve, written as it goes
runs/NAME/activity.csv   firing rates at the method's milestones, where it names some
runs/NAME/checkpoint/    the result, in the published format
"""

import contextlib
import dataclasses
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np

from zoo.json_files import from_json
from zoo.names import parse
from zoo.training import hosts
from zoo.training.activity import COLUMNS
from zoo.training.curves import append_rows, cut_rows
from zoo.training.engine import CHUNK, Engine, to_host
from zoo.training.export import export_run
from zoo.training.plan import within_memory
from zoo.training.progress import Progress
from zoo.training.recipe import Recipe
from zoo.training.runs import Preparation, Run, prepare_run, shared_task
from zoo.training.state import drop_states_after, restore_states, save_state

_CHUNK_SECONDS = 2.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a training ended.

    Attributes:
        folders: of the runs.
        generation: how far they got.
        finished: whether that is as far as their recipes say; then ``checkpoint/`` has the result.
        interrupted: whether a signal asked for the stop.
    """

    folders: tuple[Path, ...]
    generation: int
    finished: bool
    interrupted: bool


def train(
    names: str | Sequence[str],
    *,
    out: str | Path = "runs",
    max_minutes: float | None = None,
    save_minutes: float = 2.0,
    fresh: bool = False,
    continue_published: bool = False,
    quiet: bool = False,
    **changes,
) -> Outcome:
    """Trains a model, or several of one task in lockstep; goes on where an earlier call stopped.

    Stops in good order, with its state saved, when all generations are done, after `max_minutes`, or on
    SIGINT or SIGTERM. Killed in any other way it loses at most `save_minutes`; either way, calling it
    again ends at the same numbers as one call without a break.

    Several processes that `jax.distributed` has joined make one call together (see `zoo.training.hosts`).

    Args:
        names: model name, or several names of one task.
        out: parent folder of the runs.
        max_minutes: time limit, by default none.
        save_minutes: time between saved states.
        fresh: discard what earlier calls left in `out` for these names.
        continue_published: go on from the training state that the published checkpoint carries.
        quiet: no progress bar.
        **changes: fields of `Recipe` that differ from the zoo's recipe.
    """
    names = [names] if isinstance(names, str) else list(names)
    with contextlib.ExitStack() as held:
        runs, prepared = _prepare(
            names, Path(out), held, fresh=fresh, continue_published=continue_published, **changes
        )
        task = shared_task(runs)
        engine = Engine(task, [run.group(task) for run in runs])
        hosts.check_mesh(engine.mesh)
        with within_memory(names, engine):
            hosts.from_main(lambda: [preparation.begin() for preparation in prepared])
            return _train(runs, engine, max_minutes, save_minutes, quiet)


def _prepare(names, out, held, **options) -> tuple[list[Run], list[Preparation]]:
    """The runs, whose folders process 0 has checked and holds; what is yet to be done there, for that process."""
    prepared = []

    def prepare():
        prepared.extend(prepare_run(name, out, held, **options) for name in names)
        return [dataclasses.asdict(preparation.run.recipe) for preparation in prepared]

    recipes = [from_json(Recipe, fields, name) for name, fields in zip(names, hosts.from_main(prepare), strict=True)]
    runs = [Run(model=parse(n), recipe=r, folder=out / n) for n, r in zip(names, recipes, strict=True)]
    return runs, prepared


def _train(runs, engine, max_minutes, save_minutes, quiet) -> Outcome:
    start = time.monotonic()
    states, generation, spent, before = _restore(runs, engine)
    goal = runs[0].recipe.generations
    milestones = engine.method.milestones(goal)
    saved_at, size, stopped, first = start, 1, False, True

    def save():
        seconds, on_host = spent + time.monotonic() - start, to_host(states)
        progress = {"generation": generation, "seconds": seconds, "hardware": _with(before, hardware())}

        def write():
            for run, state in zip(runs, on_host, strict=True):
                save_state(run.folder / "state", state, progress)

        hosts.from_main(write)

    with _StopRequest() as request, Progress(goal, generation, quiet or not hosts.is_main()) as bar:
        if generation == 0 and 0 in milestones:
            _record_activity(runs, engine, states, 0)
        while generation < goal and not stopped:
            began = time.monotonic()
            count = min(size, min(m for m in (*milestones, goal) if m > generation) - generation)
            states, metrics = engine.advance(states, count)
            for run, group, block in zip(runs, engine.groups, metrics, strict=True):
                _append_curve(run.folder / "training.csv", generation, group.seeds, block)
            generation += count
            now = time.monotonic()
            bar.update(generation, metrics)
            # The first call compiles; its time says nothing about the next.
            size = int(np.clip(_CHUNK_SECONDS * count / (now - began), 1, min(CHUNK, 2 * size)))
            expected_end = now if first else now + (now - began) / count * size
            first = False
            late = max_minutes is not None and expected_end - start > 60 * max_minutes
            said = hosts.gather(request.received, size, late, now - saved_at > 60 * save_minutes)
            size, late, due = int(said[0, 1]), bool(said[0, 2]), bool(said[0, 3])
            stopped = bool(said[:, 0].any()) or late
            if generation in milestones:
                _record_activity(runs, engine, states, generation)
            if stopped or generation == goal or due:
                save()
                saved_at = time.monotonic()
    interrupted = bool(hosts.gather(request.received).any())
    if generation >= goal:
        hosts.from_main(lambda: [str(export_run(run.folder)) for run in runs])
    return Outcome(
        folders=tuple(run.folder for run in runs),
        generation=generation,
        finished=generation >= goal,
        interrupted=interrupted,
    )


def _restore(runs, engine) -> tuple[list, int, float, str]:
    """States, generation, seconds already spent and on what; curves are cut to that generation."""
    fresh, restored = engine.init(), []

    def read():
        found = restore_states([run.folder / "state" for run in runs], fresh)
        generation = found[0][1]["generation"] if found else 0
        for run in runs:
            drop_states_after(run.folder / "state", generation)
            cut_rows(run.folder / "training.csv", generation)
            # Generation 0 has no saved state: what was recorded of it may be torn, and is recorded anew.
            cut_rows(run.folder / "activity.csv", generation or -1)
        if not found:
            return 0, 0.0, ""
        restored.extend(item[0] for item in found)
        slowest = max((item[1] for item in found), key=lambda progress: progress["seconds"])
        return generation, slowest["seconds"], slowest["hardware"]

    generation, seconds, used = hosts.from_main(read)
    if generation == 0:
        return fresh, 0, 0.0, ""
    return [engine.place(state) for state in hosts.share(restored, fresh)], generation, seconds, used


def _append_curve(path: Path, generation: int, seeds: tuple[int, ...], metrics) -> None:
    if not hosts.is_main():
        return
    rows = [
        [generation + i + 1, seed, *(float(column[i, j]) for column in metrics)]
        for i in range(metrics.mean.shape[0])
        for j, seed in enumerate(seeds)
    ]
    append_rows(path, ["generation", "seed", *metrics._fields], rows)


def _record_activity(runs, engine, states, generation: int) -> None:
    """Adds a milestone's rows to every run's activity.csv; all processes call it."""
    parameters = to_host([engine.method.parameters(state) for state in states])

    def write():
        for run, group, own in zip(runs, engine.groups, parameters, strict=True):
            rows = [(generation, *row) for row in engine.method.activity(group, own)]
            append_rows(run.folder / "activity.csv", COLUMNS, rows)

    hosts.from_main(write)


def _with(before: str, now: str) -> str:
    """What a training was computed on, from first to last."""
    parts = before.split(", ") if before else []
    return ", ".join(parts if now in parts else [*parts, now])


def hardware() -> str:
    """What this process computes on, for cards."""
    devices = jax.devices()
    if devices[0].platform == "cpu":
        return f"{len(devices)} CPU core{'s' * (len(devices) > 1)}"
    return f"{len(devices)} x {devices[0].device_kind}"


class _StopRequest(contextlib.AbstractContextManager):
    """Turns the first SIGINT or SIGTERM into a request; the second SIGINT interrupts as usual."""

    received = False

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._before = {s: signal.signal(s, self._receive) for s in (signal.SIGINT, signal.SIGTERM)}
        else:
            self._before = {}
        return self

    def _receive(self, number, frame):
        self.received = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, *_):
        for number, handler in self._before.items():
            # None stands for a handler that is not Python's (`jax.distributed` has one); it cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
