"""Trainings by compiled steps: the same bits after a break, the physics asked for, machines without a compiler."""

import concurrent.futures
import dataclasses
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_kernel_episodes import Pendulum, assert_same_episodes, policies

from zoo.core.errors import ZooError
from zoo.kernels import cache
from zoo.kernels.play import StepKernel, usual
from zoo.kernels.primitives import UnsupportedStepError
from zoo.models import PROPERTIES
from zoo.registry.names import parse
from zoo.registry.recipe import make_network_config, make_recipe, make_recipe_task
from zoo.tasks.base import Step
from zoo.tasks.brax import BraxTask
from zoo.tasks.compiled import Kernel, compiled_rollout, find_kernel
from zoo.training import Group, train
from zoo.training.run import export, loop
from zoo.training.run.engine import Engine
from zoo.training.run.state import saved_states

pytestmark = pytest.mark.filterwarnings("ignore:(Accessing|Brax System|JAXopt)")  # Brax's own.
NAME = "hetsnn-hp-64"
TINY = {"seeds": 1, "population": 4, "episode_limit": 5, "generations": 3}


def state_bytes(folder):
    """Every number of the newest training state, by name."""
    from orbax.checkpoint import v1 as ocp

    newest = saved_states(folder / NAME / "state")[-1]
    return {k: np.asarray(v).tobytes() for k, v in ocp.load((newest / "arrays").resolve()).items()}


@pytest.fixture
def devices(monkeypatch):
    """Trains on so many devices, by one engine a recipe, and evaluates nothing at the end."""
    engines = {}

    def use(count):
        def engine(task, groups):
            key = count, *(repr(group.recipe) for group in groups)
            return engines.get(key) or engines.setdefault(key, Engine(task, groups, devices=jax.devices()[:count]))

        monkeypatch.setattr(loop, "Engine", engine)

    monkeypatch.setattr(export, "export_run", lambda folder: folder)
    use(1)
    return use


@pytest.fixture
def jax_plays(monkeypatch):
    """Which physics JAX's rollout is asked for; what it would compute for half a minute is the kernel's here."""
    asked = []

    def plays(task, groups, *, clip, physics, **options):
        asked.append(physics)
        return [compiled_rollout(find_kernel(task).step, group, clip=clip) for group in groups]

    monkeypatch.setattr("zoo.training.methods.evolution.rollout", plays)
    return asked


@pytest.mark.parametrize("count", [1, 2])
def test_a_broken_training_ends_with_the_same_bits(tmp_path, devices, jax_plays, count):
    devices(count)
    train(NAME, out=tmp_path / "whole", quiet=True, **TINY)
    broken = train(NAME, out=tmp_path / "broken", quiet=True, max_minutes=1e-9, **TINY)
    assert not broken.finished
    train(NAME, out=tmp_path / "broken", quiet=True, **TINY)
    assert_same_ends(tmp_path)
    assert not jax_plays


def test_runs_side_by_side_equal_runs_in_turn():
    recipe = make_recipe(NAME, **TINY | {"seeds": 2, "population": 8})
    task = make_recipe_task(parse(NAME), recipe)
    group = Group(config=make_network_config(parse(NAME), task, recipe), recipe=recipe, seeds=(0, 1))
    means = []
    for side_by_side in (1, 2):
        engine = Engine(task, [group], devices=jax.devices()[:1], runs_per_block=side_by_side)
        _, (metrics,) = engine.advance(engine.init(), 1)
        means.append(metrics.mean)
    np.testing.assert_array_equal(*means)


def assert_same_ends(folder):
    """Of the trainings in `whole` and `broken`: states and curves."""
    assert state_bytes(folder / "whole") == state_bytes(folder / "broken")
    curves = [(folder / kind / NAME / "training.csv").read_bytes() for kind in ("whole", "broken")]
    assert curves[0] == curves[1]


def test_a_broken_training_by_jaxs_rollout_ends_with_the_same_bits(trivial_physics, tmp_path, devices):
    lanes = TINY | {"physics": "lanes", "quiet": True}
    train(NAME, out=tmp_path / "whole", **lanes)
    assert not train(NAME, out=tmp_path / "broken", max_minutes=1e-9, **lanes).finished
    assert train(NAME, out=tmp_path / "broken", **lanes).finished
    assert_same_ends(tmp_path)


def test_a_run_goes_on_in_the_physics_that_it_began_in(tmp_path, devices, jax_plays):
    train(NAME, out=tmp_path, quiet=True, max_minutes=1e-9, physics="lanes", **TINY)
    for physics in ({"physics": "kernel"}, {}):
        with pytest.raises(
            ZooError, match=r"physics was lanes, now kernel.*goes on only with its own; to go on: .*--physics lanes"
        ):
            train(NAME, out=tmp_path, quiet=True, **physics, **TINY)
    assert train(NAME, out=tmp_path, quiet=True, physics="lanes", **TINY).generations == (3,)
    assert set(jax_plays) == {"lanes"}


