import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from zoo.models import PROPERTIES, WEIGHTS, NetworkConfig, build, pack
from zoo.models.episode_scan import unroll_episodes
from zoo.models.spiking_mlp import READOUT_K
from zoo.registry.recipe import Recipe
from zoo.tasks.base import Step
from zoo.tasks.lanes import vmap_last
from zoo.training.methods.base import Group
from zoo.training.methods.ppo_collect import at_rest, collect, start
from zoo.training.methods.ppo_settings import PPOSettings
from zoo.training.methods.ppo_update import descend, learner
from zoo.training.run.engine import Engine, to_host
from zoo.training.run.state import restore_state, save_state

SETTINGS = PPOSettings(environments=8, steps=16, epochs=2, minibatches=2, critic_layers=(16,), physics="lanes")


@dataclasses.dataclass(frozen=True)
class Line:
    """A point on a line: x' = decay x + push; x, the last readout and 1 are what is seen of it.

    A push is the readout without what is left of the last one in its membrane, so that a network that does not
    remember can push as it likes.
    """

    decay: float = 0.9
    push_cost: float = 0.5
    episode_limit: int = 10
    falls_at: float = np.inf
    lost_at: float = np.inf

    name, kind = "line", "control"
    observation_size, action_size = 3, 1
    max_return, arrays, cpu_options = None, (), None

    def reset(self, key, episode):
        x, zero = jax.random.uniform(key, (), minval=-1.0, maxval=1.0), jnp.zeros(())
        return (x, zero, zero), jnp.stack([x, zero, zero + 1])

    def action(self, readout):
        return readout

    def reward(self, x, push):
        return -(x**2) - self.push_cost * push**2

    def step(self, state, readout):
        x, last, t = state
        push = readout[0] - (1 - READOUT_K) * last
        reward = self.reward(x, push)
        x, t = self.decay * x + push, t + 1
        x = jnp.where(t == self.lost_at, jnp.nan, x)
        seen = jnp.stack([x, readout[0], jnp.ones(())])
        return Step((x, readout[0], t), seen, reward, t >= self.falls_at, jnp.float32(0))


@dataclasses.dataclass(frozen=True)
class Geared(Line):
    """The same, by a task that multiplies readouts itself, as Brax's do."""

    action_gain: float = 2.0

    def step(self, state, readout):
        return super().step(state, self.action_gain * readout)


@dataclasses.dataclass(frozen=True)
class Bandit(Line):
    """One step; the best push is 0.6."""

    episode_limit: int = 1
    falls_at: float = 1

    def reward(self, x, push):
        return -((push - 0.6) ** 2)


def group(*seeds, trained=WEIGHTS, hidden=8, normalise=False, generations=10, task=None, **changes):
    task = task or Line()
    config = NetworkConfig(
        inputs=task.observation_size,
        hidden=hidden,
        outputs=task.action_size,
        trained=trained,
        v_th=0.2,
        tau_ms=(8.0,),
    )
    recipe = Recipe(
        method="ppo",
        generations=generations,
        normalise_observations=normalise,
        settings=dataclasses.replace(SETTINGS, **changes),
    )
    return Group(config=config, recipe=recipe, seeds=seeds)


def train(task, groups, generations, devices=1):
    engine = Engine(task, groups, devices=jax.devices()[:devices])
    states, metrics = engine.advance(engine.init(), generations)
    return to_host(states), metrics


def resetting(task, count):
    def reset(keys):
        fresh = jax.vmap(task.reset)(keys, jnp.arange(count))
        return jax.tree.map(lambda x: jnp.moveaxis(x, 0, -1), fresh)

    return reset


def played(task, steps=25, count=4, stagger=True, hidden=6):
    """A random network's steps, as it was before them and is after."""
    parts = NetworkConfig(inputs=3, hidden=hidden, outputs=1, trained=WEIGHTS, v_th=0.2).initial(0)
    packed = pack(build({name: jnp.asarray(value) for name, value in parts.items()}))
    reset = resetting(task, count)
    now = start(task, reset, jax.random.split(jax.random.key(0), count), hidden, stagger)
    fresh = reset(jax.random.split(jax.random.key(1), count))
    noise = jax.random.normal(jax.random.key(2), (steps, count, 1))
    step = vmap_last(task.step)
    after, found = collect(
        task, step, unroll_episodes, packed, lambda x: x, jnp.array([-1.0]), 2.0, now, fresh, noise
    )
    return packed, now, fresh, noise, after, found


def greedy_return(task, one, state, count=200):
    """Mean return of whole episodes of the first run's network, which sees what it is shown."""
    flat = jnp.asarray(state.actor.parameters[0, :-1])
    parts = {name: jnp.asarray(value[0]) for name, value in one.initial_parts().items()}
    packed = pack(build(parts | one.config.split(flat)))
    reset = resetting(task, count)
    now = start(task, reset, jax.random.split(jax.random.key(9), count), one.config.hidden, False)
    noise = jnp.zeros((task.episode_limit, count, 1))
    fresh = (now.state, now.observation)
    step = vmap_last(task.step)
    _, found = collect(task, step, unroll_episodes, packed, lambda x: x, jnp.zeros(1), 1.0, now, fresh, noise)
    return float(found.rewards.sum(0).mean())


