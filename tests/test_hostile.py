"""Checkpoints and repositories that were made to do harm: nothing runs, nothing is written, little is allocated."""

import json
import os
import pickle
import re
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import zoo
from zoo.core.json_files import write_json
from zoo.store import manifest
from zoo.store.checkpoint import read_checkpoint
from zoo.store.manifest import write_manifest

# Orbax leaves failed reads to the garbage collector, which reports them whenever it comes by.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

NAME = "hetsnn-mem5-32"
REPOSITORY = f"hetsnn-zoo/{NAME}"
ROOT = Path(zoo.__file__).parent.parent


def edit(folder, file, **changes):
    """Changes a JSON file and makes the manifest agree, as an attacker would."""
    write_json(folder / file, json.loads((folder / file).read_text()) | changes)
    write_manifest(folder)


def listing(folder, **more):
    """What the Hub lists for a folder, with further paths and their sizes."""
    sizes = {p.relative_to(folder).as_posix(): p.stat().st_size for p in folder.rglob("*") if p.is_file()} | more
    return [{"type": "file", "path": path, "size": size, "oid": "0" * 40} for path, size in sizes.items()]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"../../escape.txt": 1}, "paths inside the folder"),
        ({"params/../../../escape.txt": 1}, "paths inside the folder"),
        ({"/etc/cron.d/escape": 1}, "paths inside the folder"),
        ({"params\\..\\escape": 1}, "paths inside the folder"),
        ({"params/" + "x/" * 40 + "deep": 1}, "paths inside the folder"),
        ({"params/\x1b[2Jname": 1}, "paths inside the folder"),
        ({"params/huge": 5 * 2**30}, "bytes; at most"),
        ({"params/negative": -(2**40)}, "paths inside the folder"),
        ({f"params/{k}": 1 for k in range(3000)}, "files"),
    ],
)
def test_a_hostile_listing_is_refused_before_a_file_is_fetched(hub, checkpoint, tmp_path, more, message):
    hub.add(REPOSITORY, checkpoint)
    hub.repositories[REPOSITORY].listed = listing(checkpoint, **more)
    with pytest.raises(zoo.DamagedCheckpointError, match=message):
        zoo.load(NAME)
    assert not any("/resolve/" in path for _, path in hub.requests)
    assert not list(tmp_path.rglob("*escape*"))


def test_files_that_the_format_does_not_know_are_not_fetched(hub, checkpoint):
    for name in ("evil.py", "pytorch_model.bin", "sitecustomize.py", "README.md", ".gitattributes"):
        (checkpoint / name).write_text("import os; os._exit(66)")
    (checkpoint / "state").mkdir()
    (checkpoint / "state" / "x").write_text("")
    hub.add(REPOSITORY, checkpoint)
    with pytest.raises(zoo.DamagedCheckpointError, match=r"even after"):
        (checkpoint / "params" / "evil.pkl").write_bytes(b"x")
        hub.add(REPOSITORY, checkpoint)
        zoo.load(NAME)
    assert {path.split("/")[0] for path in hub.fetched()} <= {
        "MANIFEST.json", "config.json", "evaluation.json", "training.csv", "params",
    }  # fmt: skip


@pytest.mark.parametrize("commit", ["../../../escape", "x" * 40, ""])
def test_a_commit_that_is_no_commit(hub, checkpoint, tmp_path, commit):
    hub.add(REPOSITORY, checkpoint)
    repository = hub.repositories[REPOSITORY]
    repository.commits[commit] = repository.files("main")
    repository.branches["main"] = commit
    with pytest.raises(zoo.HubError, match="for a commit"):
        zoo.load(f"hf://{REPOSITORY}")
    assert not list(tmp_path.rglob("*escape*"))


class Bomb:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (self.target,)


