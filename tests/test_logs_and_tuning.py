"""Curves in TensorBoard and Weights & Biases, and Optuna's studies: with the real packages where installed."""

import csv
import math
import struct
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from zoo.cli.main import main
from zoo.core.errors import DivergedError, MissingPackageError, ZooError
from zoo.registry.names import parse
from zoo.registry.recipe import default_recipe, override
from zoo.training.run.logs import Log, TensorBoardLog, WandbLog
from zoo.training.run.loop import train
from zoo.training.run.tune import Tuning, drawn_settings, score, search_space, tune

NAME = "hetsnn-mem5-32"
SMALL = {"seeds": 2, "population": 8}


def scalars(folder):
    """Scalars by name and step of all event files of a folder, as TensorBoard reads them."""
    from tensorboardX.proto.event_pb2 import Event

    found, purged = {}, []
    for path in sorted(folder.glob("events.*")):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack("<Q", data[at : at + 8])
            event = Event.FromString(data[at + 12 : at + 12 + length])
            at += 16 + length
            if event.HasField("session_log"):
                purged.append(event.step)
            found |= {(value.tag, event.step): value.simple_value for value in event.summary.value}
    return found, purged


def curve(folder):
    with (folder / "training.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_tensorboard_has_the_curve_also_of_a_training_that_goes_on(tmp_path):
    pytest.importorskip("tensorboardX", reason="pip install 'hetsnn-zoo[tensorboard]'")
    out, logs = str(tmp_path / "runs"), tmp_path / "logs"
    options = ["--seeds", "2", "--population", "8", "--out", out, "--quiet", "--log-dir", str(logs)]
    for generations in ("3", "5"):
        options = [*options, "--centre-lr-final", "none", "--generations", generations]
        assert main(["train", NAME, *options]) == 0
    rows = curve(tmp_path / "runs" / NAME)
    for seed in (0, 1):
        found, purged = scalars(logs / NAME / f"seed-{seed}")
        assert {step for tag, step in found if tag == "mean"} == {1, 2, 3, 4, 5}
        assert purged == [1, 4], "what an earlier call told of later generations is void"
        for row in rows:
            if row["seed"] == str(seed):
                assert found["sigma", int(row["generation"])] == pytest.approx(float(row["sigma"]), rel=1e-5)


def test_weights_and_biases_offline(tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="pip install 'hetsnn-zoo[wandb]'")
    monkeypatch.setenv("WANDB_MODE", "offline")
    log = WandbLog("zoo", tmp_path / "logs")
    train(NAME, out=tmp_path, generations=2, quiet=True, log=log, **SMALL)
    runs = list(log._runs.values())
    assert [run.group for run in runs] == [NAME, NAME]
    assert all(run.summary["sigma"] > 0 and run.config["population"] == 8 for run in runs)
    log.close()
    assert len(list((tmp_path / "logs").rglob("*.wandb"))) == 2


def test_weights_and_biases_are_told_each_generation_of_each_seed(tmp_path, monkeypatch):
    runs = []

    class Run:
        """Keeps what wandb is told."""

        def __init__(self, **options):
            self.options, self.told, self.finished = options, [], 0
            runs.append(self)

        def log(self, values, step):
            self.told.append((step, values))

        def finish(self):
            self.finished += 1

    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=Run))
    small = "--generations 3 --seeds 2 --population 8 --quiet".split()
    assert main(["train", NAME, "--out", str(tmp_path), *small, "--wandb", "my-project"]) == 0
    assert [(run.options["project"], run.options["group"], run.options["name"]) for run in runs] == [
        ("my-project", NAME, f"{NAME}, seed {seed}") for seed in (0, 1)
    ]
    for seed, run in enumerate(runs):
        assert (run.options["config"]["seed"], run.options["config"]["population"], run.finished) == (seed, 8, 1)
        rows = [row for row in curve(tmp_path / NAME) if row["seed"] == str(seed)]
        assert [step for step, _ in run.told] == [int(row["generation"]) for row in rows] == [1, 2, 3]
        for (_, values), row in zip(run.told, rows, strict=True):
            assert values == pytest.approx({name: float(row[name]) for name in values}, rel=1e-5)
            assert {"mean", "sigma"} < set(values)


