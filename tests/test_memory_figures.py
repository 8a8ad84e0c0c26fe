import shutil
from pathlib import Path

import pytest

import zoo
from zoo.cli import main
from zoo.core.csv_files import read_table

PUBLISHED = Path(__file__).parent.parent / "docs/figures/memory_length.csv"


def test_reward_against_memory_length_is_that_of_the_checkpoints(tmp_path, capsys):
    shutil.copy(PUBLISHED, tmp_path)  # It keeps the rows that no checkpoint has.
    assert main(["figure", "memory-length", "--out", str(tmp_path)]) == 0
    assert [Path(path).name for path in capsys.readouterr().out.split()] == [
        "memory_length.svg",
        "memory_length-dark.svg",
        "memory_length.csv",
    ]
    assert (tmp_path / "memory_length.csv").read_text(encoding="utf-8") == PUBLISHED.read_text(encoding="utf-8")
    found = {(row["series"], row["length"]): row for row in read_table(tmp_path / "memory_length.csv")}
    evaluated = zoo.load("homsnn-mem25-1024").evaluation
    row = found["zoo homsnn", "25"]
    assert (int(row["seeds"]), float(row["mean"])) == (
        len(evaluated["seeds"]),
        pytest.approx(evaluated["mean"], abs=1e-4),
    )
    assert ">homogeneous, paper's fitness<" in (tmp_path / "memory_length.svg").read_text(encoding="utf-8")


def test_rows_that_no_checkpoint_has_are_asked_for(tmp_path, capsys):
    assert main(["figure", "memory-length", "--out", str(tmp_path)]) != 0
    assert "add --sweep-tau to train" in capsys.readouterr().err and not any(tmp_path.iterdir())
