"""Fetching from and publishing to a Hub on the loopback interface, with the client as it is installed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest
from hub_server import TOKEN
from huggingface_hub import ModelCard

import zoo
from zoo.core.arrays import write_arrays
from zoo.core.json_files import write_json
from zoo.report import publishing
from zoo.report.listing import select
from zoo.store.checkpoint import read_checkpoint
from zoo.store.hub import Access, Reference, cached_names, fetch, refresh
from zoo.store.loading import locate
from zoo.store.manifest import write_manifest

NAME = "hetsnn-mem5-32"
REPOSITORY = f"hetsnn-zoo/{NAME}"


@pytest.fixture
def published(hub, checkpoint):
    """The Hub with the small model on its main branch."""
    hub.commit = hub.add(REPOSITORY, checkpoint)
    return hub


def assert_same(one, other):
    assert one.config == other.config
    assert one.evaluation == other.evaluation
    assert one.trained.keys() == other.trained.keys()
    for name, value in one.trained.items():
        np.testing.assert_array_equal(value, other.trained[name], strict=True)


def snapshot_files(path):
    return sorted(p for p in path.rglob("*") if p.is_file())


def overwrite(file, data):
    """New content for a cached file, where the bytes really are."""
    file.resolve().write_bytes(data)


def test_pull_gives_the_published_bytes_and_says_where_they_came_from(published, checkpoint):
    model = zoo.load(NAME)
    assert_same(model, zoo.load(str(checkpoint)))
    assert model.source == f"hf://{REPOSITORY}@{published.commit}"
    assert_same(zoo.load(model.source), model)
    assert zoo.model_info(NAME).where == "cache"


def test_a_cached_model_costs_no_request(published):
    zoo.load(NAME)
    published.requests.clear()
    zoo.load(NAME)
    assert published.requests == []


def test_pull_asks_for_news_and_fetches_only_what_changed(published, checkpoint, edited):
    zoo.load(NAME)
    newer = published.add(REPOSITORY, edited)
    assert zoo.load(NAME).source.endswith(published.commit)
    published.requests.clear()
    assert zoo.pull(NAME).commit == newer
    assert sorted(published.fetched()) == ["MANIFEST.json", "evaluation.json"]
    assert zoo.load(NAME).evaluation["command"] == "another command"


@pytest.fixture
def edited(checkpoint, tmp_path):
    """Another version of the same model."""
    folder = shutil.copytree(checkpoint, tmp_path / "edited" / NAME)
    evaluation = json.loads((folder / "evaluation.json").read_text())
    write_json(folder / "evaluation.json", evaluation | {"command": "another command"})
    write_manifest(folder)
    return folder


def test_branch_and_pinned_commit(published, checkpoint, edited):
    second = published.add(REPOSITORY, edited, branch="dev/next")
    assert zoo.load(NAME, revision="dev/next").source.endswith(second)
    assert zoo.load(f"hf://{REPOSITORY}@dev/next").source.endswith(second)
    assert zoo.load(NAME, revision=published.commit).source.endswith(published.commit)
    published.requests.clear()
    assert zoo.load(NAME, revision=second).source.endswith(second)
    assert published.requests == [], "a cached commit needs no request"


def test_another_organisation(published, monkeypatch, checkpoint):
    published.add(f"someone/{NAME}", checkpoint)
    assert zoo.load(f"hf://someone/{NAME}").source.startswith(f"hf://someone/{NAME}@")
    monkeypatch.setenv("ZOO_HUB_ORG", "someone")
    assert zoo.load(NAME).source.startswith(f"hf://someone/{NAME}@")


def test_bundled_and_named_folders_come_first(published, checkpoint, monkeypatch):
    assert locate("hetsnn-mem25-1024").where == "bundled"
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(checkpoint.parent))
    assert zoo.load(NAME).source == str(checkpoint)
    assert published.requests == []


def test_a_revision_asks_the_hub_even_where_a_folder_has_the_name(published, checkpoint, monkeypatch):
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(checkpoint.parent))
    assert zoo.load(NAME, revision="main").source.startswith("hf://")
    with pytest.raises(ValueError, match="is a folder"):
        zoo.load(str(checkpoint), revision="main")


def test_private_repository(hub, checkpoint):
    hub.add(REPOSITORY, checkpoint, private=True)
    with pytest.raises(zoo.UnknownModelError, match=r"private.*hf auth login"):
        zoo.load(NAME)
    with pytest.raises(zoo.HubError, match=r"does not accept the token \(401\).*renew"):
        zoo.load(f"hf://{REPOSITORY}", token="hf_wrong")
    assert zoo.load(NAME, token=TOKEN).name == NAME
    assert zoo.load(NAME).name == NAME, "what is on this machine needs no token"


def test_token_of_the_environment(hub, checkpoint, monkeypatch):
    hub.add(REPOSITORY, checkpoint, private=True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert zoo.load(NAME).name == NAME


def test_missing_model_says_how_to_train_it_and_missing_revision_is_named(published):
    with pytest.raises(zoo.UnknownModelError, match=r"train it: zoo train hetsnn-mem7-64.*there is no http"):
        zoo.load("hetsnn-mem7-64")
    with pytest.raises(zoo.HubError, match="no branch, tag or commit 'v9'"):
        zoo.load(f"hf://{REPOSITORY}@v9")


def test_a_name_outside_the_grammar_is_not_asked_for(published):
    with pytest.raises(zoo.UnknownModelError, match="did you mean"):
        zoo.load("hetsn-mem25-1024")
    assert published.requests == []


def test_a_broken_transfer_is_tried_again(published):
    published.break_after["training.csv"] = 50
    zoo.load(NAME)
    assert published.fetched().count("training.csv") == 2


def test_a_broken_transfer_of_a_large_file_goes_on_where_it_broke(hub, checkpoint):
    chunk = 10 * 2**20  # The client keeps what came in whole chunks of this size.
    (checkpoint / "state").mkdir()
    (checkpoint / "state" / "large").write_bytes(os.urandom(chunk + 2**20))
    write_manifest(checkpoint)
    hub.add(REPOSITORY, checkpoint)
    hub.break_after["state/large"] = chunk + 2**19
    path = zoo.pull(NAME, with_state=True).path
    assert hub.ranges["state/large"] == [f"bytes={chunk}-"]
    assert (path / "state" / "large").read_bytes() == (checkpoint / "state" / "large").read_bytes()


PULL = f"import zoo; print(zoo.pull('{NAME}').source)"


@contextmanager
def python(code, **environment):
    """A Python process, which is killed if it still runs at the end."""
    child = subprocess.Popen([sys.executable, "-c", code], env=os.environ | environment,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    with child:
        try:
            yield child
        finally:
            child.kill()


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def test_a_killed_pull_is_completed_without_fetching_again_what_is_there(published, tmp_path, checkpoint):
    others = len(snapshot_files(checkpoint)) - 1
    published.stall = {"evaluation.json"}
    snapshot = tmp_path / "cache" / f"models--{REPOSITORY.replace('/', '--')}" / "snapshots" / published.commit
    with python(PULL) as child:
        wait_until(lambda: len(snapshot_files(snapshot)) == others and "evaluation.json" in published.fetched())
        child.send_signal(signal.SIGKILL)
        child.communicate()
    published.stall, published.requests = set(), []
    published.release.set()
    with pytest.raises(zoo.UnknownModelError, match="not in the cache"):
        zoo.load(NAME, local_files_only=True)
    zoo.load(NAME)
    assert published.fetched() == ["evaluation.json"]


def test_two_processes_pull_at_once(published):
    published.stall = {"config.json"}
    with python(PULL) as one, python(PULL) as other:
        asked = ("HEAD", f"/{REPOSITORY}/resolve/{published.commit}/config.json")
        wait_until(lambda: published.requests.count(asked) == 2)
        published.release.set()
        for child in (one, other):
            out, error = child.communicate(timeout=60)
            assert child.returncode == 0, error
            assert out.strip() == f"hf://{REPOSITORY}@{published.commit}"
    zoo.load(NAME, local_files_only=True)


def test_every_damaged_file_of_the_cache_is_fetched_again_once(published):
    path = locate(NAME).path
    for file in snapshot_files(path):
        original = file.read_bytes()
        for damaged in (original[:-3], original[:-3] + bytes([original[-3] ^ 1])) if original else (b"\0",):
            overwrite(file, damaged)
            published.requests.clear()
            zoo.load(NAME)
            assert file.read_bytes() == original
            # The client does not ask for the bytes of an empty file.
            assert published.fetched().count(file.relative_to(path).as_posix()) == bool(original)


@pytest.mark.parametrize("change", [lambda data: data[:-5], lambda data: bytes([data[0] ^ 4]) + data[1:]])
@pytest.mark.parametrize("file", ["config.json", "evaluation.json", "training.csv", "params/state/_METADATA"])
def test_files_that_are_damaged_on_the_hub_are_never_loaded(published, checkpoint, file, change):
    published.replace[file] = change((checkpoint / file).read_bytes())
    for _ in range(2):
        published.requests.clear()
        with pytest.raises(zoo.DamagedCheckpointError, match=rf"(?s)even after it was fetched again.*{file} was"):
            zoo.load(NAME)
        assert published.fetched().count(file) <= 2
    published.replace.clear()
    zoo.load(NAME)


def test_damage_that_cannot_be_repaired_without_network_is_reported(published):
    file = locate(NAME).path / "config.json"
    overwrite(file, file.read_bytes().replace(b"mem5", b"mem6"))
    with pytest.raises(zoo.DamagedCheckpointError, match=r"config\.json was altered"):
        zoo.load(NAME, local_files_only=True)
    published.stop()
    with pytest.raises(zoo.DamagedCheckpointError, match=r"config\.json was altered.*could not be fetched again"):
        zoo.load(NAME)


def test_a_file_too_many_in_the_cache_is_reported_and_left_alone(published):
    path = locate(NAME).path
    (path / "params" / "mine.txt").write_text("mine")
    with pytest.raises(zoo.DamagedCheckpointError, match=r"if you changed files there.*params/mine\.txt does not"):
        zoo.load(NAME)
    assert (path / "params" / "mine.txt").read_text() == "mine"


def test_a_repository_without_manifest_is_not_fetched(hub, checkpoint):
    (checkpoint / "MANIFEST.json").unlink()
    hub.add(REPOSITORY, checkpoint)
    with pytest.raises(zoo.DamagedCheckpointError, match=r"it has no MANIFEST\.json"):
        zoo.load(NAME)
    assert hub.fetched() == []


def test_another_model_under_a_models_name_is_refused(hub, checkpoint):
    hub.add("hetsnn-zoo/hetsnn-mem6-32", checkpoint)
    with pytest.raises(zoo.DamagedCheckpointError, match="holds 'hetsnn-mem5-32', not 'hetsnn-mem6-32'"):
        zoo.load("hetsnn-mem6-32")


def test_server_gone_with_a_warm_cache(published):
    zoo.load(NAME)
    published.stop()
    assert zoo.load(NAME).source.endswith(published.commit)
    assert zoo.load(NAME, revision=published.commit).name == NAME
    assert zoo.pull(NAME).commit == published.commit


@pytest.mark.parametrize("revision", [None, "0" * 40])
def test_server_gone_with_a_cold_cache(hub, revision):
    hub.stop()
    start = time.monotonic()
    with pytest.raises(zoo.HubError, match=r"cannot be reached .*ConnectError.*check the network.*zoo pull"):
        zoo.load(f"hf://{REPOSITORY}", revision=revision)
    assert time.monotonic() - start < 5


def test_offline_modes(published, monkeypatch):
    with pytest.raises(zoo.UnknownModelError, match=r"not in the cache.*zoo pull hf://"):
        zoo.load(NAME, local_files_only=True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(zoo.HubError, match="HF_HUB_OFFLINE"):
        zoo.load(f"hf://{REPOSITORY}")
    assert published.requests == []
    monkeypatch.delenv("HF_HUB_OFFLINE")
    zoo.load(NAME)
    published.requests.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert zoo.load(NAME).name == zoo.pull(NAME).path.name.replace(published.commit, NAME)
    assert published.requests == []


def test_offline_mode_that_was_set_before_the_client_was_imported(published):
    zoo.load(NAME)
    published.requests.clear()
    with python(f"import zoo; print(zoo.load('{NAME}').source)", HF_HUB_OFFLINE="1") as child:
        out, error = child.communicate(timeout=60)
    assert out.strip() == f"hf://{REPOSITORY}@{published.commit}", error
    assert published.requests == []


def test_cache_dir(published, tmp_path):
    zoo.load(NAME, cache_dir=tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere").is_dir()
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_cannot_be_written(published, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(zoo.HubError, match=r"could not be fetched into .*HF_HUB_CACHE"):
        zoo.load(f"hf://{REPOSITORY}", cache_dir=tmp_path / "file")


def test_training_state_is_fetched_only_when_asked_for(hub, checkpoint, monkeypatch):
    (checkpoint / "state").mkdir()
    (checkpoint / "state" / "0004").write_bytes(b"state")
    write_manifest(checkpoint)
    hub.add(REPOSITORY, checkpoint)
    assert not (zoo.pull(NAME).path / "state").exists()
    with monkeypatch.context() as offline, pytest.raises(zoo.HubError, match=r"training state.*is not in the cache"):
        offline.setenv("HF_HUB_OFFLINE", "1")
        zoo.pull(NAME, with_state=True)
    assert (zoo.pull(NAME, with_state=True).path / "state" / "0004").read_bytes() == b"state"
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert (zoo.pull(NAME, with_state=True).path / "state" / "0004").read_bytes() == b"state"
    zoo.load(NAME)


def test_training_goes_on_from_the_hub_where_a_copy_left_its_state_out(hub, tiny_run, tiny, tmp_path, monkeypatch):
    from zoo.training import train
    from zoo.training.run.export import export_run

    whole = export_run(tiny_run, tmp_path / "whole" / NAME, with_state=True)
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(tmp_path / "copies"))
    shutil.copytree(whole, copy := tmp_path / "copies" / NAME)
    shutil.rmtree(copy / "state")
    with pytest.raises(zoo.ZooError, match=r"lacks training state that was published, and the Hub does not give it"):
        train(NAME, out=tmp_path, quiet=True, continue_published=True)
    hub.add(REPOSITORY, whole)
    outcome = train(NAME, out=tmp_path, quiet=True, continue_published=True)
    assert outcome.finished and outcome.generations == (tiny["generations"],)
    states = [folder / "state" / "00000004" / "MANIFEST.json" for folder in (tmp_path / NAME, whole)]
    assert states[0].read_bytes() == states[1].read_bytes()


@pytest.fixture
def with_state(checkpoint):
    """The small model with a training state of two files."""
    (checkpoint / "state").mkdir()
    for name in ("a", "b"):
        (checkpoint / "state" / name).write_text(name)
    write_manifest(checkpoint)
    return checkpoint


def break_off(hub, folder, file):
    """Pulls a model, then its training state too, which is killed when only `file` is missing; returns the copy."""
    hub.add(REPOSITORY, folder)
    path = zoo.pull(NAME).path
    hub.stall = {file}
    with python(f"import zoo; zoo.pull('{NAME}', with_state=True)") as child:
        wait_until(lambda: len(snapshot_files(path)) == len(snapshot_files(folder)) - 1 and file in hub.fetched())
        child.kill()
        child.communicate()
    hub.stall, hub.requests = set(), []
    hub.release.set()
    assert (path / "state").is_dir() and not (path / file).exists()
    return path


def test_a_model_loads_and_is_pulled_while_its_training_state_is_there_in_part(hub, with_state, monkeypatch):
    path = break_off(hub, with_state, "state/b")
    assert_same(zoo.load(NAME), zoo.load(str(with_state)))
    assert zoo.load(NAME, local_files_only=True).name == NAME
    assert hub.requests == []
    assert zoo.pull(NAME).path == path
    assert hub.fetched() == []
    with monkeypatch.context() as offline:
        offline.setenv("HF_HUB_OFFLINE", "1")
        assert zoo.pull(NAME).path == path
        with pytest.raises(zoo.HubError, match=r"training state.*is not in the cache.*--with-state"):
            zoo.pull(NAME, with_state=True)
    assert zoo.pull(NAME, with_state=True).path == path
    assert hub.fetched() == ["state/b"]
    assert (path / "state" / "b").read_text() == "b"


def test_a_part_of_a_training_state_is_not_published(hub, with_state):
    break_off(hub, with_state, "state/b")
    assert not [file for file in zoo.publish(NAME, "someone/x", dry_run=True).files if file.startswith("state/")]
    zoo.pull(NAME, with_state=True)
    assert {"state/a", "state/b"} <= set(zoo.publish(NAME, "someone/x", dry_run=True).files)


def test_a_copy_with_a_part_of_its_training_state_is_refused_as_a_folder(hub, with_state):
    path = break_off(hub, with_state, "state/b")
    with pytest.raises(zoo.DamagedCheckpointError, match="state/b is missing"):
        zoo.load(str(path))


@pytest.mark.parametrize("there", ["whole", "part"])
def test_a_damaged_file_of_a_cached_training_state_is_refused_and_fetched_again(hub, with_state, there):
    path = break_off(hub, with_state, "state/b")
    if there == "whole":
        zoo.pull(NAME, with_state=True)
    overwrite(path / "state" / "a", b"A")
    for read in (zoo.load, zoo.model_info):
        with pytest.raises(zoo.DamagedCheckpointError, match=r"damaged: state/a was altered\."):
            read(NAME, local_files_only=True)
    hub.requests = []
    zoo.load(NAME)
    assert (path / "state" / "a").read_text() == "a"
    fetched = {name for name in hub.fetched() if name.startswith("state/")}
    assert fetched == ({"state/a", "state/b"} if there == "whole" else {"state/a"}), "as much of it as there was"


def test_a_training_state_that_is_damaged_on_the_hub_is_refused(hub, with_state):
    hub.add(REPOSITORY, with_state)
    hub.replace["state/a"] = b"A"
    assert zoo.load(NAME).name == NAME, "what was not fetched is not missed"
    for ask in (lambda: zoo.pull(NAME, with_state=True), lambda: zoo.pull(NAME), lambda: zoo.load(NAME)):
        with pytest.raises(zoo.DamagedCheckpointError, match=r"(?s)even after it was fetched again.*state/a was"):
            ask()
    hub.replace.clear()
    assert zoo.load(NAME).name == NAME


def test_training_goes_on_from_a_state_whose_fetch_broke_off(hub, tiny_run, tiny, tmp_path, monkeypatch):
    from zoo.training import train
    from zoo.training.run.export import export_run

    whole = export_run(tiny_run, tmp_path / "whole" / NAME, with_state=True)
    last = max(file.relative_to(whole).as_posix() for file in snapshot_files(whole / "state"))
    path = break_off(hub, whole, last)
    with monkeypatch.context() as offline, pytest.raises(zoo.ZooError, match=r"lacks.*zoo pull hf://.*--with-state"):
        offline.setenv("HF_HUB_OFFLINE", "1")
        train(NAME, out=tmp_path, quiet=True, continue_published=True)
    assert not (tmp_path / NAME).exists()
    outcome = train(NAME, out=tmp_path, quiet=True, continue_published=True)
    assert hub.fetched() == [last] and (path / last).is_file()
    assert outcome.finished and outcome.generations == (tiny["generations"],)
    states = [folder / "state" / "00000004" / "MANIFEST.json" for folder in (tmp_path / NAME, whole)]
    assert states[0].read_bytes() == states[1].read_bytes()


def test_cached_models_are_listed_where_they_are_asked_for(published, monkeypatch):
    zoo.load(NAME)
    assert cached_names() == [NAME]
    assert NAME in zoo.list_models(cached=True)
    assert NAME not in zoo.list_models()


@pytest.mark.parametrize(
    "text",
    ["hf://x", "hf://a/b/c", "hf://../b", "hf://a/..", "hf://a/b@../../x", "hf://a/b@/etc", "hf://a/b@x y", "hf://a/b@-x",
     "hf://a--b/c@", "hf://a/b.", "hf://"],
)  # fmt: skip
def test_references_that_do_not_read_so(text):
    with pytest.raises(ValueError, match="must"):
        print(Reference.parse(text))


def test_references():
    assert str(Reference.parse("hf://a/b@refs/pr/1")) == "hf://a/b@refs/pr/1"
    assert Reference.parse("hf://a.b/c-d_e", "v1") == Reference("a.b/c-d_e", "v1")
    with pytest.raises(ValueError, match="names a revision"):
        Reference.parse("hf://a/b@x", "y")


def test_token_is_not_shown(hub):
    assert "hf_secret" not in repr(Access(token="hf_secret"))


def test_publish_then_load_from_an_empty_cache_gives_the_same_bits(hub, checkpoint, tmp_path):
    done = zoo.publish(str(checkpoint), "someone/my-model", token=TOKEN)
    repository = hub.repositories["someone/my-model"]
    sha = repository.branches["main"]
    assert done.commit_url == f"{hub.url}/someone/my-model/commit/{sha}"
    assert len(repository.commits) == 2, "one commit beside the Hub's first"
    model = zoo.load("hf://someone/my-model", cache_dir=tmp_path / "empty")
    assert_same(model, zoo.load(str(checkpoint)))
    for seed in model.seeds:
        for name, value in model.parts(seed).items():
            np.testing.assert_array_equal(value, zoo.load(str(checkpoint)).parts(seed)[name], strict=True)
    for file in snapshot_files(model.path):
        assert file.read_bytes() == (checkpoint / file.relative_to(model.path)).read_bytes()


def test_the_card_and_its_plots_are_in_the_commit(hub, checkpoint):
    zoo.publish(str(checkpoint), token=TOKEN)
    files = hub.repositories[REPOSITORY].files("main")
    card = ModelCard(files["README.md"].decode())
    assert card.data.eval_results[0].metric_value == zoo.load(str(checkpoint)).evaluation["mean"]
    for plot in (f"{NAME}-curve.svg", f"{NAME}-tau.svg"):
        assert f"]({plot})" in card.text
        assert files[plot].startswith(b"<svg")


def test_a_clone_of_the_repository_loads_as_a_folder(hub, checkpoint, tmp_path):
    zoo.publish(str(checkpoint), token=TOKEN)
    for name, data in hub.repositories[REPOSITORY].files("main").items():
        file = tmp_path / "clone" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    (tmp_path / "clone" / f"{NAME}-agent.png").write_bytes(b"a picture, as models that can be looked at have one")
    (tmp_path / "clone" / "params" / ".DS_Store").write_bytes(b"a file manager looked at it")
    assert_same(zoo.load(str(tmp_path / "clone")), zoo.load(str(checkpoint)))


def test_publishing_again_sends_what_changed_and_removes_what_is_gone(hub, checkpoint, edited, tmp_path):
    zoo.publish(str(checkpoint), token=TOKEN)
    repository = hub.repositories[REPOSITORY]
    old = set(repository.files("main"))
    moved = edited / "params" / "state" / "d"
    params = read_checkpoint(edited).params
    shutil.rmtree(edited / "params")
    write_arrays(edited / "params", params)
    write_manifest(edited)
    zoo.publish(str(edited), token=TOKEN)
    new = set(repository.files("main"))
    assert len(repository.commits) == 3
    assert {p.name for p in moved.iterdir()} == {p.rsplit("/", 1)[1] for p in new if p.startswith("params/state/d/")}
    assert ".gitattributes" in new
    assert old - new, "Orbax names its files at random; the old ones are gone"
    assert_same(zoo.load(NAME), zoo.load(str(edited)))


def test_a_copy_without_training_state_does_not_take_the_hubs_away(hub, tiny_run, tmp_path):
    from zoo.training.run.export import export_run

    whole = export_run(tiny_run, tmp_path / "whole" / NAME, with_state=True)
    zoo.publish(whole, token=TOKEN)
    before = set(hub.repositories[REPOSITORY].files("main"))
    shutil.rmtree((copy := shutil.copytree(whole, tmp_path / "copy" / NAME)) / "state")
    with pytest.raises(zoo.HubError, match=f"would delete it there.*zoo pull {NAME} --with-state"):
        zoo.publish(copy, token=TOKEN)
    assert set(hub.repositories[REPOSITORY].files("main")) == before
    zoo.publish(zoo.pull(NAME, with_state=True).path, token=TOKEN)


def test_publish_on_a_branch_leaves_main_alone(hub, checkpoint, edited):
    zoo.publish(str(checkpoint), token=TOKEN)
    main = hub.repositories[REPOSITORY].branches["main"]
    zoo.publish(str(edited), revision="v2", token=TOKEN)
    assert hub.repositories[REPOSITORY].branches["main"] == main
    assert zoo.load(NAME, revision="v2").evaluation["command"] == "another command"


def test_dry_run_sends_nothing(hub, checkpoint):
    plan = zoo.publish(str(checkpoint), dry_run=True)
    assert hub.requests == []
    assert plan.commit_url is None
    assert {"README.md", "MANIFEST.json", "config.json"} <= set(plan.files)
    assert "nothing was sent" in str(plan)


@pytest.fixture
def two_models(checkpoint, tmp_path, monkeypatch):
    """Names that match ``hetsnn-mem5-*[0-9]`` on a machine that has a small model of its own beside the zoo's."""
    shutil.copytree(checkpoint, tmp_path / "own" / NAME)
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(tmp_path / "own"))
    return ["hetsnn-mem5-1024", NAME]


