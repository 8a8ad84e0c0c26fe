import dataclasses
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
from waiting import SECONDS, running, wait_until

import zoo
from zoo.core.errors import DivergedError, ZooError
from zoo.core.formatting import deviation
from zoo.core.json_files import read_json
from zoo.store.curves import cut_rows
from zoo.store.manifest import verify_manifest
from zoo.training import default_recipe, export_run, make_recipe, override, train
from zoo.training.run import export, runs
from zoo.training.run.engine import Engine
from zoo.training.run.export import _history, thin_curve
from zoo.training.run.state import restore_state, save_state, saved_states

NAME = "hetsnn-mem5-32"


def state_bytes(folder):
    """Every number of the newest training state, by name."""
    newest = saved_states(folder / "state")[-1]
    from orbax.checkpoint import v1 as ocp

    return {k: np.asarray(v).tobytes() for k, v in ocp.load((newest / "arrays").resolve()).items()}


def command(out, *options):
    arguments = [
        "train",
        NAME,
        "--out",
        str(out),
        "--seeds",
        "2",
        "--population",
        "8",
        "--generations",
        "400",
    ]
    code = "import sys; from zoo.cli import main; sys.exit(main(sys.argv[1:]))"
    return [sys.executable, "-c", code, *arguments, *options]


def test_a_run_killed_at_random_moments_ends_with_the_same_bits(tmp_path):
    env = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(tmp_path / "cache")}
    subprocess.run(command(tmp_path / "whole"), check=True, env=env, capture_output=True)
    delays, kills, folder = [random.random() * 0.5 for _ in range(3)], 0, tmp_path / "killed" / NAME / "state"
    for seconds in delays:
        before = saved_states(folder)
        with running(
            command(tmp_path / "killed", "--save-minutes", "0.0001"), env=env,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            wait_until(lambda b=before, p=process: p.poll() is not None or saved_states(folder) != b, process)
            time.sleep(seconds)
            kills += process.poll() is None
    assert kills > 0, delays
    subprocess.run(command(tmp_path / "killed"), check=True, env=env, capture_output=True)
    whole, killed = tmp_path / "whole" / NAME, tmp_path / "killed" / NAME
    assert state_bytes(whole) == state_bytes(killed), delays
    assert (whole / "training.csv").read_bytes() == (killed / "training.csv").read_bytes(), delays
    params = json.loads((whole / "checkpoint/evaluation.json").read_text())
    assert params == json.loads((killed / "checkpoint/evaluation.json").read_text())


def test_sigterm_saves_and_the_next_call_goes_on(tmp_path):
    env = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=1"}
    endless = command(tmp_path, "--generations", "100000")
    with running(endless, stdout=subprocess.PIPE, text=True, env=env) as process:
        wait_until((tmp_path / NAME / "training.csv").is_file, process)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert "state saved; run the same command to go on" in output
    (state,) = saved_states(tmp_path / NAME / "state")
    generation = int(state.name)
    curve = (tmp_path / NAME / "training.csv").read_text().splitlines()
    assert curve[-1].startswith(f"{generation},1,")
    settings = {"seeds": 2, "population": 8, "generations": 100_000}
    with pytest.warns(UserWarning, match="split over 1 device"):  # This process has eight.
        outcome = train(NAME, out=tmp_path, quiet=True, max_minutes=0.001, **settings)
    assert generation < outcome.generations[0] < 100_000


def test_a_folder_has_one_training_at_a_time(tmp_path):
    with running(command(tmp_path, "--generations", "100000"), stdout=subprocess.DEVNULL) as process:
        wait_until((tmp_path / NAME / "training.csv").is_file, process)
        settings = {"seeds": 2, "population": 8, "generations": 100_000}
        for fresh in (False, True):
            with pytest.raises(ZooError, match=f"another training is going on in .*{NAME}"):
                train(NAME, out=tmp_path, quiet=True, fresh=fresh, **settings)
    assert train(NAME, out=tmp_path, quiet=True, max_minutes=0.001, **settings).generations[0] > 0


def test_a_training_that_begins_between_two_looks_is_seen(tmp_path, tiny, monkeypatch):
    hold = runs._hold

    def late(folder):
        monkeypatch.setattr(runs, "_hold", hold)
        train(NAME, out=tmp_path, quiet=True, **(tiny | {"sigma": 0.3}))
        return hold(folder)

    monkeypatch.setattr(runs, "_hold", late)
    with pytest.raises(ZooError, match=r"another training has been in .* meanwhile: give the command again"):
        train(NAME, out=tmp_path, quiet=True, **(tiny | {"sigma": 0.01}))
    assert read_json(tmp_path / NAME / "run.json")["recipe"]["settings"]["sigma"] == 0.3


def test_a_run_that_diverged_holds_up_no_other(tmp_path, tiny, monkeypatch):
    names = ("hetsnn-mem2-64", "hetsnn-mem2-128")
    export_run = export.export_run

    def diverging(folder):
        if folder.name == names[0]:
            raise DivergedError(f"{folder}: diverged")
        return export_run(folder)

    monkeypatch.setattr(export, "export_run", diverging)
    with pytest.raises(DivergedError, match=f"{names[0]}: diverged"):
        train(names, out=tmp_path, quiet=True, **tiny)
    assert [(tmp_path / name / "checkpoint").exists() for name in names] == [False, True]


def test_a_name_counts_once_and_there_must_be_one(tmp_path):
    outcome = train([NAME, NAME], out=tmp_path, quiet=True, seeds=1, population=8, generations=1)
    assert outcome.folders == (tmp_path / NAME,) and outcome.finished
    with pytest.raises(ValueError, match="at least one model"):
        train([], out=tmp_path)


def test_time_limit_stops_with_the_state_saved(tmp_path, tiny):
    settings = tiny | {"generations": 100_000}
    outcome = train(NAME, out=tmp_path, max_minutes=0.01, quiet=True, **settings)
    assert not outcome.finished
    assert int(saved_states(tmp_path / NAME / "state")[-1].name) == outcome.generations[0] > 0


def test_a_finished_run_does_nothing_again(tiny_run, tiny, monkeypatch):
    before = state_bytes(tiny_run)
    monkeypatch.setattr("zoo.training.run.loop.Engine", lambda *_: pytest.fail("an engine of nothing"))
    outcome = train(NAME, out=tiny_run.parent, quiet=True, **tiny)
    assert outcome.finished
    assert state_bytes(tiny_run) == before


def test_models_in_lockstep_equal_models_alone(tiny_run, tmp_path, tiny):
    names = [NAME, "homsnn-mem5-32"]
    train(names, out=tmp_path, quiet=True, **tiny)
    alone, together = state_bytes(tiny_run), state_bytes(tmp_path / NAME)
    assert alone == together


def test_curve_has_a_row_per_generation_and_seed(tiny_run):
    lines = (tiny_run / "training.csv").read_text().splitlines()
    assert lines[0] == "generation,seed,mean,best,std,sigma,length,nan_members"
    assert [line.split(",")[:2] for line in lines[1:]] == [[str(g), str(s)] for g in (1, 2, 3, 4) for s in (0, 1)]


def test_curve_is_cut_to_the_saved_generation_and_torn_lines_dropped(tmp_path):
    path = tmp_path / "training.csv"
    path.write_text("generation,seed\n1,0\n2,0\n3,0\n4,")
    cut_rows(path, 2)
    assert path.read_text() == "generation,seed\n1,0\n2,0\n"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"population": 7}, "population .=7. must be even"),
        ({"population": 2**31}, "below 2.31"),
        ({"seeds": 10**9}, "seeds .=1000000000. must be from 1 to 2.20"),
        ({"seeds": True}, "must be of type int"),
        ({"tau_ms": 20.0}, "tau_ms .=20.0. must be of type tuple"),
        ({"sigam": 0.1}, "did you mean `sigma`"),
        ({"population": 8.5}, "population .=8.5. must be of type int"),
        ({"optimiser": "adamw"}, "must be one of adam, sgd, clipup, evojax-adam, evojax-clipup"),
        ({"centre_lr": float("nan")}, "centre_lr"),
        ({"momentum": 0.1}, "a recipe has no `momentum`"),
        ({"task": "hp"}, "task: a name says which; one of your own gets names by zoo.register"),
        (
            {"learning_rate": 0.5, "sigma": 0.2, "action_gain": 3.0},
            "learning_rate, action_gain: of no effect on hetsnn",
        ),
        ({"centre_lr_drop": 9, "centre_lr_final": 0.3}, "centre_lr_final"),
        ({"centre_lr_drop": 9, "centre_lr_final": None}, "left out without a centre_lr_final or sigma_final"),
        ({"sigma_final": 0.2}, "sigma_final .=0.2. must be positive and at most sigma"),
        ({"tau_ms": (4.0,)}, "tau_ms"),
        ({"method": "bp"}, "method .=bp. must be pgpe for hetsnn-mem5-32; train hetsnn-mem5-32-bp instead"),
        ({"normalise_observations": 1}, "must be of type bool"),
    ],
)
def test_invalid_override_is_refused_before_anything_is_written(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        train(NAME, out=tmp_path, quiet=True, **changes)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("minutes", [float("nan"), -5, "5"])
@pytest.mark.parametrize("name", ["max_minutes", "save_minutes"])
def test_times_that_are_none_are_refused(tmp_path, name, minutes):
    with pytest.raises(ValueError, match=f"{name} .={minutes}. must be a number of minutes"):
        train(NAME, out=tmp_path, quiet=True, **{name: minutes})
    assert list(tmp_path.iterdir()) == []


def test_numbers_may_be_numpys():
    changes = {
        "seeds": np.int64(2),
        "sigma": np.float64(0.2),
        "centre_lr": np.float32(0.5),
        "tau_ms": (np.float64(10),),
    }
    recipe = make_recipe(NAME, **changes)
    assert recipe == make_recipe(NAME, seeds=2, sigma=0.2, centre_lr=0.5, tau_ms=(10.0,))
    assert json.loads(json.dumps(dataclasses.asdict(recipe)))["seeds"] == 2


def test_overrides_are_cast_where_that_loses_nothing():
    recipe = override(make_recipe(NAME), centre_lr=1, tau_ms=[10])
    assert recipe == make_recipe(NAME, centre_lr=1.0, tau_ms=(10.0,))


def test_another_recipe_in_the_same_folder_is_refused_and_fresh_starts_anew(tiny_run, tmp_path, tiny):
    shutil.copytree(tiny_run, tmp_path / NAME)
    with pytest.raises(ZooError, match=r"sigma was 0\.1, now 0\.2.*--fresh"):
        train(NAME, out=tmp_path, quiet=True, **tiny, sigma=0.2)
    (tmp_path / NAME / "notes.txt").write_text("mine")
    outcome = train(NAME, out=tmp_path, quiet=True, fresh=True, **tiny, sigma=0.2)
    assert outcome.finished and (tmp_path / NAME / "notes.txt").read_text() == "mine"


def test_a_run_cannot_be_made_shorter_than_it_is(tmp_path, tiny):
    settings = tiny | {"centre_lr_drop": 2, "centre_lr_final": 0.01}
    assert train(NAME, out=tmp_path, quiet=True, **settings).finished
    with pytest.raises(ZooError, match=r"has 4 generations already; generations \(=3\)"):
        train(NAME, out=tmp_path, quiet=True, **settings | {"generations": 3})
    assert train(NAME, out=tmp_path, quiet=True, **settings | {"generations": 5}).generations == (5,)


@pytest.mark.parametrize("name", ["hetsnn-ant-32", "homsnn-cartpole9-32"])
def test_settings_of_what_a_task_does_not_have_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match="expected_reward_weight, temperature_v: of no effect"):
        train(name, out=tmp_path, quiet=True, expected_reward_weight=1.0, temperature_v=1.0)


