"""Sweeps over methods and settings on CartPole: Fig. 7, Table 5 and Table 6, a cell at a time.

A *cell* is one compiled program: all seeds, and all values of the settings that are mere numbers, advance
together. Its results are appended to a CSV when it is done; a sweep that was interrupted goes on with the
first cell that is missing there.
"""

import dataclasses
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo.core.progress import Bar
from zoo.registry.methods import find_method
from zoo.registry.names import parse
from zoo.registry.paper import CARTPOLE_EPISODES
from zoo.registry.recipe import Recipe, make_network_config, make_recipe, make_recipe_task

LIMITS = (100, 200, 500, 1000)
EPISODES = CARTPOLE_EPISODES
"""Of one run: 128 members times 30 generations, or as many in gradient updates (Fig. 7)."""
WINDOW = 128
"""Episodes of a point of a curve: a generation of PGPE, or as many of gradient updates."""
LEARNING_RATES = (0.001, 0.01, 0.03, 0.1, 0.3)
ALPHAS = (0.5, 1.0, 2.0, 4.0)
METHODS = ("WeightBP", "NeuronBP", "WeightES", "NeuronES")
PLAIN: dict[str, Any] = {"baseline": "none", "standardise_advantages": False}
"""REINFORCE as Williams (1992) begins it: returns-to-go, nothing taken off."""

