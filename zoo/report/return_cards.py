"""What a card says of a model that plays episodes: its returns, seed by seed."""

from collections.abc import Callable

import numpy as np

from zoo.core.formatting import deviation, interval, number
from zoo.registry.families import family_of
from zoo.registry.methods import method_of
from zoo.registry.names import parse
from zoo.store.catalogue import ModelInfo
from zoo.store.zoo_model import ZooModel


def trained(model: ZooModel) -> str:
    """What of the model was measured, in words."""
    return "the network" if model.config.get("imported") else method_of(parse(model.name)).trained


def measured(model: ZooModel, info: ModelInfo) -> list[str]:
    """Returns on fresh episodes, and what the paper has."""
    name, within = parse(model.name), info.interval_95
    method = method_of(name)
    rate = np.mean([row["spike_rate"] for row in model.evaluation["seeds"]])
    imported = bool(model.config.get("imported"))
    population = deviation(info.population_mean, info.population_std, info.seeds)
    if info.seeds > 1:
        over, spread = f"{info.seeds} training seeds", f" ± {number(info.std, info.mean)} (std)"
        ends = seed_rows(model.evaluation["seeds"], lambda row: number(row["mean"], info.mean), "return")
    else:
        over, spread, ends = f"{model.evaluation['episodes']} episodes of one training seed", "", []
    return [
        "| quantity | value |",
        "| --- | --- |",
        f"| mean return of {trained(model)}, over {over} | **{number(info.mean)}**{spread} |",
        *([f"| 95 % interval of that mean | {interval(within, info.mean)} |"] if within is not None else []),
        *ends,
        *([] if imported else [f"| {method.last} | {population} |"]),
        f"| the paper's {method.papers} | {family_of(name.task).paper_text(name)} |",
        f"| spikes per hidden neuron and step | {rate:.3g} |",
        "",
        f"Measured by `{model.evaluation['command']}`; check it with `zoo verify {model.name}`.",
    ]


_MOST_ROWS = 10
"""Of training seeds that are told one by one."""


def seed_rows(rows: list[dict], text: Callable[[dict], str], what: str) -> list[str]:
    """Rows of a table with the result of each training seed; of many, of the worst and the best.

    Args:
        rows: of evaluation.json.
        text: what is printed of one.
        what: it is.
    """
    if len({text(row) for row in rows}) == 1 < len(rows):
        return [f"| {what} of each training seed | {text(rows[0])} |"]
    if len(rows) <= _MOST_ROWS:
        return [f"| {what} of training seed {row['training_seed']} | {text(row)} |" for row in rows]
    ends = {"lowest": min(rows, key=lambda row: row["mean"]), "highest": max(rows, key=lambda row: row["mean"])}
    return [f"| {word} {what}: training seed {row['training_seed']} | {text(row)} |" for word, row in ends.items()]
