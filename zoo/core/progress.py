"""A progress bar on standard error; plain lines where there is no terminal."""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import rich.console
import rich.progress

_Item = TypeVar("_Item")
_LINES = 10  # How many lines a log gets in place of a bar.


class Bar(contextlib.AbstractContextManager):
    """How far something is, a note on it, and how long it will take."""

    def __init__(
        self, before: str, after: str = "", *, total: int, done: int = 0, note: str = "", quiet: bool = False
    ):
        """Makes a bar, which shows from its ``with`` on.

        Args:
            before: text on its left, where ``{task.completed}``, ``{task.total}`` and ``{task.fields[note]}`` stand
                for their values.
            after: the same on its right.
            total: how many steps there are.
            done: how many of them are done.
            note: text of one's own.
            quiet: show nothing.
        """
        self._console = rich.console.Console(stderr=True, quiet=quiet)
        self._live = self._console.is_terminal and not quiet
        texts = [rich.progress.TextColumn(text) for text in (before, after)]
        columns = (texts[0], rich.progress.BarColumn(), texts[1], rich.progress.TimeRemainingColumn())
        self._bar = rich.progress.Progress(*columns, console=self._console, disable=not self._live)
        self._task = self._bar.add_task("", total=total, completed=done, note=note)

    def __enter__(self):
        self._bar.start()
        return self

    def __exit__(self, *_):
        self._bar.stop()

    def show(self, done: float, note: str | None = None) -> None:
        """Moves the bar, and changes its note where one is given."""
        fields: dict[str, Any] = {} if note is None else {"note": note}
        self._bar.update(self._task, completed=done, **fields)

    def line(self, text: str) -> None:
        """Prints a line where there is no terminal to show a bar."""
        if not self._live:
            self._console.print(text, highlight=False)
            sys.stderr.flush()

    def say(self, text: str) -> None:
        """Prints a line above the bar."""
        self._console.print(text, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def working(text: str) -> Iterator[None]:
    """A sign of life with what goes on and the seconds that a block takes, on a terminal alone; gone when it ends."""
    console = rich.console.Console(stderr=True)
    words = rich.progress.TextColumn("{task.description}", markup=False)
    columns = rich.progress.SpinnerColumn(), words, rich.progress.TimeElapsedColumn()
    with rich.progress.Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        bar.add_task(text, total=None)
        yield


def track(items: Sequence[_Item], text: str, *, quiet: bool = False) -> Iterator[_Item]:
    """The items one by one, with a bar that says how far they are and how long it will take."""
    every = max(1, len(items) // _LINES)
    with Bar(f"{text} {{task.completed}}/{{task.total}}", total=len(items), quiet=quiet) as bar:
        for done, item in enumerate(items, start=1):
            yield item
            bar.show(done)
            if done % every == 0 or done == len(items):
                bar.line(f"{text} {done}/{len(items)}")
