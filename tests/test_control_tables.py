"""Tables of continuous control: what they say of models, and Table 1's sweep from names to table."""

import csv
import dataclasses
import json
import shutil
from pathlib import Path

import jax.numpy as jnp
import pytest
from table_cells import cells

import zoo
from zoo.analysis.shapley import subsets
from zoo.analysis.subsets import subset_names
from zoo.cli import main
from zoo.evaluation.statistics import contrast
from zoo.models import PROPERTIES
from zoo.registry.names import parse
from zoo.registry.paper import TABLE_1
from zoo.report import control_tables
from zoo.report.card_index import with_tables
from zoo.report.control_tables import (
    ablation_table,
    control_table,
    means_until,
    population_curve,
    whole_generations,
)
from zoo.report.width_tables import difference_table
from zoo.tasks import brax
from zoo.training import default_recipe, train

FULL = "hetsnn-hp-48"


def test_table_1_has_each_subset_once_and_reaches_the_cards():
    assert sorted(map(sorted, TABLE_1)) == sorted(sorted(s) for s in subsets(PROPERTIES) if s)
    assert brax.FAMILY.paper_reward(parse("hetsnn-ant-16384")) == "1221 ± 35"
    assert brax.FAMILY.paper_reward(parse("hetsnn-wal-16384-tau-r")) == "3140 ± 216"
    assert brax.FAMILY.paper_reward(parse("hetsnn-wal-8192-tau-r")) is None
    assert brax.FAMILY.paper_reward(parse("homsnn-wal-16384")) is None


def test_control_table_keeps_population_and_centre_apart():
    info = zoo.model_info("hetsnn-hp-4096")
    made = dataclasses.replace(
        info, name="hetsnn-wal-16384", task="wal", generations=400, seeds=5, mean=2800.0,
        interval_95=(2700.0, 2900.0), population_mean=2500.0, population_std=40.0,
    )  # fmt: skip
    others = [dataclasses.replace(made, name=name) for name in ("hetsnn-wal-16384-tau", "hetsnn-mem5-1024")]
    lines = control_table([made, info, *others], link="x/").splitlines()
    assert [cells(line)[0] for line in lines[2:]] == ["Ant", "HalfCheetah", "Hopper", "Hopper", "Walker2d"]
    assert cells(lines[-1]) == [
        "Walker2d", "16,384", "[neurons](x/hetsnn-wal-16384.md)", "2500 ± 40", "2699 ± 404",
        "**2800** (2700 to 2900)", "5", "400", "-",
    ]  # fmt: skip
    assert cells(lines[2]) == ["Ant", "16,384", "neurons", "-", "1221 ± 35", "-", "-", "0", "-"]


def test_kinds_are_compared_after_as_many_generations(tmp_path):
    def made(kind, means):
        folder = tmp_path / kind
        folder.mkdir()
        rows = [f"{g},{seed},{mean + seed}\n" for g, mean in means.items() for seed in (0, 1)]
        (folder / "training.csv").write_text("generation,seed,mean\n" + "".join(rows))
        base = zoo.model_info(f"{kind}snn-hp-4096")
        shutil.copy(Path(base.path) / "config.json", folder)
        return dataclasses.replace(base, generations=max(means), path=str(folder))

    rows = [made("het", {10: 1.0, 29: 2.0, 31: 3.0, 100: 9.0}), made("hom", {10: 0.0, 30: 7.0})]
    table = {cells(line)[2].split("]")[0]: cells(line) for line in control_table(rows).splitlines()[2:]}
    assert table["[neurons"][8] == "2.500 at 29"
    assert table["[weights"][8] == "7.500 at 30"
    (tmp_path / "het" / "training.csv").write_text("generation,seed,mean\n31,0,3.0\n31,1,4.0\n")
    late = {cells(line)[2].split("]")[0]: cells(line) for line in control_table(rows).splitlines()[2:]}
    assert late["[neurons"][8] == late["[weights"][8] == "-"  # Its first whole episodes came later.
    assert len(difference_table(rows).splitlines()) == 2


