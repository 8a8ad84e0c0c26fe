"""What a Hub answers is checked before the client acts on it, and it gets so much time and no more."""

import json
import socket
import threading
import time
from types import SimpleNamespace

import pytest
from hub_server import TOKEN, git_oid

import zoo
from zoo.core.json_files import write_json
from zoo.store import hub_guard
from zoo.store.hub import Access, Reference, refresh
from zoo.store.hub_guard import Guard, guarded, time_limit
from zoo.store.manifest import is_part, write_manifest
from zoo.store.pins import manifest_hash

NAME = "hetsnn-mem5-32"
REPOSITORY = f"hetsnn-zoo/{NAME}"


@pytest.fixture
def published(hub, checkpoint, monkeypatch):
    hub.commit = hub.add(REPOSITORY, checkpoint)
    monkeypatch.setattr("zoo.store.hub_guard.time.sleep", lambda seconds: None)
    return hub


def seconds_of(act):
    start = time.monotonic()
    act()
    return time.monotonic() - start


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"ETag": '"aside/name"'}, "for a file's hash, which must be 40 or 64"),
        ({"ETag": '"' + "G" * 40 + '"'}, "for a file's hash"),
        ({"ETag": '"' + "a" * 41 + '"'}, "for a file's hash"),
        ({"X-Linked-Etag": '"name"'}, "for a file's hash"),
        ({"X-Repo-Commit": "main"}, "for a commit, which must be 40"),
        ({"X-Linked-Size": "many"}, "for a size, which must be digits"),
        ({"X-Linked-Size": "-1"}, "for a size"),
        ({"Content-Encoding": "gzip"}, "compresses its answers"),
    ],
)
def test_names_and_sizes_in_headers_have_their_form_or_nothing_is_fetched(published, tmp_path, headers, message):
    published.headers = headers
    with pytest.raises(zoo.HubError, match=message):
        zoo.pull(NAME)
    assert not [path for path in published.fetched() if path.startswith("params")]
    assert not list((tmp_path / "cache").rglob("blobs/*name*")) and not list(tmp_path.rglob("aside"))


def test_a_weak_etag_and_a_sha256_are_hashes_too(published):
    published.headers = {"X-Linked-Etag": 'W/"' + "b" * 64 + '"'}
    with pytest.raises(zoo.DamagedCheckpointError):  # All files have one name in the cache.
        zoo.pull(NAME)
    assert published.fetched()


def test_a_server_that_sends_byte_after_byte_is_left_at_the_deadline(published, capsys, monkeypatch):
    monkeypatch.setattr("zoo.store.hub_guard._NOTICES", (0.5,))
    published.drip = dict.fromkeys(["config.json", "evaluation.json", "training.csv", "MANIFEST.json"], 0.05)
    with pytest.raises(zoo.HubError, match="did not finish within 2 s"):
        assert seconds_of(lambda: zoo.pull(NAME, timeout=2)) < 30
    assert "waiting for http://127.0.0.1" in capsys.readouterr().err


def test_operations_that_overlap_leave_the_client_as_it_was():
    from huggingface_hub import get_session

    before, client = get_session().event_hooks, get_session()
    counts = {kind: len(hooks) for kind, hooks in before.items()}
    first, second = guarded("http://a", 60), guarded("http://b", 60)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert {kind: len(hooks) for kind, hooks in client.event_hooks.items()} == {k: n + 1 for k, n in counts.items()}
    second.__exit__(None, None, None)
    assert {kind: len(hooks) for kind, hooks in client.event_hooks.items()} == counts
    assert "close" not in vars(client)


