"""The progress bar of a training."""

import contextlib
import sys

import numpy as np
import rich.console
import rich.progress


class Progress(contextlib.AbstractContextManager):
    """A bar with generation, reward, best member and time left; plain lines where there is no terminal."""

    def __init__(self, goal: int, done: int, quiet: bool):
        self._goal, self._done = goal, done
        self._console = rich.console.Console(stderr=True, quiet=quiet)
        self._live = self._console.is_terminal and not quiet
        self._bar = rich.progress.Progress(
            rich.progress.TextColumn("generation {task.completed}/{task.total}"),
            rich.progress.BarColumn(),
            rich.progress.TextColumn("{task.fields[reward]}"),
            rich.progress.TimeRemainingColumn(),
            console=self._console,
            disable=not self._live,
        )
        self._printed = done

    def say(self, text: str) -> None:
        """Prints a line above the bar."""
        self._console.print(text, highlight=False, soft_wrap=True)

    def __enter__(self):
        self._bar.start()
        self._task = self._bar.add_task("", total=self._goal, completed=self._done, reward="compiling")
        return self

    def update(self, generation: int, metrics: list) -> None:
        """Shows the last generation of a block of metrics."""
        mean = np.concatenate([m.mean[-1] for m in metrics])
        best = np.concatenate([m.best[-1] for m in metrics])
        mishaps = [(n[4:], int(getattr(m, n).sum())) for m in metrics for n in m._fields if n.startswith("nan_")]
        nans = ", ".join(f"{count} NaN {what}" for what, count in mishaps if count)
        reward = f"reward {np.nanmean(mean):.4g} (runs {np.nanmin(mean):.4g} to {np.nanmax(mean):.4g})"
        reward += f", best {np.nanmax(best):.4g}" + (f", {nans}" if nans else "")
        self._bar.update(self._task, completed=generation, reward=reward)
        if not self._live and (generation == self._goal or generation - self._printed >= self._goal // 20):
            self._printed = generation
            self._console.print(f"generation {generation}/{self._goal}  {reward}", highlight=False)
            sys.stderr.flush()

    def __exit__(self, *_):
        self._bar.stop()
