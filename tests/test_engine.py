import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from zoo.models import NetworkConfig
from zoo.registry.recipe import make_recipe, override
from zoo.tasks import make_task
from zoo.tasks.memory import MemoryLength
from zoo.training.methods.base import Group
from zoo.training.run.engine import CHUNK, Engine, to_host

_SETTINGS = {"seeds": 1, "generations": 6, "population": 8, "episodes": 2, "expected_reward_weight": 1.0}
RECIPE, WITH_LIMIT = make_recipe("hetsnn-mem5-32", **_SETTINGS), make_recipe("hetsnn-hp-32", **_SETTINGS)


def group(*seeds, trained=("x_tau", "v_th"), hidden=8, task_inputs=3, **changes):
    config = NetworkConfig(inputs=task_inputs, hidden=hidden, outputs=2, trained=trained)
    return Group(
        config=config, recipe=override(WITH_LIMIT if "episode_limit" in changes else RECIPE, **changes), seeds=seeds
    )


def train(groups, generations=3, task="mem5", devices=1, **options):
    engine = Engine(make_task(task), groups, devices=jax.devices()[:devices], **options)
    states, metrics = engine.advance(engine.init(), generations)
    return to_host(states), metrics


def assert_close(a, b, rtol=0.0):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol), a, b)


def test_runs_that_vary_in_numbers_equal_the_same_runs_alone():
    both = dataclasses.replace(group(0, 0), varying=(("centre_lr", (0.01, 0.2)), ("sigma", (0.1, 0.3))))
    (together,), _ = train([both])
    for row, (rate, sigma) in enumerate(((0.01, 0.1), (0.2, 0.3))):
        (alone,), _ = train([group(0, centre_lr=rate, sigma=sigma)])
        assert_close(jax.tree.map(lambda x, row=row: x[row : row + 1], together), alone, rtol=1e-6)
    with pytest.raises(ValueError, match=r"can vary in centre_lr, .*; not in momentum"):
        train([dataclasses.replace(both, varying=(("momentum", (0.1, 0.2)),))])


def test_lockstep_runs_equal_the_same_runs_alone():
    (together,), _ = train([group(0, 1, 2)])
    for row, seed in enumerate((0, 1, 2)):
        (alone,), _ = train([group(seed)])
        assert_close(jax.tree.map(lambda x, r=row: x[r : r + 1], together), alone, rtol=1e-5)


@pytest.mark.parametrize("runs_per_block", [2, "all"])
def test_side_by_side_equals_one_by_one(runs_per_block):
    reference, _ = train([group(0, 1, 2)], runs_per_block=1)
    states, _ = train([group(0, 1, 2)], runs_per_block=runs_per_block)
    assert_close(states, reference, rtol=1e-5)


def test_groups_of_other_shapes_share_one_batch_of_environments():
    weights = {"trained": ("w_in", "w_out"), "hidden": 5, "centre_lr": 0.05}
    groups = [group(0, 1, task_inputs=4), group(0, task_inputs=4, **weights)]
    merged, _ = train(groups, task="cartpole40", runs_per_block="all")
    for g, state in zip(groups, merged, strict=True):
        (alone,), _ = train([g], task="cartpole40")
        assert_close(state, alone, rtol=1e-5)


@pytest.mark.parametrize(
    ("devices", "seeds", "mesh"), [(8, (0, 1), (2, 4)), (8, (0,), (1, 8)), (4, (0, 1, 2, 3), (4, 1))]
)
def test_many_devices_equal_one(devices, seeds, mesh):
    runs = [group(*seeds, task_inputs=4, normalise_observations=True)]
    engine = Engine(make_task("cartpole40"), runs, devices=jax.devices()[:devices])
    assert tuple(engine.mesh.shape.values()) == mesh
    states, metrics = engine.advance(engine.init(), 3)
    one, one_metrics = train(runs, task="cartpole40")
    assert_close(to_host(states), one, rtol=1e-4)
    assert_close(metrics, one_metrics, rtol=1e-4)


def test_any_division_into_calls_gives_the_same_bits():
    engine = Engine(make_task("mem5"), [group(0, 1)], devices=jax.devices()[:1])
    whole, _ = engine.advance(engine.init(), 6)
    states = engine.init()
    for count in (1, 3, 2):
        states, metrics = engine.advance(states, count)
        assert metrics[0].mean.shape == (count, 2)
    assert_close(to_host(states), to_host(whole))


def test_metrics_describe_the_population():
    _, (metrics,) = train([group(0)], generations=2)
    assert metrics.mean.shape == (2, 1)
    assert np.all(metrics.best >= metrics.mean)
    assert np.all(metrics.length == 6)
    assert metrics.sigma[0, 0] == pytest.approx(0.1, rel=0.2)


@dataclasses.dataclass(frozen=True)
class BrokenMemory(MemoryLength):
    """Returns NaN for one of the contexts when the first readout is the higher one at the end."""

    def step(self, state, readout):
        step = super().step(state, readout)
        bad = step.done & (readout[0] > readout[1]) & (state.context[0] == 1)
        return step._replace(reward=jnp.where(bad, jnp.nan, step.reward))


def test_members_with_nan_are_counted_and_harmless():
    engine = Engine(BrokenMemory(2), [group(0, population=32, sigma=0.5)], devices=jax.devices()[:1])
    states, (metrics,) = engine.advance(engine.init(), 5)
    (state,) = to_host(states)
    assert metrics.nan_members.sum() > 0
    assert state.nan_members[0] == metrics.nan_members.sum()
    assert np.isfinite(state.search.mean).all()
    assert np.isfinite(state.search.std).all()
    assert np.isfinite(metrics.mean).all()


def test_chunk_bounds_are_checked():
    engine = Engine(make_task("mem5"), [group(0)], devices=jax.devices()[:1])
    for wrong in (0, CHUNK + 1):
        with pytest.raises(ValueError, match="generations"):
            engine.advance(engine.init(), wrong)


def test_short_episodes_come_first():
    """Groups in one batch keep their own limits; the switch is part of the recipe, not of a call."""
    short = group(0, task_inputs=4, short_limit=3, short_generations=2, episode_limit=40)
    plain = group(0, task_inputs=4, episode_limit=40)
    engine = Engine(make_task("cartpole40"), [short, plain], devices=jax.devices()[:1], runs_per_block="all")
    _, (cut, whole) = engine.advance(engine.init(), 3)
    assert np.all(cut.length[:2] == 3)
    assert cut.length[2] > 3
    assert np.all(whole.length > 3)
    _, (apart,) = train([short], task="cartpole40")
    np.testing.assert_allclose(apart.length, cut.length)


def test_short_episodes_are_given_whole():
    with pytest.raises(ValueError, match=r"short_generations.*together"):
        override(RECIPE, short_limit=10)
    with pytest.raises(ValueError, match=r"short_limit"):
        override(RECIPE, short_limit=0, short_generations=1)


def test_short_episodes_are_no_longer_than_others():
    short = group(0, task_inputs=4, short_limit=30, short_generations=2, episode_limit=5)
    engine = Engine(make_task("cartpole5"), [short], devices=jax.devices()[:1])
    _, (metrics,) = engine.advance(engine.init(), 3)
    assert np.all(metrics.length <= 5)
