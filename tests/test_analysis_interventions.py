import dataclasses
import html
import re

import numpy as np
import pytest

from zoo.analysis.interventions import biological, drawn, intervene, reset, shuffled, stacked_parts
from zoo.core.errors import ZooError
from zoo.drawing import analyses as draw
from zoo.drawing.style import render
from zoo.models import tau_ms_from_x
from zoo.store.loading import load


@pytest.fixture
def model(checkpoint):
    return load(str(checkpoint))


@pytest.fixture
def parts():
    rng = np.random.default_rng(1)
    properties = {name: rng.normal(0.5, 0.2, (3, 400)).astype(np.float32) for name in ("v_th", "v_rest", "r")}
    x_tau = rng.normal(-1.0, 0.4, (3, 400)).astype(np.float32)
    return properties | {"x_tau": x_tau, "w_in": np.ones((3, 2, 400)), "w_out": np.ones((3, 400, 2))}


def changed_names(before, after):
    return {name for name in before if not np.array_equal(before[name], after[name])}


def test_reset_touches_one_property_alone(parts):
    after = reset("v_th", np.full(400, 0.5))(parts, None)
    assert changed_names(parts, after) == {"v_th"}
    assert np.all(after["v_th"] == 0.5) and after["v_th"].dtype == np.float32


def test_shuffling_keeps_each_networks_values(parts):
    after = shuffled("x_tau")(parts, np.random.default_rng(0))
    assert changed_names(parts, after) == {"x_tau"}
    np.testing.assert_array_equal(np.sort(after["x_tau"], 1), np.sort(parts["x_tau"], 1))
    assert (after["x_tau"] == parts["x_tau"]).mean() < 0.05


def test_shuffling_together_keeps_neurons_whole(parts):
    after = shuffled("x_tau", "v_th", "v_rest", "r")(parts, np.random.default_rng(0))
    names = ("x_tau", "v_th", "v_rest", "r")
    before_rows = {tuple(float(parts[n][0, i]) for n in names) for i in range(400)}
    after_rows = {tuple(float(after[n][0, i]) for n in names) for i in range(400)}
    assert before_rows == after_rows


@pytest.mark.parametrize("name", ["x_tau", "v_th"])
def test_draws_have_the_fitted_distribution_of_each_network(parts, name):
    after = drawn(name)(parts, np.random.default_rng(0))
    assert changed_names(parts, after) == {name}
    values = [np.log(tau_ms_from_x(p[name])) if name == "x_tau" else p[name] for p in (parts, after)]
    np.testing.assert_allclose(values[1].mean(1), values[0].mean(1), atol=0.06)
    np.testing.assert_allclose(values[1].std(1), values[0].std(1), rtol=0.15)


def test_drawn_time_constants_stay_above_the_time_step(parts):
    short = parts | {"x_tau": np.random.default_rng(0).normal(3.0, 1.5, (3, 400)).astype(np.float32)}
    assert np.isfinite(drawn("x_tau")(short, np.random.default_rng(0))["x_tau"]).all()


def test_time_constants_at_the_time_step_are_drawn_there(parts):
    at_the_step = parts | {"x_tau": np.full_like(parts["x_tau"], 15.0)}
    tau = tau_ms_from_x(drawn("x_tau")(at_the_step, np.random.default_rng(0))["x_tau"])
    np.testing.assert_allclose(tau, 5.0, rtol=1e-5)


def test_biological_draws_are_measured_values(parts):
    after = biological(np.array([4.0, 10.0, 30.0]))(parts, np.random.default_rng(0))
    found = np.unique(np.round(tau_ms_from_x(after["x_tau"]), 3))
    np.testing.assert_array_equal(found, [10.0, 30.0])


def test_all_interventions_on_a_model(model):
    result = intervene(model, {"mouse": np.array([10.0, 20.0])}, repeats=2, episodes=2, quiet=True)
    kinds = [(outcome.kind, outcome.target) for outcome in result.outcomes]
    assert kinds[0] == ("trained", "all")
    assert len(set(kinds)) == len(kinds) == 1 + 4 + 4 + 1 + 4 + 1
    np.testing.assert_allclose(result.outcomes[0].means, [row["mean"] for row in model.evaluation["seeds"]])
    again = intervene(model, {"mouse": np.array([10.0, 20.0])}, repeats=2, episodes=2, quiet=True)
    assert again.rows() == result.rows()


def test_resetting_what_was_never_moved_changes_nothing(model):
    start = model.network_config.initial(0)
    untouched = {name: np.stack([start[name]] * 2) for name in model.trained}
    result = intervene(dataclasses.replace(model, trained=untouched), repeats=1, episodes=2, quiet=True)
    trained = result.outcomes[0].means
    for outcome in result.outcomes[1:]:
        np.testing.assert_array_equal(outcome.means, trained)
        assert outcome.against_trained.p == 1.0


def test_a_figure_says_what_a_reset_is_to(model):
    slow = dataclasses.replace(model.network_config, tau_ms=(40.0,))
    high = dataclasses.replace(model.network_config, v_th=1.0)
    origin = {"name": "hetsnn-mem5-64", "manifest": "sha256:" + 64 * "0", "generations": 1}
    for changed, start in (
        ({}, "Table 4"),
        ({"network_config": slow}, "where training began"),
        ({"network_config": high}, "where training began"),
        ({"config": model.config | {"origin": origin}}, "a fresh network's"),
    ):
        result = intervene(dataclasses.replace(model, **changed), repeats=1, episodes=2, quiet=True)
        text = html.unescape(render(*draw.interventions(result, 1.0), "#000000", "svg").decode())
        assert set(re.findall(r"reset to ([\w' ]+)", text)) == {start}


def test_network_with_trained_weights_has_nothing_to_intervene_on(model):
    config = dataclasses.replace(model.network_config, trained=("w_in", "w_out"))
    parts = stacked_parts(model)
    trained = {name: parts[name] for name in ("w_in", "w_out")}
    with pytest.raises(ZooError, match="trains no neuron property"):
        intervene(dataclasses.replace(model, network_config=config, trained=trained), quiet=True)


def test_one_training_seed_is_refused_before_anything_is_played(model, monkeypatch):
    monkeypatch.setattr("zoo.analysis.interventions.stacked_parts", None)
    with pytest.raises(ValueError, match="hetsnn-mem5-32 has one training seed"):
        intervene(model.select(1), quiet=True)
