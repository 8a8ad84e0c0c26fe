"""Compiled episodes against the rollout, on small tasks of our own, and against Brax."""

import concurrent.futures
import dataclasses
import functools
import importlib
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from zoo.kernels import cache
from zoo.kernels.machine import host, object_code
from zoo.kernels.play import StepKernel
from zoo.kernels.primitives import UnsupportedStepError
from zoo.models import PROPERTIES, WEIGHTS, NetworkConfig, build_population
from zoo.tasks.base import Step
from zoo.tasks.brax import ENVIRONMENTS, BraxTask
from zoo.tasks.compiled import compiled_rollout, find_kernel
from zoo.tasks.observations import ObservationStats
from zoo.tasks.rollout import Policies, rollout

pytestmark = pytest.mark.filterwarnings("ignore:(Accessing|Brax System|JAXopt)")  # Brax's own.


class PendulumState(NamedTuple):
    angle: jax.Array
    speed: jax.Array
    depth: jax.Array
    place: jax.Array


@dataclasses.dataclass(frozen=True)
class Pendulum:
    """Swings in a plane of three dimensions; ends when it is high enough, and divides by what can become 0."""

    name: str = "pendulum"
    limit: int = 30
    wind: float = 0.0
    broken_above: float = np.inf

    observation_size, action_size, max_return, arrays, cpu_options = 3, 2, None, (), None
    episode_limit = property(lambda self: self.limit)
    kernel_task = property(lambda self: self)
    kernel_key = property(lambda self: [repr(self), *cache.sources("zoo.kernels"), "tests"])

    def reset(self, key, episode):
        angle = jax.random.uniform(key, minval=-0.5, maxval=0.5) + 0.1 * episode
        zero = jnp.zeros(())
        state = PendulumState(angle, zero, zero, jnp.stack([jnp.sin(angle), zero, -jnp.cos(angle)]))
        return state, self.observe(state)

    def observe(self, state):
        return jnp.stack([state.place[0], state.place[2], state.speed])

    def step(self, state, readout):
        push = jnp.clip(readout, -1.0, 1.0)

        def substep(carry, _):
            angle, speed, depth = carry
            speed = speed + 0.02 * (push[0] - 2 * push[1] - jnp.sin(angle) - 0.1 * speed)
            depth = depth + self.wind * 0.02
            return (angle + 0.02 * speed, speed, depth), None

        (angle, speed, depth), _ = jax.lax.scan(substep, (state.angle, state.speed, state.depth), None, length=4)
        place = jnp.stack([jnp.sin(angle), depth * speed, -jnp.cos(angle)])
        # Across the plane nothing moves: this is 0 / 0 beyond the bound, in a number that is otherwise always 0.
        broken = jnp.where(angle > self.broken_above, 0.0, 1.0)
        place = place.at[1].set(place[1] * (1.0 / broken))
        new = PendulumState(angle, speed, depth, place)
        reward = place[2] + jnp.linalg.norm(place * jnp.array([1.0, 1.0, 0.0])) - 0.01 * jnp.sum(push**2)
        return Step(new, self.observe(new), reward, angle > 0.55, 0.5 * reward)


def policies(task, trained, members=5, episodes=2, stats=True, hidden=9, noise=0.6):
    config = NetworkConfig(
        inputs=task.observation_size, hidden=hidden, outputs=task.action_size, trained=trained, v_th=0.05
    )
    initial = config.initial(0)
    rng = np.random.default_rng(1)
    drawn = rng.normal(size=(members, config.trained_size))
    flat = jnp.asarray(config.flatten(initial) + noise * drawn, jnp.float32)
    frozen = {n: jnp.asarray(v) for n, v in initial.items() if n not in config.trained}
    networks = jax.tree.map(lambda x: x[None], build_population(config, frozen, flat))
    size = task.observation_size
    seen = ObservationStats(jnp.full(1, 50.0), jnp.full((1, size), 0.1), jnp.full((1, size), 12.0))
    keys = jax.random.split(jax.random.key(2), (1, 1, episodes))
    return Policies(networks, keys, seen if stats else None, members, gain=1.5)