def test_generations_of_short_episodes_count_by_their_steps(tmp_path):
    base = zoo.model_info("hetsnn-hp-4096")
    config = json.loads((Path(base.path) / "config.json").read_text())
    config["recipe"] |= {"short_limit": 250, "short_generations": 8}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "training.csv").write_text("generation,seed,mean\n4,0,1.0\n8,0,2.0\n9,0,30.0\n12,0,40.0\n")
    info = dataclasses.replace(base, generations=12, path=str(tmp_path))
    assert whole_generations(info) == 8 / 4 + 4
    assert [(row["generation"], row["mean"]) for row in population_curve(info)] == [(3, 30), (6, 40)]
    assert means_until(info, 5) == (3, [30])
    (line,) = [line for line in control_table([info]).splitlines() if "hetsnn-hp-4096" in line]
    assert cells(line)[7] == "6"


def test_differences_are_welchs_at_equal_generations(tmp_path):
    def made(kind, means):
        folder = tmp_path / kind
        folder.mkdir()
        rows = [f"10,{seed},{mean}\n20,{seed},999\n" for seed, mean in enumerate(means)]
        (folder / "training.csv").write_text("generation,seed,mean\n" + "".join(rows))
        generations = 10 if kind == "het" else 20
        base = zoo.model_info(f"{kind}snn-hp-4096")
        shutil.copy(Path(base.path) / "config.json", folder)
        return dataclasses.replace(base, generations=generations, path=str(folder))

    # Welch by hand: means 200 and 104, variances 100 and 16, n = 3: t = 96 / sqrt(116 / 3), 2.624 degrees of freedom.
    first, second = [190.0, 200.0, 210.0], [100.0, 104.0, 108.0]
    difference, low, high, p = contrast([first, second])
    degrees = (116 / 3) ** 2 / ((100 / 3) ** 2 / 2 + (16 / 3) ** 2 / 2)
    from scipy.stats import t

    half = t.ppf(0.975, degrees) * (116 / 3) ** 0.5
    assert (difference, low, high) == pytest.approx((96, 96 - half, 96 + half))
    assert p == pytest.approx(2 * t.sf(96 / (116 / 3) ** 0.5, degrees))
    line = difference_table([made("het", second), made("hom", first)]).splitlines()[2]
    assert cells(line)[:5] == ["Hopper", "4,096", "10", "104.0", "200.0"] and cells(line)[5].startswith("+96 (")


def test_trends_are_lines_through_all_networks(monkeypatch):
    from zoo.report import width_tables

    line = width_tables.Points((1024, 2048, 4096), (10.0, 20.0, 30.0))
    assert width_tables.trend(line)[:3] == pytest.approx((10, 10, 10))
    # By hand: x = 0, 0, 1, 1 has a spread of 1, residuals are 5, -5, 1, -1, and t of 2 degrees 4.303 at 97.5 %.
    points = width_tables.Points((512, 512, 1024, 1024), (10.0, 0.0, 21.0, 19.0))
    slope, low, high, p = width_tables.trend(points)
    half = 4.302653 * (52 / 2) ** 0.5
    assert (slope, low, high) == pytest.approx((15, 15 - half, 15 + half), rel=1e-6) and 0.05 < p < 0.2
    # Of two lines alike the gains' difference has twice the variance, and as many degrees of freedom as both: 4.
    turned = width_tables.Points(points.parameters, tuple(-value for value in points.returns))
    gap, low, high, _ = width_tables.trend(points, turned)
    half = 2.776445 * 52**0.5
    assert (gap, low, high) == pytest.approx((30, 30 - half, 30 + half), rel=1e-6)
    assert width_tables.trend(points, points)[::3] == pytest.approx((0, 1))
    rows = [zoo.model_info(f"{kind}snn-hp-{budget}") for kind in ("het", "hom") for budget in (1024, 2048, 4096)]
    first, second = width_tables.trend_table(rows).split("\n\n")
    lines = first.splitlines()[2:]
    gains = [float(cells(line)[-3].split()[0]) for line in lines]
    (gap,) = second.splitlines()[2:]
    assert cells(gap)[0] == "Hopper" and float(cells(gap)[1].split()[0]) == pytest.approx(gains[1] - gains[0], abs=1)
    assert [cells(line)[:4] for line in lines] == [
        ["Hopper", kind, "1,024 to 4,096", str(sum(row.seeds for row in rows[i : i + 3]))]
        for kind, i in (("neurons", 0), ("weights", 3))
    ]
    shorter = dataclasses.replace(rows[2], generations=rows[2].generations - 1)
    assert cells(width_tables.trend_table([*rows[:2], shorter]).splitlines()[2])[2] == "1,024 to 2,048"
    low, high = sorted(float(cells(line)[-2]) for line in lines)
    assert sorted(float(cells(line)[-1]) for line in lines) == pytest.approx(
        [min(2 * low, 1), max(2 * low, high)], rel=0.05
    )


