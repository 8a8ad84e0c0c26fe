import dataclasses
import types

import numpy as np
import pytest

from zoo.analysis.fitted_tau import null_row, paper_column, time_constants
from zoo.analysis.null import drift, null_control, tau_ms_of, why_no_null
from zoo.core.errors import DataNotFoundError
from zoo.models import NetworkConfig
from zoo.registry.recipe import make_recipe, override
from zoo.store.loading import load

CONFIG = NetworkConfig(inputs=3, hidden=16, outputs=2, trained=("x_tau", "v_th", "v_rest", "r"))


@pytest.fixture
def model(checkpoint):
    return load(str(checkpoint))


def spread(recipe, generations, seeds=(0, 1, 2, 3)):
    centres = drift(CONFIG, recipe, seeds, generations, quiet=True)
    start = np.stack([CONFIG.flatten(CONFIG.initial(seed)) for seed in seeds])
    return (centres - start).std()


RECIPE = make_recipe("hetsnn-mem5-32", population=16)


def test_drift_grows_with_generations_and_with_the_rate():
    recipe = RECIPE
    assert 0 < spread(recipe, 10) < spread(recipe, 100)
    slow = override(recipe, centre_lr=0.015)
    assert spread(slow, 50) == pytest.approx(0.1 * spread(recipe, 50), rel=0.15)


def test_drift_has_no_direction():
    centres = drift(CONFIG, RECIPE, tuple(range(24)), 50, quiet=True)
    moved = centres - CONFIG.flatten(CONFIG.initial(0))
    assert abs(moved.mean()) < 4 * moved.std() / np.sqrt(moved.size)


def test_seeds_drift_apart_and_the_same_seed_drifts_alike():
    one, two = drift(CONFIG, RECIPE, (0, 1), 5, quiet=True)
    assert not np.allclose(one, two)
    np.testing.assert_array_equal(drift(CONFIG, RECIPE, (1,), 5, quiet=True)[0], two)


def test_a_search_in_blocks_drifts_in_blocks():
    recipe = make_recipe("hetsnn-mnist-4096", population=16, block_neurons=4)
    assert 0 < spread(recipe, 10) < spread(recipe, 100)
    whole = drift(CONFIG, RECIPE, (0,), 5, quiet=True)
    assert not np.allclose(drift(CONFIG, recipe, (0,), 5, quiet=True), whole)


def test_networks_by_gradients_have_no_null():
    model = load("hetsnn-cartpole500-1024-bp")
    with pytest.raises(ValueError, match="was trained by gradients"):
        null_control(model, quiet=True)
    other = types.SimpleNamespace(method="random-search", settings=None)
    named = types.SimpleNamespace(name="mine", config={}, recipe=other)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.analysis.null.find_method", lambda name: types.SimpleNamespace(drifts=True))
        assert why_no_null(named).startswith("mine was trained by random-search: the null control is of")
    result = time_constants([model], biology=False, quiet=True)
    assert result.nulls == () and {one.origin for one in result.series} == {"trained"}


@pytest.mark.parametrize(
    ("name", "imported", "column"),
    [
        ("hetsnn-hp-16384", False, "hp"),
        ("hetsnn-hp-16384", True, None),
        ("hetsnn-hp-8192", False, None),
        ("hetsnn-hp-16384-tau", False, None),
        ("hetsnn-hp-16384-bp", False, None),
        ("fullsnn-hp-16384", False, None),
        ("hetsnn-mem25-16384", False, None),
    ],
)
def test_table_2_stands_beside_the_models_that_it_is_about(model, name, imported, column):
    config = model.config | ({"imported": "x.nir"} if imported else {})
    assert paper_column(dataclasses.replace(model, name=name, config=config)) == column


def test_null_control_has_the_models_shape_and_starts_where_it_started(model):
    null = null_control(model, quiet=True)
    assert null.trained_tau_ms.shape == null.null_tau_ms.shape == (2, 8)
    np.testing.assert_allclose(null.trained_tau_ms[0], model.neurons(0)["tau_ms"])
    assert null.generations == model.recipe.generations
    assert not np.allclose(null.null_tau_ms, null.trained_tau_ms)
    np.testing.assert_allclose(np.median(null.null_tau_ms), 20.0, rtol=0.5)
    trained, drifted = (np.log(values).std(1).mean() for values in (null.trained_tau_ms, null.null_tau_ms))
    assert null.explained == pytest.approx(drifted / trained) and null.explained != pytest.approx(1)


def test_one_training_seed_has_a_null_to_look_at_and_no_test(model):
    result = time_constants([model.select(0)], biology=False, quiet=True)
    assert [one.origin for one in result.series] == ["trained", "null"]
    assert result.nulls == ()
    with pytest.raises(ValueError, match="one training seed"):
        null_control(model.select(0), quiet=True)


def test_without_nulls_nothing_is_searched(model, monkeypatch):
    monkeypatch.setattr("zoo.analysis.null.drift", lambda *_, **__: pytest.fail("searched"))
    result = time_constants([model], biology=False, nulls=False, quiet=True)
    assert [one.origin for one in result.series] == ["trained"]


def test_missing_biology_ends_it_before_anything_is_searched(model, monkeypatch):
    def missing():
        raise DataNotFoundError("no table")

    monkeypatch.setattr("zoo.analysis.fitted_tau.load_biology", missing)
    monkeypatch.setattr("zoo.analysis.null.drift", lambda *_, **__: pytest.fail("searched"))
    with pytest.raises(DataNotFoundError, match="no table"):
        time_constants([model], quiet=True)


def test_model_without_time_constants_is_refused(model):
    config = dataclasses.replace(model.network_config, trained=("v_th",))
    with pytest.raises(ValueError, match="does not train time constants"):
        tau_ms_of(dataclasses.replace(model, network_config=config))


def test_table_has_trained_and_null_rows_of_both_families(model):
    result = time_constants([model], biology=False, quiet=True)
    rows = result.rows()
    assert [(row["origin"], row["family"]) for row in rows] == [
        ("trained", "gamma"), ("trained", "lognormal"), ("null", "gamma"), ("null", "lognormal"),
    ]  # fmt: skip
    assert all(row["shape_low"] <= row["shape"] <= row["shape_high"] for row in rows)
    assert rows[0]["n"] == 16
    assert null_row(result.nulls[0])["seeds"] == 2
