"""Shapley values of Table 1's properties: against additive games, and on noise."""

from statistics import fmean, stdev

import numpy as np
import pytest
from scipy.stats import binomtest, t
from table_cells import cells

from zoo.analysis.shapley import shapley_values
from zoo.cli.main import main
from zoo.core.csv_files import read_table
from zoo.models import PROPERTIES
from zoo.registry.paper import TABLE_1
from zoo.report import property_tables, shapley_figures, shapley_tables
from zoo.report.control_tables import SIGNS
from zoo.report.property_tables import means, whole_tables
from zoo.report.shapley_tables import excess, excesses, shapley_table, variance_of_repeats

SUBSETS = [frozenset(chosen) for chosen in TABLE_1]
WORTH = dict(zip(PROPERTIES, (5.0, 2.0, 2.0, -1.0), strict=True))


def alone(rewards):
    """Returns of one seed each."""
    return {chosen: [reward] for chosen, reward in rewards.items()}


def test_in_a_game_that_adds_up_a_property_is_worth_what_it_adds():
    rewards = {chosen: 100.0 + sum(WORTH[name] for name in chosen) for chosen in SUBSETS}
    assert excess(rewards) == pytest.approx({name: worth - 2 for name, worth in WORTH.items()})
    for effect in excesses([alone(rewards)]).values():  # Twins are level, so that no training is left to chance.
        assert effect.low == effect.high == effect.effect


def test_neither_the_full_set_nor_the_untrained_network_parts_the_properties():
    rng = np.random.default_rng(0)
    rewards = {chosen: rng.normal() for chosen in SUBSETS}
    values = shapley_values(PROPERTIES, rewards | {frozenset(): -3.0})
    mean = fmean(map(float, values.values()))
    assert excess(rewards) == pytest.approx({name: float(value) - mean for name, value in values.items()})
    assert excess(rewards | {frozenset(PROPERTIES): 9.0}) == pytest.approx(excess(rewards))


def test_what_was_trained_more_than_once_says_how_uncertain_a_reward_is():
    returns = alone(dict.fromkeys(SUBSETS, 10.0))
    assert variance_of_repeats(returns) == (0, 4)
    returns[frozenset(["v_th"])] = [13.0]  # Its twin has 10, a variance of 4.5.
    assert variance_of_repeats(returns) == (4.5 / 4, 4)
    returns[frozenset(["x_tau"])] = [9.0, 10.0, 11.0]
    assert variance_of_repeats(returns) == ((4.5 + 2) / 6, 6)
    returns[frozenset(["v_rest"])] = [8.0, 12.0]  # 3 from the twin, of which 2 of 3 parts of the variance.
    assert variance_of_repeats(returns) == (pytest.approx((9 / 1.5 + 2 + 8) / 7), 7)


def test_an_interval_is_that_of_a_sum_of_fourteen_rewards():
    rng = np.random.default_rng(2)
    returns = alone({chosen: rng.normal() for chosen in SUBSETS})
    variance, freedom = variance_of_repeats(returns)
    effect = excesses([returns])["r"]
    # The property alone and the other three count 1/4, the twelve other subsets 1/12: 2 / 16 + 12 / 144 = 5 / 24.
    assert effect.high - effect.effect == pytest.approx(t.ppf(0.975, freedom) * (5 / 24 * variance) ** 0.5)


@pytest.mark.parametrize("seeds", [1, 2])
def test_rewards_without_effect_part_the_properties_once_in_twenty(seeds):
    rng, found, draws = np.random.default_rng(1), dict.fromkeys(PROPERTIES, 0), 400
    for _ in range(draws):
        robots = [{chosen: rng.normal(size=seeds).tolist() for chosen in SUBSETS} for _ in range(2)]
        for name, effect in excesses(robots, [1.0, 1.0]).items():
            found[name] += effect.p < 0.05
    for name in ("x_tau", "r"):
        assert binomtest(found[name], draws, 0.05).pvalue > 0.001, found
    # Twins differ by what thresholds and resting potentials are worth apart, so that these are found less often.
    assert binomtest(found["v_th"] + found["v_rest"], 2 * draws, 0.05, alternative="greater").pvalue > 0.001, found


def test_the_table_has_each_robots_values_beside_the_papers_and_the_figure_the_same(tmp_path, monkeypatch):
    first, both = (list(map(cells, text.splitlines()[2:])) for text in shapley_table().split("\n\n"))
    tables = whole_tables()
    assert [row[1] for row in first] == [*SIGNS.values()] * len(tables)
    assert [row[:2] for row in both] == [[f"{len(tables)} robots", sign] for sign in SIGNS.values()]
    for (returns, paper), rows in zip(tables.values(), zip(*[iter(first)] * 4, strict=True), strict=True):
        for rewards, column in ((paper, 2), (means(returns), 3)):
            assert [row[column].split()[0] for row in rows] == [f"{value:+.0f}" for value in excess(rewards).values()]
    for column, side in ((2, 1), (3, 0)):
        robots = [means(pair[0]) if side == 0 else pair[1] for pair in tables.values()]
        scaled = [100 / stdev(robot.values()) * excess(robot)["x_tau"] for robot in robots]
        assert both[0][column].split()[0] == f"{fmean(scaled):+.0f}"
    monkeypatch.setattr(shapley_figures, "save", lambda paint, size, path: [path])
    assert main(["figure", "shapley", "--out", str(tmp_path)]) == 0
    rows = read_table(tmp_path / "shapley.csv")
    for field, column in (("worth", 3), ("paper", 2)):
        shown = [float(row[column].split()[0]) for row in first]
        assert [float(row[field]) for row in rows] == pytest.approx(shown, abs=1)


def test_robots_with_a_subset_missing_have_no_values(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(property_tables, "subset_returns", lambda name: {SUBSETS[0]: [1.0]})
    assert main(["figure", "shapley", "--out", str(tmp_path)]) == 2
    assert "no robot has all 15 subsets" in capsys.readouterr().err
    assert [text.splitlines()[2:] for text in shapley_tables.shapley_table().split("\n\n")] == [[], []]
