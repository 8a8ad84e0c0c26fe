"""A GPU's whole path on the processor: its program with threads for threads, its handler with a driver of ours."""

import jax
import numpy as np
import pytest
from kernel_threads import Emulator
from test_kernel_episodes import Blown, Pendulum, policies

from zoo.kernels.gpu import GpuStepKernel, sum_by_halves
from zoo.kernels.grid import Gpu, Grid, Layout
from zoo.kernels.networks import Shape
from zoo.kernels.play import StepKernel
from zoo.models import PROPERTIES, WEIGHTS
from zoo.tasks.compiled import compiled_rollout


def two_runs(group):
    """The group twice, the second time with other episodes and statistics."""
    networks = jax.tree.map(lambda x: np.concatenate([x, 0.9 * x]), group.networks)
    keys = jax.numpy.concatenate([group.keys, jax.random.split(jax.random.key(7), group.keys.shape)])
    stats = group.stats and jax.tree.map(lambda x: np.concatenate([x, 1.3 * x]), group.stats)
    return group._replace(networks=networks, keys=keys, stats=stats)


def played(kernel, group):
    play = jax.jit(lambda n, k, s: compiled_rollout(kernel, group._replace(networks=n, keys=k, stats=s)))
    return play(group.networks, group.keys, group.stats)


def assert_same(task, group, kernels=None):
    kernels = kernels or (GpuStepKernel(task, Emulator()), StepKernel(task))
    got, expected = (played(kernel, group) for kernel in kernels)
    for name in ("returns", "expected", "lengths"):
        np.testing.assert_allclose(getattr(got, name), getattr(expected, name), rtol=1e-4, atol=1e-5, err_msg=name)
    if group.stats is not None:
        for a, b in zip(got.moments, expected.moments, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)
    return got


@pytest.mark.parametrize("stats", [True, False])
@pytest.mark.parametrize("trained", [PROPERTIES, WEIGHTS, ("v_th", "w_out")])
def test_episodes_equal_the_processors(trained, stats):
    task = Pendulum()
    episodes = assert_same(task, two_runs(policies(task, trained, stats=stats)))
    assert len(np.unique(episodes.lengths)) > 1  # Some end early.
    assert len(np.unique(episodes.returns)) == 20


def test_a_number_of_episodes_that_fills_no_block():
    """Five a run, three runs: each run's last group of four is padded, and so is the last block."""
    task = Pendulum()
    group = policies(task, PROPERTIES, members=5, episodes=1)
    networks, stats = (jax.tree.map(lambda x: np.concatenate([x, x, x]), x) for x in (group.networks, group.stats))
    keys = jax.random.split(jax.random.key(3), (3, 1, 1))
    assert_same(task, group._replace(networks=networks, keys=keys, stats=stats))


def test_episodes_can_be_cut_shorter_than_the_tasks():
    task = Pendulum()
    group = policies(task, PROPERTIES)._replace(limit=jax.numpy.int32(7))
    assert int(assert_same(task, group).lengths.max()) == 7


def test_results_do_not_depend_on_how_blocks_are_filled():
    task = Pendulum()
    group = two_runs(policies(task, PROPERTIES))
    few, many = (played(GpuStepKernel(task, Emulator(n)), group) for n in (1, 100))
    for a, b in zip(jax.tree.leaves(few), jax.tree.leaves(many), strict=True):
        assert np.array_equal(a, b)


def test_what_is_not_finite_stays_so():
    task = Pendulum(broken_above=0.3)
    got = assert_same(task, policies(task, PROPERTIES, noise=1.0))
    assert 0 < np.isnan(got.returns).sum() < got.returns.size


def test_states_other_than_presumed_take_the_general_step(monkeypatch):
    kernels = GpuStepKernel(Blown(), Emulator()), StepKernel(Blown())
    assert all(kernel.special.constants for kernel in kernels)
    monkeypatch.setattr(Blown, "hidden", staticmethod(lambda key: jax.random.uniform(key)))
    assert_same(Blown(), policies(Blown(), PROPERTIES), kernels)


def test_the_grid_fills_the_gpu():
    layout = Layout(Shape(17, 4096, 6, frozenset()), 158, Gpu())
    few, many, more = (Grid.of(layout, 132, (runs, 256, 1)) for runs in (6, 60, 600))
    assert (few.slots, few.blocks) == (8, 192)
    assert (many.slots, many.blocks) == (60, 256)
    assert (more.slots, more.blocks) == (64, 2400)


@pytest.mark.parametrize("inputs", [3, 27, 376])
def test_what_a_block_shares_fits(inputs):
    layout = Layout(Shape(inputs, 4096, 17, frozenset()), 300, Gpu())
    assert layout.width % 4 == 0
    assert 4 * sum(layout.shared().values()) <= 48 * 1024


def test_too_many_observations_are_refused():
    with pytest.raises(ValueError, match="3500 observations"):
        Layout(Shape(3500, 4096, 6, frozenset()), 300, Gpu()).width  # noqa: B018


@pytest.mark.parametrize("length", [1, 2, 3, 7, 12, 33])
def test_sums_by_halves_are_sums(length):
    x = np.random.default_rng(length).integers(-100, 100, (2, length)).astype(np.float32)
    assert np.array_equal(sum_by_halves(x), x.sum(-1))
