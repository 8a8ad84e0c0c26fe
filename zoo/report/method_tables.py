"""Gradients against evolution on Brax's robots: the same networks by both, without noise, with a corrected test."""

from collections.abc import Iterable
from pathlib import Path
from statistics import fmean

from zoo.core.formatting import number
from zoo.evaluation.statistics import contrast
from zoo.registry.names import parse
from zoo.report.width_tables import KINDS, tested
from zoo.store.catalogue import ModelInfo
from zoo.store.records import read_evaluation
from zoo.tasks.brax import FAMILY as BRAX

_BY_GRADIENTS = "-bp"


def method_table(rows: Iterable[ModelInfo]) -> str:
    """What gradients reach less what evolution does, pair by pair, as Markdown.

    A seed's network without noise, on its published episodes, is one number; both methods have the budget of
    environment steps that their recipe asks for. The interval is Welch's over training seeds, and the last p is
    corrected for the number of pairs (Holm).

    Args:
        rows: published models; others than Brax's are left out, and those without a partner by the other method.
    """
    by_name = {row.name: row for row in rows if row.task in BRAX.tasks}
    found = []
    for name, row in sorted(by_name.items(), key=lambda item: (item[1].task, parse(item[0]).budget, item[0])):
        if (partner := by_name.get(f"{name}{_BY_GRADIENTS}")) is None or (
            kind := KINDS.get(parse(name).kind)
        ) is None:
            continue
        evolution, gradients = _returns(row), _returns(partner)
        if min(len(evolution), len(gradients)) < 2:
            continue
        start = f"| {BRAX.label(row.task)} | {kind} | {parse(name).budget:,} | {number(fmean(evolution))} "
        found.append((f"{start}| {number(fmean(gradients))} ", contrast([gradients, evolution])))
    return tested(
        "| environment | trained | parameters | evolution | gradients | gradients - evolution (95 % interval) "
        "| Welch's p | corrected |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        found,
    )


def _returns(row: ModelInfo) -> list[float]:
    return [seed["mean"] for seed in read_evaluation(Path(row.path))["seeds"]]
