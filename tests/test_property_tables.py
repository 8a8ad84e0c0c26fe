"""Which trained property tells: a table made of Table 1's subsets, against numbers made by hand and its own rows."""

from statistics import fmean, stdev

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_ind
from table_cells import cells

from zoo.models import PROPERTIES
from zoo.registry.paper import TABLE_1
from zoo.report import property_tables
from zoo.report.control_tables import ablation_table
from zoo.report.property_tables import ACTING, means, property_table, split, subset_returns, together, twins

SUBSETS = [frozenset(chosen) for chosen in TABLE_1]


def made(reward, tasks, monkeypatch) -> list[list[list[str]]]:
    """Rows of the three tables, if the robots of `tasks` had these rewards."""

    def rewards(name):
        chosen = SUBSETS if name.split("-")[1] in tasks else SUBSETS[:-1]
        return {subset: [reward(subset)] for subset in chosen}

    monkeypatch.setattr(property_tables, "subset_returns", rewards)
    return [list(map(cells, text.splitlines()[2:])) for text in property_table().split("\n\n")]


def test_a_property_that_brings_all_tells_and_the_others_do_not(monkeypatch):
    rows, *_ = made(lambda chosen: 100.0 * ("x_tau" in chosen) + ("r" in chosen), ["wal", "hp"], monkeypatch)
    assert [row[:2] for row in rows] == [[robot, sign] for robot in ("Hopper", "Walker2d") for sign in
                                         ("tau", "v_th or v_rest", "R")]  # fmt: skip
    tau, distance, resistance, *_ = rows
    # With time constants 4 of 8 subsets have the resistance, without 4 of 7.
    assert tau[2:4] == ["100.5", "0.571"] and tau[5].startswith("+100 (") and float(tau[7]) < 1e-6
    # With threshold or resting potential 6 of 12 subsets have time constants, without 2 of 3.
    assert distance[2:4] == ["50.500", "67.333"] and float(distance[7]) == 1
    assert resistance[2:4] == ["51.000", "57.143"] and float(resistance[7]) == 1


def test_the_papers_own_numbers_are_their_own_difference_and_order(monkeypatch):
    paper = {frozenset(chosen): float(row["hp"].split(" ±")[0]) for chosen, row in TABLE_1.items()}
    rows, both, orders = made(lambda chosen: paper[chosen] + 1, ["hp"], monkeypatch)
    assert all(row[5].split()[0] == row[4] for row in rows)
    assert [row[1:] for row in both[:3]] == [row[1:] for row in both[3:]]
    (order,) = orders
    assert order[:4] == ["Hopper", "15 of 15", "+1.00", "0"] and order[4:6] == order[6:]
    assert float(order[4]) == pytest.approx(stdev(paper.values()), abs=0.5)
    *_, orders = made(lambda chosen: -paper[chosen], ["hp"], monkeypatch)
    assert orders[0][:3] == ["Hopper", "0 of 15", "-1.00"]


def test_twins_train_threshold_or_resting_potential_and_else_the_same(monkeypatch):
    rewards = {chosen: 10.0 * len(chosen) + 4.0 * ("v_th" in chosen) for chosen in SUBSETS}
    assert sorted(twins(rewards)) == [(14, 10), (24, 20), (24, 20), (34, 30)]
    *_, orders = made(rewards.__getitem__, ["hp"], monkeypatch)
    assert orders[0][5] == "3"  # 4 apart: a deviation of 4 / sqrt(2).


def test_robots_with_a_subset_missing_have_no_rows(monkeypatch):
    assert made(lambda chosen: 1.0 * len(chosen), [], monkeypatch) == [[], [], []]


def test_robots_count_alike_together_whatever_their_rewards_scale():
    rng = np.random.default_rng(0)
    robots = [{chosen: rng.normal() for chosen in SUBSETS} for _ in range(3)]
    having, lacking = split(robots[0], {"r"})
    alone = together(robots[:1], {"r"})
    assert alone.effect == pytest.approx(100 * (fmean(having) - fmean(lacking)) / stdev(robots[0].values()))
    assert alone.p == pytest.approx(ttest_ind(having, lacking, equal_var=False).pvalue)
    assert together(robots, {"r"}).effect == pytest.approx(fmean(together([robot], {"r"}).effect for robot in robots))
    scaled = [{chosen: 5 + 10.0**n * reward for chosen, reward in robot.items()} for n, robot in enumerate(robots)]
    assert together(scaled, {"r"}) == pytest.approx(together(robots, {"r"}))


def test_fifteen_rewards_without_effect_are_found_to_have_one_once_in_twenty():
    rng = np.random.default_rng(1)
    draws = [[dict(zip(SUBSETS, rng.normal(size=15), strict=True)) for _ in range(4)] for _ in range(400)]
    found = sum(together(robots, {"x_tau"}).p < 0.05 for robots in draws)
    assert binomtest(found, len(draws), 0.05).pvalue > 0.001


def test_published_rows_are_those_of_table_1():
    rewards = {}
    for line in ablation_table("hetsnn-hp-16384").splitlines()[2:]:
        *marks, _, _, _, _, _, _, equal = cells(line)
        rewards[frozenset(name for name, mark in zip(PROPERTIES, marks, strict=True) if mark)] = equal.split()[0]
    ours = means(subset_returns("hetsnn-hp-16384"))
    assert {chosen: f"{reward:.0f}" for chosen, reward in ours.items()} == rewards
    hopper = [row for row in map(cells, property_table().splitlines()) if row[0] == "Hopper"]
    for row, names, count in zip(hopper, ACTING.values(), (8, 12, 8), strict=False):
        having, lacking = split(ours, names)
        assert (len(having), len(lacking)) == (count, 15 - count)
        assert row[2:4] == [f"{fmean(having):.0f}", f"{fmean(lacking):.0f}"]
        assert row[5].split()[0] == f"{fmean(having) - fmean(lacking):+.0f}"
