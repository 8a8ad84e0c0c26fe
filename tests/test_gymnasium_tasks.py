"""The zoo's tasks as Gymnasium environments."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import zoo
from zoo.evaluation.physics import WrongPhysicsWarning

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.utils.env_checker import check_env  # noqa: E402

from zoo.gymnasium_tasks import TASKS, environments  # noqa: E402
from zoo.tasks.base import Step  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:.*Box observation space m:UserWarning")  # As MuJoCo's own have none.


@pytest.mark.parametrize("task", ["cartpole500", "mem5"])
def test_gymnasium_finds_nothing_wrong(task):
    check_env(gymnasium.make(f"hetsnn-zoo/{task}-v0").unwrapped)


class Falling:
    """A task of continuous actions with a limit, that costs nothing to compile."""

    name, observation_size, action_size, action_map = "falling", 2, 3, "clip"

    def __init__(self, limit=4):
        self.limit = limit

    def reset(self, key, episode):
        state = jax.random.uniform(key, (2,))
        return state, state

    def step(self, state, readout):
        state = state - jnp.abs(readout).sum()
        return Step(state, state, readout.sum(), state.min() < -2, jnp.float32(0))


@pytest.fixture
def falling(monkeypatch):
    monkeypatch.setattr(environments, "_open_task", lambda name, backend, limit: (Falling(), limit or 4))


def test_gymnasium_finds_nothing_wrong_with_continuous_actions(falling):
    check_env(environments.TaskEnv("falling"), skip_render_check=True)


class Pushed:
    """Makes its action of a readout in its own way."""

    name, action_size = "pushed", 3
    reset = Falling.reset

    def action(self, readout):
        return jnp.tanh(20.0 * readout)


def test_actions_that_cannot_be_undone_are_refused(monkeypatch):
    monkeypatch.setattr(environments, "_open_task", lambda *_: (Pushed(), 4))
    with pytest.raises(ValueError, match=r"float32\[3\].*step others by readouts"):
        environments.TaskEnv("pushed")


def test_what_ends_is_told_from_what_is_cut_off(falling):
    environment = environments.TaskEnv("falling")
    environment.reset(seed=0)
    ends = [environment.step(np.zeros(3, np.float32))[2:4] for _ in range(4)]
    assert ends == [(False, False)] * 3 + [(False, True)]
    environment.reset()
    assert environment.step(np.ones(3, np.float32))[1:4] == (3.0, True, False)


def test_environments_of_a_batch_that_ended_begin_anew_at_the_next_step(falling):
    batch = environments.TaskVectorEnv("falling", num_envs=3)
    first, _ = batch.reset(seed=1)
    actions = np.zeros((3, 3), np.float32)
    actions[1] = 1
    fallen, reward, terminated, truncated, _ = batch.step(actions)
    assert reward.tolist() == [0, 3, 0] and terminated.tolist() == [False, True, False] and not truncated.any()
    assert fallen[1].max() < -2
    observation, reward, terminated, truncated, _ = batch.step(actions)
    assert reward.tolist() == [0, 0, 0] and not terminated.any() and not truncated.any()
    assert observation[1].min() >= 0 and not np.array_equal(observation[1], first[1])
    batch.step(np.zeros_like(actions))
    assert batch.step(np.zeros_like(actions))[3].tolist() == [True, False, True]  # Cut off, each at its own time.


def test_the_same_seed_begins_the_same_episodes():
    environment = gymnasium.make_vec("hetsnn-zoo/cartpole100-v0", num_envs=2)
    first, _ = environment.reset(seed=3)
    np.testing.assert_array_equal(environment.reset(seed=3)[0], first)
    assert not np.array_equal(environment.reset()[0], first)


def test_a_policy_in_gymnasium_earns_what_its_card_says():
    policy = zoo.policy("hetsnn-mem5-1024")
    environment = gymnasium.make("hetsnn-zoo/mem5-v0")
    returns = []
    for seed in range(6):
        observation, _ = environment.reset(seed=seed)
        policy.reset(environment=environment)
        total, ended = 0.0, False
        while not ended:
            observation, reward, terminated, truncated, _ = environment.step(policy.act(observation))
            total, ended = total + reward, terminated or truncated
        returns.append(total)
    assert returns == [1.0] * 6


def test_a_policy_in_gymnasiums_own_cartpole():
    environment = gymnasium.make_vec("CartPole-v1", num_envs=4, vectorization_mode="sync")
    policy = zoo.policy("hetsnn-cartpole500-1024")
    observation, _ = environment.reset(seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        policy.reset(environment=environment)
    assert policy.batch == (4,)
    total = np.zeros(4)
    for _ in range(500):
        observation, reward, terminated, _, _ = environment.step(policy.act(observation))
        assert not terminated.any()
        total += reward
    assert total.tolist() == [500.0] * 4


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        (
            lambda: gymnasium.make("hetsnn-zoo/hp-v0", backend="generalized"),
            "Brax spring; this is hp Brax generalized",
        ),
        (lambda: gymnasium.make("hetsnn-zoo/mem5-v0"), "this is mem5"),
        (lambda: gymnasium.make("CartPole-v1"), "this is cartpole"),
        (lambda: object(), "does not know"),
    ],
)
def test_the_wrong_physics_is_warned_of(environment, says):
    policy = zoo.policy("homsnn-hp-4096")
    with pytest.warns(WrongPhysicsWarning, match=says):
        policy.reset(environment=environment())


def test_brax_and_gymnasium_mujoco_are_told_apart():
    from zoo.tasks.brax import make_environment

    policy = zoo.policy("homsnn-hp-4096")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        policy.reset(environment=make_environment("hp", "spring"))
        policy.reset(environment=gymnasium.make("hetsnn-zoo/hp-v0"))
    with pytest.warns(WrongPhysicsWarning, match="hp Brax positional"):
        policy.reset(environment=make_environment("hp", "positional"))
    pytest.importorskip("mujoco")
    with pytest.warns(WrongPhysicsWarning, match="Gymnasium v5, MuJoCo"):
        policy.reset(environment=gymnasium.make("Hopper-v5"))


def test_every_published_control_task_is_there():
    published = {zoo.model_info(name).task for name in zoo.list_models()} - {"mnist", "fmnist"}
    assert published <= set(TASKS) and all(f"hetsnn-zoo/{task}-v0" in gymnasium.registry for task in TASKS)


def test_options_that_mean_nothing_are_refused():
    with pytest.raises(ValueError, match="end by themselves"):
        gymnasium.make("hetsnn-zoo/mem5-v0", limit=3)
    with pytest.raises(ValueError, match="at least 1"):
        gymnasium.make("hetsnn-zoo/cartpole100-v0", limit=0)
    with pytest.raises(ValueError, match="num_envs"):
        gymnasium.make_vec("hetsnn-zoo/cartpole100-v0", num_envs=0)
    with pytest.raises(ValueError, match="zoo render"):
        environments.TaskEnv("cartpole100", render_mode="human")
    environment = gymnasium.make_vec("hetsnn-zoo/cartpole100-v0", num_envs=2)
    environment.reset()
    with pytest.raises(ValueError, match=r"\(2,\)"):
        environment.step(np.zeros(3, int))
    for actions in ([0, 7], [-1, 0], [0, 0.5]):
        with pytest.raises(ValueError, match=r"must be in .*Discrete"):
            environment.step(np.asarray(actions))
    environment = gymnasium.make("hetsnn-zoo/cartpole100-v0").unwrapped
    environment.reset()
    for action in (7, -1, 0.5):
        with pytest.raises(ValueError, match=r"must be in Discrete\(2\)"):
            environment.step(action)
