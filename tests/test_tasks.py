import copy

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.models import (
    PROPERTIES,
    WEIGHTS,
    NetworkConfig,
    build,
    build_population,
    initial_state,
    network_step,
)
from zoo.tasks import make_task, observations
from zoo.tasks.gymnax_task import GymnaxTask
from zoo.tasks.rollout import Policies, rollout

LEFT, RIGHT = jnp.array([1.0, 0.0]), jnp.array([0.0, 1.0])


@pytest.mark.parametrize("length", [1, 5, 25])
def test_memory_equals_bsuite_step_by_step(length):
    memory_chain = pytest.importorskip("bsuite.environments.memory_chain")
    reference = memory_chain.MemoryChain(length, seed=3)
    task = make_task(f"mem{length}")
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(6):
        timestep = reference.reset()
        context = int(timestep.observation[0, 2] > 0)
        seen.add(context)
        state, observation = task.reset(jax.random.key(0), jnp.int32(context))
        np.testing.assert_array_equal(observation, timestep.observation[0])
        for t in range(task.episode_limit):
            action = rng.integers(2)
            timestep = reference.step(action)
            step = task.step(state, RIGHT if action else LEFT)
            state = step.state
            # bsuite divides in double precision, gymnax in single: one unit in the last place.
            np.testing.assert_allclose(step.observation, timestep.observation[0], atol=6e-8)
            assert float(step.reward) == timestep.reward
            assert bool(step.done) == timestep.last() == (t == length)
    assert seen == {0, 1}


def test_expected_reward_is_that_of_the_softmax_policy_at_the_deciding_step():
    task = make_task("mem1", temperature_v=0.5)
    state, _ = task.reset(jax.random.key(0), jnp.int32(1))
    readout = jnp.array([0.1, 0.3])
    first = task.step(state, readout)
    last = task.step(first.state, readout)
    p = np.exp([0.2, 0.6]) / np.exp([0.2, 0.6]).sum()
    assert float(first.expected) == 0.0
    assert float(last.expected) == pytest.approx(p[1] - p[0], rel=1e-6)


def test_cartpole_pays_one_per_step_and_stops_at_the_limit_or_the_fall():
    task = make_task("cartpole30")
    state, _ = task.reset(jax.random.key(0), jnp.int32(0))
    rewards, done, t = 0.0, False, 0
    while not done:  # Always pushing left lets the pole fall.
        step = task.step(state, LEFT)
        state, done, rewards, t = step.state, bool(step.done), rewards + float(step.reward), t + 1
    assert rewards == t < 15
    assert abs(float(state.theta)) > 12 * np.pi / 180


def test_unknown_task_is_refused():
    with pytest.raises(ValueError, match="unknown task 'pong'"):
        make_task("pong")


def make_policies(config, runs, members, episodes, shared, stats=None, seed=0):
    rng = np.random.default_rng(seed)
    flats, networks = [], []
    for run in range(runs):
        initial = config.initial(run)
        flat = config.flatten(initial) + 0.5 * rng.normal(size=(members, config.trained_size)).astype(np.float32)
        frozen = {n: jnp.asarray(v) for n, v in initial.items() if n not in config.trained}
        flats.append((frozen, jnp.asarray(flat)))
        networks.append(build_population(config, frozen, jnp.asarray(flat)))
    keys = jax.random.split(jax.random.key(seed), (runs, 1 if shared else members, episodes))
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *networks)
    return Policies(stacked, keys, stats, members), flats


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("platform", ["cpu", "gpu"])
def test_rollout_equals_a_plain_loop(shared, platform, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: platform)
    task = make_task("cartpole60")
    het = NetworkConfig(inputs=4, hidden=16, outputs=2, trained=PROPERTIES, v_th=0.01)
    hom = NetworkConfig(inputs=4, hidden=6, outputs=2, trained=WEIGHTS, v_th=0.01)
    groups, flats = zip(make_policies(het, 2, 3, 2, shared), make_policies(hom, 1, 2, 3, shared, seed=5), strict=True)
    results = rollout(task, groups, count_spikes=True)
    lengths = set()
    for config, group, runs, result in zip((het, hom), groups, flats, results, strict=True):
        for index in np.ndindex(*group.shape):
            run, member, episode = index
            frozen, flat = runs[run]
            network = build(frozen | config.split(flat[member]))
            key = group.keys[run, 0 if shared else member, episode]
            env, seen = task.reset(key, jnp.int32(episode))
            state, total, t, spikes, done = initial_state(network), 0.0, 0, 0.0, False
            while not done:
                output, state = network_step(network, state, seen)
                step = task.step(env, output.readout)
                env, seen, done = step.state, step.observation, bool(step.done)
                total, t, spikes = total + float(step.reward), t + 1, spikes + float(output.spikes.mean())
            assert float(result.returns[index]) == total
            assert float(result.lengths[index]) == t
            assert float(result.spikes[index]) == pytest.approx(spikes / t, rel=1e-4)
            lengths.add(t)
    assert len(lengths) > 2  # Episodes of different lengths end each on its own.