def test_without_llvmlite_training_runs_and_says_so_in_a_line(trivial_physics, tmp_path, devices, monkeypatch, capfd):
    with monkeypatch.context() as patch:
        for module in [name for name in sys.modules if name.startswith(("zoo.kernels.", "llvmlite"))]:
            patch.delitem(sys.modules, module)
        patch.setitem(sys.modules, "llvmlite", None)
        assert find_kernel(BraxTask("hp")).step is None
        assert train(NAME, out=tmp_path, **TINY).finished
    lines = [line for line in "".join(capfd.readouterr()).splitlines() if "llvmlite" in line]
    (line,) = lines
    assert "physics by JAX, which is slower: llvmlite cannot be used" in line
    assert "`pip install llvmlite` brings it" in line


def test_a_compiler_that_refuses_is_named(monkeypatch):
    def refuse(*_):
        raise RuntimeError("Unknown target triple\nand more")

    monkeypatch.setattr("zoo.kernels.play.StepKernel", refuse)
    assert find_kernel.__wrapped__(Pendulum()).reason == "the compiler refused: Unknown target triple"


def test_numbers_of_64_bits_are_refused_and_get_no_kernel_of_32(tmp_path):
    StepKernel(Pendulum(), folder=tmp_path)
    try:
        jax.config.update("jax_enable_x64", True)
        with pytest.raises(UnsupportedStepError, match="float64"):
            StepKernel(Pendulum(), folder=tmp_path)
        found = find_kernel.__wrapped__(Pendulum())
        assert found == Kernel(None, "pendulum on its physics needs numbers of type float64")
    finally:
        jax.config.update("jax_enable_x64", False)


@dataclasses.dataclass(frozen=True)
class Counting(Pendulum):
    """Its state has a count, a number that stays and a truth value; its reward is a whole number."""

    stays: int = 3

    def reset(self, key, episode):
        state, observation = super().reset(key, episode)
        return (state, jnp.int32(0), jnp.int32(self.stays), jnp.bool_(False)), observation

    def step(self, state, readout):
        pendulum, count, stays, seen = state
        result = super().step(pendulum, readout)
        count = count + jnp.where(seen, 2, 1)
        reward = jax.lax.rem(count, stays) - (result.reward < -0.9)
        ended = jnp.where(result.done | (count > 40), 1, 0)
        return Step((result.state, count, stays * 1, result.reward < -0.95), result.observation, reward, ended, seen)


def test_whole_numbers_and_truth_values_in_the_state(monkeypatch):
    task = Counting()
    kernel = StepKernel(task)
    assert 3.0 in kernel.special.constants.values()
    monkeypatch.setattr(Counting, "step", _with_truth(Counting.step))
    got = assert_same_episodes(task, policies(task, PROPERTIES, members=9), kernel=kernel)
    assert len(np.unique(got.returns)) > 3
    other = StepKernel(Counting(stays=0))  # Whole numbers by 0.
    assert_same_episodes(Counting(stays=0), policies(task, PROPERTIES), kernel=other)


def _with_truth(step):
    """The rollout takes what has ended as a truth value."""

    def changed(self, state, readout):
        result = step(self, state, readout)
        return result._replace(
            done=result.done > 0, reward=jnp.float32(result.reward), expected=result.expected * 1.0
        )

    return changed


@pytest.mark.parametrize("stays", [2, 4])
def test_whole_numbers_other_than_presumed_take_the_general_step(stays):
    """Though their bits, read as floats, would all be next to 0."""
    kernel = StepKernel(Counting(stays=0))
    state = jax.tree.map(lambda x: jnp.moveaxis(jnp.stack([x]), 0, -1), Counting().reset(jax.random.key(0), 0)[0])
    assert usual((state[0], state[1], state[2] * 0, state[3]), kernel.special.constants)
    assert not usual((state[0], state[1], state[2] * stays, state[3]), kernel.special.constants)


def test_a_cache_that_many_write_at_once(tmp_path):
    contents = {f"key{i}": bytes([i]) * 200_000 for i in range(4)}

    def use(number):
        key = f"key{number % 4}"
        return cache.kept(key, lambda: contents[key], tmp_path) == contents[key]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(use, range(400)))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(contents)


def test_a_robot_of_another_tree_has_another_key(monkeypatch):
    """Brax keeps which link hangs on which beside its arrays."""
    task = BraxTask("hp")
    key, again, robot = cache.digest(task.kernel_key), cache.digest(task.kernel_key), task.environment.sys
    monkeypatch.setattr(task.environment, "sys", robot.replace(link_parents=(-1, 0, 0, 2)))
    assert key == again != cache.digest(task.kernel_key)


def test_a_home_that_cannot_be_written(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    assert cache.cache_folder().is_relative_to("/proc/none")
    assert cache.kept("key", lambda: b"content") == b"content"