def assert_same_episodes(task, group, rtol=1e-4, kernel=None):
    kernel = kernel or StepKernel(task.kernel_task)
    (expected,) = jax.jit(lambda n, k, s: rollout(task, [group._replace(networks=n, keys=k, stats=s)], clip=2.0))(
        group.networks, group.keys, group.stats
    )
    got = jax.jit(lambda n, k, s: compiled_rollout(kernel, group._replace(networks=n, keys=k, stats=s), clip=2.0))(
        group.networks, group.keys, group.stats
    )
    for name in ("returns", "expected", "lengths"):
        np.testing.assert_allclose(getattr(got, name), getattr(expected, name), rtol=rtol, atol=1e-5, err_msg=name)
    if group.stats is not None:
        for a, b in zip(got.moments, expected.moments, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)
    return got


@pytest.mark.parametrize("trained", [PROPERTIES, WEIGHTS, ("v_th",), (*PROPERTIES, "w_out")])
@pytest.mark.parametrize("stats", [True, False])
def test_episodes_equal_the_rollout(trained, stats):
    episodes = assert_same_episodes(Pendulum(), policies(Pendulum(), trained, stats=stats))
    assert len(np.unique(episodes.lengths)) > 1  # Some end early.
    assert len(np.unique(episodes.returns)) == 10


@pytest.mark.parametrize("widest", [128, 256, 512])
def test_registers_of_all_widths(widest):
    machine = host(widest)
    kernel = StepKernel(Pendulum(), machine)
    assert_same_episodes(Pendulum(), policies(Pendulum(), PROPERTIES, members=11, episodes=1), kernel=kernel)


def test_state_that_never_changes_is_found():
    kernel = StepKernel(Pendulum())
    assert kernel.special.constants == {2: 0.0}  # Depth; nothing reads what `place` was.
    assert kernel.special.operations < kernel.general.operations
    assert not StepKernel(Pendulum(wind=1.0)).special.constants


@dataclasses.dataclass(frozen=True)
class Blown(Pendulum):
    """Some episodes begin out of the plane, by numbers that no trace of the reset shows to vary."""

    def reset(self, key, episode):
        state, observation = super().reset(key, episode)
        return state._replace(depth=jnp.float32(0.0) + self.hidden(key)), observation

    @staticmethod
    def hidden(key):
        return jnp.float32(0.0)


def test_states_other_than_presumed_take_the_general_step(monkeypatch):
    kernel = StepKernel(Blown())
    assert kernel.special.constants
    monkeypatch.setattr(Blown, "hidden", staticmethod(lambda key: jax.random.uniform(key)))
    assert_same_episodes(Blown(), policies(Blown(), PROPERTIES), kernel=kernel)


def test_what_is_not_finite_stays_so():
    task = Pendulum(broken_above=0.3)
    kernel = StepKernel(task)
    assert kernel.special.constants
    got = assert_same_episodes(task, policies(task, PROPERTIES, noise=1.0), kernel=kernel)
    assert 0 < np.isnan(got.returns).sum() < got.returns.size


def test_networks_that_are_not_finite_give_nan():
    task = Pendulum()
    group = policies(task, WEIGHTS)
    w_in = group.networks.w_in.at[0, 2, 0, 0].set(jnp.nan)
    group = group._replace(networks=group.networks._replace(w_in=w_in))
    got = jax.jit(lambda n: compiled_rollout(StepKernel(task), group._replace(networks=n)))(group.networks)
    # A neuron that gets NaN never fires; the member plays on without it, as it does in JAX.
    (expected,) = jax.jit(lambda n: rollout(task, [group._replace(networks=n)]))(group.networks)
    np.testing.assert_allclose(got.returns, expected.returns, rtol=1e-4, atol=1e-5)


@dataclasses.dataclass(frozen=True)
class Unsupported(Pendulum):
    """A step that sorts."""

    def step(self, state, readout):
        return super().step(state, jnp.sort(readout))


def test_a_step_without_a_rule_is_refused_by_name():
    with pytest.raises(UnsupportedStepError, match="`sort`"):
        StepKernel(Unsupported())
    found = find_kernel(Unsupported())
    assert found.step is None
    assert "the operation `sort`" in found.reason