def test_a_gain_acts_once_whoever_has_it():
    *_, line = played(Line())
    *_, geared = played(Geared())
    np.testing.assert_allclose(line.actions, geared.actions, rtol=1e-5)
    np.testing.assert_allclose(line.rewards, geared.rewards, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("falls_at", [np.inf, 4])
def test_episodes_end_and_begin_where_they_should(falls_at):
    _, now, fresh, _, after, found = played(Line(falls_at=falls_at))
    first = np.array([0, 2, 5, 7])  # Four clocks, spread over a limit of ten.
    assert now.clock.tolist() == first.tolist() and now.whole.tolist() == [True, False, False, False]
    for i in range(4):
        clock, episode, whole, fallen, over = first[i], 0.0, first[i] == 0, 0, True
        x, t, last = now.state[0][i], 0, 0.0
        for s in range(25):
            assert found.begins[s, i] == over
            np.testing.assert_allclose(found.observations[s, i], [x, last, 1], rtol=1e-4, atol=1e-5)
            push, last = found.actions[s, i, 0] - 0.75 * last, found.actions[s, i, 0]
            reward = -(x**2) - 0.5 * push**2
            x, t, clock, episode = 0.9 * x + push, t + 1, clock + 1, episode + reward
            fell, cut = t >= falls_at, t < falls_at and clock == 10
            over = fell or cut
            assert (found.ends.fell[s, i], found.ends.cut[s, i]) == (fell, cut)
            np.testing.assert_allclose(found.last_observations[s, i], [x, last, 1], rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(
                [found.rewards[s, i], found.returns[s, i], found.lengths[s, i]], [reward, episode, clock], rtol=1e-4
            )
            assert found.whole[s, i] == whole
            if over:
                x, t, last, clock, episode, whole = fresh[0][0][i], 0, 0.0, 0, 0.0, True
                fallen += 1
        assert fallen >= 2
        np.testing.assert_allclose(after.observation[:, i], [x, last, 1], rtol=1e-4, atol=1e-5)


def test_the_same_network_seen_at_once_acts_as_it_did():
    """What an update computes of sequences is what was played: ratios begin at 1."""
    packed, now, _, noise, after, found = played(Line(falls_at=7))
    begun = at_rest(packed, now._replace(v=now.v + 0.05, begins=jnp.array([True, True, True, True])))
    readouts, last = unroll_episodes(packed, begun, found.observations, found.begins)
    np.testing.assert_allclose(2 * readouts, found.means, rtol=1e-5, atol=1e-6)
    rest = at_rest(packed, after._replace(begins=jnp.zeros(4, bool)))
    np.testing.assert_allclose(last.v, rest.v, atol=1e-6)
    np.testing.assert_allclose(found.actions, found.means + np.exp(-1) * noise, rtol=1e-5, atol=1e-6)


def test_a_step_into_nothing_is_a_fall_without_reward():
    *_, after, found = played(Line(lost_at=3), stagger=False)
    lost = found.not_numbers
    assert lost[2].all() and not lost[:2].any() and (found.ends.fell == lost).all()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((after, found)))
    states, metrics = train(Line(lost_at=3), [group(0)], 2)
    assert states[0].nan_steps == 8 * (2 * 16 // 3) and np.isfinite(states[0].actor.parameters).all()
    assert metrics[0].nan_gradients.sum() == 0


def test_gradient_that_is_not_finite_is_skipped_and_counted():
    before = learner({"a": jnp.ones(3)})
    after, norm = descend(before, {"a": jnp.array([1.0, np.nan, 0.0])}, {"a": 0.1}, 1.0)
    assert after.skipped == 1 and norm == np.inf and after.parameters["a"].tolist() == [1, 1, 1]
    assert after.adam.count == 0
    # One whose square float32 cannot hold would freeze Adam's second moment.
    after, _ = descend(after, {"a": jnp.array([1e30, 0.0, 0.0])}, {"a": 0.1}, 1.0)
    assert after.skipped == 2
    after, norm = descend(after, {"a": jnp.array([3.0, 0.0, 4.0])}, {"a": jnp.array([0.1, 0.1, 0.0])}, 1.0)
    assert after.skipped == 2 and norm == 5 and after.adam.mu["a"].tolist() == pytest.approx([0.06, 0, 0.08])
    assert after.parameters["a"].tolist() == pytest.approx([0.9, 1, 1])


def test_training_that_lost_its_numbers_says_so():
    engine = Engine(Line(), [group(0)], devices=jax.devices()[:1])
    (state,) = to_host(engine.init())
    sick = state._replace(scale=state.scale._replace(mean=np.full(1, np.nan, np.float32)))
    (after,), metrics = engine.advance([engine.place(sick)], 1)
    assert metrics[0].nan_gradients.item() == 4 == after.actor.skipped
    np.testing.assert_array_equal(after.actor.parameters, state.actor.parameters)


def test_a_bandit_finds_the_best_arm():
    task = Bandit()
    one = group(0, 1, task=task, steps=8, environments=32, epochs=4, weight_rate=1e-2, std_rate=1e-2, generations=60)
    states, metrics = train(task, [one], 60)
    # The last pushes are 0.6 but for what is left of the noise.
    spread = np.exp(2 * states[0].actor.parameters[:, -1])
    assert metrics[0].mean[0].max() < -0.2
    np.testing.assert_allclose(metrics[0].mean[-5:].mean(0), -spread, atol=0.02)
    assert (spread < 0.1).all()


def best_return(task):
    """Mean return of the linear-quadratic regulator of an episode (Riccati's recursion), x uniform in [-1, 1]."""
    value = 0.0
    for _ in range(task.episode_limit):
        gain = value * task.decay / (task.push_cost + value)
        value = 1 + task.push_cost * gain**2 + value * (task.decay - gain) ** 2
    return -value / 3


def test_a_linear_quadratic_task_comes_near_its_optimum():
    task = Line(decay=1.0, push_cost=0.3, episode_limit=8, falls_at=8)
    # With many steps to go P = 1 + c P / (c + P), the positive root of P^2 - P - c.
    still, best = -task.episode_limit / 3, best_return(task)
    assert best == pytest.approx(-(1 + np.sqrt(1 + 4 * task.push_cost)) / 6, rel=1e-3)
    one = group(
        0, task=task, hidden=64, environments=64, epochs=4, minibatches=4, weight_rate=5e-3, std_rate=2e-2,
        entropy_weight=0.0, generations=64, final_rate=0.1,
    )  # fmt: skip
    states, _ = train(task, [one], 64)
    reached = greedy_return(task, one, states[0])
    assert best + 0.05 * (still - best) < reached < best + 0.05


@pytest.mark.parametrize("trained", [PROPERTIES, WEIGHTS, PROPERTIES + WEIGHTS])
def test_blocks_of_updates_and_a_state_on_disk_change_nothing(tmp_path, trained):
    """Four updates at once, and one, a file, and three, to the bit."""
    task, one = Line(), group(0, 1, trained=trained, normalise=True)
    engine = Engine(task, [one], devices=jax.devices()[:1])
    (at_once,), metrics = engine.advance(engine.init(), 4)
    (half,), first = engine.advance(engine.init(), 1)
    save_state(tmp_path, to_host(half), {"generation": 1, "seconds": 1.0, "hardware": "a test"})
    (like,) = to_host(engine.init())
    restored, _ = restore_state(tmp_path, like)
    (later,), second = engine.advance([engine.place(restored)], 3)
    jax.tree.map(np.testing.assert_array_equal, to_host(at_once), to_host(later))
    joined = jax.tree.map(lambda a, b: np.concatenate([a, b]), first[0], second[0])
    jax.tree.map(np.testing.assert_array_equal, metrics[0], joined)


def test_two_devices_equal_one():
    alone, told = train(Line(), [group(0, normalise=True)], 2)
    shared, told_shared = train(Line(), [group(0, normalise=True)], 2, devices=2)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), (alone, told), (shared, told_shared)
    )


