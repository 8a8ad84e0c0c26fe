import json

import numpy as np
import pytest

import zoo
from zoo.core.json_files import write_json
from zoo.evaluation.episodes import Evaluation, agrees
from zoo.evaluation.images import ImageEvaluation
from zoo.evaluation.statistics import contrast, holm, interval_95, student
from zoo.store.manifest import write_manifest
from zoo.tasks.compiled import Kernel


def test_interval_is_students():
    # Four values, mean 2.5, s = 1.29099: half width 3.18245 * s / 2.
    low, high = interval_95([1, 2, 3, 4])
    assert (low, high) == (pytest.approx(0.4457397, abs=1e-6), pytest.approx(4.5542603, abs=1e-6))
    assert np.isnan(interval_95([3.0])).all()


def test_evaluation_repeats_exactly_and_is_what_was_published(checkpoint):
    model = zoo.load(str(checkpoint))
    first, second = zoo.evaluate(model), zoo.evaluate(model)
    np.testing.assert_array_equal(first.returns, second.returns)
    published = [row["returns"] for row in model.evaluation["seeds"]]
    np.testing.assert_array_equal(first.returns, published)
    assert first.mean == pytest.approx(model.evaluation["mean"])


def test_where_there_is_no_kernel_a_compiled_evaluation_is_the_ordinary_one(checkpoint):
    ordinary, compiled = (zoo.evaluate(str(checkpoint), compiled=asked) for asked in (False, True))
    np.testing.assert_array_equal(compiled.returns, ordinary.returns)
    np.testing.assert_array_equal(compiled.spike_rate, ordinary.spike_rate)


def test_it_is_told_why_a_robot_is_not_played_in_machine_code(monkeypatch):
    monkeypatch.setattr("zoo.evaluation.episodes.find_kernel", lambda task: Kernel(None, "llvmlite cannot be used"))
    monkeypatch.setattr("zoo.evaluation.episodes._play", None)
    with pytest.warns(UserWarning, match="not in machine code: llvmlite cannot be used"), pytest.raises(TypeError):
        zoo.evaluate("hetsnn-hp-1024", compiled=True, episodes=1)


def test_a_compiled_evaluation_plays_the_published_episodes_and_counts_no_spikes():
    result = zoo.evaluate("hetsnn-hp-1024", compiled=True)
    assert np.isnan(result.spike_rate).all()
    assert "spikes" not in str(result)
    assert all(row["spike_rate"] is None for row in result.to_json()["seeds"])
    published = np.array([row["returns"] for row in zoo.load("hetsnn-hp-1024").evaluation["seeds"]])
    assert result.returns.shape == published.shape
    # Most of these hoppers' episodes are not chaotic enough to be told from Brax's own.
    assert np.isclose(result.returns, published, rtol=0.01).mean() > 0.6


def test_episodes_seed_and_selection(checkpoint):
    model = zoo.load(str(checkpoint))
    result = zoo.evaluate(model, episodes=6, seed=3)
    assert result.returns.shape == (2, 6)
    assert set(np.unique(result.returns)) <= {-1.0, 1.0}
    one = zoo.evaluate(model.select(1), episodes=6, seed=3)
    np.testing.assert_array_equal(one.returns, result.returns[1:])
    with pytest.raises(ValueError, match="episodes"):
        zoo.evaluate(model, episodes=0)
    for episodes in (-3, 2.5):
        with pytest.raises(ValueError, match="must be an integer of at least 1"):
            zoo.evaluate(model, episodes=episodes)
    np.testing.assert_array_equal(zoo.evaluate(model, episodes=np.int64(6), seed=np.int64(3)).returns, result.returns)


@pytest.mark.parametrize("episodes", [1, 3])
def test_an_odd_number_of_episodes_is_refused_where_contexts_alternate(checkpoint, episodes):
    model = zoo.load(str(checkpoint))
    refused = pytest.raises(ValueError, match=rf"episodes \(={episodes}\) must be even on mem5: contexts alternate")
    with refused:
        zoo.evaluate(model, episodes=episodes)
    with refused:
        zoo.analysis.intervene(model, episodes=episodes, quiet=True)
    with refused:
        zoo.analysis.robustness([model], episodes=episodes, quiet=True)


def test_returns_agree_within_four_standard_errors_of_their_own_network():
    published = np.random.default_rng(0).normal(1000.0, 100.0, 128)
    assert agrees(published[::-1], published)
    error = published.std() * np.sqrt(2 / 128)
    assert agrees(published + 3.9 * error, published)
    assert not agrees(published + 4.1 * error + 1.1, published)
    assert not agrees(published / 2, published)
    assert not agrees(published[1:], published)
    assert not agrees([1.0, -1.0], [1.0, 1.0])  # Two episodes of memory length: no chaos, no excuse.
    assert agrees([1.0, 1.0], [1.0, 1.0])


def test_verify_notices_a_claim_that_does_not_hold(checkpoint, monkeypatch):
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(checkpoint.parent))
    assert zoo.verify("hetsnn-mem5-32").holds
    path = checkpoint / "evaluation.json"
    claim = json.loads(path.read_text())
    write_json(path, claim | {"mean": 2.0, "interval_95": [1.9, 2.1]})
    write_manifest(checkpoint)
    result = zoo.verify("hetsnn-mem5-32")
    assert not result.holds
    assert "a mean of 2 is claimed" in result.problem
    first, second = claim["seeds"]
    flipped = second | {"returns": [x - 2 for x in second["returns"]], "mean": second["mean"] - 2}
    write_json(path, claim | {"mean": (first["mean"] + flipped["mean"]) / 2, "seeds": [first, flipped]})
    write_manifest(checkpoint)
    assert zoo.verify("hetsnn-mem5-32").problem.startswith("training seed 1 measured")
    path.unlink()
    assert "evaluation.json is missing" in zoo.verify("hetsnn-mem5-32").problem