@pytest.mark.parametrize(
    ("package", "extra", "use"),
    [
        ("tensorboardX", "tensorboard", lambda folder: TensorBoardLog(folder)),
        ("wandb", "wandb", lambda folder: WandbLog("zoo", folder)),
        ("optuna", "tune", lambda folder: tune(NAME, 1, out=folder)),
    ],
)
def test_a_missing_package_is_named_with_its_extra(package, extra, use, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError, match=rf"pip install 'hetsnn-zoo\[{extra}\]'"):
        use(tmp_path)


class Recorder(Log):
    """Keeps what it is told."""

    def __init__(self):
        self.begun, self.told = [], []

    def begin(self, name, seeds, generation, recipe):
        self.begun.append((name, tuple(seeds), generation, recipe["population"]))

    def write(self, name, seeds, generation, metrics):
        self.told += [(generation + i, row) for i, row in enumerate(metrics.mean.tolist())]


def test_a_log_is_told_every_generation_of_the_curve(tmp_path):
    log = Recorder()
    train(NAME, out=tmp_path, generations=4, quiet=True, log=log, **SMALL)
    assert log.begun == [(NAME, (0, 1), 0, 8)]
    assert [generation for generation, _ in log.told] == [1, 2, 3, 4]
    means = [float(row["mean"]) for row in curve(tmp_path / NAME)]
    assert [mean for _, row in log.told for mean in row] == pytest.approx(means, rel=1e-5)


def test_a_trial_without_a_finite_return_counts_as_one_that_ended_early(tmp_path, monkeypatch):
    pytest.importorskip("optuna", reason="pip install 'hetsnn-zoo[tune]'")
    monkeypatch.setattr("zoo.training.run.tune.score", lambda curve: float("nan"))
    found = tune(NAME, 1, out=tmp_path, quiet=True, generations=2, **SMALL)
    assert (found.trials, found.pruned, found.value) == (1, 1, None)


def test_the_space_is_a_third_to_three_times_the_rates_or_what_is_asked_for():
    assert search_space(NAME) == {
        "centre_lr": pytest.approx((0.05 / 3, 0.15)),
        "sigma": pytest.approx((0.1 / 3, 0.3)),
    }
    assert search_space(NAME, {"sigma_lr": (0.01, 1.0)}) == {"sigma_lr": (0.01, 1.0)}
    with pytest.raises(ValueError, match=r"no number of the recipe.*sigma_lr"):
        search_space(NAME, {"sigmas": (0.1, 1.0)})
    with pytest.raises(ValueError, match="must be positive, the lower end first"):
        search_space(NAME, {"sigma": (1.0, 0.1)})


def test_what_a_rate_falls_to_falls_with_it():
    own = default_recipe(parse("hetsnn-hp-4096")).flat()
    share = own["centre_lr_final"] / own["centre_lr"]
    drawn = {"centre_lr": 0.01, "sigma_lr": 0.3}
    assert drawn_settings("hetsnn-hp-4096", drawn, {}) == drawn | {"centre_lr_final": pytest.approx(0.01 * share)}
    for said in ({"centre_lr_final": 0.001}, {"centre_lr_final": None}):
        assert drawn_settings("hetsnn-hp-4096", drawn, said) == drawn
        assert drawn_settings("hetsnn-hp-4096", drawn | said, {}) == drawn | said
    for name in ("hetsnn-hp-4096", "hetsnn-hc-16384", "homsnn-wal-16384", "hetsnn-mnist-4096", "hetsnn-mem5-1024-bp"):
        for end in (0, 1):
            ends = {field: ends[end] for field, ends in search_space(name).items()}
            override(default_recipe(parse(name)), **drawn_settings(name, ends, {}))


