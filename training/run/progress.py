"""The progress bar of a training."""

import numpy as np

from zoo.core.progress import Bar


class Progress(Bar):
    """A bar with generation, reward, best member and time left; plain lines where there is no terminal."""

    def __init__(self, goal: int, done: int, quiet: bool):
        text = "generation {task.completed}/{task.total}"
        super().__init__(text, "{task.fields[note]}", total=goal, done=done, note="compiling", quiet=quiet)
        self._goal, self._printed = goal, done

    def update(self, generation: int, metrics: list) -> None:
        """Shows the last generation of a block of metrics."""
        mean = np.concatenate([m.mean[-1] for m in metrics])
        best = np.concatenate([m.best[-1] for m in metrics])
        counts = [(n[4:], int(getattr(m, n).sum())) for m in metrics for n in m._fields if n.startswith("nan_")]
        nans = ", ".join(f"{count} NaN {what}" for what, count in counts if count)
        if np.isnan(mean).all():
            lengths = np.concatenate([np.ravel(getattr(m, "length", np.nan)) for m in metrics])
            ended = np.nan_to_num(lengths).any()
            reward = "no return is a finite number: see to the task's reward" if ended else "no episode has ended yet"
        else:
            reward = f"reward {np.nanmean(mean):.4g} (runs {np.nanmin(mean):.4g} to {np.nanmax(mean):.4g})"
            reward += f", best {np.nanmax(best):.4g}"
        reward += f", {nans}" if nans else ""
        self.show(generation, note=reward)
        if generation == self._goal or generation - self._printed >= self._goal // 20:
            self._printed = generation
            self.line(f"generation {generation}/{self._goal}  {reward}")