def test_a_damaged_entry_of_the_cache_is_compiled_anew(tmp_path):
    first = StepKernel(Pendulum(), folder=tmp_path)
    (entry,) = tmp_path.iterdir()
    whole = entry.read_bytes()
    for damaged in (whole[:-7], whole[:200] + b"!" + whole[201:], b""):
        entry.write_bytes(damaged)
        assert StepKernel(Pendulum(), folder=tmp_path).special == first.special
        assert entry.read_bytes() == whole


def test_the_cache_is_read(tmp_path, monkeypatch):
    first = StepKernel(Pendulum(), folder=tmp_path)
    monkeypatch.setattr("zoo.kernels.play.compile_step", None)
    assert StepKernel(Pendulum(), folder=tmp_path).special == first.special
    with pytest.raises(TypeError):  # Another task, another key.
        StepKernel(Pendulum(wind=1.0), folder=tmp_path)


def test_a_cache_that_cannot_be_written_does_without(tmp_path):
    (tmp_path / "file").touch()
    assert StepKernel(Pendulum(), folder=tmp_path / "file").special.code


def test_a_key_has_all_that_a_step_depends_on():
    task = BraxTask("hp")
    key = cache.digest(task.kernel_key)
    assert key == cache.digest(BraxTask("hp").kernel_key)
    others = [
        dataclasses.replace(task, action_gain=2.0),
        dataclasses.replace(task, near_frames=True),
        BraxTask("wal"),
    ]
    assert len({key, *(cache.digest(other.kernel_key) for other in others)}) == 4
    assert cache.digest(["a", "bc"]) != cache.digest(["ab", "c"])


def test_a_key_has_an_environment_of_ones_own(tmp_path, monkeypatch):
    """Its source, that of what it is built on, and its attributes, arrays among them."""
    monkeypatch.syspath_prepend(tmp_path)
    keys = []
    for number, (base, source, goal) in enumerate(
        [("1", "2", [1.0]), ("1", "2", [2.0]), ("1", "3", [1.0]), ("4", "2", [1.0]), ("1", "2", [1.0])]
    ):
        (tmp_path / f"basis{number}.py").write_text(f"class Basis:\n    length = {base}\n")
        text = f"from basis{number} import Basis\n\n\nclass Mine(Basis):\n    speed = {source}\n"
        (tmp_path / f"mine{number}.py").write_text(text)
        mine = importlib.import_module(f"mine{number}").Mine()
        mine.goal, mine.sys = {"at": np.array(goal)}, None
        monkeypatch.setattr("zoo.tasks.brax.make_environment", lambda *_, mine=mine: mine)
        keys.append(cache.digest(str(part).replace(f"basis{number}", "basis") for part in BraxTask("hp").kernel_key))
    assert keys[0] == keys[-1] and len(set(keys)) == 4


def test_a_class_without_a_source_is_compiled_anew():
    unknown = type("Unknown", (), {"__module__": "nowhere"})
    first, second = (cache.own_sources(unknown, dict, but=()) for _ in range(2))
    assert len(first) == len(second) == 1 and first != second


@dataclasses.dataclass(frozen=True)
class Still(Pendulum):
    """A bandit: nothing of its state changes."""

    limit: int = 1

    def reset(self, key, episode):
        state = jnp.zeros(1)
        return state, jnp.zeros(3)

    def step(self, state, readout):
        return Step(state, jnp.zeros(3), -jnp.sum((readout - 0.5) ** 2), True, 0.0)


def test_a_step_that_carries_nothing():
    kernel = StepKernel(Still())
    assert kernel.special.carried == ()
    carried = kernel.begin(jnp.zeros((1, 5)))
    readout = jnp.arange(10.0).reshape(2, 5)
    following, stepped = jax.jit(kernel.step)(carried, readout)
    assert following.shape == carried.shape and stepped.done.all()
    np.testing.assert_allclose(stepped.reward, -((readout - 0.5) ** 2).sum(0), rtol=1e-6)
    assert_same_episodes(Still(), policies(Still(), PROPERTIES))


