import json
import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from zoo.core.arrays import read_arrays, write_arrays
from zoo.core.errors import DamagedCheckpointError, UnsupportedCheckpointError, ZooError
from zoo.core.json_files import coerce, write_json
from zoo.store.checkpoint import read_checkpoint, replacing, write_checkpoint
from zoo.store.manifest import verify_manifest, write_manifest


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def edit_config(folder, **changes):
    """Changes config.json and makes the manifest agree, so that only content checks can notice."""
    config = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", config | changes)
    write_manifest(folder)


def test_content_survives(checkpoint, tiny_run):
    read = read_checkpoint(checkpoint)
    assert read.config["name"] == "hetsnn-mem5-32"
    assert read.seeds == (0, 1)
    assert {name: value.shape for name, value in read.params["trained"].items()} == {
        name: (2, 8) for name in ("x_tau", "v_th", "v_rest", "r")
    }
    assert all(type(value) is np.ndarray for value in read.params["trained"].values())


def test_one_flipped_bit_anywhere_is_noticed(checkpoint):
    rng, tried = random.Random(0), 0
    for path in files(checkpoint):
        original = path.read_bytes()
        for _ in range(min(6, len(original))):
            position = rng.randrange(len(original))
            flipped = bytearray(original)
            flipped[position] ^= 1 << rng.randrange(8)
            path.write_bytes(flipped)
            with pytest.raises((DamagedCheckpointError, UnsupportedCheckpointError)):
                read_checkpoint(checkpoint)
            tried += 1
        path.write_bytes(original)
    assert tried > 50
    read_checkpoint(checkpoint)


def test_every_missing_file_is_named(checkpoint, tmp_path):
    for path in files(checkpoint):
        moved = path.rename(tmp_path / "away")
        with pytest.raises(DamagedCheckpointError, match=path.name):
            read_checkpoint(checkpoint)
        moved.rename(path)


def test_a_file_too_many_is_named_but_the_hubs_own_are_not(checkpoint):
    (checkpoint / "README.md").write_text("card")
    read_checkpoint(checkpoint)
    (checkpoint / "params" / "extra.bin").write_text("")
    with pytest.raises(DamagedCheckpointError, match=r"params/extra\.bin does not belong"):
        read_checkpoint(checkpoint)


def test_training_state_may_be_left_out_as_a_whole(checkpoint):
    (checkpoint / "state").mkdir()
    for name in ("a", "b"):
        (checkpoint / "state" / name).write_text(name)
    write_manifest(checkpoint)
    read_checkpoint(checkpoint)
    (checkpoint / "state" / "a").unlink()
    with pytest.raises(DamagedCheckpointError, match="state/a is missing"):
        read_checkpoint(checkpoint)
    shutil.rmtree(checkpoint / "state")
    read_checkpoint(checkpoint)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"x_tau": np.zeros((2, 9), np.float32)}, r"float32\[2, 9\]; it must be float32\[2, 8\]"),
        ({"x_tau": np.zeros((2, 8), np.float64)}, r"float64\[2, 8\]; it must be float32\[2, 8\]"),
        ({"other": np.zeros((2, 8), np.float32)}, "missing: .*x_tau.*; unexpected: .*other"),
    ],
)
def test_wrong_shape_dtype_or_name_of_an_array(checkpoint, tree, message):
    trained = dict(read_checkpoint(checkpoint).params["trained"])
    if "other" in tree:
        del trained["x_tau"]
    shutil.rmtree(checkpoint / "params")
    write_arrays(checkpoint / "params", {"trained": trained | tree})
    write_manifest(checkpoint)
    with pytest.raises(DamagedCheckpointError, match=message):
        read_checkpoint(checkpoint)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 3}, "newer than this version"),
        ({"schema": "1"}, "positive integer"),
        ({"seeds": [0, 0]}, "different integers"),
        ({"seeds": []}, "different integers"),
        ({"seeds": [0, -1]}, "different integers"),
        ({"seeds": [0, True]}, "different integers"),
        ({"network": {"inputs": 3}}, "network"),
        ({"network": {"inputs": 3, "hidden": "8", "outputs": 2, "trained": ["r"]}}, "hidden.*int"),
        ({"network": {"inputs": 3, "hidden": 8, "outputs": 2, "trained": ["r"], "x": 1}}, "fields"),
        ({"network": {"inputs": 3, "hidden": 10**12, "outputs": 2, "trained": ["r"]}}, "more than"),
        ({"observations": "no"}, "observations"),
    ],
)
def test_config_that_does_not_fit_the_format(checkpoint, changes, message):
    edit_config(checkpoint, **changes)
    with pytest.raises((DamagedCheckpointError, UnsupportedCheckpointError), match=message):
        read_checkpoint(checkpoint)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "params/../../x", "a\\b"])
def test_manifest_cannot_point_outside(checkpoint, name):
    manifest = json.loads((checkpoint / "MANIFEST.json").read_text())
    manifest["files"][name] = {"size": 0, "sha256": ""}
    write_json(checkpoint / "MANIFEST.json", manifest)
    with pytest.raises(DamagedCheckpointError, match="must list paths"):
        verify_manifest(checkpoint)


@settings(max_examples=40, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
        max_leaves=8,
    )
)
def test_hostile_json_raises_nothing_but_a_damaged_checkpoint(tmp_path_factory, value):
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "MANIFEST.json").write_text(json.dumps(value))
    with pytest.raises(DamagedCheckpointError):
        read_checkpoint(folder)


