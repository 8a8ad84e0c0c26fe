"""What a Hub may answer, and for how long: checked while the client talks to it, before it acts on the answer.

The client takes the name of a file in its cache from a header, waits as long as it is told to, and reads whatever
comes. So while an operation lasts, every answer passes here first.
"""

import contextlib
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from zoo.core.errors import HubError
from zoo.store.manifest import MAX_BYTES, MAX_FILES

TIMEOUT_VARIABLE = "ZOO_HUB_TIMEOUT"
_SECONDS = 300.0
_IDLE_SECONDS = 10.0  # Without a byte; the client then tries again.
_NOTICES = (5.0, 20.0, 60.0, 120.0)
_MAX_REQUESTS = 4 * MAX_FILES
_MAX_ANSWER = 64 * 2**20  # Of the API: lists of files.
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SIZE = re.compile(r"[0-9]{1,12}")
_TRIES = 4
PASSING = (408, 429, 500, 502, 503, 504)
"""Statuses after which it is worth trying again."""


def time_limit(asked: float | None = None) -> float:
    """Seconds that one operation on the Hub may take: as asked, else ``$ZOO_HUB_TIMEOUT``, else five minutes.

    Raises:
        ValueError: if that is no positive number.
    """
    text = os.environ.get(TIMEOUT_VARIABLE) if asked is None else asked
    try:
        seconds = _SECONDS if text in (None, "") else float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 1e9:
        raise ValueError(f"timeout or {TIMEOUT_VARIABLE} (={text!r}) must be a positive number of seconds")
    return seconds


class Guard:
    """One operation on the Hub: its deadline, and what has come so far.

    Attributes:
        endpoint: address of the Hub, for messages.
        seconds: that it may take.
    """

    def __init__(self, endpoint: str, seconds: float):
        self.endpoint, self.seconds = endpoint, seconds
        self._end, self._requests, self._bytes = time.monotonic() + seconds, 0, 0

    @property
    def remaining(self) -> float:
        """Seconds until the deadline.

        Raises:
            HubError: if it has passed.
        """
        if (left := self._end - time.monotonic()) <= 0:
            raise HubError(
                f"{self.endpoint} did not finish within {self.seconds:g} s; try again, or allow more: --timeout "
                f"SECONDS, or {TIMEOUT_VARIABLE}"
            )
        return left

    def before(self, request: Any) -> None:
        """Gives a request no more time than is left; counts it."""
        left, self._requests = self.remaining, self._requests + 1
        if self._requests > _MAX_REQUESTS:
            raise HubError(f"{self.endpoint} needs more than {_MAX_REQUESTS:,} requests for one model; not fetched")
        limits = request.extensions.get("timeout") or {}
        request.extensions["timeout"] = {
            kind: min(left, _IDLE_SECONDS if limits.get(kind) is None else limits[kind])
            for kind in ("connect", "read", "write", "pool")
        }
        request.headers["Accept-Encoding"] = "identity"  # What is small on the wire is small in memory.

    def after(self, response: Any) -> None:
        """Refuses an answer by its headers, and counts its bytes as they are read."""
        headers, path = response.headers, response.request.url.path
        if response.status_code in PASSING and (wait := _seconds(headers.get("Retry-After"))) > self.remaining:
            raise HubError(
                f"{self.endpoint} answered {response.status_code} and asks to wait {wait:,.0f} s; try then"
            )
        if response.request.method == "HEAD" and response.status_code < 400:
            self._check_names(headers, path)
        if headers.get("Content-Encoding", "identity") != "identity":
            raise HubError(f"{self.endpoint} compresses its answers, which it was asked not to do; not read")
        response.stream = self._watched(response.stream, _MAX_ANSWER if path.startswith("/api/") else MAX_BYTES)

    def _check_names(self, headers: Any, path: str) -> None:
        """What the client takes for the name of a file in its cache, for a commit, for a size."""
        tag = headers.get("X-Linked-Etag") or headers.get("ETag")
        for what, value, rule, form in (
            ("a file's hash", tag and tag.removeprefix("W/").strip('"'), _HASH, "40 or 64 hexadecimal digits"),
            ("a commit", headers.get("X-Repo-Commit"), _COMMIT, "40 hexadecimal digits"),
            ("a size", headers.get("X-Linked-Size") or headers.get("Content-Length"), _SIZE, "digits"),
        ):
            if value is not None and not rule.fullmatch(value):
                raise HubError(
                    f"{self.endpoint}{path}: the Hub answered with {value[:80]!r} for {what}, which must be {form}; "
                    "nothing was fetched"
                )

    def _watched(self, stream: Any, limit: int) -> Any:
        import httpx2

        guard = self

        class Watched(httpx2.SyncByteStream):
            def __iter__(self):
                size = 0
                for data in stream:
                    guard._bytes, size = guard._bytes + len(data), size + len(data)
                    if size > limit or guard._bytes > MAX_BYTES + _MAX_ANSWER:
                        raise HubError(f"{guard.endpoint} sends more than {limit:,} bytes in an answer; not read")
                    _ = guard.remaining
                    yield data

            def close(self):
                stream.close()

        return Watched()

    def patiently(self, act: Callable[[], Any]) -> Any:
        """What `act` returns; done again after what may pass: a server that is busy, a connection that broke off."""
        for attempt in range(_TRIES):
            try:
                return act()
            except Exception as error:
                if attempt == _TRIES - 1 or not passes(error):
                    raise
                time.sleep(min(2.0**attempt, self.remaining))
        raise AssertionError("unreachable")


