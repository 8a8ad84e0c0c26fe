"""Membrane time constants of real neurons: the Allen Cell Types database (section 4.4, Table 2)."""

import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import Float

from zoo.core.csv_files import read_table
from zoo.core.errors import DataNotFoundError

FILE_NAME = "allen_membrane_tau.csv"
SPECIMEN_TABLE_URL = "https://celltypes.brain-map.org/cell_types_specimen_details.csv"
_TIMEOUT_S = 60


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Which cells of the specimen table make up one biological sample.

    Attributes:
        title: for captions.
        species, area: as the table spells them.
        layer: of the cortex, or None for all.
        dendrite: dendrite type.
    """

    title: str
    species: str
    area: str
    layer: str | None
    dendrite: str = "spiny"

    def has(self, row: dict[str, str]) -> bool:
        """Whether a row of the specimen table belongs to it."""
        return (
            row["donor__species"] == self.species
            and row["structure_parent__acronym"] == self.area
            and self.layer in (None, row["structure__layer"])
            and row["tag__dendrite_type"] == self.dendrite
        )


BIOLOGY = {
    "mouse": Population(title="mouse V1, layer 4, spiny", species="Mus musculus", area="VISp", layer="4"),
    "human": Population(title="human MTG, spiny", species="Homo Sapiens", area="MTG", layer=None),
}


def load_biology(path: str | Path | None = None) -> dict[str, Float[np.ndarray, " n"]]:
    """Membrane time constants in ms of the populations in `BIOLOGY`.

    Args:
        path: specimen table; by default the one that `specimen_table` finds.

    Raises:
        DataNotFoundError: if there is none, or it lacks a column or a population.
    """
    path = specimen_table() if path is None else Path(path)
    rows = read_table(path)
    try:
        samples = {key: _select(rows, population) for key, population in BIOLOGY.items()}
    except KeyError as error:
        raise DataNotFoundError(f"{path} has no column {error}; it is not the Allen specimen table") from error
    empty = [key for key, values in samples.items() if not len(values)]
    if empty:
        raise DataNotFoundError(f"{path} has no cells of {', '.join(BIOLOGY[key].title for key in empty)}")
    return samples


def _select(rows: Iterable[dict[str, str]], population: Population) -> Float[np.ndarray, " n"]:
    return np.array([float(row["ef__tau"]) for row in rows if population.has(row) and row["ef__tau"]])


def specimen_table() -> Path:
    """``$ZOO_DATA_DIR/allen_membrane_tau.csv``, or the cache's copy, downloaded where there is none yet.

    Raises:
        DataNotFoundError: if it is neither here nor to be had from the Allen Institute.
    """
    import pooch

    named = os.environ.get("ZOO_DATA_DIR")
    folders = [Path(named)] if named else []
    folders.append(Path(pooch.os_cache("hetsnn-zoo")))
    for folder in folders:
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    pooch.get_logger().setLevel("ERROR")
    try:
        # The Allen Institute adds cells, so that no hash holds; `load_biology` checks columns and populations. A
        # download goes to a temporary file, and moves into the cache when it is whole.
        downloader = pooch.HTTPDownloader(timeout=_TIMEOUT_S)
        return Path(
            pooch.retrieve(
                SPECIMEN_TABLE_URL, known_hash=None, fname=FILE_NAME, path=folders[-1], downloader=downloader
            )
        )
    except (OSError, ValueError) as error:
        raise DataNotFoundError(
            f"the Allen specimen table is not in {' or '.join(map(str, folders))} and could not be downloaded "
            f"from {SPECIMEN_TABLE_URL} ({error}); put it there as {FILE_NAME}, set ZOO_DATA_DIR, or do without it "
            "(--no-biology)"
        ) from error
