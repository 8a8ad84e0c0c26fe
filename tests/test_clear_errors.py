"""What goes wrong is said in a line: full disks, stray folders, killed saves, files that nobody expected."""

import json
import os
import shlex
import shutil

import jax
import numpy as np
import pytest
from full_disk import small_files

import zoo
from zoo.cli.main import main
from zoo.core.errors import DamagedCheckpointError, UnsupportedCheckpointError, ZooError
from zoo.core.formatting import plain, shown
from zoo.core.json_files import write_json
from zoo.core.version import version
from zoo.report.cards import make_card
from zoo.store.curves import append_rows, cut_rows
from zoo.store.leftovers import sweep
from zoo.store.manifest import write_manifest
from zoo.training import train
from zoo.training.run.export import export_run, read_curve
from zoo.training.run.state import drop_states_after, restore_state, save_state, saved_states


def progress(generation):
    return {"generation": generation, "seconds": 1.0, "hardware": "1 CPU core"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_state_that_does_not_fit_is_one_line_and_the_old_one_stays(tmp_path, capfd):
    state = {"a": np.random.default_rng(0).normal(size=(300, 300)).astype(np.float32)}
    save_state(tmp_path / "state", state, progress(1))
    with (
        small_files(20_000),
        pytest.raises(ZooError, match=r"cannot write .*00000002: File too large; the old"),
    ):
        save_state(tmp_path / "state", state, progress(2))
    assert "Traceback" not in capfd.readouterr().err
    restored, found = restore_state(tmp_path / "state", state)
    assert found["generation"] == 1
    np.testing.assert_array_equal(restored["a"], state["a"], strict=True)
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["00000001"]


def test_a_curve_that_does_not_fit_names_its_file_and_what_to_do(tmp_path):
    rows = [[k, 0.123456] for k in range(1000)]
    with small_files(1000), pytest.raises(ZooError, match=r"training\.csv: File too large; make room, and run"):
        append_rows(tmp_path / "training.csv", ["generation", "mean"], rows)


def test_a_model_that_does_not_fit_into_the_cache_is_one_line_and_comes_when_there_is_room(hub, checkpoint):
    hub.add("hetsnn-zoo/hetsnn-mem5-32", checkpoint)
    sizes = {path: path.stat().st_size for path in checkpoint.rglob("*") if path.is_file()}
    with small_files(max(sizes.values()) - 1), pytest.raises(zoo.HubError, match="File too large") as caught:
        zoo.pull("hetsnn-mem5-32")
    assert len(str(caught.value).splitlines()) == 1
    path = zoo.pull("hetsnn-mem5-32").path
    assert all((path / file.relative_to(checkpoint)).read_bytes() == file.read_bytes() for file in sizes)


def test_a_checkpoint_that_does_not_fit_leaves_the_old_one(tiny_run, tmp_path):
    run = shutil.copytree(tiny_run, tmp_path / tiny_run.name)
    files = [path for path in (run / "checkpoint").rglob("*") if path.is_file()]
    assert export_run(run, tmp_path / "whole") == tmp_path / "whole"  # Keeps its compiled programs, too.
    with small_files(2000), pytest.raises(ZooError, match=r"cannot write .*File too large; the old"):
        export_run(run)
    for path in files:
        assert path.read_bytes() == (tiny_run / path.relative_to(run)).read_bytes()
    assert [path.name for path in run.iterdir() if path.name.startswith(".")] == []
    assert zoo.load(export_run(run)).trained.keys() == zoo.load(tmp_path / "whole").trained.keys()


def test_stray_folders_are_no_states(tmp_path):
    state = {"a": np.ones(3, np.float32)}
    save_state(tmp_path, state, progress(60))
    shutil.copytree(tmp_path / "00000060", tmp_path / "00000060.bak")
    (tmp_path / "0old").mkdir()
    assert [path.name for path in saved_states(tmp_path)] == ["00000060"]
    drop_states_after(tmp_path, 60)
    assert restore_state(tmp_path, state)[1] == progress(60)
    assert (tmp_path / "00000060.bak").is_dir(), "what is not the zoo's stays"


@pytest.mark.parametrize("changes", [{"generation": "1"}, {"seconds": None}, {"hardware": 3}, {"generation": 2}])
def test_a_progress_that_is_none(tmp_path, changes):
    state = {"a": np.ones(3, np.float32)}
    folder = save_state(tmp_path, state, progress(1))
    write_json(folder / "progress.json", progress(1) | changes)
    write_manifest(folder)
    with pytest.raises(ZooError, match=r"no training state .* can be used: .*progress\.json: "):
        restore_state(tmp_path, state)


def test_leftovers_of_killed_saves_are_swept_at_the_start(tmp_path):
    run = tmp_path / "run"
    states = run / "state"
    save_state(states, {"a": np.ones(3, np.float32)}, progress(8))
    for name in (".00000016.ab12_xyz", ".00000008.ab12_xyz.old"):
        (states / name / "new").mkdir(parents=True)
    (run / ".checkpoint.ab12_xyz").mkdir()
    (run / ".mine").mkdir()
    os.utime(run / ".checkpoint.ab12_xyz", (0, 0))
    (run / ".checkpoint.ab12_now").mkdir()
    (run / ".start.ab12_xyz").mkdir()
    os.utime(run / ".start.ab12_xyz", (0, 0))
    drop_states_after(states, 8)
    assert sorted(path.name for path in states.iterdir()) == ["00000008"]
    assert sorted(path.name for path in run.iterdir()) == [".checkpoint.ab12_now", ".mine", "state"]


def test_a_state_of_other_arrays_is_not_called_damaged(tmp_path):
    save_state(tmp_path, {"a": np.ones(3, np.float32)}, progress(8))
    with pytest.raises(ZooError, match=r"missing: \['b'\]; unexpected: \['a'\]\. It is undamaged: go on"):
        restore_state(tmp_path, {"b": np.ones(3, np.float32)})
    with pytest.raises(ZooError, match=r"float32\[3\]; it must be float32\[4\]\. It is undamaged"):
        restore_state(tmp_path, {"a": np.ones(4, np.float32)})


def test_what_a_save_killed_between_its_renames_took_away_is_put_back(tmp_path):
    (tmp_path / ".checkpoint.ab12_xyz.old").mkdir()
    (tmp_path / ".checkpoint.ab12_xyz.old" / "config.json").write_text("{}")
    (tmp_path / ".checkpoint.ab12_xyz" / "new").mkdir(parents=True)
    assert sorted(sweep(tmp_path)) == [".checkpoint.ab12_xyz", ".checkpoint.ab12_xyz.old"]
    assert [path.name for path in tmp_path.rglob("*")] == ["checkpoint", "config.json"]


def test_parameters_that_are_not_finite_are_not_exported(tiny_run, tmp_path):
    run = shutil.copytree(tiny_run, tmp_path / tiny_run.name)
    before = shutil.copytree(run / "checkpoint", tmp_path / "before")

    def restore(folder, like):
        restored, found = restore_state(folder, like)
        return jax.tree.map(lambda x: np.full_like(x, np.nan) if x.dtype == np.float32 else x, restored), found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.training.run.export.restore_state", restore)
        with pytest.raises(ZooError, match="training seed 0, 1 ended in parameters that are not finite numbers"):
            export_run(run)
    for path in before.rglob("*"):
        if path.is_file():
            assert (run / "checkpoint" / path.relative_to(before)).read_bytes() == path.read_bytes()


def edit(folder, file, **changes):
    write_json(folder / file, json.loads((folder / file).read_text()) | changes)
    write_manifest(folder)


def test_text_of_a_foreign_checkpoint_is_no_markup_in_its_card(checkpoint):
    edit(checkpoint, "evaluation.json", command="` <script>x</script> [link](http://a) | **b**")
    training = json.loads((checkpoint / "config.json").read_text())["training"]
    edit(checkpoint, "config.json", training=training | {"hardware": "<img src=x> # heading `code`"})
    text = make_card(zoo.load(str(checkpoint)))
    assert "<script>" not in text and "<img" not in text and "[link]" not in text and "**b**" not in text


def test_plain_and_shown():
    assert plain({"a": ["<b>", 1.5, None]}) == {"a": ["?b?", 1.5, None]}
    assert plain("zoo eval hetsnn-hp-1024 --episodes 128") == "zoo eval hetsnn-hp-1024 --episodes 128"
    assert shown("one\x1b[2J\ntwo\r") == "one?[2J\ntwo"


def test_escape_sequences_in_a_message_do_not_reach_the_terminal(capsys):
    assert main(["card", "hetsnn-\x1b[2Jmem5-32"]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_the_command_line_shows_no_traceback_for_what_nobody_foresaw(capsys, monkeypatch):
    def fail(*_, **__):
        raise KeyError("recipe")

    monkeypatch.setattr("zoo.store.loading.model_info", fail)
    assert main(["card", "--json", "hetsnn-mem25-1024"]) == 2
    said = capsys.readouterr().err
    assert "hetsnn-mem25-1024: KeyError: 'recipe'" in said and "zoo --debug card" in said
    with pytest.raises(KeyError):
        main(["--debug", "card", "--json", "hetsnn-mem25-1024"])


def run_of_another_recipe(tiny_run, folder, **changes):
    """A copy of a run, whose record says other things."""
    run = shutil.copytree(tiny_run, folder / tiny_run.name)
    record = json.loads((run / "run.json").read_text())
    write_json(run / "run.json", record | changes)
    return run


def test_after_a_default_changed_the_command_that_goes_on_is_said_and_does(tiny_run, tmp_path, tiny):
    recipe = json.loads((tiny_run / "run.json").read_text())["recipe"]
    old = recipe | {"tau_ms": [20.0, 30.0], "settings": recipe["settings"] | {"sigma": 0.25, "optimiser": "sgd"}}
    out = tmp_path / "my runs"
    run = run_of_another_recipe(tiny_run, out, recipe=old)
    edit(run / "checkpoint", "config.json", recipe=old)
    with pytest.raises(ZooError, match=r"sigma was 0\.25, now 0\.1.*to go on: zoo train hetsnn-mem5-32 ") as caught:
        train("hetsnn-mem5-32", out=out, quiet=True, **tiny)
    said = shlex.split(str(caught.value).partition("to go on: zoo ")[2].partition("; or")[0])
    assert said[said.index("--out") + 1] == str(out) and "--seeds" in said
    assert main([*said, "--quiet"]) == 0  # It is done, and the recipe is its own.


def test_a_curve_with_a_number_that_is_none_is_not_cut(tmp_path):
    curve = tmp_path / "training.csv"
    curve.write_text("generation,seed,mean\n1,0,0.5\n2$0,0,0.5\n3,0,0.5\n")
    with pytest.raises(ZooError, match=r"training\.csv is no curve"):
        cut_rows(curve, 3)
    assert "2$0" in curve.read_text()


@pytest.mark.parametrize("content", [None, b"", b"generation,seed,mean\n", b"\xff", b"a,b\n1,2\n", b"1\n" * 9])
def test_a_curve_that_is_none(tiny_run, tmp_path, content):
    run = shutil.copytree(tiny_run, tmp_path / tiny_run.name)
    (run / "training.csv").unlink()
    if content is not None:
        (run / "training.csv").write_bytes(content)
    with pytest.raises(ZooError, match=r"training\.csv is not the curve of the run's 4 generations"):
        read_curve(run / "training.csv", 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": None}, "must say a model's `name`"),
        ({"recipe": []}, "its `recipe`"),
        ({"recipe": {"method": "none"}}, "method"),
        ({"recipe": {"settings": 3, "task": {}}}, "must be JSON objects"),
    ],
)
def test_a_record_that_lacks_something(tiny_run, tmp_path, tiny, changes, message):
    run = run_of_another_recipe(tiny_run, tmp_path, **changes)
    for act in (lambda: train("hetsnn-mem5-32", out=tmp_path, quiet=True, **tiny), lambda: export_run(run)):
        with pytest.raises(ZooError, match=rf"run\.json.*{message}"):
            act()


def test_a_setting_of_a_later_version_names_the_version_that_wrote_it(tiny_run, checkpoint, tmp_path, tiny):
    record = json.loads((tiny_run / "run.json").read_text())
    assert record["version"] == version()
    newer = record["recipe"] | {"settings": record["recipe"]["settings"] | {"from_the_future": 1}}
    run_of_another_recipe(tiny_run, tmp_path / "out", recipe=newer, version="91.2.0")
    with pytest.raises(UnsupportedCheckpointError, match=r"from_the_future.*hetsnn-zoo 91\.2\.0; this is .*upgrade"):
        train("hetsnn-mem5-32", out=tmp_path / "out", quiet=True, **tiny)
    config = json.loads((checkpoint / "config.json").read_text())
    versions = config["training"]["versions"] | {"hetsnn-zoo": f"{version()}, 91.2.0"}
    for part in ("recipe", "network"):
        changed = {part: config[part] | {"from_the_future": 1}, "training": config["training"]}
        edit(checkpoint, "config.json", **config | changed)
        with pytest.raises(DamagedCheckpointError, match="from_the_future"):
            zoo.load(str(checkpoint))
        changed["training"] = config["training"] | {"versions": versions}
        edit(checkpoint, "config.json", **config | changed)
        with pytest.raises(UnsupportedCheckpointError, match=r"from_the_future.*91\.2\.0"):
            zoo.load(str(checkpoint))


@pytest.mark.parametrize(
    "arguments",
    [["--seed", str(2**40)], ["--seed", "-1"], ["--episodes", str(10**15)], ["--episodes", "0"]],
)
def test_numbers_that_no_evaluation_has(checkpoint, arguments, capsys):
    assert main(["eval", str(checkpoint), *arguments]) == 2
    said = capsys.readouterr().err
    assert "must be" in said and len(said.splitlines()) == 1
