"""Continuous control in two tables: rewards by budget (Fig. 3), and by trained properties (Table 1)."""

from collections.abc import Iterable
from pathlib import Path
from statistics import fmean

import numpy as np

from zoo.core.formatting import deviation, interval, number, unbroken
from zoo.models import PROPERTIES
from zoo.registry.families import DEFAULT_TRAINER
from zoo.registry.names import ModelName, parse
from zoo.registry.paper import PAPER_GENERATIONS, TABLE_1, TABLE_1_BUDGET
from zoo.registry.recipe import Recipe
from zoo.store.catalogue import ModelInfo, list_models, read_info
from zoo.store.curves import population_means
from zoo.store.loading import model_info
from zoo.store.records import read_config, trained_by
from zoo.tasks.brax import FAMILY as BRAX

SIGNS = {"x_tau": "tau", "v_th": "v_th", "v_rest": "v_rest", "r": "R"}
"""How Table 1 calls the properties."""
_NONE = "-"


def models_of_fig_3(rows: Iterable[ModelInfo]) -> dict[tuple[str, int, str], ModelInfo]:
    """Models of Brax's environments with all four properties or the weights trained, by task, budget and kind.

    Left out are those without a population in whole episodes: imported ones, and trainings that are not so far.
    """
    cells = {}
    for row in rows:
        model = parse(row.name)
        of_fig_3 = model.kind != "full" and model.trainer == DEFAULT_TRAINER and model.properties == PROPERTIES
        if model.task in BRAX.tasks and of_fig_3 and _population_means(row):
            cells[model.task, model.budget, model.kind] = row
    return cells


def counted(recipe: Recipe, generation: int) -> int:
    """Generations of a training up to that one, those of short episodes as the parts of whole ones that they are."""
    short, part = _short(recipe)
    return round(min(short, generation) * part) + max(generation - short, 0)


def whole_generations(model: ModelInfo) -> int:
    """Generations of a published model's training, as `counted`."""
    return counted(recipe_of(model), model.generations)


def fully_trained(model: ModelInfo) -> bool:
    """Whether a published model has had the whole training of its recipe, from fresh networks on."""
    recipe = recipe_of(model)
    fresh = "origin" not in read_config(Path(model.path))
    return fresh and model.generations >= recipe.generations


def _short(recipe: Recipe) -> tuple[int, float]:
    """How many generations have short episodes, and what part of whole ones those are."""
    if recipe.short_limit is None:
        return 0, 1.0
    return recipe.short_generations, min(1, recipe.short_limit / recipe.episode_limit)


def recipe_of(model: ModelInfo) -> Recipe:
    """By which a published model was trained."""
    return trained_by(read_config(Path(model.path)), Path(model.path))


def population_curve(model: ModelInfo) -> list[dict]:
    """Whole generations of a published model: mean, lowest and highest of its seeds' population means.

    Short episodes earn less, so that their generations have no place in it.
    """
    return [
        {"generation": generation, "seeds": len(means), "mean": float(np.mean(means)), "low": min(means),
         "high": max(means)}
        for generation, means in sorted(_population_means(model).items())
    ]  # fmt: skip