@pytest.mark.parametrize(("name", "field"), [(NAME, "episodes"), (f"{NAME}-bp", "batch")])
def test_contexts_of_memory_come_alike_often(tmp_path, name, field):
    with pytest.raises(ValueError, match=rf"{field} \(=3\) must be even on mem5"):
        train(name, out=tmp_path, quiet=True, **{field: 3})


def test_unwritable_output_is_explained(tmp_path, tiny):
    (tmp_path / "file").write_text("")
    with pytest.raises(ZooError, match="choose another"):
        train(NAME, out=tmp_path / "file", quiet=True, **tiny)


def test_models_of_different_tasks_cannot_be_in_lockstep(tmp_path, tiny):
    with pytest.raises(ValueError, match=r"share one task.*mem10.*mem5"):
        train([NAME, "hetsnn-mem10-32"], out=tmp_path, quiet=True, **tiny)


def test_a_training_names_all_that_it_was_computed_on(tmp_path, tiny, monkeypatch):
    for machine in ("1 x Card", "1 CPU core", "1 x Card"):
        monkeypatch.setattr("zoo.training.run.loop.hardware", lambda machine=machine: machine)
        train(NAME, out=tmp_path, quiet=True, **tiny, max_minutes=1e-9)
    assert train(NAME, out=tmp_path, quiet=True, **tiny).finished
    config = json.loads((tmp_path / NAME / "checkpoint" / "config.json").read_text())
    assert config["training"]["hardware"] == "1 x Card, 1 CPU core"


