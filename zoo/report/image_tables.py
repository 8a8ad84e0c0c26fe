"""Image classification in one table: accuracy and activity by budget beside the paper's Table 3."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from zoo.core.formatting import unbroken
from zoo.models import PROPERTIES
from zoo.registry.families import KINDS
from zoo.registry.methods import method_names, method_of
from zoo.registry.names import ModelName, parse
from zoo.registry.paper import TABLE_3
from zoo.store.catalogue import ModelInfo
from zoo.store.records import read_evaluation
from zoo.tasks.images import FAMILY as IMAGES

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
    models = [m for m in published if m.task in IMAGES.tasks and m.properties == PROPERTIES]
    models += [ModelName(kind=k, task=t, budget=b) for (k, t), cells in TABLE_3.items() for b in cells]
    lines = [
        "| images | budget | trained | by | test accuracy | paper | population | seeds | generations "
        "| spikes per neuron and step | synaptic operations per image |",
        "| --- | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for model in sorted(set(models), key=_place):
        row, what = published.get(model), KINDS[model.kind]
        if row is not None:
            what = f"[{what}]({link}{row.name}.md)"
        lines.append(
            f"| {IMAGES.label(model.task)} | {model.budget:,} | {what} | {method_of(model).title} "
            f"| {_measured(row, method_of(model).drifts, IMAGES.paper_reward(model) or _NONE)} |"
        )
    return "\n".join(lines) + "\n"


def _place(model: ModelName) -> tuple[int, ...]:
    """Data set, budget, what is trained, method: in the paper's order."""
    orders = ((IMAGES.tasks, model.task), (tuple(KINDS), model.kind), (method_names(), model.trainer))
    task, kind, trainer = (order.index(value) for order, value in orders)
    return task, model.budget, kind, trainer


def _measured(row: ModelInfo | None, searched: bool, paper: str) -> str:
    """Accuracy, the paper's, the population's, seeds, generations, spike rate and synaptic operations, as cells."""
    paper = unbroken(paper)
    if row is None:
        return " | ".join([_NONE, paper, *[_NONE] * 5])
    seeds = read_evaluation(Path(row.path))["seeds"]
    rate, operations = (np.mean([seed[key] for seed in seeds]) for key in ("spike_rate", "synaptic_operations"))
    accuracy = unbroken(f"**{row.mean:.2f} %**" + (f" ± {row.std:.2f}" if row.seeds > 1 else ""))
    searched = searched and row.population_mean is not None  # An imported network's is not known.
    population = unbroken(f"{row.population_mean:.2f} %") if searched else _NONE
    return f"{accuracy} | {paper} | {population} | {row.seeds} | {row.generations:,} | {rate:.3f} | {operations:,.0f}"
