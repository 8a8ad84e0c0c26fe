"""Fig. 6 from published image models: its numbers, its files, and what it says where something is missing."""

import csv
import shutil

import numpy as np
import pytest
from image_files import tiny_sets

import zoo
from zoo.cli import main
from zoo.report.image_figures import Firing
from zoo.store.manifest import write_manifest
from zoo.training import train

BUDGET = 1588
HET, HOM = f"hetsnn-mnist-{BUDGET}", f"homsnn-mnist-{BUDGET}"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder of two published models of one budget: 397 trained neurons, and the weights of two."""
    folder = tmp_path_factory.mktemp("firing")
    small = {"seeds": 2, "population": 8, "generations": 4, "batch": 20, "quiet": True}
    with pytest.MonkeyPatch.context() as patch:
        tiny_sets(patch, folder / "data")
        runs = train(HET, out=folder / "runs", block_neurons=None, **small).folders
        runs += train(HOM, out=folder / "runs", **small).folders
    for run in runs:
        shutil.copytree(run / "checkpoint", folder / "published" / run.name)
    return folder / "published"


@pytest.fixture
def published(trained, tmp_path, monkeypatch):
    """A copy of them that the zoo finds and the test may damage."""
    folder = shutil.copytree(trained, tmp_path / "published")
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(folder))
    return folder


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_figure_and_its_numbers(published, tmp_path, capsys):
    assert main(["figure", "image-firing", "--budget", str(BUDGET), "--out", str(tmp_path / "out")]) == 0
    stem = f"image_firing-mnist-{BUDGET}"
    names = [f"{stem}.svg", f"{stem}-dark.svg", f"{stem}.csv", f"{stem}-means.csv"]
    files = [tmp_path / "out" / name for name in names]
    assert capsys.readouterr().out.splitlines() == [str(file) for file in files]
    text = files[0].read_text()
    for words in ("generation 0", "generation 2", "generation 4", "trained neurons", "trained weights", "32 neurons"):
        assert words in text
    shown = rows(files[2])
    for name, neurons in ((HET, 32), (HOM, 2)):
        own = [row for row in shown if row["model"] == name]
        assert len(own) == 3 * 10 * neurons and {row["seed"] for row in own} == {"0"}
        assert len({row["neuron"] for row in own}) == neurons

    means, curve = rows(files[3]), rows(published / HET / "training.csv")
    (third,) = (
        row for row in means if (row["model"], row["images"], row["generation"]) == (HET, "training minibatch", "3")
    )
    rates = [float(row["spike_rate"]) for row in curve if row["generation"] == "3"]
    assert third["seeds"] == "2"
    found = [float(third[key]) for key in ("mean", "low", "high")]
    np.testing.assert_allclose(found, [np.mean(rates), min(rates), max(rates)], rtol=1e-5)
    tested = [row["generation"] for row in means if (row["model"], row["images"]) == (HOM, "test images")]
    assert tested == ["0", "2", "4"]


def test_the_last_test_rate_is_that_of_the_evaluation(published):
    """The tiny test set has as many images of each class, so that both are means over all images."""
    rates = [row["spike_rate"] for row in zoo.load(HET).evaluation["seeds"]]
    assert Firing.read(HET).means()[-1]["mean"] == pytest.approx(np.mean(rates), rel=1e-5)


def test_neurons_are_in_the_order_of_their_last_rate(published):
    heat = Firing.read(HET).heat()
    assert list(heat) == [0, 2, 4]
    last = heat[4].mean(0)
    assert heat[0].shape == heat[4].shape == (10, 32) and (np.diff(last) <= 0).all() and last[0] > last[-1]


def test_what_is_missing_is_explained_with_the_command(published, tmp_path, capsys):
    command = ["figure", "image-firing", "--budget", str(BUDGET), "--out", str(tmp_path / "out")]
    (published / HOM / "activity.csv").unlink()
    write_manifest(published / HOM)
    assert main(command) == 2
    assert f"has no activity.csv, which trainings record; run: zoo train {HOM} --fresh" in capsys.readouterr().err
    shutil.rmtree(published / HOM)
    assert main(command) == 2
    assert f"zoo train {HOM}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
