"""A progress bar over a known number of steps, on standard error; plain lines where there is no terminal."""

import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

import rich.console
import rich.progress

_Item = TypeVar("_Item")
_LINES = 10  # How many lines a log gets in place of a bar.


def track(items: Sequence[_Item], text: str, *, quiet: bool = False) -> Iterator[_Item]:
    """The items one by one, with a bar that says how far they are and how long it will take."""
    console = rich.console.Console(stderr=True, quiet=quiet)
    live = console.is_terminal and not quiet
    columns = (
        rich.progress.TextColumn("{task.description} {task.completed}/{task.total}"),
        rich.progress.BarColumn(),
        rich.progress.TimeRemainingColumn(),
    )
    every = max(1, len(items) // _LINES)
    with rich.progress.Progress(*columns, console=console, disable=not live) as bar:
        task = bar.add_task(text, total=len(items))
        for done, item in enumerate(items, start=1):
            yield item
            bar.update(task, completed=done)
            if not live and (done % every == 0 or done == len(items)):
                console.print(f"{text} {done}/{len(items)}", highlight=False)
                sys.stderr.flush()
