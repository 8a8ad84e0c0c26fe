"""`zoo.policy`: observations in, actions out."""

import copy
import dataclasses
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import zoo
from zoo.evaluation.episodes import evaluate_parts, initial_keys
from zoo.models import PROPERTIES, WEIGHTS
from zoo.tasks.base import Step
from zoo.tasks.brax import BraxTask
from zoo.tasks.observations import ObservationStats

HOPPER, CARTPOLE = "homsnn-hp-4096", "hetsnn-cartpole500-1024"


@pytest.fixture(scope="module")
def hopper():
    return zoo.load(HOPPER)


@pytest.fixture
def policy(hopper):
    return zoo.policy(hopper, seed=1)


@pytest.fixture
def observations():
    return np.random.default_rng(0).normal(0, 0.3, (5, 11)).astype(np.float32)


def test_acts_as_network_statistics_and_action_map_together_do(hopper, policy, observations):
    network = hopper.network(seed=1)
    state = network.initial_state()
    for observation in observations:
        output, state = network(hopper.observe(observation, seed=1), state)
        action = policy.act(observation)
        assert isinstance(action, np.ndarray) and action.dtype == np.float32
        np.testing.assert_allclose(action, hopper.task().action(output.readout), rtol=0, atol=1e-6)
        np.testing.assert_array_equal(policy.spikes, output.spikes)
        np.testing.assert_allclose(policy.readout, output.readout, rtol=0, atol=1e-6)


def test_reset_begins_anew_and_without_it_the_state_goes_on(policy, observations):
    def readout(observation):
        policy.act(observation)
        return policy.readout

    first = [readout(o) for o in observations]
    assert not np.array_equal(readout(observations[0]), first[0])
    policy.reset()
    assert not policy.spikes.any() and not policy.readout.any()
    np.testing.assert_array_equal([readout(o) for o in observations], first)


def test_batch_of_environments_of_which_some_begin_anew(policy, observations):
    policy.reset(batch=5)
    first = policy.act(observations)
    second = policy.act(observations)
    begins = np.array([True, False, False, True, False])
    policy.reset(batch=5)
    policy.act(observations)
    policy.reset(where=begins)
    np.testing.assert_allclose(policy.act(observations), np.where(begins[:, None], first, second), atol=1e-6)
    assert policy.batch == (5,)
    policy.reset()
    assert policy.batch == (5,)
    policy.reset(batch=())
    assert policy.act(observations[0]).shape == (3,)


def test_jax_arrays_come_back_for_jax_arrays(policy, observations):
    numbers = policy.act(observations[0])
    policy.reset()
    action = policy.act(jnp.asarray(observations[0]))
    assert isinstance(action, jax.Array) and isinstance(policy.spikes, jax.Array)
    np.testing.assert_array_equal(action, numbers)


def test_float64_as_gymnasium_gives_it(policy, observations):
    numbers = policy.act(observations[0])
    policy.reset()
    np.testing.assert_array_equal(policy.act(observations[0].astype(np.float64)), numbers)


def test_step_in_jit_vmap_and_scan(policy, observations):
    expected = [policy.act(o) for o in observations]
    policy.reset()

    def body(state, observation):
        action, _, state = policy.step(observation, state)
        return state, action

    _, actions = jax.jit(lambda s, o: jax.lax.scan(body, s, o))(policy.initial_state(), observations)
    np.testing.assert_allclose(actions, expected, atol=1e-6)
    action, _, _ = jax.vmap(policy.step)(observations, policy.initial_state((5,)))
    policy.reset(batch=5)
    np.testing.assert_allclose(action, policy.act(observations), atol=1e-6)


def test_a_policy_is_an_argument_and_result_of_what_is_compiled(policy, observations):
    @jax.jit
    def two(policy, observation):
        policy.act(observation)
        return policy.act(observation), policy

    def body(policy, observation):
        return policy, policy.act(observation)

    expected = [policy.act(observations[0]) for _ in range(3)]
    policy.reset()
    action, after = two(policy, jnp.asarray(observations[0]))
    np.testing.assert_allclose(action, expected[1], atol=1e-6)
    np.testing.assert_allclose(after.act(observations[0]), expected[2], atol=1e-6)
    np.testing.assert_allclose(policy.act(observations[0]), expected[0], atol=1e-6)  # Itself, it has not moved.
    _, actions = jax.lax.scan(body, zoo.policy(HOPPER, seed=1), jnp.asarray(observations[:1]))
    np.testing.assert_allclose(actions[0], expected[0], atol=1e-6)


def test_a_tracer_is_not_kept(policy, observations):
    with pytest.raises(ValueError, match=r"policy\.step"):
        jax.jit(policy.act)(observations[0])
    with pytest.raises(ValueError, match=r"policy\.step"):
        jax.vmap(policy.act)(observations)
    policy.act(observations[0])


@pytest.mark.parametrize("name", ["hetsnn-mem5-1024", "hetsnn-hp-1024", "hetsnn-mnist-4096"])
def test_a_model_goes_to_another_process(name):
    model = zoo.load(name)
    other = pickle.loads(pickle.dumps(model))
    assert other.recipe == model.recipe and other.name == name
    jax.tree.map(np.testing.assert_array_equal, other.parts(), model.parts())