@pytest.mark.filterwarnings("ignore")
def test_bsuite_sees_what_the_network_saw_in_training(tmp_path, tiny):
    pytest.importorskip("bsuite")
    from zoo.evaluation.bsuite import bsuite_score

    changes = tiny | {"generations": 30, "normalise_observations": True}
    run = zoo.train("hetsnn-mem3-32", out=tmp_path, quiet=True, **changes).folders[0]
    model = zoo.load(str(run / "checkpoint"))
    returns = zoo.evaluate(model, episodes=2).returns
    assert not np.array_equal(model.observations["mean"], np.zeros_like(model.observations["mean"]))
    result = bsuite_score(model, episodes=6)
    for row, contexts, expected in zip(result.returns, result.contexts, returns, strict=True):
        np.testing.assert_array_equal(row, expected[contexts])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["hetsnn-mem25-1024", "homsnn-mem25-1024"])
def test_bsuite_gives_the_same_return_in_every_episode(name):
    pytest.importorskip("bsuite")
    from zoo.evaluation.bsuite import bsuite_score

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
    from zoo.evaluation.bsuite import bsuite_score

    model = zoo.load("hetsnn-mem15-1024")
    with pytest.raises(zoo.ZooError, match="bsuite's memory_len has lengths"):
        bsuite_score(model)


def test_one_episode_of_one_network_has_no_interval():
    evaluation = Evaluation("hetsnn-mem5-32", 0, (0,), np.ones((1, 1)), np.ones((1, 1)), np.ones(1))
    assert str(evaluation).startswith("hetsnn-mem5-32: mean return 1.0000 over training seed 0, 1 episode each")


def test_one_network_has_an_interval_over_episodes_that_are_a_sample(checkpoint):
    """On memory length there are two episodes, of which the mean is exact."""
    returns = np.array([[1.0, -1.0]])
    memory, pole = (
        Evaluation(name, 0, (3,), returns, np.ones((1, 2)), np.ones(1))
        for name in ("hetsnn-mem5-32", "hetsnn-cartpole500-1024")
    )
    assert memory.interval_95 is None and memory.to_json()["interval_95"] is None and "interval" not in str(memory)
    assert pole.to_json()["interval_95"] == pytest.approx([-12.7062, 12.7062]) and "95 % interval" in str(pole)
    one = zoo.evaluate(zoo.load(str(checkpoint)).select(1))
    assert one.interval_95 is None and zoo.evaluate(str(checkpoint)).interval_95 is not None


def test_accuracy_of_one_network_has_an_interval_over_its_images():
    counts = np.full(10, 100)
    evaluation = ImageEvaluation(
        name="hetsnn-mnist-32", training_seeds=(0,), correct=counts[None] * 9 // 10, images=counts,
        spikes=np.ones(1), input_operations=1.0, steps=4, hidden=8,
    )  # fmt: skip
    low, high = evaluation.interval_95
    assert (low + high) / 2 == pytest.approx(90)
    assert high - low == pytest.approx(2 * 1.96 * 30 / np.sqrt(1000))


def test_a_contrast_of_two_is_welchs_test():
    from scipy.stats import ttest_ind

    generator = np.random.default_rng(0)
    first, second = generator.normal(2, 1, 40), generator.normal(1, 3, 9)
    result = ttest_ind(first, second, equal_var=False)
    ends = result.confidence_interval(0.95)
    expected = (first.mean() - second.mean(), ends.low, ends.high, result.pvalue)
    assert contrast([first, second]) == pytest.approx(expected)


def test_a_contrast_sums_variances_of_means_and_degrees_by_satterthwaite():
    """Of four samples alike, of three: 1, 2, 3 has a variance of 1, its mean of 1/3; 2 degrees of freedom each."""
    effect, low, high, p = contrast([[1.0, 2.0, 3.0]] * 4, (1, -1, -1, 1))
    half = 2.306004 * (4 / 3) ** 0.5  # Student's t of 8 degrees at 97.5 %.
    assert (effect, low, high, p) == pytest.approx((0, -half, half, 1), rel=1e-6)
    half = 2 * 4.302653 / 3**0.5
    assert contrast([[1.0, 2.0, 3.0]], [2.0])[:3] == pytest.approx((4, 4 - half, 4 + half), rel=1e-6)


def test_a_contrast_of_what_has_no_spread():
    same, other = [0.6] * 20, [0.6] * 7
    assert contrast([same, other]) == (0, 0, 0, 1) and contrast([same, [0.5] * 3])[3] == 0
    assert student(1.0, [0.0], [3]) == (1, 1, 1, 0)


def test_holms_correction():
    """Sorted 0.01, 0.02, 0.03, 0.9: times 4, 3, 2, 1; none is below one before it, or above 1."""
    assert holm([0.03, 0.01, 0.9, 0.02]) == pytest.approx([0.06, 0.04, 0.9, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0] and holm([]) == []
