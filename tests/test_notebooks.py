"""The notebooks run from top to bottom, as they stand, and are notebooks to Jupyter."""

import warnings
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))


def run(name, monkeypatch, tmp_path):
    """Names that a notebook leaves behind, with the figures that it showed."""
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(len(plt.gcf().axes)))
    names = {}
    path = FOLDER / f"{name}.py"
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)
    plt.close("all")
    return names, shown


def test_load_and_look(monkeypatch, tmp_path, capsys):
    names, shown = run("load_and_look", monkeypatch, tmp_path)
    assert "mean return 1.0000" in capsys.readouterr().out
    assert shown == [4]
    assert [episode.rewards.sum() for episode in names["episodes"]] == [1, 1]
    assert names["difference"][names["carriers"][0]] == names["difference"].max() > 0


def test_retrain_and_compare(monkeypatch, tmp_path, capsys):
    names, shown = run("retrain_and_compare", monkeypatch, tmp_path)
    assert shown == [1] and names["outcome"].finished
    assert names["means"].shape == (names["SEEDS"], names["GENERATIONS"])
    assert capsys.readouterr().out.count("mean return") == 2


def test_life_of_a_neuron(monkeypatch, tmp_path, capsys):
    names, shown = run("life_of_a_neuron", monkeypatch, tmp_path)
    assert shown == [1, 1]
    np.testing.assert_allclose(names["lives"][0], 20, rtol=1e-5)
    spread = np.log(names["lives"]).std(axis=2).mean(axis=1)
    assert (np.diff(spread) > 0).all(), "noise alone spreads time constants, the longer the more"
    assert "x_tau shuffled" in capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_jupyter_can_open_it(name):
    jupytext = pytest.importorskip("jupytext", reason="pip install 'hetsnn-zoo[docs]'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        cells = jupytext.read(FOLDER / f"{name}.py", fmt="py:percent").cells
    assert cells[0].cell_type == "markdown" and cells[0].source.startswith("# ")
    assert cells[1].cell_type == "code" and "pip" in cells[1].source, "Colab needs the zoo installed first"
    assert sum(cell.cell_type == "markdown" for cell in cells) >= 4