def test_observations_of_double_precision_change_no_types():
    policy = zoo.policy("hetsnn-mem5-1024")
    with jax.enable_x64(True):
        state = policy.initial_state()
        _, _, after = policy.step(np.zeros(3, np.float64), state)
    assert [x.dtype for x in after] == [x.dtype for x in state]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda policy: pickle.loads(pickle.dumps(policy))])
def test_copies_go_on_from_the_same_state_by_themselves(policy, observations, copied):
    policy.act(observations[0])
    other = copied(policy)
    np.testing.assert_array_equal(other.act(observations[1]), policy.act(observations[1]))
    other.act(observations[2])
    np.testing.assert_array_equal(other.act(observations[2]), [policy.act(observations[2]) for _ in "12"][1])
    assert repr(other) == repr(policy)


@pytest.mark.parametrize(
    ("wrong", "kind", "says"),
    [
        (np.zeros(10, np.float32), ValueError, r"\(10,\); homsnn-hp-4096 takes \(11,\)"),
        (np.zeros((2, 11), np.float32), ValueError, r"reset\(batch"),
        (np.zeros(11, np.int32), TypeError, "dtype int32"),
        (np.zeros(11, bool), TypeError, "dtype bool"),
        (np.zeros(11, complex), TypeError, "dtype complex128"),
        ([0.0] * 11, TypeError, "is a list"),
        (np.full(11, np.nan, np.float32), ValueError, "11 numbers that are NaN or infinite"),
        (jnp.full(11, jnp.inf), ValueError, "NaN or infinite"),
    ],
)
def test_wrong_observations_are_refused_by_name_and_change_nothing(policy, observations, wrong, kind, says):
    expected = policy.act(observations[0])
    policy.reset()
    with pytest.raises(kind, match=says):
        policy.act(wrong)
    np.testing.assert_array_equal(policy.act(observations[0]), expected)


def test_wrong_resets_are_refused(policy):
    policy.reset(batch=2)
    for wrong in (np.ones(3, bool), np.ones(2, np.float32), True):
        with pytest.raises(ValueError, match=r"bool\[2\]"):
            policy.reset(where=wrong)
    with pytest.raises(ValueError, match="exclude each other"):
        policy.reset(batch=2, where=np.ones(2, bool))
    with pytest.raises(ValueError, match=r"batch \(=0\)"):
        policy.reset(batch=0)


def test_discrete_tasks_give_the_number_of_an_action():
    policy = zoo.policy(CARTPOLE)
    action = policy.act(np.array([0.0, 0.0, 0.1, 1.0], np.float32))
    assert action.dtype == np.int32 and action.shape == () and int(action) in (0, 1)


def test_image_models_and_unknown_seeds_are_refused():
    with pytest.raises(ValueError, match=r"classify\(images\)"):
        zoo.policy("hetsnn-mnist-4096")
    with pytest.raises(ValueError, match="training seed 99"):
        zoo.policy(CARTPOLE, seed=99)


def play(policy, task, episodes, seed=0):
    """Returns of a batch, from the initial states that `zoo.evaluate` draws, one step of Python after the other."""
    state, observation = jax.jit(jax.vmap(task.reset))(initial_keys(seed, episodes), jnp.arange(episodes))
    step, alive, returns = jax.jit(jax.vmap(task.step)), np.ones(episodes, bool), np.zeros(episodes)
    policy.reset(batch=episodes)
    for _ in range(task.episode_limit):
        policy.act(observation)
        result = step(state, policy.readout)
        state, observation = result.state, result.observation
        returns += np.where(alive, result.reward, 0)
        alive &= ~np.asarray(result.done)
        if not alive.any():
            break
    return returns


@pytest.mark.parametrize("name", ["hetsnn-mem25-1024", CARTPOLE])
def test_returns_are_those_of_the_card(name):
    model = zoo.load(name)
    for row in model.evaluation["seeds"][:2]:
        policy = zoo.policy(model, seed=row["training_seed"])
        returns = play(policy, model.task(), len(row["returns"]), model.evaluation["seed"])
        np.testing.assert_array_equal(returns, row["returns"])


def test_who_differentiates_a_step_is_told_that_spikes_have_no_gradient(policy, observations):
    def readout(observation):
        return policy.step(observation, policy.initial_state())[1].readout.sum()

    with pytest.warns(UserWarning, match="spikes have no gradient"):
        gradient = jax.grad(readout)(observations[0])
    assert not gradient.any()


@dataclasses.dataclass(frozen=True)
class Drift:
    """An environment as large as Hopper, with its action map, that costs nothing to compile."""

    observation_size, action_size, episode_limit, name = 11, 3, 10, "drift"
    action = BraxTask("hp", action_map="tanh", action_gain=0.5).action

    def reset(self, key, episode):
        state = jax.random.normal(key, (11,))
        return state, state

    def step(self, state, readout):
        action = self.action(readout)
        state = 0.9 * state + 0.3 * jnp.tile(action, 4)[:11]
        return Step(state, state, action.sum() + state[0], state[1] > 1.5, jnp.float32(0))


def test_returns_are_those_of_the_evaluation_with_statistics_and_action_map(hopper, policy):
    task, episodes = Drift(), 6
    parts = {name: hopper.parts(1)[name][None] for name in PROPERTIES + WEIGHTS}
    stats = ObservationStats(**hopper.select(1).observations)
    expected, lengths, _ = evaluate_parts(task, parts, stats, 5.0, episodes, 0)
    assert 1 < lengths.min() < lengths.max() == 10
    np.testing.assert_allclose(play(policy, task, episodes), expected[0], rtol=1e-5)
