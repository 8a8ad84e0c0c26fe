"""Settings of a recipe tuned by Optuna: a study on disk that goes on, and trials that end early by their curve."""

import csv
import dataclasses
import json
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.core.errors import DivergedError, ZooError
from zoo.core.packages import needed_for
from zoo.registry.names import parse
from zoo.registry.recipe import default_recipe, override
from zoo.training.run.logs import Log
from zoo.training.run.loop import train

SPACE = ("centre_lr", "sigma", "learning_rate")
"""What is tuned where nothing else is asked for: those of them that the recipe has."""
_FACTOR = 3.0
_LAST = 0.1
_STARTUP = 5
_REPORTS = 20


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How a study stands.

    Attributes:
        name: model name.
        database: the study's file.
        trials: finished ones, and those that ended early.
        pruned: how many of them ended early, without a finite return, or by an error of their settings.
        best: the settings of the best finished trial, as `drawn_settings` gives them; empty if there is none.
        value: its mean return of the population over the last tenth of its generations, over training seeds.
        interrupted: whether a signal asked for the stop.
    """

    name: str
    database: Path
    trials: int
    pruned: int
    best: Mapping[str, float]
    value: float | None
    interrupted: bool


def search_space(
    name: str, over: Mapping[str, tuple[float, float]] | None = None, changes: Mapping[str, Any] | None = None
) -> dict[str, tuple[float, float]]:
    """Ranges of the settings: those given, or a third to three times the recipe's own of `SPACE`.

    Args:
        name: model name.
        over: the ranges.
        changes: settings that all trials have, and that are not tuned.

    Raises:
        ValueError: if a setting is not a number of this recipe or one of the changes, or a range is empty or not
            positive, or has an end that the recipe refuses.
    """
    changes = dict(changes or {})
    own = default_recipe(parse(name)).flat()
    numbers = {field: value for field, value in own.items() if isinstance(value, float)}
    free = [field for field in SPACE if field in own and field not in changes]
    space = dict(over or {field: (numbers[field] / _FACTOR, numbers[field] * _FACTOR) for field in free})
    if not space:
        raise ValueError(f"say what to tune of {name} (--over FIELD LOW HIGH); it has {', '.join(numbers)}")
    for field, (low, high) in space.items():
        if field not in numbers:
            raise ValueError(f"{field} is no number of the recipe of {name}, which has {', '.join(numbers)}")
        if not 0 < low < high < math.inf:
            raise ValueError(f"the range of {field} (={low:g} to {high:g}) must be positive, the lower end first")
        if field in changes:
            raise ValueError(f"{field} is to be tuned, and to be {changes[field]} in all trials; say one of the two")
    for end in (0, 1):
        drawn = {field: ends[end] for field, ends in space.items()}
        override(default_recipe(parse(name)), **changes, **drawn_settings(name, drawn, changes))
    return space


def drawn_settings(name: str, drawn: Mapping[str, float], changes: Mapping[str, Any]) -> dict[str, float]:
    """What a trial sets: the numbers drawn, and where the recipe lets one of them fall to an end, the end.

    ``centre_lr_final``, say, keeps its share of ``centre_lr``, unless it is drawn itself or among the changes.
    """
    own, settings = default_recipe(parse(name)).flat(), dict(drawn)
    for field, value in drawn.items():
        end = f"{field}_final"
        if own.get(end) and end not in drawn and end not in changes:
            settings[end] = value * own[end] / own[field]
    return settings


def tune(
    name: str,
    trials: int,
    *,
    out: str | Path = "runs/tune",
    over: Mapping[str, tuple[float, float]] | None = None,
    seed: int = 0,
    quiet: bool = False,
    **changes: Any,
) -> Tuning:
    """Trains a model with other settings, trial after trial, and looks for the best.

    What is compared is the population's mean return in training, never the published evaluation's episodes or the
    test images. From the sixth trial on, one whose curve lies below the median of those before ends early. Calling it
    again goes on: `trials` counts those of earlier calls, and a trial that was stopped goes on from its saved state.

    Args:
        name: model name.
        trials: how many there shall be in all.
        out: parent folder; the study is ``OUT/NAME/study.db``, its trials' runs lie beside it.
        over: ranges of settings, searched on a logarithmic scale; by default `search_space`'s.
        seed: of the sampler.
        quiet: no progress bars.
        **changes: settings of all trials that differ from the zoo's recipe.

    Raises:
        ValueError: if `trials` is below 1, or as `search_space`.
        MissingPackageError: without Optuna.
        ZooError: if the study there is over other ranges or settings.
    """
    if trials < 1:
        raise ValueError(f"trials (={trials}) must be at least 1")
    optuna = _optuna()
    space, folder = search_space(name, over, changes), Path(out) / name
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "study.db"
    study = optuna.create_study(
        storage=f"sqlite:///{database}", study_name=name, direction="maximize", load_if_exists=True,
        sampler=optuna.samplers.TPESampler(seed=seed + _finished(database, name, optuna)),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=_STARTUP),
    )  # fmt: skip
    _check_same(study, {"space": {k: list(v) for k, v in space.items()}, "changes": changes}, database)
    _queue_stopped(study, optuna)
    ended = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    interrupted = False
    while len(study.get_trials(deepcopy=False, states=ended)) < trials and not interrupted:
        interrupted = _one_trial(study, name, space, folder, quiet, changes, optuna)
    found = _standing(study, name, database, ended, interrupted, optuna)
    return dataclasses.replace(found, best=drawn_settings(name, found.best, changes))


def _one_trial(study, name, space, folder, quiet, changes, optuna) -> bool:
    """Plays one trial to its end; returns whether it was stopped by a signal, and so has yet to go on."""
    trial = study.ask()
    chosen = {field: trial.suggest_float(field, *ends, log=True) for field, ends in space.items()}
    where = folder / ",".join(f"{field}={value:.6g}" for field, value in chosen.items())
    try:
        settings = changes | drawn_settings(name, chosen, changes)
        outcome = train(name, out=where, quiet=quiet, log=_Watch(trial, optuna), **settings)
    except (optuna.TrialPruned, DivergedError, ValueError) as error:  # Errors of the settings, not of the machine.
        if not isinstance(error, optuna.TrialPruned):
            warnings.warn(f"trial {trial.number} counts as one that ended early: {error}", stacklevel=3)
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        return False
    if outcome.interrupted:
        return True
    value = score(where / name / "training.csv")
    if math.isfinite(value):
        study.tell(trial, value)
    else:  # Optuna would count it as failed, and so not at all.
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    return False


def score(curve: Path) -> float:
    """Mean over seeds of the population's mean return in the last tenth of the generations that a curve has."""
    with curve.open(encoding="utf-8") as file:
        rows = [(int(row["generation"]), float(row["mean"])) for row in csv.DictReader(file)]
    generations = sorted({generation for generation, _ in rows})
    begin = generations[-max(1, round(_LAST * len(generations)))]
    return float(np.mean([mean for generation, mean in rows if generation >= begin]))


