"""Where else the curves of a training go: TensorBoard and Weights & Biases, each an optional package."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from zoo.core.packages import needed_for


class Log:
    """What is told of the runs as they go, by process 0. This one does nothing; it is what others inherit."""

    def begin(self, name: str, seeds: Sequence[int], generation: int, recipe: Mapping[str, Any]) -> None:
        """A run begins, or goes on; it may be said again of one that is under way.

        Args:
            name: model name.
            seeds: training seeds.
            generation: done so far; what an earlier call told of later ones is void.
            recipe: settings, as in ``run.json``.
        """

    def write(self, name: str, seeds: Sequence[int], generation: int, metrics: NamedTuple) -> None:
        """Generations that are done.

        Args:
            name: model name.
            seeds: training seeds.
            generation: the first of them.
            metrics: the method's, arrays of [generations, seeds], as in ``training.csv``.
        """

    def close(self) -> None:
        """No more will come."""


class Logs(Log):
    """Several as one."""

    def __init__(self, *logs: Log):
        self._logs = logs

    def begin(self, name, seeds, generation, recipe):
        """As `Log.begin`."""
        for log in self._logs:
            log.begin(name, seeds, generation, recipe)

    def write(self, name, seeds, generation, metrics):
        """As `Log.write`."""
        for log in self._logs:
            log.write(name, seeds, generation, metrics)

    def close(self):
        """As `Log.close`."""
        for log in self._logs:
            log.close()


class TensorBoardLog(Log):
    """Event files in ``FOLDER/NAME/seed-K``, a scalar for each column of ``training.csv``.

    Raises:
        MissingPackageError: without tensorboardX.
    """

    def __init__(self, folder: str | Path):
        self._folder = Path(folder)
        self._writers: dict[tuple[str, int], Any] = {}
        with needed_for("a log for TensorBoard", "tensorboardX", extra="tensorboard"):
            from tensorboardX import SummaryWriter
        self._make = SummaryWriter

    def begin(self, name, seeds, generation, recipe):
        """As `Log.begin`."""
        for seed in [seed for seed in seeds if (name, seed) not in self._writers]:
            where = str(self._folder / name / f"seed-{seed}")
            self._writers[name, seed] = self._make(where, purge_step=generation + 1)

    def write(self, name, seeds, generation, metrics):
        """As `Log.write`."""
        for row, seed in enumerate(seeds):
            writer = self._writers[name, seed]
            for field, column in zip(metrics._fields, metrics, strict=True):
                for i, value in enumerate(column[:, row]):
                    writer.add_scalar(field, float(value), generation + i)
            writer.flush()

    def close(self):
        """As `Log.close`."""
        for writer in self._writers.values():
            writer.close()


class WandbLog(Log):
    """A run of Weights & Biases for each training seed, those of a model in one group.

    Its own variables hold: ``WANDB_MODE=offline`` needs no network and no account. A training that goes on is a new
    run of the same group, whose steps begin where the training does.

    Raises:
        MissingPackageError: without wandb.
    """

    def __init__(self, project: str, folder: str | Path):
        self._project, self._folder = project, Path(folder)
        self._runs: dict[tuple[str, int], Any] = {}
        with needed_for("a log for Weights & Biases", "wandb", extra="wandb"):
            import wandb
        self._wandb = wandb

    def begin(self, name, seeds, generation, recipe):
        """As `Log.begin`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for seed in [seed for seed in seeds if (name, seed) not in self._runs]:
            self._runs[name, seed] = self._wandb.init(
                project=self._project, group=name, name=f"{name}, seed {seed}", dir=str(self._folder),
                config={**recipe, "model": name, "seed": seed, "from_generation": generation}, reinit="create_new",
            )  # fmt: skip

    def write(self, name, seeds, generation, metrics):
        """As `Log.write`."""
        for row, seed in enumerate(seeds):
            for i in range(len(metrics[0])):
                values = [float(column[i, row]) for column in metrics]
                self._runs[name, seed].log(dict(zip(metrics._fields, values, strict=True)), step=generation + i)

    def close(self):
        """As `Log.close`."""
        for run in self._runs.values():
            run.finish()


def make_log(folder: str | Path | None, project: str | None) -> Log:
    """What `zoo train --log-dir FOLDER --wandb PROJECT` asks for; wandb keeps its files in the folder, too."""
    logs: list[Log] = []
    if folder is not None:
        logs.append(TensorBoardLog(folder))
    if project is not None:
        logs.append(WandbLog(project, folder or "."))
    return Logs(*logs)