def test_a_training_names_all_versions_that_it_was_computed_with(tmp_path, tiny, monkeypatch):
    for version in ("0.10.2", "0.11.2"):
        monkeypatch.setattr("zoo.training.run.position.installed", lambda version=version: {"jax": version})
        monkeypatch.setattr("platform.python_version", lambda version=version: f"3.{version}")
        train(NAME, out=tmp_path, quiet=True, **tiny, **({} if version == "0.11.2" else {"max_minutes": 1e-9}))
    monkeypatch.setattr("zoo.training.run.export.installed", lambda: {"jax": "9"})  # Who exports has trained nothing.
    export_run(tmp_path / NAME)
    training = json.loads((tmp_path / NAME / "checkpoint" / "config.json").read_text())["training"]
    assert training["versions"] == {"jax": "0.10.2, 0.11.2"}
    assert training["python"] == "3.0.10.2, 3.0.11.2"


def test_a_record_that_is_torn_or_missing_says_what_to_do(tmp_path, tiny):
    with pytest.raises(ZooError, match="is no run of `zoo train`"):
        export_run(tmp_path / NAME)
    train(NAME, out=tmp_path, quiet=True, **tiny, max_minutes=1e-9)
    (tmp_path / NAME / "run.json").write_text('{"name')
    with pytest.raises(ZooError, match="put it back, or train anew with --fresh"):
        train(NAME, out=tmp_path, quiet=True, **tiny)


