"""From a run folder to a checkpoint in the published format, with its evaluation."""

import dataclasses
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from zoo.core.errors import DivergedError, ZooError
from zoo.core.json_files import read_json
from zoo.core.single import in_single_precision
from zoo.models import fixed_weights
from zoo.registry.families import family_of
from zoo.registry.recipe import make_network_config, make_recipe_task, task_options
from zoo.store.checkpoint import write_checkpoint
from zoo.store.curves import rows_until
from zoo.tasks import Task
from zoo.training.methods.base import Group, RunsMethod
from zoo.training.run.engine import Engine
from zoo.training.run.position import installed
from zoo.training.run.records import read_recorded
from zoo.training.run.starts import Origin
from zoo.training.run.state import restore_state, save_state

_CURVE_GENERATIONS = 100


def export_ended(folders: Sequence[Path]) -> list[str]:
    """Exports runs that have ended, and tells what is wrong with those that diverged: they hold up no other."""
    problems = []
    for folder in folders:
        try:
            export_run(folder)
        except DivergedError as error:
            problems.append(str(error))
    return problems


@in_single_precision()
def export_run(folder: Path, target: Path | None = None, *, with_state: bool = False) -> Path:
    """Evaluates a run's centre on fresh episodes and writes the checkpoint.

    Args:
        folder: of the run.
        target: of the checkpoint; by default ``folder/checkpoint``.
        with_state: add the training state, so that anyone can go on from it. Always done while the
            recipe's generations are not spent.

    Raises:
        ZooError: if the run has no saved state yet.
    """
    model, recipe = read_recorded(folder / "run.json")
    origin = Origin.read(read_json(folder / "run.json"), folder / "run.json")
    task = make_recipe_task(model, recipe)
    group = Group(config=make_network_config(model, task, recipe), recipe=recipe, seeds=recipe.training_seeds)
    method, state, progress = _restore(folder, task, group)
    initial, trained = group.initial_parts(), group.config.split(np.asarray(method.parameters(state)))
    _check_finite(trained, group.seeds, folder)
    stats = method.stats(state) if recipe.normalise_observations else None
    networks = {k: {n: v[i] for n, v in (initial | trained).items()} for i, k in enumerate(group.seeds)}
    evaluator = family_of(model.task).metric.load_evaluator()
    evaluation = evaluator.measure(str(model), task, networks, stats, recipe.observation_clip)
    curve, means = read_curve(folder / "training.csv", progress["generation"])
    population = method.population(group, state, means)
    document = {
        "name": str(model),
        "task": {"name": model.task, "options": task_options(model, recipe)},
        "network": dataclasses.asdict(group.config),
        "recipe": dataclasses.asdict(recipe),
        **({} if origin is None else {"origin": origin.published()}),
        "seeds": list(group.seeds),
        "observations": stats is not None,
        "fixed_weights": {
            str(seed): fixed_weights.sha256(w_in, w_out)
            for seed, w_in, w_out in zip(group.seeds, initial["w_in"], initial["w_out"], strict=True)
        },
        "training": {"parameters": group.config.trained_size, "generations": progress["generation"]}
        | method.totals(state)
        | _history(progress, population),
    }
    keep_state = with_state or progress["generation"] < recipe.generations
    own = target is None
    target = target or folder / "checkpoint"
    write_checkpoint(
        target,
        config=document,
        params={"trained": trained} | ({} if stats is None else {"observations": stats._asdict()}),
        evaluation=evaluation.to_json(),
        curve=curve,
        extra=lambda new: _add_files(folder, new, state if keep_state else None, progress),
        own=own,
    )
    return target


def _restore(folder: Path, task: Task, group: Group) -> tuple[RunsMethod, Any, dict]:
    """What trained a run, its newest state, and how far that is."""
    engine = Engine(task, [group], devices=jax.local_devices()[:1])
    restored = restore_state(folder / "state", jax.tree.map(np.asarray, engine.init()[0]))
    if restored is None:
        raise ZooError(f"{folder} has no saved training state yet; run: zoo train {folder.name}")
    return engine.method, *restored


def _history(progress: dict, population: Sequence[float]) -> dict:
    """How a training ended, and what it was computed on and with."""
    ended = bool(np.isfinite(population).all())  # Not where no episode has: PPO plays on from update to update.
    spread = float(np.std(population, ddof=1)) if len(population) > 1 else 0.0
    return {
        "population_mean": float(np.mean(population)) if ended else None,
        "population_std": spread if ended else None,
        "seconds": round(progress["seconds"], 1),
        "hardware": progress["hardware"],
        # States of older versions do not say; then it is what exports them.
        "python": progress.get("python") or platform.python_version(),
        "versions": progress.get("versions") or installed(),
    }


def _add_files(folder: Path, new: Path, state: Any, progress: dict) -> None:
    """Puts firing rates and the training state into a new checkpoint, where there are some."""
    activity = folder / "activity.csv"
    if activity.is_file():
        text = rows_until(activity.read_text(encoding="utf-8"), progress["generation"])
        if text:
            (new / activity.name).write_text(text, encoding="utf-8")
    if state is not None:
        save_state(new / "state", state, progress)


def _check_finite(trained: dict, seeds: tuple[int, ...], folder: Path) -> None:
    """A network of numbers that are none answers 0 for ever, which would look like a result."""
    good = [all(np.isfinite(value[i]).all() for value in trained.values()) for i in range(len(seeds))]
    if not all(good):
        lost = ", ".join(str(seed) for seed, is_good in zip(seeds, good, strict=True) if not is_good)
        raise DivergedError(
            f"{folder}: training seed {lost} ended in parameters that are not finite numbers; nothing is exported. "
            "Train with lower rates or smaller initial values, in another folder with --out or anew with --fresh"
        )


def read_curve(path: Path, generation: int) -> tuple[str, list[float]]:
    """The learning curve of a run up to a generation, thinned, and the means of its last generation.

    A training may have written more since its last saved state.

    Raises:
        ZooError: if the file is none.
    """
    try:
        curve = thin_curve(rows_until(path.read_text(encoding="utf-8"), generation), generation)
        return curve, [float(row["mean"]) for row in _last_rows(curve)]
    except (OSError, LookupError, ValueError) as error:
        raise ZooError(
            f"{path} is not the curve of the run's {generation} generations ({error}); put it back from a copy, or "
            "train anew with --fresh"
        ) from error


def thin_curve(text: str, generation: int) -> str:
    """At most about a hundred generations of a learning curve, the last one among them.

    They are those nearest to an even spacing: the first part of a continued curve has been thinned before.
    """
    header, *rows = text.splitlines()
    present = np.unique([int(row.split(",")[0]) for row in rows])
    wanted = np.arange(generation, 0, -max(1, generation // _CURVE_GENERATIONS))
    kept = set(present[np.abs(present[:, None] - wanted).argmin(0)])
    return "\n".join([header, *(row for row in rows if int(row.split(",")[0]) in kept)]) + "\n"


def _last_rows(curve: str) -> list[dict]:
    header, *rows = curve.splitlines()
    names = header.split(",")
    parsed = [dict(zip(names, row.split(","), strict=True)) for row in rows]
    last = parsed[-1]["generation"]
    return [row for row in parsed if row["generation"] == last]