def test_a_pickle_in_any_file_is_not_executed(checkpoint, tmp_path):
    bomb = pickle.dumps(Bomb(str(tmp_path / "boom")))
    for file in sorted(p for p in checkpoint.rglob("*") if p.is_file() and p.name != "MANIFEST.json"):
        original = file.read_bytes()
        file.write_bytes(bomb)
        write_manifest(checkpoint)
        try:
            zoo.load(str(checkpoint)).network()
        except zoo.ZooError:
            pass
        file.write_bytes(original)
    write_manifest(checkpoint)
    assert not (tmp_path / "boom").exists()
    pickle.loads(bomb)
    assert (tmp_path / "boom").exists(), "the bomb works"


def test_no_source_of_the_zoo_can_unpickle_or_execute():
    forbidden = re.compile(r"\b(pickle|cloudpickle|marshal|shelve|joblib|dill|eval\(|exec\(|allow_pickle=True)")
    sources = [p for part in ("zoo", "models", "training") for p in (ROOT / part).rglob("*.py")]
    assert len(sources) > 20
    found = {str(p): forbidden.findall(p.read_text().replace("jax.eval_shape", "")) for p in sources}
    assert {path: hits for path, hits in found.items() if hits} == {}


def test_links_that_lead_out_are_not_followed(checkpoint, tmp_path):
    secret = tmp_path / "secret.csv"
    shutil.copy(checkpoint / "training.csv", secret)
    (checkpoint / "training.csv").unlink()
    (checkpoint / "training.csv").symlink_to(secret)
    with pytest.raises(zoo.DamagedCheckpointError, match=r"is a link to .*secret"):
        zoo.load(str(checkpoint))


def test_a_manifest_or_a_folder_that_is_a_link(checkpoint, tmp_path):
    moved = shutil.move(checkpoint / "MANIFEST.json", tmp_path / "moved.json")
    (checkpoint / "MANIFEST.json").symlink_to(moved)
    with pytest.raises(zoo.DamagedCheckpointError, match="is a link to"):
        zoo.load(str(checkpoint))
    (checkpoint / "MANIFEST.json").unlink()
    shutil.move(moved, checkpoint / "MANIFEST.json")
    shutil.move(checkpoint / "params", tmp_path / "params")
    (checkpoint / "params").symlink_to(tmp_path / "params")
    with pytest.raises(zoo.DamagedCheckpointError, match=r"params"):
        zoo.load(str(checkpoint))


def test_a_folder_that_only_looks_like_the_hubs_cache_may_not_link_elsewhere(checkpoint, tmp_path):
    snapshot = tmp_path / "models--a--b" / "snapshots" / ("0" * 40)
    shutil.copytree(checkpoint, snapshot)
    blobs = tmp_path / "models--a--b" / "blobs"
    blobs.mkdir()
    shutil.move(snapshot / "training.csv", blobs / "abc")
    (snapshot / "training.csv").symlink_to("../../blobs/abc")
    assert read_checkpoint(snapshot).seeds == (0, 1)
    shutil.move(blobs / "abc", tmp_path / "outside")
    (blobs / "abc").symlink_to(tmp_path / "outside")
    with pytest.raises(zoo.DamagedCheckpointError, match=r"is a link to .*outside"):
        read_checkpoint(snapshot)


def test_a_device_or_pipe_is_not_read(checkpoint):
    (checkpoint / "training.csv").unlink()
    os.mkfifo(checkpoint / "training.csv")
    with pytest.raises(zoo.DamagedCheckpointError, match=r"training\.csv was altered"):
        zoo.load(str(checkpoint))


def test_a_large_file_is_not_hashed(checkpoint, monkeypatch):
    with (checkpoint / "training.csv").open("r+b") as file:
        file.truncate(3 * 2**30)
    hashed = []
    monkeypatch.setattr(manifest, "sha256_file", lambda path: hashed.append(path.name) or "")
    with pytest.raises(zoo.DamagedCheckpointError, match=r"training\.csv was altered"):
        manifest.verify_manifest(checkpoint)
    assert "training.csv" not in hashed


