"""CSV files: numbers that sit beside the figures, and what others publish."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

from zoo.core.errors import ZooError


def check_folder(folder: Path) -> None:
    """For a folder that is to be written to after long work, whether it is one or can be made.

    Raises:
        ZooError: if it, or what it is to be in, is a file.
    """
    for path in (folder, *folder.parents):
        if os.path.lexists(path) and not path.is_dir():
            raise ZooError(f"{path} is no folder, so that nothing can be written into {folder}; name another one")


def write_table(path: Path, rows: Sequence[dict]) -> Path:
    """Writes rows of equal keys; numbers with six significant digits, None and NaN as an empty cell.

    Raises:
        ValueError: if there are no rows, or their keys differ.
    """
    if not rows or any(list(row) != list(rows[0]) for row in rows):
        raise ValueError(f"{path.name} needs rows of equal columns, got {[list(row) for row in rows[:2]]}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return path


def read_table(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file by its header, as text."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _cell(value) -> str:
    if value is None or value != value:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