def test_runs_side_by_side_are_what_they_are_alone():
    together, _ = train(Line(), [group(0, 1)], 2)
    alone, _ = train(Line(), [group(1)], 2)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a[1:], b, rtol=1e-4, atol=1e-5), together[0], alone[0])


def test_parts_of_a_minibatch_add_up(monkeypatch):
    whole, _ = train(Line(), [group(0)], 1)
    monkeypatch.setattr("zoo.training.methods.ppo_settings._PART_NUMBERS", 2 * 16 * 8)
    assert SETTINGS.part(group(0).config, 4) == 2
    parts, _ = train(Line(), [group(0)], 1)
    np.testing.assert_allclose(parts[0].actor.parameters, whole[0].actor.parameters, atol=1e-5)


def test_rates_fall_and_each_kind_has_its_own():
    still = {name: 0.0 for name in ("x_tau_rate", "v_rest_rate", "r_rate", "std_rate")}
    one = group(0, trained=PROPERTIES, v_th_rate=1e-2, generations=2, final_rate=0.0, **still)
    engine = Engine(Line(), [one], devices=jax.devices()[:1])
    first, _ = engine.advance(engine.init(), 1)
    first = to_host(first)
    before, after = (one.config.split(x[0]) for x in (one.initial(), engine.method.parameters(first[0])))
    assert np.abs(after["v_th"] - before["v_th"]).max() > 1e-3
    for name in ("x_tau", "v_rest", "r"):
        np.testing.assert_array_equal(after[name], before[name])
    last, _ = engine.advance([engine.place(first[0])], 1)
    np.testing.assert_array_equal(last[0].actor.parameters, first[0].actor.parameters)


@pytest.mark.parametrize(
    "changes",
    [{"minibatches": 3}, {"clip": 0.0}, {"kl": -1.0}, {"weight_rate": np.inf}, {"surrogate": "relu"}, {"epochs": 0}],
)
def test_settings_out_of_range_are_refused(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        dataclasses.replace(SETTINGS, **changes)
