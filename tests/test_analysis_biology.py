import os
from pathlib import Path

import numpy as np
import pytest
from loopback import serving

from zoo.analysis import biology
from zoo.analysis.fits import fit
from zoo.analysis.paper_tables import TABLE_2
from zoo.core.errors import DataNotFoundError

HEADER = "specimen__id,donor__species,structure_parent__acronym,structure__layer,tag__dendrite_type,ef__tau\n"
ROWS = """1,Mus musculus,VISp,4,spiny,20.5
2,Mus musculus,VISp,4,aspiny,9
3,Mus musculus,VISp,5,spiny,30
4,Mus musculus,VISl,4,spiny,31
5,Homo Sapiens,MTG,3,spiny,25
6,Homo Sapiens,MTG,5,spiny,35
7,Homo Sapiens,FroL,3,spiny,99
8,Homo Sapiens,MTG,3,spiny,
"""
DATA = Path(os.environ.get("ZOO_DATA_DIR", "nowhere")) / biology.FILE_NAME
needs_data = pytest.mark.skipif(not DATA.is_file(), reason="needs the Allen table in $ZOO_DATA_DIR")


def test_the_right_cells_are_chosen(tmp_path, monkeypatch):
    (tmp_path / biology.FILE_NAME).write_text(HEADER + ROWS)
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path))
    found = biology.load_biology()
    np.testing.assert_array_equal(found["mouse"], [20.5])
    np.testing.assert_array_equal(found["human"], [25.0, 35.0])


def test_missing_table_is_downloaded_once(tmp_path, monkeypatch):
    (tmp_path / "source").mkdir()
    (tmp_path / "source/table.csv").write_text(HEADER + ROWS)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)
    with serving(tmp_path / "source") as url:
        monkeypatch.setattr(biology, "SPECIMEN_TABLE_URL", f"{url}table.csv")
        first = biology.specimen_table()
    assert first.read_text() == HEADER + ROWS
    assert biology.specimen_table() == first


def test_what_cannot_be_had_is_explained_and_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "source").mkdir()
    with serving(tmp_path / "source") as url:
        monkeypatch.setattr(biology, "SPECIMEN_TABLE_URL", f"{url}table.csv")
        with pytest.raises(DataNotFoundError, match=r"data.*could not be downloaded.*ZOO_DATA_DIR"):
            biology.specimen_table()
    assert not [path for path in (tmp_path / "hetsnn-zoo").rglob("*") if path.is_file()]


def test_an_empty_data_folder_is_none(tmp_path, monkeypatch):
    """It would stand for the working directory."""
    (tmp_path / biology.FILE_NAME).write_text(HEADER + ROWS)
    (tmp_path / "cache/hetsnn-zoo").mkdir(parents=True)
    cached = tmp_path / "cache/hetsnn-zoo" / biology.FILE_NAME
    cached.write_text(HEADER + ROWS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_DATA_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert biology.specimen_table() == cached


def test_an_empty_cache_folder_is_none_either(tmp_path, monkeypatch):
    (tmp_path / "hetsnn-zoo").mkdir()
    (tmp_path / "hetsnn-zoo" / biology.FILE_NAME).write_text(HEADER + ROWS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setattr(biology, "SPECIMEN_TABLE_URL", "http://127.0.0.1:9/none.csv")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(DataNotFoundError, match=r"home/\.cache/hetsnn-zoo"):
        biology.specimen_table()


@pytest.mark.parametrize(("text", "message"), [("a,b\n1,2\n", "no column"), (HEADER, "no cells of mouse V1")])
def test_another_table_is_refused(tmp_path, text, message):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(DataNotFoundError, match=message):
        biology.load_biology(path)


def test_papers_gamma_rows_contradict_its_lognormal_rows_unless_exchanged():
    for column in TABLE_2.values():
        spread = column.parameters("lognormal")[0]
        printed, corrected = (column.parameters("gamma", corrected=c)[0] for c in (False, True))
        assert abs(1 / np.sqrt(printed) - spread) > 0.2
        assert 1 / np.sqrt(corrected) == pytest.approx(spread, abs=0.02)


@needs_data
@pytest.mark.parametrize(("key", "cells"), [("mouse", 290), ("human", 236)])
@pytest.mark.parametrize("family", ["gamma", "lognormal"])
def test_papers_biological_columns_come_out_of_the_data(key, cells, family):
    values = biology.load_biology(DATA)[key]
    assert len(values) == cells
    result = fit(values, family, bootstrap=10, ks_draws=5)
    shape, scale = TABLE_2[key].parameters(family)
    assert result.shape == pytest.approx(shape, rel=0.015)  # The paper prints two or three digits.
    assert result.scale == pytest.approx(scale, rel=0.005)
