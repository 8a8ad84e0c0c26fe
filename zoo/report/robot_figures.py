"""Evolution and gradients on the same robots: reward against environment steps, and against processor time."""

from collections import defaultdict
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from zoo.core.csv_files import read_table, write_table
from zoo.core.errors import ZooError
from zoo.drawing.style import BLUE, GREEN, PURPLE, VERMILION, save, zero_line
from zoo.evaluation.statistics import interval_95
from zoo.models import PROPERTIES
from zoo.registry.families import DEFAULT_TRAINER
from zoo.registry.names import parse
from zoo.registry.paper import PAPER_GENERATIONS, TABLE_1_BUDGET
from zoo.registry.recipe import Recipe
from zoo.report.control_figures import paper_point
from zoo.store.catalogue import ModelInfo
from zoo.store.records import read_config, trained_by
from zoo.tasks.brax import FAMILY as BRAX

_LINES = {
    ("het", True): ("neurons, PGPE", GREEN, "--"),
    ("hom", True): ("weights, PGPE", PURPLE, "--"),
    ("het", False): ("neurons, gradients", BLUE, "-"),
    ("hom", False): ("weights, gradients", VERMILION, "-"),
    ("full", False): ("both, gradients", None, "-"),
}
"""Label, colour (None: that of the axes) and line by kind and whether the search is the paper's."""
_PAPER_STEPS = 256 * PAPER_GENERATIONS * 1000
"""Of its 256 members, whose episodes have at most 1,000."""
_AXES = {"steps": ("environment steps of a seed", 1e5), "seconds": ("seconds of one core, of a seed", 10)}
_ONE_CORE = "1 CPU core"
_METHODS = {DEFAULT_TRAINER: True, "bp": False}
"""Those that are drawn, and whether they are the paper's."""


def evolution_and_gradients(rows: list[ModelInfo], out: Path) -> list[Path]:
    """Mean return of what plays in training, with 95 % intervals over seeds, at the budget of the paper's Table 1.

    What plays is noisy: a population of perturbed networks, or a policy that draws its actions. Generations whose
    episodes are short are left out. Steps and seconds of a generation are its share of the training's; seconds are
    drawn of trainings that were on one core all the time.

    Args:
        rows: published models; those of other tasks, budgets and of subsets of the properties are left out.
        out: folder of ``robot-gradients.svg`` for light and dark pages and of ``robot-gradients.csv``.

    Returns:
        The files written.

    Raises:
        ZooError: if none of the models is trained by gradients in one of Brax's environments.
    """
    models = {}
    for info in rows:
        model = parse(info.name)
        line = model.kind, _METHODS.get(model.trainer)
        whole = (model.properties, model.budget) == (PROPERTIES, TABLE_1_BUDGET)
        if whole and line in _LINES and model.task in BRAX.tasks:
            models[model.task, *line] = info
    if all(by_paper for *_, by_paper in models):
        raise ZooError(f"no model of {', '.join(BRAX.tasks)} by gradients is published here")
    every = {key: learning_curve(info) for key, info in sorted(models.items())}
    curves = {key: curve for key, curve in every.items() if curve}  # An imported network has none.

    def paint(figure: Figure) -> None:
        grid = figure.subplots(len(_AXES), len(BRAX.tasks), sharey="col", sharex="row")
        for panels, (column, (words, least)) in zip(grid, _AXES.items(), strict=True):
            for axes, task in zip(panels, sorted(BRAX.tasks), strict=True):
                for (_, kind, by_paper), curve in ((key, curve) for key, curve in curves.items() if key[0] == task):
                    if curve[0][column] is None:
                        continue
                    label, colour, line = _LINES[kind, by_paper]
                    colour = colour or matplotlib.rcParams["axes.edgecolor"]
                    x, mean, low, high = (
                        np.array([row[key] for row in curve]) for key in (column, "mean", "low", "high")
                    )
                    axes.plot(x, mean, line, color=colour, linewidth=1.5, label=label)
                    axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
                if column == "steps":
                    paper_point(axes, task, x=_PAPER_STEPS)
                    axes.set_title(BRAX.label(task))
                axes.set(xscale="log", xlabel=words)
                axes.set_xlim(left=least)
                zero_line(axes)
            panels[0].set_ylabel("mean return while training")
        shown = dict(pair for axes in grid[0] for pair in zip(*axes.get_legend_handles_labels()[::-1], strict=True))
        title = "bands: 95 % over training seeds"
        figure.legend([*shown.values()], [*shown], loc="outside lower center", ncols=4, title=title)

    numbers = [{"model": models[key].name} | row for key, curve in curves.items() for row in curve]
    return [*save(paint, (11.0, 6.2), out / "robot-gradients.svg"), write_table(out / "robot-gradients.csv", numbers)]


def learning_curve(info: ModelInfo) -> list[dict]:
    """Of a published model: steps, seconds, mean return and its 95 % interval over seeds, as training goes on.

    Seconds are None where the training was not on one core all the time: others do not compare.
    """
    config = read_config(Path(info.path))
    recipe, training = trained_by(config, Path(info.path)), config["training"]
    by_generation = defaultdict(list)
    for row in read_table(Path(info.path) / "training.csv"):
        by_generation[int(row["generation"])].append(row)
    done, last, points = 0.0, 0, []
    for generation, seeds in sorted(by_generation.items()):
        lengths = np.array([float(row["length"]) for row in seeds])
        done += (generation - last) * (lengths.mean() if _plays_whole_episodes(recipe) else 1.0)
        last = generation
        points.append((generation, done, np.array([float(row["mean"]) for row in seeds])))
    curve = []
    for generation, so_far, means in points:
        if np.isnan(means).any() or generation <= (recipe.flat().get("short_generations") or 0):
            continue
        low, high = interval_95(means)
        share = so_far / done
        curve.append({
            "generation": generation, "steps": share * training["env_steps"],
            "seconds": share * training["seconds"] / info.seeds if training["hardware"] == _ONE_CORE else None,
            "mean": float(means.mean()), "low": low, "high": high,
        })  # fmt: skip
    return curve


def _plays_whole_episodes(recipe: Recipe) -> bool:
    """Whether a generation's steps depend on how long its episodes last; else there are as many in each."""
    return "environments" not in recipe.flat()
