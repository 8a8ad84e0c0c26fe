"""CSV files that grow with a training; their first column is the generation."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from zoo.core.errors import ZooError


def append_rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Adds rows to a file, which begins with a header of `columns`; floats with six significant digits.

    Raises:
        ZooError: if the disk is full, or the file cannot be written.
    """
    try:
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            if file.tell() == 0:
                writer.writerow(columns)
            writer.writerows([f"{x:.6g}" if isinstance(x, float) else x for x in row] for row in rows)
    except OSError as error:
        raise ZooError(
            f"cannot write {path}: {error.strerror}; make room, and run the same command again: it goes on from the "
            "last saved state"
        ) from error


def population_means(curve: str) -> dict[int, list[float]]:
    """Finite means of the training seeds' populations by generation, from the content of a training.csv."""
    seeds: dict[int, list[float]] = {}
    for row in csv.DictReader(io.StringIO(curve)):
        value = float(row["mean"])
        if math.isfinite(value):
            seeds.setdefault(int(row["generation"]), []).append(value)
    return seeds


def rows_until(text: str, generation: int) -> str:
    """The content of a file without rows after a generation, and without a torn last line; maybe empty."""
    header, *rows = text.split("\n")[:-1] or [""]
    if not header:
        return ""
    kept = [row for row in rows if int(row.split(",")[0]) <= generation]
    return "\n".join([header, *kept]) + "\n"


def cut_rows(path: Path, generation: int) -> int:
    """Drops rows that an interrupted run wrote after its last saved state, and a torn last line.

    Returns:
        The last generation that is left, 0 where none is.

    Raises:
        ZooError: if the file is no curve.
    """
    if not path.is_file():
        return 0
    try:
        text = rows_until(path.read_text(encoding="utf-8"), generation)
    except (LookupError, ValueError) as error:
        raise ZooError(
            f"{path} is no curve ({error}); put it back from a copy, or train anew with --fresh"
        ) from error
    if not text:
        path.unlink()
        return 0
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    _, *rows = text.splitlines()
    return int(rows[-1].split(",")[0]) if rows else 0
