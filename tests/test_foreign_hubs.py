"""The Hub client through a server that nobody here wrote: olah, a mirror, in front of the stand-in.

Runs where `olah-cli` is on the PATH, or where ``OLAH_CLI`` says: `pip install olah` in an environment of its own.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import time

import pytest

import zoo

OLAH = os.environ.get("OLAH_CLI") or shutil.which("olah-cli")
pytestmark = pytest.mark.skipif(not OLAH, reason="olah is not installed")
REPOSITORY = "org/hetsnn-mem5-32"


@contextlib.contextmanager
def mirror(upstream: str, folder):
    """Address of a mirror of a Hub."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        here = f"127.0.0.1:{free.getsockname()[1]}"
    there = upstream.removeprefix("http://")
    host, port = here.split(":")
    options = {"host": host, "port": port, "repos-path": str(folder / "repos"), "log-path": str(folder / "logs")}
    for side, address in (("hf", there), ("mirror", here)):
        options |= {f"{side}-scheme": "http", f"{side}-netloc": address, f"{side}-lfs-netloc": address}
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen([OLAH, *arguments], cwd=folder, stdout=log, stderr=log)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", int(port)), 1):
                break
            time.sleep(0.1)
        yield f"http://{here}"
    finally:
        process.terminate()
        process.wait()


def test_pull_revision_and_offline_through_a_mirror(hub, checkpoint, tmp_path, monkeypatch):
    first = hub.add(REPOSITORY, checkpoint)
    second = hub.add(REPOSITORY, checkpoint, branch="v1")
    folder = tmp_path / "mirror"
    folder.mkdir()
    with mirror(hub.url, folder) as url:
        monkeypatch.setenv("HF_ENDPOINT", url)
        assert zoo.pull(f"hf://{REPOSITORY}", timeout=250).commit == first
        assert zoo.load(f"hf://{REPOSITORY}@v1", timeout=250).source == f"hf://{REPOSITORY}@{second}"
        assert zoo.load(f"hf://{REPOSITORY}@{first}", cache_dir=tmp_path / "other", timeout=250).source.endswith(
            first
        )
        with pytest.raises(zoo.HubError):
            zoo.pull("hf://org/not-there", timeout=60)
    hub.stop()
    assert zoo.load(f"hf://{REPOSITORY}", local_files_only=True).source.endswith(first)
