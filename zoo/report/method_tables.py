"""Gradients against evolution on Brax's robots: the same networks by both, without noise, with a corrected test."""

from collections.abc import Iterable
from pathlib import Path

from zoo.models import PROPERTIES
from zoo.registry.families import DEFAULT_TRAINER
from zoo.registry.names import parse
from zoo.report.tested_tables import KINDS, Row, compared, tested
from zoo.store.catalogue import ModelInfo
from zoo.store.records import read_evaluation
from zoo.tasks.brax import FAMILY as BRAX

_GRADIENTS = "bp"


def method_table(rows: Iterable[ModelInfo]) -> str:
    """What gradients reach less what evolution does, pair by pair, as Markdown.

    A seed's network without noise, on its published episodes, is one number; each method has the environment steps
    that its own recipe asks for. The interval is Welch's over training seeds, and the last p is corrected for the
    number of pairs (Holm).

    Args:
        rows: published models; others than Brax's are left out, subsets of the properties, and those without a
            partner by the other method.
    """
    cells = {}
    for row in rows:
        model = parse(row.name)
        if model.task in BRAX.tasks and model.properties == PROPERTIES:
            cells[model.task, model.budget, model.kind, model.trainer] = row
    found: list[Row] = []
    for task, budget, kind, trainer in sorted(cells):
        if trainer != DEFAULT_TRAINER or (task, budget, kind, _GRADIENTS) not in cells:
            continue
        evolution, gradients = (_returns(cells[task, budget, kind, by]) for by in (DEFAULT_TRAINER, _GRADIENTS))
        found += compared(f"| {BRAX.label(task)} | {KINDS[kind]} | {budget:,} ", evolution, gradients)
    return tested(
        "| environment | trained | parameters | evolution | gradients | gradients - evolution (95 % interval) "
        "| Welch's p | corrected |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        found,
    )


def _returns(row: ModelInfo) -> list[float]:
    return [seed["mean"] for seed in read_evaluation(Path(row.path))["seeds"]]
