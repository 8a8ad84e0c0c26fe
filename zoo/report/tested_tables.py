"""Tables whose rows are effects, each with its interval and its p, corrected for their number."""

from collections.abc import Sequence
from statistics import fmean

from zoo.core.formatting import number
from zoo.evaluation.statistics import Contrast, contrast, holm

KINDS = {"het": "neurons", "hom": "weights"}
"""What is trained of a network, by its kind."""

Row = tuple[str, Contrast]
"""A row's beginning, and the effect that it goes on with."""


def compared(start: str, first: Sequence[float], second: Sequence[float]) -> list[Row]:
    """A row with the means of two samples and what the second has more; none where one is too small for a test."""
    if min(len(first), len(second)) < 2:
        return []
    return [(f"{start}| {number(fmean(first))} | {number(fmean(second))} ", contrast([second, first]))]


def tested(head: str, found: Sequence[Row]) -> str:
    """A table whose rows go on from their beginnings with an effect, its interval, p, and p corrected by Holm."""
    corrected = holm([p for _, (*_, p) in found])
    return head + "".join(
        f"{start}| {effect:+.0f} ({low:+.0f} to {high:+.0f}) | {p:.2g} | {together:.2g} |\n"
        for (start, (effect, low, high, p)), together in zip(found, corrected, strict=True)
    )