def test_threads_that_need_the_same_handler_first_get_one():
    kernel = StepKernel(Pendulum(limit=7))
    state, _ = jax.vmap(kernel.task.reset)(jax.random.split(jax.random.key(0), 4), jnp.arange(4))
    carried = kernel.begin(jax.tree.map(lambda x: jnp.moveaxis(x, 0, -1), state))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        steps = [pool.submit(lambda: jax.jit(kernel.step)(carried, jnp.zeros((2, 4)))[1].reward) for _ in range(4)]
        rewards = [np.asarray(step.result()) for step in steps]
    assert all(np.array_equal(reward, rewards[0]) for reward in rewards)


@pytest.mark.skipif(host().lanes == 4, reason="a processor with short registers alone")
def test_an_older_processors_code_has_no_long_registers():
    machine = host(128)
    assert not {"+avx", "+avx2", "+avx512f"} & set(machine.features.split(","))
    ir = "define void @f(ptr %a) {\n  %x = load <4 x float>, ptr %a\n  %y = fmul <4 x float> %x, %x\n"
    ir += "  store <4 x float> %y, ptr %a\n  ret void\n}\n"
    code = object_code(ir, machine)
    assert b"\x0f\x59" in code  # mulps
    assert not any(bytes([0xC5, second]) in code for second in (0xF8, 0xFA, 0xFC, 0xF0))  # VEX-coded ones begin so.


@functools.cache
def brax_step(name):
    from brax import envs

    env = envs.get_environment(ENVIRONMENTS[name], backend="spring")
    return jax.jit(env.reset), jax.jit(env.step)


@pytest.mark.parametrize("near_frames", [True, False])
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_step_equals_braxs(name, near_frames):
    """One environment under random torques, from its reset on; each step from the same state."""
    task = BraxTask(name, near_frames=near_frames)
    if near_frames and name != "hc":
        pytest.skip("the others' frames are as good as they come")
    compare_with_brax(task, steps=40)


def compare_with_brax(task, steps):
    from kernel_steps import one_step

    reset, step = brax_step(task.name)
    advance = one_step(task)
    state = reset(jax.random.key(0))
    rng = np.random.default_rng(0)
    for _ in range(steps):
        action = rng.uniform(-1, 1, task.action_size).astype(np.float32)
        got = advance(state, action)
        state = step(state, jnp.asarray(action))
        np.testing.assert_allclose(got["observation"], state.obs, rtol=1e-4, atol=1e-4)
        assert got["reward"] == pytest.approx(float(state.reward), abs=1e-4)
        assert got["done"] == bool(state.done)
        assert got["fault"] == 0


def test_single_steps_equal_the_tasks_own():
    """Of a number of environments that fills no register."""
    task = Pendulum()
    kernel = StepKernel(task)
    keys = jax.random.split(jax.random.key(4), 11)
    state, _ = jax.vmap(task.reset, in_axes=(0, None))(keys, 0)
    readout = jax.random.normal(jax.random.key(5), (11, 2))
    carried = kernel.begin(jax.tree.map(lambda x: jnp.moveaxis(x, 0, -1), state))
    step = jax.jit(kernel.step)
    for _ in range(3):
        carried, got = step(carried, readout.T)
        expected = jax.vmap(task.step)(state, readout)
        state = expected.state
        np.testing.assert_allclose(got.observation.T, expected.observation, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(got.reward, expected.reward, rtol=1e-5, atol=1e-6)
        assert np.array_equal(got.done, expected.done)


def test_single_steps_of_other_states_are_nan():
    task = Pendulum()
    kernel = StepKernel(task)
    state, _ = jax.vmap(task.reset, in_axes=(0, None))(jax.random.split(jax.random.key(4), 3), 0)
    state = jax.tree.map(lambda x: jnp.moveaxis(x, 0, -1), state._replace(depth=jnp.ones(3)))
    _, got = kernel.step(kernel.begin(state), jnp.zeros((2, 3)))
    assert np.isnan(got.reward).all()


def test_episodes_can_be_cut_shorter_than_the_tasks():
    task = Pendulum()
    group = policies(task, PROPERTIES)._replace(limit=jnp.int32(7))
    assert int(assert_same_episodes(task, group).lengths.max()) == 7