def test_a_setting_is_tuned_or_the_same_in_all_trials():
    assert list(search_space("hetsnn-hp-4096", None, {"sigma": 0.2})) == ["centre_lr"]
    with pytest.raises(ValueError, match=r"sigma is to be tuned, and to be 0\.2 in all trials"):
        search_space("hetsnn-hp-4096", {"sigma": (0.1, 0.2)}, {"sigma": 0.2})
    with pytest.raises(ValueError, match=r"centre_lr_final.* must be between 0 and centre_lr"):
        search_space("hetsnn-hp-4096", {"centre_lr": (0.01, 0.1)}, {"centre_lr_final": 0.02})


def test_the_score_is_the_mean_of_the_last_tenth(tmp_path):
    rows = "\n".join(f"{generation},{seed},{generation + seed}" for generation in range(1, 21) for seed in (0, 1))
    (tmp_path / "training.csv").write_text(f"generation,seed,mean\n{rows}\n")
    assert score(tmp_path / "training.csv") == (19 + 20) / 2 + 0.5


def test_a_study_goes_on_and_finds_what_is_best(tmp_path, capsys):
    optuna = pytest.importorskip("optuna", reason="pip install 'hetsnn-zoo[tune]'")
    command = ["tune", NAME, "--out", str(tmp_path), "--quiet", "--seeds", "1", "--population", "8"]
    assert main([*command, "--generations", "2", "--trials", "1"]) == 0
    assert main([*command, "--generations", "2", "--trials", "2"]) == 0
    said = capsys.readouterr().out
    assert "1 trials" in said and "2 trials" in said and "with zoo train hetsnn-mem5-32" in said
    study = optuna.load_study(study_name=NAME, storage=f"sqlite:///{tmp_path / NAME / 'study.db'}")
    first, second = study.trials
    assert first.params != second.params, "the second call does not draw the first one's trial again"
    for trial in study.trials:
        (folder,) = (tmp_path / NAME).glob(f"centre_lr={trial.params['centre_lr']:.6g},*")
        assert trial.value == pytest.approx(score(folder / NAME / "training.csv"))
    with pytest.raises(ZooError, match="is a study over"):
        tune(NAME, 3, out=tmp_path, over={"sigma": (0.1, 0.2)}, quiet=True)


@pytest.mark.parametrize("trials", [0, -3])
def test_a_study_without_trials_is_refused_and_leaves_nothing(trials, tmp_path):
    with pytest.raises(ValueError, match=rf"trials \(={trials}\) must be at least 1"):
        tune(NAME, trials, out=tmp_path / "tune")
    assert not (tmp_path / "tune").exists()


def test_a_range_that_is_no_numbers_names_its_option(tmp_path, capsys):
    assert main(["tune", NAME, "--out", str(tmp_path / "tune"), "--over", "sigma", "a", "b"]) == 2
    assert "--over sigma a b: LOW and HIGH must be numbers, as in --over sigma 0.01" in capsys.readouterr().err
    assert not (tmp_path / "tune").exists()


def test_ranges_of_the_command_line_are_those_of_the_study(tmp_path, monkeypatch, capsys):
    asked = []

    def fake(name, trials, **options):
        asked.append((name, trials, options["over"], options["population"]))
        database = tmp_path / "study.db"
        return Tuning(name=name, database=database, trials=3, pruned=3, best={}, value=None, interrupted=False)

    monkeypatch.setattr("zoo.training.run.tune.tune", fake)
    ranges = ["--over", "sigma", "0.1", "0.2", "--over", "centre_lr", "1e-3", "0.1"]
    assert main(["tune", NAME, "--trials", "3", *ranges, "--population", "8"]) == 0
    assert asked == [(NAME, 3, {"sigma": (0.1, 0.2), "centre_lr": (0.001, 0.1)}, 8)]
    assert "3 trials, of which 3 ended early" in capsys.readouterr().out


