"""Processes that tests start: none outlives its test, and no wait for one goes on for ever."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator

SECONDS = 900.0  # Other programs may hold a machine for a while.


@contextlib.contextmanager
def running(command: list[str], **options) -> Iterator[subprocess.Popen]:
    """A process, killed where it still runs at the end of the block."""
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(happened: Callable[[], bool], process: subprocess.Popen, seconds: float = SECONDS) -> None:
    """Waits for what a process does.

    Raises:
        AssertionError: if the process ends without it, or it takes more than so many seconds.
    """
    end = time.monotonic() + seconds
    while not happened():
        status = process.poll()
        assert status is None or happened(), f"the process ended with status {status}; waited for: {happened}"
        assert time.monotonic() < end, f"not within {seconds:g} s; waited for: {happened}"
        time.sleep(0.01)