def test_runs_in_lockstep_go_on_each_from_its_own_state(tmp_path, tiny):
    names, short = [NAME, "homsnn-mem5-32", "hetsnn-mem5-32-tau"], {"max_minutes": 1e-9, "save_minutes": 0.0}
    assert train(names[0], out=tmp_path, quiet=True, **tiny).finished
    for done in (1, 2):
        assert train(names[1], out=tmp_path, quiet=True, **tiny, **short).generations == (done,)
    assert train(names, out=tmp_path, quiet=True, **tiny, **short).generations == (4, 3, 1)
    assert train(names, out=tmp_path, quiet=True, **tiny).finished
    for name in names:
        alone = train(name, out=tmp_path / "alone", quiet=True, **tiny).folders[0]
        assert state_bytes(tmp_path / name) == state_bytes(alone)
        lines = (tmp_path / name / "training.csv").read_text().splitlines()
        assert lines == (alone / "training.csv").read_text().splitlines()
        assert [line.split(",")[0] for line in lines[1:]] == ["1", "1", "2", "2", "3", "3", "4", "4"]


def test_a_damaged_newest_state_is_replaced_as_the_training_goes_on(tmp_path, tiny):
    for _ in range(2):
        folder = train(NAME, out=tmp_path, quiet=True, **tiny, max_minutes=1e-9).folders[0]
    damaged = saved_states(folder / "state")[-1]
    assert damaged.name == "00000002"
    shutil.rmtree(damaged / "arrays")
    with pytest.warns(UserWarning, match="Used is that of generation 1$"):
        assert train(NAME, out=tmp_path, quiet=True, **tiny, max_minutes=1e-9).generations == (2,)
    assert (damaged / "arrays").is_dir()
    lines = (folder / "training.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "1", "2", "2"]


def test_a_program_is_compiled_once_a_call(tmp_path, tiny, monkeypatch):
    advance, sizes = Engine.advance, []

    def counted(self, states, count):
        result = advance(self, states, count)
        sizes.append(self._advance._cache_size())
        return result

    monkeypatch.setattr(Engine, "advance", counted)
    for limit in (1e-9, None):
        train(NAME, out=tmp_path, quiet=True, **tiny | {"generations": 9}, max_minutes=limit)
    assert len(sizes) > 3 and set(sizes) == {1}


def test_a_refused_command_does_not_stand_in_the_way_of_the_corrected_one(tmp_path, tiny, monkeypatch):
    def does_not_fit(names, engine):
        raise ZooError("does not fit")

    with monkeypatch.context() as patch, pytest.raises(ZooError, match="does not fit"):
        patch.setattr("zoo.training.run.loop.within_memory", does_not_fit)
        train(NAME, out=tmp_path, quiet=True, **tiny | {"population": 16})
    assert not (tmp_path / NAME).exists()
    assert train(NAME, out=tmp_path, quiet=True, **tiny).finished


def test_a_refused_command_leaves_the_runs_that_it_would_have_discarded(tiny_run, tmp_path, tiny):
    shutil.copytree(tiny_run, tmp_path / NAME)
    with pytest.raises(ValueError, match=r"share one task.*mem10.*mem5"):
        train([NAME, "hetsnn-mem10-32"], out=tmp_path, quiet=True, fresh=True, **tiny)
    assert state_bytes(tmp_path / NAME) == state_bytes(tiny_run)


@pytest.mark.parametrize(("limit_s", "generations"), [(99, 1), (150, 4), (101.5, 2)])
def test_compilation_says_nothing_about_the_time_of_a_generation(tmp_path, tiny, monkeypatch, limit_s, generations):
    advance, clock, costs = Engine.advance, [0.0], iter([100.0])

    def timed(self, states, count):
        clock[0] += next(costs, float(count))  # The first call compiles.
        return advance(self, states, count)

    monkeypatch.setattr(Engine, "advance", timed)
    monkeypatch.setattr("zoo.training.run.loop.time", types.SimpleNamespace(monotonic=lambda: clock[0]))
    outcome = train(NAME, out=tmp_path, quiet=True, **tiny, max_minutes=limit_s / 60)
    assert outcome.generations == (generations,)


def test_a_checkpoint_of_an_unfinished_run_is_of_its_saved_state(tmp_path, tiny):
    folder = train(NAME, out=tmp_path, quiet=True, **tiny, max_minutes=1e-9).folders[0]
    curve = folder / "training.csv"
    (state,) = saved_states(folder / "state")
    until_then = curve.read_text()
    curve.write_text(until_then + "2,0,77,77,0,0.1,5,0\n2,1,99,9")  # Killed later, in the middle of a line.
    checkpoint = export_run(folder)
    training = json.loads((checkpoint / "config.json").read_text())["training"]
    means = [float(line.split(",")[2]) for line in until_then.splitlines()[1:]]
    assert training["generations"] == 1 and training["population_mean"] == pytest.approx(np.mean(means))
    assert (checkpoint / "training.csv").read_text() == until_then
    before, damaged = state_bytes(folder), folder / "state/00000002"
    shutil.copytree(state, damaged)
    (damaged / "progress.json").write_text("{")
    with pytest.warns(UserWarning, match="Used is that of generation 1$"):
        checkpoint = export_run(folder, tmp_path / "again")
    assert [path.name for path in saved_states(checkpoint / "state")] == ["00000001"]
    assert state_bytes(checkpoint) == before


def test_a_curve_that_ends_before_the_saved_state_is_told_of(tmp_path, tiny):
    folder = train(NAME, out=tmp_path, quiet=True, **tiny, max_minutes=1e-9).folders[0]
    (folder / "training.csv").write_text("")
    with pytest.warns(UserWarning, match="ends at generation 0, the saved state is of 1"):
        train(NAME, out=tmp_path, quiet=True, **tiny, max_minutes=1e-9)
    assert (folder / "training.csv").read_text().splitlines()[1].startswith("2,")


@pytest.mark.parametrize(("means", "text"), [([1.0, 3.0], "2.000 ± 1.414"), ([np.nan, np.nan], "none")])
def test_a_training_in_which_no_episode_has_ended_has_no_last_mean(means, text):
    told = _history({"seconds": 1.0, "hardware": "a test"}, means)
    json.dumps(told, allow_nan=False)
    assert deviation(told["population_mean"], told["population_std"], 2) == text


def test_a_thinned_curve_that_goes_on_keeps_its_beginning():
    def curve(generations):
        return "generation,seed,mean\n" + "".join(f"{g},{s},{g + s}\n" for g in generations for s in (0, 1))

    def generations(text):
        return sorted({int(line.split(",")[0]) for line in text.splitlines()[1:]})

    assert generations(thin_curve(curve(range(1, 1001)), 1000)) == list(range(10, 1001, 10))
    once = generations(thin_curve(curve(range(1, 286)), 285))
    assert once == list(range(1, 286, 2))
    again = generations(thin_curve(curve([*once, *range(286, 1001)]), 1000))
    assert len(again) == 100 and again[-1] == 1000 and np.diff([0, *again]).max() <= 12


def test_damaged_newest_state_falls_back_to_the_one_before(tmp_path):
    tree = {"a": np.arange(4.0), "b": np.int32(1)}
    first = {"generation": 1, "seconds": 1.0, "hardware": "a test"}
    save_state(tmp_path, tree, first)
    newest = save_state(tmp_path, tree, first | {"generation": 2})
    (newest / "progress.json").write_text("{")
    with pytest.warns(UserWarning, match="progress.json.*Used is that of generation 1$"):
        restored, progress = restore_state(tmp_path, tree)
    assert progress == first
    np.testing.assert_array_equal(restored["a"], tree["a"])
    (saved_states(tmp_path)[0] / "progress.json").unlink()
    with pytest.raises(ZooError, match=r"no training state .* can be used"):
        restore_state(tmp_path, tree)


def test_two_states_are_kept(tmp_path):
    for generation in (1, 2, 10):
        save_state(tmp_path, {"a": np.zeros(1)}, {"generation": generation})
    assert [path.name for path in saved_states(tmp_path)] == ["00000002", "00000010"]


def test_a_published_checkpoint_goes_on_from_its_state(tmp_path, monkeypatch):
    settings = {"seeds": 2, "population": 8, "generations": 4, "centre_lr_final": None}
    changes = {k: v for k, v in settings.items() if v is not None}
    recipe = override(default_recipe(NAME), **settings)
    monkeypatch.setattr("zoo.training.run.runs.default_recipe", lambda model: recipe)
    short = train(NAME, out=tmp_path / "short", quiet=True, **changes).folders[0]
    export_run(short, tmp_path / "published" / NAME, with_state=True)
    whole = train(NAME, out=tmp_path / "whole", quiet=True, **(changes | {"generations": 7})).folders[0]
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(tmp_path / "published"))
    more = train(NAME, out=tmp_path / "more", quiet=True, continue_published=True, generations=7).folders[0]
    assert state_bytes(more) == state_bytes(whole)
    assert (more / "training.csv").read_bytes() == (whole / "training.csv").read_bytes()
    with pytest.raises(ZooError, match=r"sigma was 0\.1, now 0\.3"):
        train(NAME, out=tmp_path / "other", quiet=True, continue_published=True, sigma=0.3)
    (tmp_path / "torn" / NAME / "state").mkdir(parents=True)  # Killed in its first save.
    torn = train(NAME, out=tmp_path / "torn", quiet=True, continue_published=True, generations=7).folders[0]
    assert state_bytes(torn) == state_bytes(whole)