def test_a_stopped_trial_is_asked_for_again_and_a_bad_one_ends_early(tmp_path, monkeypatch):
    optuna = pytest.importorskip("optuna", reason="pip install 'hetsnn-zoo[tune]'")
    played = []

    def fake(name, *, out, quiet, log, sigma):
        """Curves of which each is below the one before; the second call is stopped by a signal."""
        played.append(sigma)
        log.begin(name, (0,), 0, {"generations": 2})
        for generation in (1, 2):
            value = np.full((1, 1), -float(len(played)))
            log.write(name, (0,), generation, SimpleNamespace(mean=value))
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "training.csv").write_text(f"generation,seed,mean\n2,0,{-len(played)}\n")
        return SimpleNamespace(interrupted=len(played) == 2)

    monkeypatch.setattr("zoo.training.run.tune.train", fake)
    space = {"sigma": (0.05, 0.5)}
    stopped = tune(NAME, 8, out=tmp_path, over=space)
    assert stopped.interrupted and stopped.trials == 1
    done = tune(NAME, 8, out=tmp_path, over=space)
    assert played[2] == played[1], "the stopped trial's settings come first"
    assert not done.interrupted and done.trials == 8 and done.pruned >= 2
    assert done.value == -1.0 and done.best == {"sigma": pytest.approx(played[0])}
    study = optuna.load_study(study_name=NAME, storage=f"sqlite:///{done.database}")
    assert [trial.state.name for trial in study.trials].count("FAIL") == 1


@pytest.mark.parametrize("first", [[math.nan, math.nan], [math.nan, 1.0]], ids=["all_seeds", "one_seed"])
def test_a_trial_without_a_return_yet_goes_on_and_is_compared_from_its_first_return_on(first, tmp_path, monkeypatch):
    optuna = pytest.importorskip("optuna", reason="pip install 'hetsnn-zoo[tune]'")
    goodness = [0, 0, 0, 0, 0, 1, -1, 1]
    trials = iter(goodness)

    def fake(name, *, out, log, **_):
        """Has no mean return in the first five of forty generations; then it rises, from the trial's goodness on."""
        own = next(trials)
        log.begin(name, (0, 1), 0, {"generations": 40})
        for generation in range(1, 41):
            means = first if generation <= 5 else [float(generation + own)] * 2
            log.write(name, (0, 1), generation, SimpleNamespace(mean=np.array([means])))
        (out / name).mkdir(parents=True)
        (out / name / "training.csv").write_text(f"generation,seed,mean\n40,0,{own}\n")
        return SimpleNamespace(interrupted=False)

    monkeypatch.setattr("zoo.training.run.tune.train", fake)
    found = tune(NAME, len(goodness), out=tmp_path, over={"sigma": (0.05, 0.5)}, quiet=True)
    study = optuna.load_study(study_name=NAME, storage=f"sqlite:///{found.database}")
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 6 + ["PRUNED", "COMPLETE"]
    assert [min(trial.intermediate_values) for trial in study.trials] == [6] * 8
    assert list(study.trials[6].intermediate_values) == [6], "the worse one ends at its first return"


def test_settings_that_fail_cost_one_trial(tmp_path, monkeypatch):
    pytest.importorskip("optuna", reason="pip install 'hetsnn-zoo[tune]'")
    played = []

    def fake(name, *, sigma, **_):
        played.append(sigma)
        raise (DivergedError if len(played) == 1 else ValueError)("no such sigma")

    monkeypatch.setattr("zoo.training.run.tune.train", fake)
    for trials in (1, 2):  # The second call has settings of its own, though a tuple became a list on disk.
        with pytest.warns(UserWarning, match=f"trial {trials - 1} counts as one that ended early: no such sigma"):
            found = tune(NAME, trials, out=tmp_path, over={"sigma": (0.05, 0.5)}, tau_ms=(10.0,))
        assert (found.trials, found.pruned, found.best) == (trials, trials, {})
    assert played[0] != played[1]

    def broken(name, **_):
        raise ZooError("the disk is full")

    monkeypatch.setattr("zoo.training.run.tune.train", broken)
    with pytest.raises(ZooError, match="disk is full"):
        tune(NAME, 3, out=tmp_path, over={"sigma": (0.05, 0.5)}, tau_ms=(10.0,))
