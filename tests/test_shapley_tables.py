"""Shapley values of Table 1's properties: against additive games, and on noise."""

from statistics import fmean

import numpy as np
import pytest
from scipy.stats import binomtest
from table_cells import cells

from zoo.analysis.shapley import shapley_values
from zoo.cli.main import main
from zoo.core.csv_files import read_table
from zoo.models import PROPERTIES
from zoo.registry.paper import TABLE_1
from zoo.report import property_tables, shapley_figures, shapley_tables
from zoo.report.control_tables import SIGNS
from zoo.report.property_tables import whole_tables
from zoo.report.shapley_tables import excess, excesses, shapley_table

SUBSETS = [frozenset(chosen) for chosen in TABLE_1]
WORTH = dict(zip(PROPERTIES, (5.0, 2.0, 2.0, -1.0), strict=True))


def test_in_a_game_that_adds_up_a_property_is_worth_what_it_adds():
    rewards = {chosen: 100 + sum(WORTH[name] for name in chosen) for chosen in SUBSETS}
    assert excess(rewards) == pytest.approx({name: worth - 2 for name, worth in WORTH.items()})
    for effect in excesses([rewards]).values():  # Twins are level, so that no training is left to chance.
        assert effect.low == effect.high == effect.effect


def test_neither_the_full_set_nor_the_untrained_network_parts_the_properties():
    rng = np.random.default_rng(0)
    rewards = {chosen: rng.normal() for chosen in SUBSETS}
    values = shapley_values(PROPERTIES, rewards | {frozenset(): -3.0})
    mean = fmean(map(float, values.values()))
    assert excess(rewards) == pytest.approx({name: float(value) - mean for name, value in values.items()})
    assert excess(rewards | {frozenset(PROPERTIES): 9.0}) == pytest.approx(excess(rewards))


def test_rewards_without_effect_part_the_properties_once_in_twenty():
    rng = np.random.default_rng(1)
    found = dict.fromkeys(PROPERTIES, 0)
    for _ in range(1000):
        effects = excesses([{chosen: rng.normal() for chosen in SUBSETS}])
        for name, effect in effects.items():
            found[name] += effect.p < 0.05
    for name in ("x_tau", "r"):
        assert binomtest(found[name], 1000, 0.05).pvalue > 0.001, found
    # Twins differ by what thresholds and resting potentials are worth apart, so that these are found less often.
    assert max(found["v_th"], found["v_rest"]) < 50, found


def test_the_table_has_each_robots_values_beside_the_papers_and_the_figure_the_same(tmp_path, monkeypatch):
    first, both = (list(map(cells, text.splitlines()[2:])) for text in shapley_table().split("\n\n"))
    tables = whole_tables()
    assert [row[1] for row in first] == [*SIGNS.values()] * len(tables)
    assert [row[:2] for row in both] == [[whose, sign] for whose in ("zoo", "paper") for sign in SIGNS.values()]
    for (ours, paper), rows in zip(tables.values(), zip(*[iter(first)] * 4, strict=True), strict=True):
        for rewards, column in ((paper, 2), (ours, 3)):
            assert [row[column].split()[0] for row in rows] == [f"{value:+.0f}" for value in excess(rewards).values()]
    monkeypatch.setattr(shapley_figures, "save", lambda paint, size, path: [path])
    assert main(["figure", "shapley", "--out", str(tmp_path)]) == 0
    rows = read_table(tmp_path / "shapley.csv")
    assert [f"{float(row['worth']):+.0f}" for row in rows if row["whose"] == "zoo"] == [
        r[3].split()[0] for r in first
    ]


def test_robots_with_a_subset_missing_have_no_values(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(property_tables, "subset_rewards", lambda name: {SUBSETS[0]: 1.0})
    assert main(["figure", "shapley", "--out", str(tmp_path)]) == 2
    assert "no robot has all 15 subsets" in capsys.readouterr().err
    assert [text.splitlines()[2:] for text in shapley_tables.shapley_table().split("\n\n")] == [[], []]