def test_what_goes_on_from_a_published_checkpoint_needs_it_no_more(tiny, tmp_path, monkeypatch):
    recipe = override(default_recipe(NAME), centre_lr_final=None)  # Whose rate does not depend on its length.
    monkeypatch.setattr("zoo.training.run.runs.default_recipe", lambda model: recipe)
    short = train(NAME, out=tmp_path / "short", quiet=True, **tiny).folders[0]
    published = export_run(short, tmp_path / "published" / NAME, with_state=True)
    for path in [*published.rglob("*"), published]:
        path.chmod(path.stat().st_mode & ~0o222)  # As where an installation is read-only.
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(published.parent))
    changes = {"out": tmp_path, "quiet": True, "continue_published": True, "generations": 6}
    begun = train(NAME, max_minutes=0, **changes)
    assert not begun.finished and (tmp_path / NAME / "training.csv").stat().st_mode & 0o200
    assert all(path.stat().st_mode & 0o200 for path in (tmp_path / NAME / "state").rglob("*"))
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(tmp_path / "none"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert train(NAME, **changes).finished
    with pytest.raises(ZooError, match=r"sigma was 0\.1, now 0\.3"):
        train(NAME, sigma=0.3, **changes)
    whole = train(NAME, out=tmp_path / "whole", quiet=True, **(tiny | {"generations": 6})).folders[0]
    assert state_bytes(tmp_path / NAME) == state_bytes(whole)


@pytest.mark.parametrize("file", ["MANIFEST.json", "config.json", "evaluation.json"])
def test_a_finished_run_whose_checkpoint_is_damaged_writes_it_again(tiny_run, tiny, tmp_path, file):
    folder = Path(shutil.copytree(tiny_run, tmp_path / NAME))
    (folder / "checkpoint" / file).unlink()
    assert train(NAME, out=tmp_path, quiet=True, **tiny).finished
    verify_manifest(folder / "checkpoint")
    (folder / "checkpoint" / "MANIFEST.json").unlink()
    export_run(folder)
    assert zoo.evaluate(zoo.load(folder / "checkpoint"), episodes=2).returns.shape == (2, 2)


@pytest.mark.parametrize(("options", "command"), [([], "the same command"), (["--fresh"], "without --fresh")])
def test_what_had_no_time_left_is_gone_on_with_without_throwing_away(options, command, tmp_path, capsys):
    from zoo.cli.main import main

    assert main(["train", f"{NAME},homsnn-mem5-32", "--max-minutes", "1e-9", "--out", str(tmp_path), *options]) == 0
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"{command} to go on")


