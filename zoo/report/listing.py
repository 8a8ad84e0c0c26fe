"""The zoo's table of models for a terminal, a program or a spreadsheet."""

import csv
import dataclasses
import io
import shutil
import warnings
from collections.abc import Callable

from zoo.core.errors import ZooError
from zoo.core.formatting import number
from zoo.store.catalogue import ModelInfo, list_models
from zoo.store.loading import model_info

SORTS: dict[str, Callable[[ModelInfo], tuple]] = {
    "parameters": lambda row: (row.parameters,),
    "reward": lambda row: (-row.mean,),
    "size": lambda row: (row.size_bytes,),
    "task": lambda row: (row.task, row.kind, row.parameters),
}
"""Orders beside the table's own, which is by kind, task and budget; the best reward comes first."""


def select(
    pattern: str = "*",
    *,
    task: str | None = None,
    kind: str | None = None,
    where: str | None = None,
    sort: str = "name",
    reverse: bool = False,
    report: Callable[[str], None] | None = None,
) -> list[ModelInfo]:
    """Models on this machine, the Hub client's cache among them; the network is not used.

    Args:
        pattern: shell wildcards.
        task: one task, or a family.
        kind: ``het``, ``hom`` or ``full``.
        where: ``folder``, ``bundled`` or ``cache``.
        sort: ``name`` or a key of `SORTS`.
        reverse: turn the order round.
        report: gets a line on each model that is left out, as it is damaged; by default a warning is given.
    """
    names = list_models(pattern, task=task, kind=kind, cached=where in (None, "cache"))
    rows = []
    for name in names:
        try:
            row = model_info(name, local_files_only=True)
        except ZooError as error:
            (report or _warn)(f"{name} is left out: {error}")
            continue
        rows += [row] if where in (None, row.where) else []
    if sort != "name":
        rows.sort(key=SORTS[sort])
    return rows[::-1] if reverse else rows


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=3)


def size_text(size_bytes: int) -> str:
    """Bytes as a person reads them."""
    return f"{size_bytes / 1e3:.0f} kB" if size_bytes < 1e6 else f"{size_bytes / 1e6:.1f} MB"


def as_csv(rows: list[ModelInfo]) -> str:
    """All fields, one line per model; the interval in two columns."""
    out = io.StringIO()
    names = [field.name for field in dataclasses.fields(ModelInfo) if field.name != "interval_95"]
    writer = csv.DictWriter(out, [*names, "interval_95_low", "interval_95_high"], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        values = dataclasses.asdict(row)
        low, high = values.pop("interval_95") or ("", "")
        writer.writerow(values | {"interval_95_low": low, "interval_95_high": high})
    return out.getvalue()


_COLUMNS = ("model", "task", "kind", "parameters", "reward ± 95 %", "paper", "size", "where")
_LEFT_OUT = ("task", "kind", "size", "paper")
"""Where there is no room, one after the other; the first two are in the names."""
_RIGHT = ("parameters", "reward ± 95 %", "paper", "size")
_PIPED_WIDTH = 160


def _reward(row: ModelInfo) -> str:
    if row.seeds == 1 or row.interval_95 is None:
        return number(row.mean)
    low, high = row.interval_95
    return f"{number(row.mean)} ± {number((high - low) / 2, row.mean)}"


def print_table(rows: list[ModelInfo]) -> None:
    """A table for the terminal, one line per model.

    Where it would not fit, columns are left out. The reward comes with the half width of its 95 % interval over
    training seeds, where there are several.
    """
    lines = [
        dict(zip(_COLUMNS, (
            row.name, row.task, row.kind, f"{row.parameters:,}",
            _reward(row),
            row.paper or "", size_text(row.size_bytes), row.where,
        ), strict=True))
        for row in rows
    ]  # fmt: skip
    widths = {title: max(len(title), *(len(line[title]) for line in lines)) for title in _COLUMNS}
    room = shutil.get_terminal_size((_PIPED_WIDTH, 0)).columns
    titles, spare = list(_COLUMNS), list(_LEFT_OUT)
    while spare and sum(widths[title] + 2 for title in titles) > room + 2:
        titles.remove(spare.pop(0))
    # A table of rich's would take a tenth of the command's time.
    for line in [dict(zip(titles, titles, strict=True)), *lines]:
        cells = (format(line[title], f"{'>' if title in _RIGHT else '<'}{widths[title]}") for title in titles)
        print("  ".join(cells).rstrip())
