"""A checkpoint whose parts contradict each other, or ask for more than any model needs, is refused at load."""

import json
import shutil
import time
import tracemalloc

import gymnasium
import numpy as np
import pytest
import tensorstore as ts

import zoo
from zoo.analysis.firing import record
from zoo.analysis.null import drift
from zoo.core.arrays import read_arrays, write_arrays
from zoo.core.errors import DamagedCheckpointError
from zoo.core.json_files import read_json, write_json
from zoo.core.seeds import LIMIT
from zoo.evaluation.bsuite import bsuite_score
from zoo.evaluation.images import evaluate_images
from zoo.evaluation.memory import check_images_fit
from zoo.gymnasium_tasks.environments import TaskEnv
from zoo.models import NetworkConfig, fixed_weights
from zoo.registry.names import parse
from zoo.report.listing import select
from zoo.store.agreement import check_finite, check_length
from zoo.store.catalogue import bundled_folder, read_info
from zoo.store.checkpoint import read_checkpoint
from zoo.store.manifest import verify_manifest, write_manifest
from zoo.store.zoo_model import ZooModel
from zoo.tasks.brax import FAMILY, BraxTask
from zoo.tasks.images import ImageTask
from zoo.training.methods.base import Group


def edit(folder, file, **changes):
    """Changes a JSON file and makes the manifest agree."""
    write_json(folder / file, json.loads((folder / file).read_text()) | changes)
    write_manifest(folder)


def test_all_published_models_agree_with_themselves():
    for name in zoo.list_models():
        read_checkpoint(bundled_folder() / name)


@pytest.mark.parametrize("name", ["hetsnn-mem6-32", "hetsnn-mem5-64", "homsnn-mem5-32", "hetsnn-mem5-32-tau"])
def test_a_name_is_no_label(checkpoint, name):
    edit(checkpoint, "config.json", name=name)
    with pytest.raises(DamagedCheckpointError, match=r"config\.json: .*hetsnn-mem|homsnn-mem"):
        zoo.load(str(checkpoint))


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("training", {"parameters": 33}, r"training\.parameters \(=33\) must be 32"),
        ("network", {"hidden": 9}, r"network\.hidden \(=9\) must be 8"),
        ("network", {"inputs": 4}, r"network's inputs and outputs \(=\(4, 2\)\) must be \(3, 2\)"),
        ("network", {"outputs": 3}, r"network's inputs and outputs \(=\(3, 3\)\) must be \(3, 2\)"),
        ("fixed_weights", {"7": "0" * 64}, "seeds of fixed_weights"),
        ("fixed_weights", {"0": "00"}, "SHA-256"),
        ("task", {"name": "mem6"}, "no such task"),
        ("task", {"options": {"temperature_v": 1e12}}, "no such task"),
    ],
)
def test_task_shape_parameters_and_seeds_are_the_names(checkpoint, part, changes, message):
    config = json.loads((checkpoint / "config.json").read_text())
    edit(checkpoint, "config.json", **{part: config[part] | changes})
    with pytest.raises(DamagedCheckpointError, match=message):
        zoo.load(str(checkpoint))


def test_an_evaluation_is_of_the_models_seeds_and_as_long_as_it_says(checkpoint):
    evaluation = json.loads((checkpoint / "evaluation.json").read_text())
    rows = evaluation["seeds"]
    cases = [
        ({"seeds": rows[:1]}, "training seeds"),
        ({"seeds": [row | {"training_seed": 9} for row in rows]}, "training seeds"),
        ({"episodes": 10**12}, "between 1 and 1,000,000"),
        ({"episodes": 0}, "between 1 and 1,000,000"),
        ({"seed": LIMIT}, r"2\^32"),
        ({"episodes": 3}, "must be 3 finite numbers"),
        ({"seeds": [row | {"returns": ["x", "y"]} for row in rows]}, "finite numbers"),
    ]
    for changes, message in cases:
        edit(checkpoint, "evaluation.json", **evaluation | changes)
        for read in (zoo.load, zoo.model_info):
            with pytest.raises(DamagedCheckpointError, match=message):
                read(str(checkpoint))


