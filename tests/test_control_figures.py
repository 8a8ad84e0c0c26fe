"""Learning curves of continuous control: numbers from published files, and the figure from them."""

import csv
import importlib
from pathlib import Path

import pytest

import zoo
from zoo.cli import main
from zoo.report.control_figures import budget_styles, population_curve
from zoo.report.robot_figures import learning_curve

NAME = "hetsnn-hp-4096"
FIGURES = Path(__file__).parent.parent / "docs" / "figures"


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_curve_ends_at_the_population_of_the_card():
    info = zoo.model_info(NAME)
    last = population_curve(info)[-1]
    assert (last["generation"], last["seeds"]) == (info.generations, info.seeds)
    assert last["mean"] == pytest.approx(info.population_mean, rel=1e-5)
    assert last["low"] < last["mean"] < last["high"]


def test_the_papers_budget_is_drawn_through_and_no_other():
    styles = budget_styles({1024, 4096, 16384, 32768})
    assert styles[16384] == "-" and len(set(map(str, styles.values()))) == 4


def test_figure_has_all_full_models_of_brax_and_no_others(tmp_path, capsys):
    assert main(["figure", "control", "--out", str(tmp_path)]) == 0
    written = capsys.readouterr().out.split()
    assert [path.rpartition("/")[2] for path in written] == ["control.svg", "control-dark.svg", "control.csv"]
    assert_is_published(tmp_path / "control.csv")
    names = {row["model"] for row in rows(tmp_path / "control.csv")}
    published = {n for task in ("ant", "hc", "hp", "wal") for n in zoo.list_models(f"*snn-{task}-*")}
    assert names == {name for name in published if name.count("-") == 2}
    text = (tmp_path / "control.svg").read_text()
    for word in ("HalfCheetah", "neurons, 16,384 parameters", "weights, 4,096 parameters", "paper: neurons"):
        assert f">{word}" in text


def assert_is_published(path):
    """The numbers of a figure, made of the checkpoints now, are those in docs/figures."""
    assert path.read_text(encoding="utf-8") == (FIGURES / path.name).read_text(encoding="utf-8")


def test_rewards_by_width_are_those_of_the_cards(tmp_path, capsys):
    assert main(["figure", "widths", "--out", str(tmp_path)]) == 0
    written = capsys.readouterr().out.split()
    assert [path.rpartition("/")[2] for path in written] == ["widths.svg", "widths-dark.svg", "widths.csv"]
    assert_is_published(tmp_path / "widths.csv")
    found = {row["model"]: float(row["population_mean"]) for row in rows(tmp_path / "widths.csv")}
    assert {"hetsnn-hp-1024", "homsnn-hp-1024", NAME} < set(found)
    assert found[NAME] == pytest.approx(zoo.model_info(NAME).population_mean, rel=1e-5)
    text = (tmp_path / "widths.svg").read_text()
    for word in ("HalfCheetah", "trained parameters", "16,384", "neurons", "paper: neurons"):
        assert f">{word}" in text


def test_steps_of_a_curve_are_those_of_the_training():
    name = "homsnn-hc-16384-bp"
    training, recipe = zoo.load(name).config["training"], zoo.load(name).recipe
    curve = learning_curve(zoo.model_info(name))
    assert curve[-1]["steps"] == pytest.approx(training["env_steps"])
    assert curve[-1]["seconds"] == pytest.approx(training["seconds"] / recipe.seeds)
    for row in curve:  # An update has as many steps as any other.
        assert row["steps"] == pytest.approx(row["generation"] * recipe.environments * recipe.steps)
    # A hopper's first episodes are short, so that its steps come late.
    curve = learning_curve(zoo.model_info("hetsnn-hp-4096"))
    first, last = curve[0], curve[-1]
    assert first["steps"] / last["steps"] < 0.5 * first["generation"] / last["generation"]


def test_short_episodes_have_no_place_in_a_curve():
    recipe = zoo.load("hetsnn-hc-16384").recipe
    assert (
        min(row["generation"] for row in learning_curve(zoo.model_info("hetsnn-hc-16384"))) > recipe.short_generations
    )


def test_evolution_and_gradients_are_drawn_for_all_robots(tmp_path, capsys):
    assert main(["figure", "robot-gradients", "--out", str(tmp_path)]) == 0
    assert_is_published(tmp_path / "robot-gradients.csv")
    found = {row["model"] for row in rows(tmp_path / "robot-gradients.csv")}
    assert {"hetsnn-hc-16384", "homsnn-hc-16384", "hetsnn-hc-16384-bp", "homsnn-hc-16384-bp"} <= found
    assert not {name for name in found if "-16384" not in name or "-tau" in name}
    text = (tmp_path / "robot-gradients.svg").read_text()
    for word in ("HalfCheetah", "neurons, PGPE", "weights, gradients", "environment steps of a seed", "seconds"):
        assert f">{word}" in text


def test_seconds_are_those_of_one_core_or_none():
    for name in ("homsnn-hc-16384", "hetsnn-hc-16384"):
        hardware = zoo.load(name).config["training"]["hardware"]
        alone = {row["seconds"] is not None for row in learning_curve(zoo.model_info(name))}
        assert alone == {hardware == "1 CPU core"}
    assert {zoo.load(f"{kind}snn-hc-16384").config["training"]["hardware"] for kind in ("het", "hom")} == {
        "1 CPU core", "1 CPU core, 1 x NVIDIA H200"
    }  # fmt: skip


_FIGURES = ["control_figures.control", "width_figures.widths", "robot_figures.evolution_and_gradients"]


@pytest.mark.parametrize("figure", _FIGURES)
def test_without_models_it_says_so(tmp_path, figure):
    module, name = figure.split(".")
    draw = getattr(importlib.import_module(f"zoo.report.{module}"), name)
    with pytest.raises(zoo.ZooError, match="no model of ant, hc, hp, wal"):
        draw([zoo.model_info("hetsnn-mem5-1024")], tmp_path)