_GRADIENTS: dict[str, Any] = {"method": "bp", "batch": 16, "generations": EPISODES // 16}
_EVOLUTION: dict[str, Any] = {"method": "pgpe", "population": WINDOW, "generations": EPISODES // WINDOW}
_EVALUATION_EPISODES = 100
_KEY = ("method", "limit", "surrogate")
"""Columns that tell a cell from others."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One program of a sweep.

    Attributes:
        method: one of `METHODS`, which names what is trained and how, or ``… plain`` (`PLAIN`).
        limit: most steps of an episode.
        surrogate: how spikes are differentiated.
        varying: the number of the recipe that differs between runs, or nothing, and its values.
    """

    method: str
    limit: int
    surrogate: str = "arctan"
    varying: tuple[str, tuple[float, ...]] | None = None

    @property
    def key(self) -> dict[str, str]:
        """What tells the cell from others of its sweep, as its rows have it."""
        return {"method": self.method, "limit": str(self.limit), "surrogate": self.surrogate}

    @property
    def model_name(self) -> str:
        """Of the networks: 1,024 trained parameters of either kind."""
        return f"{'hom' if self.method.startswith('Weight') else 'het'}snn-cartpole{self.limit}-1024"

    def recipe(self, seeds: int, quick: bool) -> Recipe:
        """Settings of all runs; `quick` makes them twentyfold shorter."""
        fields = _EVOLUTION if self.method.endswith("ES") else _GRADIENTS
        fields = fields | (PLAIN if self.method.endswith("plain") else {})
        generations = max(2, fields["generations"] // 20) if quick else fields["generations"]
        own = {} if self.method.endswith("ES") else {"surrogate": self.surrogate}
        return make_recipe(self.model_name, **fields | own | {"seeds": seeds, "generations": generations})


def cells_of(sweep: str) -> list[Cell]:
    """The cells of a sweep (`SWEEPS`), shortest episodes first."""
    gradients = [m for m in METHODS if m.endswith("BP")]
    if sweep == "fig7":
        return [Cell(method=m, limit=limit) for limit, m in itertools.product(LIMITS, METHODS)]
    if sweep == "fig7-plain":
        return [Cell(method=f"{m} plain", limit=limit) for limit, m in itertools.product(LIMITS, gradients)]
    if sweep == "table5":
        rates = ("learning_rate", LEARNING_RATES)
        return [Cell(method=m, limit=limit, varying=rates) for limit, m in itertools.product(LIMITS, gradients)]
    if sweep == "table6":
        alphas, kinds = ("alpha", ALPHAS), ("arctan", "log-sign")
        return [
            Cell(method=m, limit=limit, surrogate=kind, varying=alphas)
            for limit, kind, m in itertools.product(LIMITS, kinds, gradients)
        ]
    raise ValueError(f"unknown sweep '{sweep}'; known: {', '.join(SWEEPS)}")


SWEEPS = {"fig7": 100, "fig7-plain": 20, "table5": 10, "table6": 10}
"""Sweeps and their numbers of seeds; the paper names 100 for Fig. 7 and none for the tables."""


def sweep(
    name: str, out: Path, *, seeds: int | None = None, quick: bool = False, fresh: bool = False, quiet: bool = False
) -> list[Path]:
    """Runs what is missing of a sweep.

    Args:
        name: of the sweep (`SWEEPS`).
        out: folder of ``NAME.csv``, a row a run, and ``NAME-curves.csv``.
        seeds: training seeds, 0 … seeds-1, by default as many as `SWEEPS` has.
        quick: twentieth of the training and four seeds, into ``NAME-quick.csv``: to see that it works.
        fresh: discard what an earlier call wrote.
        quiet: no progress bar.

    Returns:
        The files.

    Raises:
        ValueError: if there is no such sweep, `seeds` is below 1, or the folder holds rows of another number.
    """
    cells = cells_of(name)
    if seeds is None:
        seeds = 4 if quick else SWEEPS[name]
    if seeds < 1:
        raise ValueError(f"seeds (={seeds}) must be at least 1")
    stem = f"{name}-quick" if quick else name
    results, curves = out / f"{stem}.csv", out / f"{stem}-curves.csv"
    out.mkdir(parents=True, exist_ok=True)
    if fresh:
        results.unlink(missing_ok=True)
        curves.unlink(missing_ok=True)
    done = _finished(results, seeds)
    _drop_others(results, done)
    _drop_others(curves, done)
    with _Cells(len(cells), quiet) as bar:
        for cell in cells:
            if tuple(cell.key.values()) not in done:
                rows, curve = run_cell(cell, seeds, quick, bar)
                _append(curves, curve)
                _append(results, rows)  # Last: its rows are what marks a cell as done.
            bar.finish(cell)
    return [results, curves]


def run_cell(cell: Cell, seeds: int, quick: bool, bar: "_Cells") -> tuple[list[dict], list[dict]]:
    """Trains and evaluates a cell.

    Returns:
        Rows of its runs: ``early`` is the mean return of the first third of the episodes, ``last`` that of the
        last `WINDOW` of them, both as sampled in training; ``greedy`` is the mean of fresh episodes in which
        the network (PGPE: the centre) acts by its highest readout. And rows of the cell's curves.
    """
    from zoo.evaluation.episodes import evaluate_parts
    from zoo.training.methods.base import Group
    from zoo.training.run.engine import CHUNK, Engine, to_host

    model, recipe = parse(cell.model_name), cell.recipe(seeds, quick)
    task = make_recipe_task(model, recipe)
    config = make_network_config(model, task, recipe)
    name, values = cell.varying or ("", (0.0,))
    # Values turn fastest, so that slow and fast runs are spread evenly over the devices.
    run_seeds = tuple(np.repeat(range(seeds), len(values)).tolist())
    varying = ((name, values * seeds),) if cell.varying else ()
    group = Group(config=config, recipe=recipe, seeds=run_seeds, varying=varying)
    engine = Engine(task, [group])
    blocks = []

    def report(done, metrics):
        blocks.extend(metrics)
        bar.update(cell, done / recipe.generations, float(np.nanmean(metrics[0].mean[-1])))

    (state,) = to_host(engine.train(recipe.generations, report, CHUNK // 4))
    returns = np.concatenate([block.mean for block in blocks])  # [generations, R]
    (counted,) = (name for name in engine.method.metrics._fields if name.startswith("nan_"))
    nan_counts = sum(np.asarray(getattr(block, counted)).sum(0) for block in blocks)
    parts = group.initial_parts() | config.split(np.asarray(engine.method.parameters(state)))
    greedy, *_ = evaluate_parts(task, parts, None, recipe.observation_clip, _EVALUATION_EPISODES, seed=0)
    windows = _windows(returns, recipe)
    rows = [
        cell.key
        | ({name: f"{values[r % len(values)]:g}"} if cell.varying else {})
        | {
            "seed": seed,
            "early": f"{windows[: max(1, len(windows) // 3), r].mean():.4f}",
            "last": f"{windows[-1, r]:.4f}",
            "greedy": f"{greedy[r].mean():.4f}",
            "env_steps": f"{float(state.env_steps[r]):.0f}",
            "nan_counts": int(nan_counts[r]),
        }
        for r, seed in enumerate(run_seeds)
    ]
    return rows, list(_curve_rows(cell, name, values, windows, recipe))


def _episodes(recipe: Recipe) -> int:
    """Of one generation."""
    return recipe.flat().get("population", 1) * getattr(recipe, find_method(recipe.method).episodes)


def _windows(returns: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Mean returns [windows, R] of about `WINDOW` episodes each."""
    size = max(1, WINDOW // _episodes(recipe))
    count = max(1, len(returns) // size)
    return returns[-count * size :].reshape(count, -1, returns.shape[1]).mean(1)


def _curve_rows(cell, name, values, windows, recipe) -> Iterator[dict]:
    """Mean over seeds and its 95 % interval, of one seed none, at each window, for each value of what varies."""
    from zoo.evaluation.statistics import interval_95

    size = max(1, WINDOW // _episodes(recipe)) * _episodes(recipe)
    for i, value in enumerate(values):
        for j, returns in enumerate(windows[:, i :: len(values)]):
            low, high = interval_95(returns)
            yield (
                cell.key
                | ({name: f"{value:g}"} if cell.varying else {})
                | {
                    "episodes": (j + 1) * size,
                    "mean": f"{returns.mean():.4f}",
                    "low": f"{low:.4f}" if len(returns) > 1 else "",
                    "high": f"{high:.4f}" if len(returns) > 1 else "",
                }
            )


def _finished(path: Path, seeds: int) -> set[tuple[str, ...]]:
    """Keys of the cells of which all rows are there: each of the seeds, with each value of what varies.

    Raises:
        ValueError: if the file has results of other seeds.
    """
    rows = _whole_rows(path)
    if not rows:
        return set()
    there, wanted = {row["seed"] for row in rows}, {str(seed) for seed in range(seeds)}
    if there != wanted:
        raise ValueError(f"{path} has results of {len(there)} seeds, not {seeds}; use --fresh, or another --out")
    end, runs = list(rows[0]).index("seed") + 1, dict[tuple[str, ...], set]()
    for row in rows:
        runs.setdefault(tuple(row[name] for name in _KEY), set()).add(tuple(row.values())[len(_KEY) : end])
    values = {run[:-1] for own in runs.values() for run in own}
    return {key for key, own in runs.items() if own == {(*value, seed) for value in values for seed in wanted}}


def _whole_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a file, if it is there, but for one that an older version tore on a full disk, or glued to the next."""
    if not path.is_file():
        return []
    header, *rows = [line.split(",") for line in path.read_text(encoding="utf-8").split("\n")[:-1]] or [[]]
    return [dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header)]


def _drop_others(path: Path, done: set[tuple[str, ...]]) -> None:
    """Takes out rows of cells that are not done: who is killed between curve and results leaves such rows."""
    rows = _whole_rows(path)
    kept = [row for row in rows if tuple(row[name] for name in _KEY) in done]
    if not kept:
        path.unlink(missing_ok=True)
    elif len(kept) < len(rows):
        _write(path, kept)


def _append(path: Path, rows: list[dict]) -> None:
    """Adds the rows of a cell, which is there as a whole or not at all, also where the disk is full."""
    _write(path, [*_whole_rows(path), *rows])


def _write(path: Path, rows: list[dict]) -> None:
    """Replaces a file by rows of equal columns, in one step."""
    lines = [",".join(rows[0]), *(",".join(str(value) for value in row.values()) for row in rows)]
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


class _Cells(Bar):
    """Cells done, the one at work and its reward; a line a cell where there is no terminal."""

    def __init__(self, total: int, quiet: bool):
        counted = "{task.completed:.1f}/{task.total} cells"
        super().__init__("{task.fields[note]}", counted, total=total, note="compiling", quiet=quiet)
        self._done, self._total = 0, total

    def update(self, cell: Cell, part: float, reward: float) -> None:
        """Shows how far a cell is."""
        text = f"{cell.method} {cell.limit} {cell.surrogate}: reward {reward:.4g}"
        self.show(self._done + part, note=text)

    def finish(self, cell: Cell) -> None:
        """Counts a cell."""
        self._done += 1
        self.show(self._done)
        self.line(f"{self._done}/{self._total}  {cell.method} {cell.limit} {cell.surrogate}")