def test_a_state_of_an_unknown_recipe_is_not_gone_on_from(tiny_run, tmp_path, tiny):
    shutil.copytree(tiny_run, tmp_path / NAME)
    (tmp_path / NAME / "run.json").unlink()
    with pytest.raises(ZooError, match=r"no run.json that says of which recipe; use --fresh"):
        train(NAME, out=tmp_path, quiet=True, **tiny)
    train(NAME, out=tmp_path, quiet=True, fresh=True, **tiny)
    assert state_bytes(tmp_path / NAME) == state_bytes(tiny_run)


def test_a_published_checkpoint_without_state_says_so(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(checkpoint.parent))
    with pytest.raises(ZooError, match="carries no training state"):
        train(NAME, out=tmp_path / "out", quiet=True, continue_published=True)


@pytest.mark.parametrize("name", ["hetsnn-mem100-1024", "homsnn-mem100-1024"])
def test_both_kinds_get_the_same_help(name):
    assert default_recipe(name) == default_recipe("hetsnn-mem50-1024")
    assert default_recipe(name).tau_ms == (20.0,)


def test_a_checkpoint_of_another_training_is_not_the_result(tiny_run, tmp_path, tiny):
    """Its state was thrown away, as by a --fresh that was killed, and the new training has only saved its own."""
    folder = Path(shutil.copytree(tiny_run, tmp_path / NAME))
    shutil.rmtree(folder / "state")
    with pytest.raises(ZooError, match=r"the checkpoint of a training whose state is gone.*--fresh"):
        train(NAME, out=tmp_path, quiet=True, **tiny)
    shutil.move(folder / "checkpoint", tmp_path / "old")
    train(NAME, out=tmp_path, quiet=True, **tiny | {"sigma": 0.3})
    shutil.rmtree(folder / "checkpoint")
    shutil.move(tmp_path / "old", folder / "checkpoint")
    train(NAME, out=tmp_path, quiet=True, **tiny | {"sigma": 0.3})
    assert read_json(folder / "checkpoint" / "config.json")["recipe"]["settings"]["sigma"] == 0.3


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("hetsnn-hp-1024-bp", {"weight_rate": 0.5}),
        ("homsnn-hp-1024-bp", {"x_tau_rate": 0.5}),
        ("hetsnn-hp-1024-vth-bp", {"v_rest_rate": 0.5}),
        (NAME, {"observation_clip": 3.0}),
        (f"{NAME}-bp", {"surrogate": "triangle", "alpha": 3.0}),
    ],
)
def test_settings_of_what_is_not_trained_or_seen_are_refused(tmp_path, name, change):
    with pytest.raises(ValueError, match=f"^{list(change)[-1]}: of no effect on {name}, which"):
        train(name, out=tmp_path, quiet=True, **change)


def test_another_method_is_another_name(tmp_path):
    with pytest.raises(ValueError, match=r"method .*must be pgpe for hetsnn-hp-32; train hetsnn-hp-32-bp instead"):
        train("hetsnn-hp-32", out=tmp_path, quiet=True, method="ppo")
    with pytest.raises(ValueError, match=r"method \(=foo\) must be pgpe for hetsnn-hp-32$"):
        train("hetsnn-hp-32", out=tmp_path, quiet=True, method="foo")