def test_readme_tables_are_made_anew_and_the_rest_is_left_alone():
    text = "a\n<!-- control -->\nold\n<!-- /control -->\nb\n"
    made = with_tables(text)
    assert made.startswith("a\n<!-- control -->\n| environment") and made.endswith("\n<!-- /control -->\nb\n")
    assert "old" not in made and with_tables(made) == made
    linked = with_tables(
        "<!-- ablation -->\n<!-- /ablation -->\n<!-- differences -->\n<!-- /differences -->\n", "up/"
    )
    assert "(up/hetsnn-hp-16384.md)" in linked and "Welch's p | corrected" in linked


def test_table_1s_sweep_from_names_to_table(trivial_physics, tmp_path, capsys):
    names = list(subset_names(FULL).values())
    small = "--seeds 2 --population 4 --generations 1 --episode-limit 7 --quiet --json".split()
    assert main(["train", ",".join(names), "--lockstep", "--out", str(tmp_path), *small]) == 0
    (outcome,) = json.loads(capsys.readouterr().out)
    assert outcome["finished"] and len(outcome["folders"]) == 15
    widths = {json.loads((tmp_path / n / "checkpoint/config.json").read_text())["network"]["hidden"] for n in names}
    assert widths == {48, 24, 16, 12}

    assert main(["table", "ablation", FULL, "--runs", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert cells(lines[0])[:4] == ["tau", "v_th", "v_rest", "R"]
    for line, (properties, paper) in zip(lines[2:], TABLE_1.items(), strict=True):
        assert [bool(mark) for mark in cells(line)[:4]] == [p in properties for p in PROPERTIES]
        info = zoo.model_info(str(tmp_path / subset_names(FULL)[frozenset(properties)] / "checkpoint"))
        neurons, population, printed, centre, seeds, generations, equal = cells(line)[4:]
        assert float(population.split(" ± ")[0]) == pytest.approx(info.population_mean, abs=1e-3)
        assert float(centre.split("**")[1]) == pytest.approx(info.mean, abs=1e-3)
        assert (seeds, generations, printed) == ("2", "1", paper["hp"])
        assert (int(neurons), equal) == (48 // len(properties), f"{population.split(' ± ')[0]} at 1")

    assert main(["figure", "ablation", FULL, "--runs", str(tmp_path), "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    with (tmp_path / f"ablation-{FULL}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["model"] for row in rows] == [subset_names(FULL)[frozenset(properties)] for properties in TABLE_1]
    for row in rows:
        info = zoo.model_info(str(tmp_path / row["model"] / "checkpoint"))
        assert float(row["mean"]) == pytest.approx(info.population_mean, rel=1e-5)
        assert (row["generation"], row["seeds"]) == ("1", "2")
    assert "tau, v_th, v_rest, R" in (tmp_path / f"ablation-{FULL}.svg").read_text()


def test_subsets_are_compared_after_as_many_generations_and_link_to_their_cards(tmp_path, monkeypatch):
    def made(name, generations, seeds):
        folder = tmp_path / name
        folder.mkdir()
        rows = [f"{g},{seed},{g + seed}\n" for g in range(1, generations + 1) for seed in range(seeds)]
        (folder / "training.csv").write_text("generation,seed,mean\n" + "".join(rows))
        info = zoo.model_info("hetsnn-hp-4096")
        shutil.copy(Path(info.path) / "config.json", folder)
        return dataclasses.replace(info, name=name, generations=generations, seeds=seeds, path=str(folder))

    rows = [made("hetsnn-hp-16384", 9, 3), made("hetsnn-hp-16384-tau", 7, 1)]
    monkeypatch.setattr(control_tables, "_subset_rows", lambda model, runs: {row.name: row for row in rows})
    lines = [cells(line) for line in ablation_table("hetsnn-hp-16384", link="x/").splitlines()[2:]]
    only, full = lines[0], lines[-1]
    assert (only[4], only[-1]) == ("[16,384](x/hetsnn-hp-16384-tau.md)", "7.000 at 7")
    assert (full[4], full[-1]) == ("[4,096](x/hetsnn-hp-16384.md)", "8.000 at 7")
    assert " ± " in full[5] and " ± " not in only[5] and full[7].endswith(")") and only[7].endswith("**")
    assert lines[1][4:] == ["16,384", "-", "399 ± 12", "-", "-", "0", "-"]


def test_kinds_whose_actions_have_other_gains_learn_in_lockstep_what_they_learn_alone(
    trivial_physics, tmp_path, monkeypatch
):
    # These physics ask only which actions are above zero; moved up, that depends on their size.
    monkeypatch.setitem(brax.ACTIONS, "clip", lambda readout: jnp.clip(readout, -1, 1) + 0.1)
    names = ["hetsnn-hc-48", "homsnn-hc-48"]
    small = {"seeds": 2, "population": 4, "generations": 2, "episode_limit": 60, "v_th": 0.01, "quiet": True}
    train(names, out=tmp_path / "together", **small)
    curves = {}
    for name in names:
        train(name, out=tmp_path / "alone", **small)
        train(name, out=tmp_path / "same", action_gain=1.0, **small)
        for folder in ("together", "alone", "same"):
            curves[folder, name] = (tmp_path / folder / name / "training.csv").read_text()
        assert curves["together", name] == curves["alone", name]
        options = json.loads((tmp_path / "together" / name / "checkpoint/config.json").read_text())["task"]["options"]
        assert options["action_gain"] == default_recipe(name).action_gain != 1
    assert any(curves["alone", name] != curves["same", name] for name in names)


def test_the_papers_sweep_is_one_pattern():
    from zoo.registry.names import expand

    for task in brax.FAMILY.tasks:
        full = f"hetsnn-{task}-16384"
        assert set(expand(f"{full}*")) == set(subset_names(full).values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ablation"], "needed there"),
        (["control", FULL], "needed there"),
        (["ablation", "hetsnn-mem5-1024"], "Table 1 is about ant, hc, hp, wal"),
        (["ablation", "hetsnn-hp-4096-tau"], "train all of"),
        (["ablation", FULL, "--runs", "nowhere"], "there is no folder nowhere"),
        (["control", "--runs", "nowhere"], "--runs is for"),
    ],
)
@pytest.mark.parametrize("verb", ["table", "figure"])
def test_wrong_arguments_are_explained(verb, arguments, message, capsys):
    assert main([verb, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_figure_of_no_model_names_all_to_train(tmp_path, capsys):
    assert main(["figure", "ablation", FULL, "--runs", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert f"zoo train {','.join(subset_names(FULL).values())} --lockstep" in said


def test_a_curve_that_begins_later_is_read_where_it_begins():
    info = zoo.model_info("hetsnn-hp-16384")
    first = min(row["generation"] for row in population_curve(info))
    assert first > 1 and means_until(info, 1) == means_until(info, first)


def test_what_has_no_population_in_whole_episodes_is_left_out(tmp_path):
    from zoo.report.width_figures import widths
    from zoo.report.width_tables import trend_table

    known = [zoo.model_info(f"{kind}snn-hc-{budget}") for kind in ("het", "hom") for budget in (1024, 2048)]

    def made(name, curve, **changes):
        folder = tmp_path / name
        folder.mkdir()
        base = zoo.model_info(name)
        shutil.copy(Path(base.path) / "config.json", folder)
        (folder / "training.csv").write_text("generation,seed,mean\n" + curve)
        return dataclasses.replace(base, path=str(folder), **changes)

    imported = made("homsnn-hc-4096", "", population_mean=None, population_std=None)
    begun = made("hetsnn-hc-8192", "1000,0,500.0\n1000,1,600.0\n", generations=1000)  # Of 3,200 short ones.
    for table in (control_table, difference_table, trend_table):
        assert table([*known, imported, begun]) == table(known)
    assert (*widths([*known, imported], tmp_path / "a"), "") and (tmp_path / "a" / "widths.csv").read_text() == (
        widths(known, tmp_path / "b")[-1].read_text()
    )


@pytest.mark.parametrize("verb", ["table", "figure"])
def test_subsets_by_gradients_are_not_table_1(verb, tmp_path, capsys):
    assert (
        main([verb, "ablation", "hetsnn-hc-16384-bp", *(["--out", str(tmp_path)] if verb == "figure" else [])]) == 2
    )
    assert "Table 1 is about evolution; hetsnn-hc-16384-bp is trained by bp" in capsys.readouterr().err
