import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest

from zoo.analysis.shapley import contributions, shapley_values, subsets
from zoo.analysis.subsets import read_means, read_subsets, subset_names, train_subsets
from zoo.cli.main import main
from zoo.core.errors import ZooError
from zoo.drawing import analyses as draw
from zoo.drawing.style import render
from zoo.evaluation.statistics import interval_95
from zoo.models import PROPERTIES
from zoo.registry.names import parse
from zoo.training import default_recipe, export_run, override, train


def game(worth, players="abc"):
    return {subset: np.array(float(worth(subset))) for subset in subsets(players)}


def test_glove_game_by_hand():
    # One left glove, two right ones; a pair is worth 1 (Shapley values 2/3, 1/6, 1/6).
    values = shapley_values("abc", game(lambda s: "a" in s and len(s) > 1))
    assert {name: float(value) for name, value in values.items()} == pytest.approx(
        {"a": 2 / 3, "b": 1 / 6, "c": 1 / 6}
    )


def test_additive_game_gives_each_player_its_own():
    own = {"a": 3.0, "b": -1.0, "c": 0.5}
    values = shapley_values("abc", game(lambda s: sum(own[p] for p in s) + 7))
    assert {name: float(value) for name, value in values.items()} == pytest.approx(own)


WORTHS = hnp.arrays(np.float64, 16, elements=st.floats(-1e3, 1e3))


@hypothesis.given(WORTHS)
def test_values_add_up_to_full_minus_empty(worths):
    values = dict(zip(subsets(PROPERTIES), worths, strict=True))
    total = sum(shapley_values(PROPERTIES, values).values())
    assert total == pytest.approx(worths[-1] - worths[0], abs=1e-8)


@hypothesis.given(WORTHS)
def test_players_that_are_alike_get_the_same_and_renaming_changes_nothing(worths):
    values = dict(zip(subsets("abcd"), worths, strict=True))
    swap = str.maketrans("ab", "ba")
    swapped = {frozenset(p.translate(swap) for p in s): w for s, w in values.items()}
    before, after = shapley_values("abcd", values), shapley_values("abcd", swapped)
    np.testing.assert_allclose(
        [before["a"], before["b"], before["c"]], [after["b"], after["a"], after["c"]], atol=1e-9
    )
    symmetric = {s: (values[s] + swapped[s]) / 2 for s in values}
    same = shapley_values("abcd", symmetric)
    assert same["a"] == pytest.approx(same["b"], abs=1e-9)


@hypothesis.given(WORTHS)
def test_player_that_adds_nothing_gets_nothing(worths):
    values = dict(zip(subsets("abcd"), worths, strict=True))
    dummy = {s: values[s - {"d"}] for s in values}
    assert shapley_values("abcd", dummy)["d"] == pytest.approx(0, abs=1e-9)


def test_missing_coalition_is_named():
    values = game(len)
    del values[frozenset("bc")]
    with pytest.raises(ValueError, match=r"lacks 1 of 8 .*\['b', 'c'\]"):
        shapley_values("abc", values)


def rewards(seeds=5):
    rng = np.random.default_rng(0)
    return {subset: len(subset) + rng.random(seeds) for subset in subsets(PROPERTIES)}


def test_shares_add_up_to_one_and_intervals_hold_their_means():
    result = contributions("hetsnn-mem5-32", 10, rewards())
    rows = result.rows()
    for players in (4, 3):
        assert sum(row["share"] for row in rows if row["players"] == players) == pytest.approx(1)
    assert [row["property"] for row in rows] == [*PROPERTIES, "x_tau", "v_th, v_rest", "r"]
    assert all(row["low"] < row["value"] < row["high"] for row in rows)
    assert [row["generations"] for row in result.subset_rows()] == [0] + [10] * 15


def test_a_shares_interval_knows_that_the_gain_varies():
    """Where each seed's value is the same part of its own gain, the share is exact, however much the gain varies."""
    gains = np.array([1.0, 2.0, 6.0])
    own = {"x_tau": 0.4, "v_th": 0.3, "v_rest": 0.2, "r": 0.1}
    worth = {s: gains * sum(own[name] for name in s) + np.zeros(3) for s in subsets(PROPERTIES)}
    result = contributions("hetsnn-mem5-32", 10, worth)
    assert result.shares["x_tau"] == pytest.approx((0.4, 0.4, 0.4))
    assert all(row["share_low"] == pytest.approx(row["share_high"]) for row in result.rows())
    # One property that alone varies, with a gain of 1 + d for d of -0.3, 0 and 0.3: its share 0.5 errs by d / 2.
    worth = {s: ("x_tau" in s) * (0.5 + 0.3 * np.array([-1.0, 0.0, 1.0])) + 0.5 * ("r" in s) for s in worth}
    low, high = interval_95([0.35, 0.5, 0.65])
    assert contributions("hetsnn-mem5-32", 10, worth).shares["x_tau"] == pytest.approx((0.5, low, high))


