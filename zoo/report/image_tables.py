"""Image classification in one table: accuracy and activity by budget beside the paper's Table 3."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from zoo.core.formatting import unbroken
from zoo.models import PROPERTIES
from zoo.registry.names import IMAGE_TASKS, ModelName, parse
from zoo.registry.paper import TABLE_3, paper_reward
from zoo.store.catalogue import ModelInfo
from zoo.store.checkpoint import read_evaluation

_TRAINED = {"het": "neurons", "hom": "weights"}
_METHODS = {"pgpe": "PGPE", "bp": "gradients"}
_TITLES = {"mnist": "MNIST", "fmnist": "Fashion-MNIST"}
_NONE = "-"


def image_table(rows: Iterable[ModelInfo], link: str = "") -> str:
    """Accuracy, firing and synaptic operations of the published image models, as Markdown.

    Every cell of the paper's Table 3 has a line, whether there is a model or not; models that were trained with
    gradients follow the line of the same network trained with PGPE.

    Args:
        rows: published models; those of other tasks and of subsets of the properties are left out.
        link: models link to ``{link}{name}.md``.
    """
    published = {parse(row.name): row for row in rows}
    models = [m for m in published if m.task in IMAGE_TASKS and m.properties == PROPERTIES]
    models += [ModelName(kind=k, task=t, budget=b) for (k, t), cells in TABLE_3.items() for b in cells]
    lines = [
        "| images | budget | trained | by | test accuracy | paper | population | seeds | generations "
        "| spikes per neuron and step | synaptic operations per image |",
        "| --- | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for model in sorted(set(models), key=_place):
        row, what = published.get(model), _TRAINED[model.kind]
        if row is not None:
            what = f"[{what}]({link}{row.name}.md)"
        lines.append(
            f"| {_TITLES[model.task]} | {model.budget:,} | {what} | {_METHODS[model.trainer]} "
            f"| {_measured(row, model.trainer, paper_reward(model) or _NONE)} |"
        )
    return "\n".join(lines) + "\n"


def _place(model: ModelName) -> tuple[int, ...]:
    """Data set, budget, what is trained, method: in the paper's order."""
    orders = ((IMAGE_TASKS, model.task), (tuple(_TRAINED), model.kind), (tuple(_METHODS), model.trainer))
    task, kind, trainer = (order.index(value) for order, value in orders)
    return task, model.budget, kind, trainer


def _measured(row: ModelInfo | None, trainer: str, paper: str) -> str:
    """Accuracy, the paper's, the population's, seeds, generations, spike rate and synaptic operations, as cells."""
    paper = unbroken(paper)
    if row is None:
        return " | ".join([_NONE, paper, *[_NONE] * 5])
    seeds = read_evaluation(Path(row.path))["seeds"]
    rate, operations = (np.mean([seed[key] for seed in seeds]) for key in ("spike_rate", "synaptic_operations"))
    accuracy = unbroken(f"**{row.mean:.2f} %** ± {row.std:.2f}")
    population = unbroken(f"{row.population_mean:.2f} %") if trainer == "pgpe" else _NONE
    return f"{accuracy} | {paper} | {population} | {row.seeds} | {row.generations:,} | {rate:.3f} | {operations:,.0f}"
