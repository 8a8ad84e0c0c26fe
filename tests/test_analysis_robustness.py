import dataclasses

import jax
import numpy as np
import pytest

from zoo.analysis.disturbances import NoisyObservations, disturb, robustness
from zoo.store.loading import load
from zoo.tasks import make_task


@pytest.fixture
def model(checkpoint):
    return load(str(checkpoint))


@pytest.fixture
def parts():
    rng = np.random.default_rng(0)
    made = {name: np.ones((2, 200), np.float32) for name in ("x_tau", "v_th", "v_rest", "r")}
    made["w_in"] = rng.normal(0, 0.5, (2, 3, 200)).astype(np.float32)
    made["w_out"] = rng.normal(0, 2.0, (2, 200, 2)).astype(np.float32)
    return made


def test_noise_in_weights_is_relative_to_each_matrix(parts):
    after = disturb(parts, "weights", 0.1, np.random.default_rng(0))
    for name, scale in (("w_in", 0.05), ("w_out", 0.2)):
        assert (after[name] - parts[name]).std() == pytest.approx(scale, rel=0.1)
    assert after["v_th"] is parts["v_th"]


def test_noise_in_properties_has_the_size_asked_for(parts):
    after = disturb(parts, "properties", 0.2, np.random.default_rng(0))
    for name in ("x_tau", "v_th", "v_rest", "r"):
        assert (after[name] - parts[name]).std() == pytest.approx(0.2, rel=0.15)
    assert after["w_in"] is parts["w_in"]


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_lesions_silence_that_share_of_neurons(parts, share):
    after = disturb(parts, "lesions", share, np.random.default_rng(0))
    silent = (after["w_out"] == 0).all(2)
    assert (silent.mean(1) == share).all()
    np.testing.assert_array_equal(after["w_out"][~silent], parts["w_out"][~silent])


def test_unknown_disturbance(parts, model):
    with pytest.raises(ValueError, match="weights, properties, lesions"):
        disturb(parts, "earthquake", 0.1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="unknown disturbances"):
        robustness([model], levels={"earthquake": (0.0,)}, quiet=True)


def test_noisy_sensors_leave_the_physics_alone():
    clean = make_task("cartpole500")
    noisy = NoisyObservations(clean, (0.5, 0.5, 0.0, 0.0))
    assert (noisy.name, noisy.observation_size, noisy.episode_limit) == ("cartpole500", 4, 500)
    key = jax.random.key(0)
    state, seen = noisy.reset(key, np.int32(0))
    truth, observation = clean.reset(key, np.int32(0))
    errors = [np.asarray(seen - observation)]
    for _ in range(40):
        truth_step, step = clean.step(truth, np.zeros(2)), noisy.step(state, np.zeros(2))
        assert step.reward == truth_step.reward and step.done == truth_step.done
        errors.append(np.asarray(step.observation - truth_step.observation))
        truth, state = truth_step.state, step.state
    errors = np.array(errors)
    assert np.all(errors[:, 2:] == 0)
    assert errors[:, :2].std() == pytest.approx(0.5, rel=0.3)
    assert len(np.unique(errors[:, 0])) == len(errors)


def test_without_disturbance_it_is_the_published_evaluation(model):
    levels = {"observations": (0.0, 0.3), "weights": (0.0, 0.3), "properties": (0.0,), "lesions": (0.0, 1.0)}
    result = robustness([model], levels=levels, repeats=2, quiet=True)
    published = [row["mean"] for row in model.evaluation["seeds"]]
    for point in result.points:
        if point.level == 0:
            np.testing.assert_allclose(point.means, published)
    silent = next(point for point in result.points if point.kind == "lesions" and point.level == 1)
    np.testing.assert_array_equal(silent.means, 0.0)  # Always the first action: right for one context of two.
    assert len(result.rows()) == 7


def test_each_network_has_sensor_noise_of_its_own(model, monkeypatch):
    """Alike networks that met the same noise would count as one sample, with an interval of nothing."""
    used = []

    def count(task, parts, stats, clip, episodes, seed):
        used.append(seed)
        return np.zeros((len(parts["w_in"]), 1)), None, None

    monkeypatch.setattr("zoo.analysis.disturbances.evaluate_parts", count)
    result = robustness([model], levels={"observations": (0.0, 0.3)}, repeats=3, quiet=True)
    networks = len(model.seeds)
    assert len(set(used)) == len(used) == 1 + 3 * networks and networks > 1
    assert [len(point.means) for point in result.points] == [networks, networks]


def test_models_of_different_tasks_are_refused(model):
    config = model.config | {"task": {"name": "mem7", "options": model.config["task"]["options"]}}
    with pytest.raises(ValueError, match="share one task"):
        robustness([model, dataclasses.replace(model, config=config)], quiet=True)


@pytest.mark.parametrize("options", [{"limit": 100}, {"backend": "positional"}])
def test_models_of_other_limits_or_physics_are_refused(options, monkeypatch):
    monkeypatch.setattr("zoo.analysis.disturbances.evaluate_parts", None)
    first = load("hetsnn-hp-1024")
    task = first.config["task"]
    other = first.config | {"task": task | {"options": task["options"] | options}}
    with pytest.raises(ValueError, match=r"share one task.*1000 steps, spring"):
        robustness([first, dataclasses.replace(first, config=other)], quiet=True)