def test_models_of_one_task_are_told_apart():
    results = [contributions(name, 10, rewards()) for name in ("hetsnn-mem5-32", "hetsnn-mem5-64")]
    assert [{row["name"] for row in result.rows()} for result in results] == [{"hetsnn-mem5-32"}, {"hetsnn-mem5-64"}]
    assert results[0].subset_rows()[0]["name"] == "hetsnn-mem5-32" and results[0].task == "mem5"
    alone = contributions("hetsnn-mem5-128", 10, rewards(1))
    assert all(np.isnan([row["std"], row["low"], row["high"]]).all() for row in alone.subset_rows())
    text = render(*draw.shapley([*results, alone]), "#000000", "svg").decode()
    for label in ("hetsnn-mem5-32", "hetsnn-mem5-64", "hetsnn-mem5-128", "one training seed"):
        assert label in text


def test_threshold_and_rest_as_one_by_hand():
    # Two players whose worth is 1 as soon as either is in, and tau that adds 2: one player of worth 1 beside it.
    worth = {s: np.array([2.0 * ("x_tau" in s) + bool(s & {"v_th", "v_rest"})]) for s in subsets(PROPERTIES)}
    result = contributions("hetsnn-mem5-32", 10, worth)
    assert list(result.joined) == ["x_tau", "v_th, v_rest", "r"]
    np.testing.assert_allclose(np.concatenate([*result.joined.values()]), [2, 1, 0], atol=1e-12)
    np.testing.assert_allclose(np.concatenate([*result.values.values()]), [2, 0.5, 0.5, 0], atol=1e-12)
    jumbled = worth | {frozenset({"v_th"}): np.array([99.0])}  # One without the other is not asked for.
    again = contributions("hetsnn-mem5-32", 10, jumbled).joined
    np.testing.assert_array_equal([*again.values()], [*result.joined.values()])


def test_no_gain_has_no_shares():
    result = contributions("hetsnn-mem5-32", 10, {subset: np.zeros(2) for subset in subsets(PROPERTIES)})
    assert [(row["value"], row["share"], row["share_low"]) for row in result.rows()] == 7 * [(0.0, None, None)]
    with pytest.raises(ValueError, match="gained 0"):
        assert result.shares


def test_trainings_without_a_gain_are_told_all_the_same(tmp_path, monkeypatch, capsys):
    def nothing(name, **settings):
        return contributions(name, 10, {subset: np.zeros(2) for subset in subsets(PROPERTIES)})

    monkeypatch.setattr("zoo.analysis.subsets.train_subsets", nothing)
    assert main(["analyse", "shapley", "hetsnn-mem5-32", "--out", str(tmp_path)]) == 0
    assert "gained 0, of which there are no shares" in capsys.readouterr().out
    assert len((tmp_path / "shapley-hetsnn-mem5-32-subsets.csv").read_text().splitlines()) == 17


def test_different_numbers_of_seeds_are_refused():
    values = rewards(1) | {frozenset(): np.zeros(1)}
    assert contributions("hetsnn-mem5-32", 10, values).values["r"].shape == (1,)
    with pytest.raises(ValueError, match="same seeds"):
        contributions("hetsnn-mem5-32", 10, values | {frozenset(): np.zeros(3)})


def test_fifteen_names_share_the_budget():
    names = subset_names("hetsnn-mem25-1024")
    assert len(set(names.values())) == 15
    assert names[frozenset(PROPERTIES)] == "hetsnn-mem25-1024"
    for chosen, name in names.items():
        assert set(parse(name).properties) == chosen
        assert abs(len(chosen) * parse(name).hidden(3, 2) - 1024) < 4
    with pytest.raises(ValueError, match="all of"):
        subset_names("homsnn-mem25-1024")
    with pytest.raises(ValueError, match="all of"):
        subset_names("hetsnn-mem25-1024-tau")