def test_rollout_normalises_with_the_given_statistics_and_counts_live_steps_alone():
    task = make_task("cartpole60")
    config = NetworkConfig(inputs=4, hidden=16, outputs=2, trained=PROPERTIES)
    mean, std = jnp.array([0.01, 0.2, -0.02, 0.3]), jnp.array([0.05, 0.4, 0.03, 0.5])
    stats = observations.ObservationStats(jnp.full((1,), 9.0), mean[None], 9.0 * std[None] ** 2)
    group, ((frozen, flat),) = make_policies(config, 1, 2, 1, True, stats)
    (result,) = rollout(task, [group], clip=1.5)
    seen_all = []
    for member in range(2):
        network = build(frozen | config.split(flat[member]))
        env, seen = task.reset(group.keys[0, 0, 0], jnp.int32(0))
        state, done = initial_state(network), False
        while not done:
            seen_all.append(np.asarray(seen))
            output, state = network_step(network, state, jnp.clip((seen - mean) / std, -1.5, 1.5))
            step = task.step(env, output.readout)
            env, seen, done = step.state, step.observation, bool(step.done)
    deviation = np.array(seen_all) - np.asarray(mean)
    assert float(result.moments.count[0]) == len(seen_all) == float(result.lengths.sum())
    np.testing.assert_allclose(result.moments.deviation[0], deviation.sum(0), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(result.moments.squared[0], (deviation**2).sum(0), rtol=1e-3)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=4), st.integers(0, 1000))
def test_running_statistics_equal_numpys(sizes, seed):
    rng = np.random.default_rng(seed)
    batches = [rng.normal(3, 2, (n, 2)).astype(np.float32) for n in sizes]
    stats = observations.empty(2)
    for batch in batches:
        live = jnp.ones(len(batch), bool)
        stats = observations.update(stats, observations.moments(stats, jnp.asarray(batch), live))
    everything = np.concatenate(batches)
    assert float(stats.count) == len(everything)
    np.testing.assert_allclose(stats.mean, everything.mean(0), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(stats.m2, everything.var(0) * len(everything), rtol=1e-3, atol=1e-3)


def test_observations_that_are_not_numbers_are_left_out_of_the_statistics():
    stats = observations.empty(1)
    bad = observations.moments(stats, jnp.array([[1.0], [jnp.nan]]), jnp.array([True, True]))
    assert float(observations.update(stats, bad).count) == 0


def test_a_gymnax_task_knows_its_sizes_while_jax_traces():
    """As gradients through time ask for them."""
    task = GymnaxTask("MountainCar-v0", "MountainCar-v0", limit=5)
    sizes = []
    jax.jit(lambda x: sizes.append((task.observation_size, task.action_size)) or x)(0.0)
    assert sizes == [(2, 3)]


@pytest.mark.parametrize("pattern", ["bad[", "a(b"])
def test_a_family_whose_pattern_is_no_regular_expression_is_refused(pattern):
    from zoo.registry.families import families, register_family

    family = copy.copy(families()[0])
    family.name, family.pattern = "mountaincar", pattern
    with pytest.raises(ValueError, match="is no regular expression"):
        register_family(family)
    assert family not in families()