def test_parameters_that_are_not_finite_are_refused_by_seed(checkpoint):
    trained = {name: value.copy() for name, value in read_checkpoint(checkpoint).params["trained"].items()}
    trained["v_th"][1, 3] = np.nan
    shutil.rmtree(checkpoint / "params")
    write_arrays(checkpoint / "params", {"trained": trained})
    write_manifest(checkpoint)
    with pytest.raises(DamagedCheckpointError, match=r"trained\.v_th of training seed 1 holds"):
        zoo.load(str(checkpoint))


def test_statistics_that_no_observations_have_are_refused(tmp_path):
    good = {"count": np.ones(2, np.float32), "mean": np.zeros((2, 3), np.float32), "m2": np.ones((2, 3), np.float32)}
    check_finite({"observations": good}, (0, 1), tmp_path)
    for name, value in (("m2", -1.0), ("count", np.inf), ("mean", np.nan)):
        bad = good | {name: np.full_like(good[name], value)}
        with pytest.raises(DamagedCheckpointError, match=rf"observations\.{name} of training seeds 0, 1"):
            check_finite({"observations": bad}, (0, 1), tmp_path)


def test_seeds_beyond_32_bits_are_refused(checkpoint):
    model = zoo.load(str(checkpoint))
    for seed in (LIMIT, -1, 10**30):
        with pytest.raises(ValueError, match="from 0 to 4,294,967,295"):
            zoo.evaluate(model, episodes=2, seed=seed)
    edit(checkpoint, "config.json", seeds=[0, LIMIT])
    with pytest.raises(DamagedCheckpointError, match=r"below 2\^32"):
        zoo.load(str(checkpoint))


@pytest.mark.parametrize(("episodes", "seed"), [(0, 0), (10**12, 0), (None, LIMIT), (None, -1)])
def test_bsuites_seeds_and_episodes_are_bounded_too(checkpoint, episodes, seed):
    with pytest.raises(ValueError, match="must be"):
        bsuite_score(zoo.load(str(checkpoint)), episodes=episodes, seed=seed)


def test_seeds_of_trainings_and_recordings_are_bounded(checkpoint):
    model = zoo.load(str(checkpoint))
    with pytest.raises(ValueError, match=r"training seed \(=4294967296\)"):
        Group(config=model.network_config, recipe=model.recipe, seeds=(LIMIT,))
    with pytest.raises(ValueError, match=r"training seed \(=-1\)"):
        drift(model.network_config, model.recipe, (-1,), 1)
    for numbers in ({"episode": 2**40}, {"episode": -1}, {"episode_seed": LIMIT}):
        with pytest.raises(ValueError, match="from 0 to 4,294,967,295"):
            record(model, **numbers)


def test_seeds_of_gymnasium_beyond_32_bits_are_runs_of_their_own():
    environment = TaskEnv("cartpole5")
    first, beyond = (environment.reset(seed=seed)[0] for seed in (1, LIMIT + 1))
    assert (first != beyond).all()
    with pytest.raises(gymnasium.error.Error):
        environment.reset(seed=-1)


def test_an_evaluation_of_days_is_refused(checkpoint):
    rows = json.loads((checkpoint / "evaluation.json").read_text())["seeds"]
    short = [{key: value for key, value in row.items() if key != "returns"} for row in rows]
    edit(checkpoint, "evaluation.json", episodes=1_000_000, seeds=short)
    assert zoo.load(str(checkpoint)).evaluation["episodes"] == 1_000_000  # Of 6 steps.
    config = json.loads((checkpoint / "config.json").read_text())
    hopper = config | {"name": "hetsnn-hp-32"}
    check_length(100_000, hopper | {"task": {"name": "hp", "options": {}}}, ".")
    long = hopper | {"task": {"name": "hp", "options": {"limit": 100_000}}}
    with pytest.raises(DamagedCheckpointError, match="1,001 episodes of up to 100,000 steps; at most 100,000,000"):
        check_length(1001, long, ".")


@pytest.mark.parametrize("steps", [0, 256, 10**5])
def test_images_are_shown_for_as_many_steps_as_a_byte_counts_spikes(steps):
    with pytest.raises(ValueError, match=r"steps \(=\d+\) must be from 1 to 255"):
        ImageTask("mnist", steps=steps)