def test_subsets_are_trained_once_and_sum_up(tmp_path, monkeypatch):
    from zoo.analysis import subsets as module

    settings = {"generations": 2, "seeds": 2, "quiet": True}
    small = override(module.default_recipe("hetsnn-mem5-32"), population=8)
    monkeypatch.setattr(module, "default_recipe", lambda name: small)
    train = module.train
    monkeypatch.setattr(module, "train", lambda *args, **kw: train(*args, **kw, population=8))
    result = train_subsets("hetsnn-mem5-32", out=tmp_path, **settings)
    gain = result.rewards[frozenset(PROPERTIES)] - result.rewards[frozenset()]
    np.testing.assert_allclose(sum(result.values.values()), gain, atol=1e-6)

    def refuse(*args, **kw):
        raise AssertionError("trained again")

    monkeypatch.setattr(module, "train", refuse)
    again, read = train_subsets("hetsnn-mem5-32", out=tmp_path, **settings), read_subsets("hetsnn-mem5-32", tmp_path)
    assert again.subset_rows() == read.subset_rows() == result.subset_rows()
    with pytest.raises(ValueError, match="differs in generations"):
        train_subsets("hetsnn-mem5-32", out=tmp_path, **(settings | {"generations": 3}))
    (tmp_path / "hetsnn-mem5-32-tau" / "checkpoint" / "evaluation.json").unlink()
    command = f"zoo analyse shapley hetsnn-mem5-32 --runs {tmp_path} --generations 2 --seeds 2"
    with pytest.raises(FileNotFoundError, match=f"lacks 1 of the 15 .*example hetsnn-mem5-32-tau; run: {command}"):
        read_subsets("hetsnn-mem5-32", tmp_path)


def test_a_subset_that_was_exported_before_its_end_is_trained_to_its_end(tmp_path, monkeypatch):
    name, subset, settings = "hetsnn-mem5-32", "hetsnn-mem5-32-tau", {"generations": 3, "seeds": 1}
    checkpoint = tmp_path / subset / "checkpoint"
    stopped = train(subset, out=tmp_path, max_minutes=0, quiet=True, **settings)
    assert stopped.generations[0] < 3
    export_run(tmp_path / subset)
    with pytest.raises(FileNotFoundError, match=f"lacks 15 of the 15 .*run: zoo analyse shapley {name} --runs"):
        read_subsets(name, tmp_path)
    recipe = override(default_recipe(name), **settings)
    command = f"zoo train {subset} --out {tmp_path} --seeds 1 --generations 3"
    with pytest.raises(ZooError, match=rf"has had {stopped.generations[0]} of 3 generations; to go on: {command}"):
        read_means(checkpoint, recipe)

    trained = []

    def only_the_subset(names, **options):
        trained.extend(names)
        return train(subset, **options)

    monkeypatch.setattr("zoo.analysis.subsets.train", only_the_subset)
    monkeypatch.setattr("zoo.analysis.subsets._measured", lambda *_: read_means(checkpoint, recipe))
    for unfinished in (15, 14):
        trained.clear()
        assert train_subsets(name, out=tmp_path, quiet=True, **settings).shape == (1,)
        assert len(trained) == unfinished and (subset in trained) == (unfinished == 15)


def test_a_subset_that_does_not_compare_is_named_before_the_others_are_trained(tmp_path, monkeypatch):
    from zoo.analysis import subsets as module

    subset, settings = "hetsnn-mem5-32-tau", {"generations": 2, "seeds": 1}
    monkeypatch.setattr(module, "train", lambda *_, **__: pytest.fail("trained the others"))
    train(subset, out=tmp_path, quiet=True, population=8, **settings)
    with pytest.raises(ValueError, match=f"{subset}/checkpoint differs in population; choose another folder"):
        train_subsets("hetsnn-mem5-32", out=tmp_path, quiet=True, **settings)
    begun = tmp_path / "begun"
    train(subset, out=begun, quiet=True, start_from=tmp_path / subset / "checkpoint", fresh=True, **settings)
    with pytest.raises(ValueError, match="began with another model's neurons"):
        train_subsets("hetsnn-mem5-32", out=begun, quiet=True, **settings)


def test_the_command_that_trains_what_is_missing_has_the_settings_of_a_full_model_exported_before_its_end(tmp_path):
    name = "hetsnn-mem5-32"
    train(name, out=tmp_path, max_minutes=0, quiet=True, generations=3, seeds=1)
    export_run(tmp_path / name)
    command = f"zoo analyse shapley {name} --runs {tmp_path} --generations 3 --seeds 1"
    with pytest.raises(FileNotFoundError, match=f"lacks 15 of the 15 .*; run: {command}$"):
        read_subsets(name, tmp_path)