def test_other_random_weights_than_it_was_trained_with_are_noticed(checkpoint):
    edit_config(checkpoint, fixed_weights={"0": "0" * 64, "1": "0" * 64})
    with pytest.raises(DamagedCheckpointError, match="was trained with 00"):
        zoo.load(str(checkpoint)).network()


def test_a_write_that_fails_leaves_the_old_checkpoint(checkpoint):
    before = {path: path.read_bytes() for path in files(checkpoint)}
    old = read_checkpoint(checkpoint)
    bad = {"trained": {"x_tau": np.zeros(3, np.float32)}}
    with pytest.raises(DamagedCheckpointError):
        write_checkpoint(checkpoint, config=old.config, params=bad, evaluation=old.evaluation, curve="")

    def full_disk(folder):
        raise OSError(28, "No space left on device")

    with pytest.raises(ZooError, match=r"No space left.*unchanged"):
        write_checkpoint(checkpoint, config=old.config, params=old.params, evaluation=old.evaluation, curve="",
                         extra=full_disk)  # fmt: skip
    assert {path: path.read_bytes() for path in files(checkpoint)} == before
    assert [p.name for p in checkpoint.parent.iterdir()] == [checkpoint.name]


def test_an_interrupt_between_the_two_renames_puts_the_old_folder_back(checkpoint, monkeypatch):
    before, real, calls = list(checkpoint.iterdir()), os.replace, []

    def interrupted(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr("zoo.store.checkpoint.os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt), replacing(checkpoint) as new:
        (new / "file").write_text("new")
    assert sorted(checkpoint.iterdir()) == sorted(before)
    assert list(checkpoint.parent.iterdir()) == [checkpoint]


def test_a_folder_that_is_no_checkpoint_is_not_replaced(checkpoint, tmp_path):
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter.txt").write_text("years of work")
    old = read_checkpoint(checkpoint)
    with pytest.raises(ZooError, match="is not a checkpoint"):
        write_checkpoint(other, config=old.config, params=old.params, evaluation=old.evaluation, curve="")
    assert (other / "chapter.txt").read_text() == "years of work"


def test_read_only_directory(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)  # Root, as in many CI machines, may write anywhere.
    with pytest.raises(ZooError, match=r"cannot write to .*Permission denied"), replacing(tmp_path / "x"):
        pass


def test_a_checkpoint_read_only_on_disk_still_loads(checkpoint):
    for path in [checkpoint, *checkpoint.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    read_checkpoint(checkpoint)
    for path in [checkpoint, *checkpoint.rglob("*")]:
        path.chmod(0o755)


def test_no_path_of_this_machine_is_recorded(checkpoint, tiny_run):
    for path in files(checkpoint):
        assert str(tiny_run.parent).encode() not in path.read_bytes(), path


def test_garbage_instead_of_arrays(tmp_path):
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "_METADATA").write_text("garbage")
    with pytest.raises(DamagedCheckpointError, match="Orbax cannot read"):
        read_arrays(tmp_path / "params", {"a": np.zeros(1)})


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [(float, 1, 1.0), (int, 3, 3), (float | None, None, None), (tuple[float, ...], [1, 2], (1.0, 2.0))],
)
def test_coerce(kind, value, result):
    assert coerce(kind, value, "x") == result


@pytest.mark.parametrize(("kind", "value"), [(int, 1.0), (int, True), (float, "1"), (str, 1), (tuple[int, ...], 3)])
def test_coerce_refuses(kind, value):
    with pytest.raises(ValueError, match="must be of type"):
        coerce(kind, value, "x")


def test_paths_are_real(checkpoint, tmp_path, monkeypatch):
    link = tmp_path / "link"
    link.symlink_to(checkpoint)
    monkeypatch.chdir(tmp_path)
    assert read_checkpoint(Path("link")).seeds == (0, 1)


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("recipe", {}, "lacks seeds, generations, observation_clip"),
        ("recipe", {"seeds": 1, "generations": 1, "observation_clip": 5.0, "momentum": 1}, "momentum"),
        ("task", {"name": "mem6", "options": {}}, "no such task"),
        ("task", {"name": "mem5"}, "no such task"),
        ("task", {"name": "mem5", "options": {"backend": "spring"}}, "backend"),
    ],
)
def test_a_config_that_contradicts_its_name_is_refused_when_it_is_loaded(checkpoint, part, value, message):
    change(checkpoint, lambda config: config.update({part: value}))
    with pytest.raises(DamagedCheckpointError, match=message):
        zoo.load(str(checkpoint))


def change(checkpoint, how):
    config = json.loads((checkpoint / "config.json").read_text())
    how(config)
    (checkpoint / "config.json").write_text(json.dumps(config))
    write_manifest(checkpoint)


def test_a_recipe_of_schema_1_is_read_as_todays(checkpoint):
    before = zoo.load(str(checkpoint)).recipe

    def flatten(config):
        recipe = config["recipe"]
        config["recipe"] = recipe | recipe.pop("settings") | recipe.pop("task") | {"learning_rate": 0.03}
        config["schema"] = 1

    change(checkpoint, flatten)
    assert zoo.load(str(checkpoint)).recipe == before


def test_the_folder_that_one_is_in_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ZooError, match="the folder that you are in"), replacing(Path()):
        raise AssertionError
    assert tmp_path.is_dir()


def test_replacing_what_a_link_leads_to_leaves_nothing_behind(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with replacing(tmp_path / "link") as new:
        (new / "file").write_text("x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "link"]
    assert (tmp_path / "link" / "file").read_text() == "x" and not list((tmp_path / "elsewhere").iterdir())