def passes(error: BaseException | None) -> bool:
    """Whether an error, or what it came from, is one that goes away by itself."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    while error is not None:
        if isinstance(error, HfHubHTTPError):
            return error.response.status_code in PASSING
        if isinstance(error, httpx2.TimeoutException | httpx2.ReadError | httpx2.RemoteProtocolError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _seconds(text: str | None) -> float:
    """Of a header Retry-After; 0 where there is none, or a date."""
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


_LOCK = threading.RLock()
_GUARDS: list[Guard] = []
_CLIENTS: list[tuple[Any, Any]] = []  # With the hooks that they had; there while any guard is.


@contextlib.contextmanager
def guarded(endpoint: str, seconds: float) -> Iterator[Guard]:
    """A block in which all that the Hub client sends and gets passes a `Guard`.

    The library has one client for all threads: while blocks overlap, each guard sees the others' requests, too.

    Args:
        endpoint: address of the Hub.
        seconds: that the block may take.
    """
    guard, over = Guard(endpoint, seconds), threading.Event()
    with _LOCK:
        _GUARDS.append(guard)
    try:
        _attach()
        threading.Thread(target=_watch, args=(guard, over), daemon=True).start()
        yield guard
    finally:
        over.set()
        with _LOCK:
            _GUARDS.remove(guard)
            while not _GUARDS and _CLIENTS:
                client, hooks = _CLIENTS.pop()
                client.__dict__.pop("close", None)
                client.event_hooks = hooks


def _attach() -> None:
    """Hangs the guards on the library's client, unless they are there."""
    from huggingface_hub import get_session

    client = get_session()
    with _LOCK:
        if not _GUARDS or any(client is known for known, _ in _CLIENTS):
            return
        hooks, close = client.event_hooks, client.close
        _CLIENTS.append((client, hooks))
        client.event_hooks = {
            "request": [*hooks.get("request", ()), lambda request: _all(Guard.before, request)],
            "response": [lambda response: _all(Guard.after, response), *hooks.get("response", ())],
        }

    def close_and_follow() -> None:
        """After a broken connection the library closes its client and makes another, which is guarded, too."""
        close()
        _attach()

    client.close = close_and_follow  # type: ignore[method-assign]


def _all(check: Callable[[Guard, Any], None], message: Any) -> None:
    for guard in tuple(_GUARDS):
        check(guard, message)


def _watch(guard: Guard, over: threading.Event) -> None:
    """Says that one waits, and for how long; at the end closes connections on which less than a line came."""
    from huggingface_hub import close_session

    start = time.monotonic()
    for notice in (*(n for n in _NOTICES if n < guard.seconds), None):
        until = guard.seconds + 1 if notice is None else notice
        if over.wait(max(0.0, until - (time.monotonic() - start))):
            return
        if notice is None:
            close_session()
        else:
            print(f"waiting for {guard.endpoint} ({notice:g} s of at most {guard.seconds:g} s)", file=sys.stderr)