@pytest.mark.parametrize("file", ["MANIFEST.json", "config.json", "evaluation.json"])
def test_large_json_is_not_read(checkpoint, file):
    with (checkpoint / file).open("r+b") as handle:
        handle.truncate(200 * 2**20)
    if file != "MANIFEST.json":
        write_manifest(checkpoint)
    tracemalloc.start()
    with pytest.raises(zoo.DamagedCheckpointError, match="bytes; at most"):
        zoo.load(str(checkpoint))
    assert tracemalloc.get_traced_memory()[1] < 30e6
    tracemalloc.stop()


def test_too_many_files(checkpoint):
    for k in range(2100):
        (checkpoint / "params" / f"{k}").touch()
    with pytest.raises(zoo.DamagedCheckpointError, match="more than 1,000 files"):
        zoo.load(str(checkpoint))


@pytest.mark.parametrize(
    "network",
    [
        {"hidden": 2**62},  # A product of 64-bit integers would wrap round to a small number.
        {"inputs": 10**9},
        {"outputs": 2**40, "hidden": 2**40},
        {"inputs": 10**30},
        {"hidden": 2**28},
    ],
)
def test_sizes_are_bounded_before_anything_is_allocated(checkpoint, network):
    config = json.loads((checkpoint / "config.json").read_text())
    edit(checkpoint, "config.json", network=config["network"] | network)
    tracemalloc.start()
    with pytest.raises(zoo.DamagedCheckpointError, match="more than"):
        zoo.load(str(checkpoint))
    assert tracemalloc.get_traced_memory()[1] < 30e6
    tracemalloc.stop()


@pytest.mark.parametrize(
    "task",
    [{"name": "os.system", "options": {}}, {"name": "mem5", "options": {"x": 1}}, {"name": 3, "options": {}}, {},
     {"name": "mem5", "options": []}, {"name": "../../x", "options": {}}],
)  # fmt: skip
def test_a_task_that_the_zoo_does_not_have(checkpoint, task):
    edit(checkpoint, "config.json", task=task)
    with pytest.raises(zoo.DamagedCheckpointError, match="no such task"):
        zoo.load(str(checkpoint)).task()


@pytest.mark.parametrize("name", ["../../../etc/passwd", "a\x1b[31m", "<script>x</script>", "hetsnn-mem5-32/.."])
def test_a_name_in_the_config_becomes_no_path_and_no_markup(checkpoint, name):
    edit(checkpoint, "config.json", name=name)
    with pytest.raises(zoo.ZooError):
        zoo.model_info(str(checkpoint))
    with pytest.raises(zoo.ZooError):
        zoo.publish(str(checkpoint), dry_run=True)


@pytest.mark.parametrize(
    "changes",
    [{"mean": "1.0"}, {"mean": float("nan")}, {"mean": None}, {"interval_95": [1.0]}, {"interval_95": [0, 1, 2]},
     {"std": float("inf")}, {"seeds": []}, {"seeds": {}}, {"seeds": [3]}, {"seeds": [{"mean": 1.0}]},
     {"command": []}, {"mean": 10**400}],
)  # fmt: skip
def test_an_evaluation_that_is_none(checkpoint, changes):
    edit(checkpoint, "evaluation.json", **changes)
    for read in (zoo.load, zoo.model_info):
        with pytest.raises(zoo.DamagedCheckpointError, match=r"evaluation\.json"):
            read(str(checkpoint))


_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["config.json", "evaluation.json"]), st.data())
def test_any_other_value_of_any_field_raises_a_zoo_error_or_loads(checkpoint, file, data):
    original = (checkpoint / file).read_text()
    document = json.loads(original)
    field = data.draw(st.sampled_from(sorted(document)))
    edit(checkpoint, file, **{field: data.draw(_VALUE)})
    try:
        model = zoo.load(str(checkpoint))
        assert all(np.isfinite(value).all() for value in model.trained.values())
        zoo.model_info(str(checkpoint))
    except zoo.ZooError:
        pass
    finally:
        (checkpoint / file).write_text(original)