def test_images_that_do_not_fit_into_memory(monkeypatch):
    config = NetworkConfig(inputs=784, hidden=50, outputs=10, trained=("x_tau",))
    images = np.zeros((20, 784), np.uint8), np.zeros(20, np.uint8)
    monkeypatch.setattr("zoo.evaluation.memory.available_bytes", lambda device: 300_000)
    with pytest.raises(zoo.ZooError, match=r"does not fit into memory: it needs about .* of which images"):
        evaluate_images("hetsnn-mnist-200", ImageTask("mnist"), {0: config.initial(0)}, images)


def test_few_images_need_no_more_memory_for_being_less_than_a_batch(monkeypatch):
    parts = NetworkConfig(inputs=784, hidden=50, outputs=10, trained=("x_tau",)).initial(0)
    monkeypatch.setattr("zoo.evaluation.memory.available_bytes", lambda device: 3_000_000)
    check_images_fit(parts, 20, at_once=2**20)
    with pytest.raises(zoo.ZooError, match="does not fit into memory"):
        check_images_fit(parts, 200, at_once=2**20)


@pytest.mark.parametrize("name", ["ant", "hc", "hp", "wal"])
@pytest.mark.parametrize("backend", ["spring", "generalized", "positional"])
def test_sizes_that_are_known_without_brax_are_its_own(name, backend):
    task = BraxTask(name, backend)
    assert FAMILY.sizes(task) == (task.observation_size, task.action_size)


@pytest.mark.parametrize("episodes", [0, -2, 10**12])
def test_absurd_numbers_of_episodes_are_refused_before_memory_is_asked_for(checkpoint, episodes):
    with pytest.raises(ValueError, match="at most 1,000,000"):
        zoo.evaluate(str(checkpoint), episodes=episodes)


def test_an_evaluation_that_does_not_fit_says_what_would(checkpoint, monkeypatch):
    monkeypatch.setattr("zoo.evaluation.memory.available_bytes", lambda device: 50_000)
    with pytest.raises(zoo.ZooError, match=r"48\.8 KiB are free; --episodes \d+ fit"):
        zoo.evaluate(str(checkpoint), episodes=100_000)


@pytest.mark.parametrize(  # The first two have digits of another script.
    "name",
    [
        "hetsnn-mem\u0665-32",
        "hetsnn-mem5-\u0663\u0662",
        "hetsnn-mem100001-32",
        f"hetsnn-mem5-{2**30}",
        "hetsnn-mem5-" + "9" * 90,
    ],
)
def test_names_of_other_digits_and_absurd_sizes(name):
    with pytest.raises(zoo.UnknownModelError):
        parse(name)


@pytest.mark.parametrize("file", ["config.json", "evaluation.json"])
def test_an_altered_small_file_is_refused_by_list_and_card(checkpoint, file):
    write_json(checkpoint / file, json.loads((checkpoint / file).read_text()) | {"mean": 7.0})
    with pytest.raises(DamagedCheckpointError, match=f"{file} was altered"):
        zoo.model_info(str(checkpoint))


def test_one_bad_model_does_not_take_the_others_away(checkpoint, monkeypatch):
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(checkpoint.parent))
    other = shutil.copytree(checkpoint, checkpoint.parent / "hetsnn-mem6-32")
    (other / "evaluation.json").unlink()
    lines = []
    rows = select("hetsnn-mem*-32", report=lines.append)
    assert [row.name for row in rows] == ["hetsnn-mem5-32"]
    assert len(lines) == 1 and "hetsnn-mem6-32 is left out" in lines[0] and "evaluation.json is missing" in lines[0]
    with pytest.warns(UserWarning, match="hetsnn-mem6-32 is left out"):
        select("hetsnn-mem*-32")