def test_all_models_are_one_command(hub, two_models, monkeypatch, capsys):
    from zoo.cli.main import main

    command = ["publish", "hetsnn-mem5-*[0-9]", "--all", "--org", "lab"]
    assert main([*command, "--dry-run"]) == 0
    *listed, last = capsys.readouterr().out.splitlines()
    assert hub.requests == []
    assert sum("would publish" in line for line in listed) == 2
    assert sum(line.endswith("  MANIFEST.json") for line in listed) == 2
    assert last.startswith("2 repositories, ") and last.endswith("; nothing was sent")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("; all sent")
    assert sorted(hub.repositories) == sorted(f"lab/{name}" for name in two_models)
    assert main(["publish", "--all", "--repo", "lab/x"]) == 2 and main(["publish"]) == 2


def test_one_that_is_refused_says_how_far_all_came(hub, two_models):
    with pytest.raises(zoo.HubError, match=r"0 of 2 models are published; the next, hetsnn-mem5-32, is not: .*401"):
        publishing.publish_all("lab", pattern="hetsnn-mem5-*[0-9]", token="hf_wrong")
    with pytest.raises(zoo.ZooError, match="no published model on this machine matches 'x'"):
        publishing.publish_all("lab", pattern="x")


def test_all_claims_are_checked_before_the_first_model_is_sent(hub, two_models, monkeypatch):
    checked = []

    def check(path):
        checked.append(path)
        raise zoo.ZooError("not published: it does not hold")

    monkeypatch.setattr(publishing, "_check_claim", check)
    for dry_run in (True, False):
        with pytest.raises(zoo.ZooError, match="does not hold"):
            publishing.publish_all("lab", pattern="hetsnn-mem5-*[0-9]", dry_run=dry_run, evaluate=True, token=TOKEN)
    assert len(checked) == 2 and not hub.repositories