class _Watch(Log):
    """Tells a trial its curve, at the same generations in all trials, and ends it where Optuna says so.

    Until an episode of every seed has ended, PPO has no mean return: a NaN, at which Optuna would end the trial.
    """

    def __init__(self, trial, optuna):
        self._trial, self._pruned, self._every = trial, optuna.TrialPruned, 1

    def begin(self, name, seeds, generation, recipe):
        self._every = max(1, recipe["generations"] // _REPORTS)

    def write(self, name, seeds, generation, metrics):
        means = enumerate(np.asarray(metrics.mean).mean(axis=1).tolist(), start=generation)
        told = [(value, step) for step, value in means if step % self._every == 0 and math.isfinite(value)]
        for value, step in told:
            self._trial.report(value, step)
        if told and self._trial.should_prune():
            raise self._pruned


def _optuna():
    with needed_for("zoo tune", "optuna", extra="tune"):
        import optuna
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _finished(database: Path, name: str, optuna) -> int:
    """How many trials an earlier call began: its sampler's draws are not to be drawn again."""
    if not database.is_file():
        return 0
    names = optuna.get_all_study_names(storage=f"sqlite:///{database}")
    return len(optuna.load_study(study_name=name, storage=f"sqlite:///{database}").trials) if name in names else 0


def _check_same(study, wanted: dict, database: Path) -> None:
    before, wanted = study.user_attrs.get("zoo"), json.loads(json.dumps(wanted))
    if before is None:
        study.set_user_attr("zoo", wanted)
    elif before != wanted:
        raise ZooError(f"{database} is a study over {before}, not over {wanted}; name another folder with --out")


def _queue_stopped(study, optuna) -> None:
    """Trials that a signal or a kill left behind are asked for again; their folders' runs go on where they were."""
    state = optuna.trial.TrialState
    for trial in study.get_trials(states=(state.RUNNING,)):
        study.tell(trial.number, state=state.FAIL)
        study.enqueue_trial(trial.params)


def _standing(study, name, database, ended, interrupted, optuna) -> Tuning:
    trials = study.get_trials(deepcopy=False, states=ended)
    complete = [trial for trial in trials if trial.state == optuna.trial.TrialState.COMPLETE]
    best = max(complete, key=lambda trial: trial.value, default=None)
    return Tuning(
        name=name, database=database, trials=len(trials), pruned=len(trials) - len(complete),
        best=dict(best.params) if best else {}, value=best.value if best else None, interrupted=interrupted,
    )  # fmt: skip