def test_a_key_that_stands_twice_is_found_in_one_pass(tmp_path):
    keys = [*range(50_000), 49_999]
    (tmp_path / "x.json").write_text("{" + ", ".join(f'"{key}": 1' for key in keys) + "}")
    start = time.process_time()
    with pytest.raises(DamagedCheckpointError, match="'49999' stands twice"):
        read_json(tmp_path / "x.json")
    assert time.process_time() - start < 20  # Minutes, were each key compared with each.


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": ' * 30 + "1" + "}" * 30, "levels deep"),
        ('{"a": [' + "[]," * 1_100_000 + "[]]}", "values; at most"),
        ('{"a": 1, "a": 2}', "'a' stands twice"),
        ('{"a": NaN}', "NaN is no finite number"),
        ('{"a": "one\\ntwo"}', "must be printable"),
        ('{"a\\u001b[2J": 1}', "must be printable"),
        (json.dumps({"a": "x" * 20_000}), "at most 10,000 characters"),
    ],
)
def test_json_is_bounded_in_depth_number_and_text(tmp_path, text, message):
    (tmp_path / "x.json").write_text(text)
    tracemalloc.start()
    with pytest.raises(DamagedCheckpointError, match=message):
        read_json(tmp_path / "x.json")
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()


@pytest.mark.parametrize("part", ["inner", "outer"])
def test_chunks_larger_than_their_array_are_refused_before_they_are_allocated(tmp_path, part):
    like = {"a": np.zeros((4, 8), np.float32)}
    write_arrays(tmp_path / "params", like)
    assert read_arrays(tmp_path / "params", like)["a"].shape == (4, 8)
    store = ts.KvStore.open({"driver": "ocdbt", "base": f"file://{tmp_path}/params/state/"}).result()
    metadata = json.loads(store.read(b"a/zarr.json").result().value)
    metadata["chunk_grid"]["configuration"]["chunk_shape"] = [4, 800]
    if part == "inner":
        metadata["codecs"][0]["configuration"]["chunk_shape"] = [4, 800]
    store.write(b"a/zarr.json", json.dumps(metadata)).result()
    with pytest.raises(DamagedCheckpointError, match=r"chunks of \[4, 800\], larger than"):
        read_arrays(tmp_path / "params", like)


def test_bytes_that_no_array_needs_and_long_metadata_are_refused(tmp_path):
    like = {"a": np.zeros((4, 8), np.float32)}
    write_arrays(tmp_path / "params", like)
    (tmp_path / "params" / "more").write_bytes(bytes(5 * 2**20))
    with pytest.raises(DamagedCheckpointError, match="bytes for arrays of 128"):
        read_arrays(tmp_path / "params", like)
    (tmp_path / "params" / "more").unlink()
    (tmp_path / "params" / "state" / "_METADATA").write_bytes(b" " * 2**21)
    with pytest.raises(DamagedCheckpointError, match="_METADATA has more than"):
        read_arrays(tmp_path / "params", like)


def test_drawing_weights_takes_little_more_than_they_are():
    size = 2**20
    tracemalloc.start()
    drawn = fixed_weights.lecun_normal(0, 0, (size // 64, 64))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.5 * drawn.nbytes
    small = fixed_weights.standard_normal(0, 0, 100)
    np.testing.assert_array_equal(fixed_weights.standard_normal(0, 0, 2**17)[:100], small, strict=True)


@pytest.mark.parametrize("name", ["params/A", "config.JSON"])
def test_files_that_differ_in_case_only(checkpoint, name):
    manifest = json.loads((checkpoint / "MANIFEST.json").read_text())
    other = "params/a" if name == "params/A" else "config.json"
    manifest["files"][name] = manifest["files"].setdefault(other, {"size": 0, "sha256": "0" * 64})
    write_json(checkpoint / "MANIFEST.json", manifest)
    with pytest.raises(DamagedCheckpointError, match="differ in case only"):
        verify_manifest(checkpoint)


def test_a_link_that_leads_to_itself(checkpoint):
    (checkpoint / "training.csv").unlink()
    (checkpoint / "training.csv").symlink_to("training.csv")
    with pytest.raises(DamagedCheckpointError, match=r"training\.csv"):
        zoo.load(str(checkpoint))


def test_a_whole_model_survives_these_checks(checkpoint):
    model = ZooModel.from_checkpoint(read_checkpoint(checkpoint), "here")
    assert read_info(checkpoint, "folder").parameters == model.network_config.trained_size