def control_table(rows: Iterable[ModelInfo], link: str = "") -> str:
    """Rewards of the published models of Brax's environments, budget by budget, as Markdown.

    Every environment has a line at the budget of the paper's Table 1, whether there is a model or not. *At equal
    generations* is the population's mean return after as many generations as both kinds have had. A generation of
    short episodes counts as the part of a whole one that its steps are.

    Args:
        rows: published models; those of other tasks and of subsets of the properties are left out.
        link: models link to ``{link}{name}.md``.
    """
    cells = models_of_fig_3(rows)
    places = {(task, budget) for task, budget, _ in cells} | {(task, TABLE_1_BUDGET) for task in BRAX.tasks}
    lines = [
        "| environment | parameters | trained | population | paper's population | centre | seeds "
        f"| generations of {PAPER_GENERATIONS:,} | at equal generations |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for task, budget in sorted(places):
        for kind in ("het", "hom"):
            paper = TABLE_1[PROPERTIES][task] if (kind, budget) == ("het", TABLE_1_BUDGET) else _NONE
            row = cells.get((task, budget, kind))
            if row is None and paper == _NONE:
                continue
            what = "neurons" if kind == "het" else "weights"
            if row is not None:
                what = f"[{what}]({link}{row.name}.md)"
            other = cells.get((task, budget, "hom" if kind == "het" else "het"))
            line = (BRAX.label(task), f"{budget:,}", what, *_rewards(row, paper), _at_equal(row, other))
            lines.append(f"| {' | '.join(line)} |")
    return "\n".join(lines) + "\n"


def _rewards(row: ModelInfo | None, paper: str) -> tuple[str, ...]:
    """Population, the paper's, centre, seeds and generations, as cells."""
    if row is None:
        return _NONE, unbroken(paper), _NONE, _NONE, "0"
    over_seeds = f" ({interval(row.interval_95, row.mean)})" if row.seeds > 1 and row.interval_95 else ""
    return (
        unbroken(deviation(row.population_mean, row.population_std, row.seeds)),
        unbroken(paper),
        unbroken(f"**{number(row.mean)}**{over_seeds}"),
        str(row.seeds),
        f"{whole_generations(row):,}",
    )


def _at_equal(row: ModelInfo | None, other: ModelInfo | None) -> str:
    """Mean of the population when the kind that was trained for longer had had no more than the other, as a cell."""
    if row is None or other is None or (until := generations_of_both(row, other)) is None:
        return _NONE
    return _mean_until(row, until)


def _mean_until(row: ModelInfo, until: int) -> str:
    """The population's mean return up to that generation, as a cell."""
    generation, means = means_until(row, until)
    return unbroken(f"{number(fmean(means))} at {generation:,}")


def generations_of_both(first: ModelInfo, second: ModelInfo) -> int | None:
    """How many generations both have had; None where one had its first whole episodes later than that."""
    until = min(whole_generations(first), whole_generations(second))
    return until if all(min(_population_means(row)) <= until for row in (first, second)) else None


def means_until(model: ModelInfo, generation: int) -> tuple[int, list[float]]:
    """The last generation up to `generation` that the model's curve keeps, and its seeds' population means.

    Where the curve keeps only later ones, it is the first of them.
    """
    seeds = _population_means(model)
    last = max((kept for kept in seeds if kept <= generation), default=min(seeds))
    return last, seeds[last]


def _population_means(model: ModelInfo) -> dict[int, list[float]]:
    """Population means of the seeds by whole generations; while episodes are short there are none."""
    means = population_means((Path(model.path) / "training.csv").read_text(encoding="utf-8"))
    recipe = recipe_of(model)
    short, _ = _short(recipe)
    return {counted(recipe, kept): seeds for kept, seeds in means.items() if kept > short}


def ablation_table(name: str, runs: Path | None = None, link: str = "") -> str:
    """Rewards of the 15 subsets of trained properties beside the paper's Table 1, as Markdown.

    *At equal generations* is the population's mean return after as many generations as all of them have had.

    Args:
        name: of the model that trains all four.
        runs: folder of runs whose checkpoints are taken; by default the published ones.
        link: models link to ``{link}{name}.md``.

    Raises:
        ValueError: if the model is not one that trains all four properties in a Brax environment by evolution.
        FileNotFoundError: if there is no folder `runs`.
    """
    model, rows = parse(name), subset_models(name, runs)
    until = min(map(whole_generations, rows.values()), default=0)
    signs = " | ".join(SIGNS.values())
    lines = [
        f"| {signs} | neurons | population | paper, {TABLE_1_BUDGET:,} parameters | centre | seeds "
        f"| generations of {PAPER_GENERATIONS:,} | at equal generations |",
        "| " + ":-: | " * len(SIGNS) + "---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for chosen, paper in TABLE_1.items():
        marks = " | ".join("x" if name in chosen else " " for name in SIGNS)
        row, neurons = rows.get(frozenset(chosen)), f"{model.budget // len(chosen):,}"
        neurons = f"[{neurons}]({link}{row.name}.md)" if row and link else neurons
        equal = _mean_until(row, until) if row else _NONE
        lines.append(f"| {marks} | {neurons} | {' | '.join(_rewards(row, paper[model.task]))} | {equal} |")
    return "\n".join(lines) + "\n"


def subset_models(name: str, runs: Path | None = None) -> dict[frozenset[str], ModelInfo]:
    """Models of the subsets of trained properties, as many as there are, by subset.

    Args:
        name: of the model that trains all four.
        runs: folder of runs whose checkpoints are taken; by default the published ones.

    Raises:
        ValueError: if the model is not one that trains all four properties in a Brax environment by evolution.
        FileNotFoundError: if there is no folder `runs`.
    """
    from zoo.analysis.subsets import subset_names

    model = parse(name)
    if model.task not in BRAX.tasks:
        raise ValueError(f"Table 1 is about {', '.join(BRAX.tasks)}; {name} is not")
    if model.trainer != DEFAULT_TRAINER:
        raise ValueError(f"Table 1 is about evolution; {name} is trained by {model.trainer}")
    names, rows = subset_names(name), _subset_rows(model, runs)
    found = {chosen: rows[subset] for chosen, subset in names.items() if subset in rows}
    return {chosen: row for chosen, row in found.items() if _population_means(row)}


def _subset_rows(model: ModelName, runs: Path | None) -> dict[str, ModelInfo]:
    """The models of one environment and budget by name."""
    if runs is None:
        return {name: model_info(name) for name in list_models(f"hetsnn-{model.task}-{model.budget}*")}
    if not runs.is_dir():
        raise FileNotFoundError(f"there is no folder {runs}; --runs takes the one that `zoo train --out` wrote to")
    folders = runs.glob(f"hetsnn-{model.task}-{model.budget}*/checkpoint")
    return {folder.parent.name: read_info(folder, "folder") for folder in folders if folder.is_dir()}