def test_a_server_that_never_answers(monkeypatch, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setenv("ZOO_HUB_TIMEOUT", "1.5")
        start = time.monotonic()
        with pytest.raises(zoo.HubError, match=r"did not finish within 1\.5 s.*ZOO_HUB_TIMEOUT"):
            zoo.pull(NAME)
        assert time.monotonic() - start < 30


def test_headers_that_never_end(monkeypatch, tmp_path):
    stop = threading.Event()

    def trickle(server):
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not stop.wait(0.1):
                try:
                    connection.sendall(b"a")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=trickle, args=(server,), daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        start = time.monotonic()
        with pytest.raises(zoo.HubError):
            zoo.pull(NAME, timeout=1)
        assert time.monotonic() - start < 30
        stop.set()


def test_who_asks_to_come_back_in_an_hour_is_not_waited_for(published):
    published.faults = [(429, {"Retry-After": "3600"})]
    with pytest.raises(zoo.HubError, match=r"answered 429 and asks to wait 3,600 s"):
        zoo.pull(NAME)


def test_what_passes_is_tried_again(published):
    published.faults = [(503, {}), (502, {})]
    assert zoo.pull(NAME).commit == published.commit


def test_what_does_not_pass_is_said_after_four_tries(published):
    published.faults = [(503, {})] * 50
    with pytest.raises(zoo.HubError, match="503 Service Unavailable"):
        zoo.pull(NAME)
    assert len(published.requests) == 4


@pytest.mark.parametrize("kind", ["folders", "nothing"])
def test_lists_without_end_are_counted_as_they_come(published, kind, monkeypatch):
    monkeypatch.setattr("zoo.store.hub_guard._MAX_REQUESTS", 60)
    folders = [{"type": "directory", "path": f"params/{k}", "oid": "0" * 40} for k in range(500)]
    published.endless = folders if kind == "folders" else []
    with pytest.raises(zoo.ZooError, match=r"more than 2,000 files and folders|more than 60 requests"):
        zoo.pull(NAME)


def test_an_answer_of_the_api_is_bounded(published, monkeypatch):
    monkeypatch.setattr("zoo.store.hub_guard._MAX_ANSWER", 100)
    with pytest.raises(zoo.HubError, match="sends more than 100 bytes in an answer"):
        zoo.pull(NAME)


def test_the_users_client_is_as_it_was_afterwards(published):
    from huggingface_hub import get_session

    before = {kind: list(hooks) for kind, hooks in get_session().event_hooks.items()}
    zoo.pull(NAME)
    assert {kind: list(hooks) for kind, hooks in get_session().event_hooks.items()} == before
    assert "close" not in vars(get_session())


@pytest.mark.parametrize("text", ["0", "-3", "soon", "nan", "inf"])
def test_time_limits_that_are_none(monkeypatch, text):
    monkeypatch.setenv("ZOO_HUB_TIMEOUT", text)
    with pytest.raises(ValueError, match="positive number of seconds"):
        time_limit()
    assert time_limit(7) == 7
    with pytest.raises(ValueError, match=r"^timeout or ZOO_HUB_TIMEOUT"):  # By itself, not as the network's fault.
        zoo.pull(NAME, timeout=-1)


def test_publishing_sends_what_the_format_knows_and_nothing_else(hub, checkpoint):
    (checkpoint / ".env").write_text("SECRET=1")
    write_manifest(checkpoint)
    with pytest.raises(zoo.DamagedCheckpointError, match=r"lists \.env, which the format does not know"):
        zoo.publish(str(checkpoint), "me/model", token=TOKEN)
    assert not hub.requests


@pytest.mark.parametrize(
    ("name", "known"),
    [("config.json", True), ("params/state/d/0a1b", True), ("params/orbax.checkpoint", True),
     ("state/00000032/x", True), ("params/_METADATA", True), ("params/.env", False), (".env", False),
     ("id_rsa", False), ("params", False), ("notes/a.txt", False), ("params/a b", False)],
)  # fmt: skip
def test_which_files_are_parts(name, known):
    assert is_part(name) == known


def test_a_manifests_hash_pins_a_model_wherever_it_is(published, checkpoint):
    pin = manifest_hash(checkpoint)
    assert zoo.load(NAME, manifest=pin).name == NAME
    assert zoo.load(str(checkpoint), manifest=pin).name == NAME
    evaluation = json.loads((checkpoint / "evaluation.json").read_text())
    write_json(checkpoint / "evaluation.json", evaluation | {"command": "another"})
    write_manifest(checkpoint)
    with pytest.raises(zoo.DamagedCheckpointError, match=f"not {pin} as asked for"):
        zoo.load(str(checkpoint), manifest=pin)
    published.add(REPOSITORY, checkpoint)
    zoo.pull(NAME)
    with pytest.raises(zoo.DamagedCheckpointError, match="as asked for"):
        zoo.load(NAME, manifest=pin)
    with pytest.raises(ValueError, match="must be sha256: and 64"):
        zoo.load(NAME, manifest="abc")


def test_a_request_has_no_more_time_than_is_left(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(hub_guard, "time", SimpleNamespace(monotonic=lambda: now[0]))
    guard = Guard("http://hub", 20.0)
    for now[0], expected in ((100.0, [5, 10, 10, 10]), (113.0, [5, 7, 7, 7]), (118.0, [2, 2, 2, 2])):
        request = SimpleNamespace(extensions={"timeout": {"connect": 5.0, "read": None}}, headers={})
        guard.before(request)
        timeouts = request.extensions["timeout"]
        assert [timeouts[kind] for kind in ("connect", "read", "write", "pool")] == expected
    now[0] = 120.0
    with pytest.raises(zoo.HubError, match="http://hub did not finish within 20 s"):
        guard.before(request)


def test_all_requests_of_an_operation_have_its_time(published, monkeypatch):
    given, before = [], Guard.before

    def watched(guard, request):
        before(guard, request)
        given.extend(request.extensions["timeout"].values())

    monkeypatch.setattr(Guard, "before", watched)
    assert refresh(Reference(REPOSITORY), Access(timeout=8)).commit == published.commit
    assert len(given) > 20 and all(0 < seconds <= 8 for seconds in given)


def test_the_stand_in_hub_names_files_as_git_does():
    assert git_oid(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