def test_private_publication(hub, checkpoint, edited):
    zoo.publish(str(checkpoint), private=True, token=TOKEN)
    assert hub.repositories[REPOSITORY].private
    hub.repositories[REPOSITORY].private = False
    with pytest.raises(zoo.HubError, match="exists and is public"):
        zoo.publish(str(edited), private=True, token=TOKEN)
    assert len(hub.repositories[REPOSITORY].commits) == 2


def test_publish_without_the_right(hub, checkpoint):
    with pytest.raises(zoo.HubError, match=r"401.*HF_TOKEN"):
        zoo.publish(str(checkpoint), token="hf_wrong")
    with pytest.raises(zoo.HubError, match="hf auth login"):
        zoo.publish(str(checkpoint))
    assert hub.repositories == {}


def test_publish_offline(hub, checkpoint, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(zoo.HubError, match="forbids to publish"):
        zoo.publish(str(checkpoint), token=TOKEN)


def test_damaged_or_overclaiming_models_are_not_published(hub, checkpoint, edited):
    evaluation = json.loads((edited / "evaluation.json").read_text())
    write_json(edited / "evaluation.json", evaluation | {"mean": 2.0, "interval_95": [1.9, 2.1]})
    write_manifest(edited)
    with pytest.raises(zoo.ZooError, match=r"not published: FAILS.*a mean of 2 is claimed"):
        zoo.publish(str(edited), evaluate=True, token=TOKEN)
    (checkpoint / "training.csv").write_text("")
    with pytest.raises(zoo.DamagedCheckpointError):
        zoo.publish(str(checkpoint), token=TOKEN)
    assert hub.requests == []
    zoo.publish(str(edited), dry_run=True)


def test_a_branch_that_moved_meanwhile_is_not_overwritten(hub, checkpoint, monkeypatch):
    zoo.publish(str(checkpoint), token=TOKEN)
    real = publishing.make_api

    def slow_api(access):
        api = real(access)
        commit = api.create_commit

        def create_commit(*arguments, **options):
            hub.add(REPOSITORY, checkpoint)
            return commit(*arguments, **options)

        api.create_commit = create_commit
        return api

    monkeypatch.setattr(publishing, "make_api", slow_api)
    (checkpoint / "README.md").write_text("other")
    with pytest.raises(zoo.HubError, match="412"):
        zoo.publish(str(checkpoint), token=TOKEN)


def test_fetch_and_refresh_return_the_same_snapshot(published):
    reference = Reference.parse(NAME)
    assert refresh(reference, Access()) == fetch(reference, Access())


def test_importing_the_zoo_does_not_import_the_client():
    code = "import sys, zoo; zoo.load('hetsnn-mem25-1024'); print('huggingface_hub' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_what_is_fetched_is_hashed_once(hub, checkpoint, monkeypatch):
    from zoo.store import manifest

    hub.add("org/name", checkpoint)
    zoo.pull("hf://org/name")
    hashed, whole = [], manifest.sha256_file
    monkeypatch.setattr(manifest, "sha256_file", lambda path: hashed.append(path) or whole(path))
    zoo.load("hf://org/name")
    assert len(hashed) == len(set(hashed)) > 3


def test_offline_listing_asks_nobody(published, monkeypatch):
    zoo.pull(NAME)
    asked = len(published.requests)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert NAME in [row.name for row in select(NAME, where="cache")]
    assert zoo.model_info(NAME, local_files_only=True).name == NAME
    cached = next(Access().cache.glob("models--*"))
    shutil.rmtree(cached / "blobs")  # Names without files, as an interrupted pull leaves them.
    assert select(NAME, where="cache") == []
    assert len(published.requests) == asked
