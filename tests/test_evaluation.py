import json

import numpy as np
import pytest

import zoo
from zoo.checkpoint import write_json, write_manifest
from zoo.evaluation import interval_95


def test_interval_is_students():
    # Four values, mean 2.5, s = 1.29099: half width 3.18245 * s / 2.
    low, high = interval_95([1, 2, 3, 4])
    assert (low, high) == (pytest.approx(0.4457397, abs=1e-6), pytest.approx(4.5542603, abs=1e-6))
    assert interval_95([3.0]) == (3.0, 3.0)


def test_evaluation_repeats_exactly_and_is_what_was_published(checkpoint):
    model = zoo.load(str(checkpoint))
    first, second = zoo.evaluate(model), zoo.evaluate(model)
    np.testing.assert_array_equal(first.returns, second.returns)
    published = [row["returns"] for row in model.evaluation["seeds"]]
    np.testing.assert_array_equal(first.returns, published)
    assert first.mean == pytest.approx(model.evaluation["mean"])


def test_episodes_seed_and_selection(checkpoint):
    model = zoo.load(str(checkpoint))
    result = zoo.evaluate(model, episodes=6, seed=3)
    assert result.returns.shape == (2, 6)
    assert set(np.unique(result.returns)) <= {-1.0, 1.0}
    one = zoo.evaluate(model.select(1), episodes=6, seed=3)
    np.testing.assert_array_equal(one.returns, result.returns[1:])
    with pytest.raises(ValueError, match="episodes"):
        zoo.evaluate(model, episodes=0)


def test_verify_notices_a_claim_that_does_not_hold(checkpoint, monkeypatch):
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(checkpoint.parent))
    assert zoo.verify("hetsnn-mem5-32").holds
    path = checkpoint / "evaluation.json"
    claim = json.loads(path.read_text())
    write_json(path, claim | {"mean": 2.0, "interval_95": [1.9, 2.1]})
    write_manifest(checkpoint)
    result = zoo.verify("hetsnn-mem5-32")
    assert not result.holds
    assert "outside [1.9, 2.1]" in result.problem
    path.unlink()
    assert "evaluation.json is missing" in zoo.verify("hetsnn-mem5-32").problem


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["hetsnn-mem25-1024", "homsnn-mem25-1024"])
def test_bsuite_gives_the_same_return_in_every_episode(name):
    pytest.importorskip("bsuite")
    from zoo.bsuite_score import bsuite_score

    model = zoo.load(name)
    returns = zoo.evaluate(model, episodes=2).returns  # Episode i has context i.
    for seed in model.seeds[:5]:
        result = bsuite_score(model.select(seed), episodes=12)
        expected = returns[model.seeds.index(seed)][result.contexts[0]]
        np.testing.assert_array_equal(result.returns[0], expected)
        assert set(result.contexts[0]) == {0, 1}
        # bsuite counts as solved what makes less than 0.75 of a random agent's mistakes.
        assert result.scores[0] == float(np.mean(expected < 0) / 0.5 < 0.75)


def test_bsuite_refuses_what_it_does_not_have(checkpoint):
    pytest.importorskip("bsuite")
    from zoo.bsuite_score import bsuite_score

    model = zoo.load("hetsnn-mem15-1024")
    with pytest.raises(zoo.ZooError, match="bsuite's memory_len has lengths"):
        bsuite_score(model)
