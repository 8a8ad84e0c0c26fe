"""JAX's flags for a user's own code change nothing in the zoo's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from zoo.core.single import in_single_precision

HERE = Path(__file__).parent


FLAGS = {
    "JAX_ENABLE_X64": "1", "JAX_DEBUG_NANS": "1", "JAX_THREEFRY_PARTITIONABLE": "0", "JAX_DEFAULT_PRNG_IMPL": "rbg",
    "JAX_DEBUG_INFS": "1", "JAX_NUMPY_RANK_PROMOTION": "raise",
}  # fmt: skip


def numbers(folder, flags):
    """What every family comes to in a process of such flags."""
    others = {name: value for name, value in os.environ.items() if name not in FLAGS}
    done = subprocess.run(
        [sys.executable, HERE / "wide_numbers.py", folder], capture_output=True, text=True, env=others | flags,
        cwd=HERE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_every_family_evaluates_and_trains_alike_with_64_bits_and_a_search_for_nan(tmp_path):
    expected, found = numbers(tmp_path / "plain", {}), numbers(tmp_path / "wide", FLAGS)
    assert len(expected) == 8 and found.keys() == expected.keys()
    for name, values in expected.items():
        assert np.isfinite(values).all()
        np.testing.assert_allclose(found[name], values, rtol=1e-6, err_msg=name)


@in_single_precision()
def drawn():
    """Random numbers of a key, and sums that promote types and ranks."""
    bits = jax.random.bits(jax.random.split(jax.random.key(3))[1], (2, 3))
    return np.asarray(bits), np.asarray(jnp.ones((2, 3)) * jnp.arange(3) + True)


def test_what_a_user_tells_jax_changes_no_draw_and_no_sum():
    expected = drawn()
    with jax.threefry_partitionable(False), jax.default_prng_impl("rbg"), jax.enable_x64(True), jax.debug_infs(True):
        with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
            found = drawn()
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_a_policy_acts_for_a_batch_where_ranks_are_not_promoted():
    import zoo

    observations = np.ones((3, 4), np.float32)

    def acts():
        policy = zoo.policy("hetsnn-cartpole500-1024")
        policy.reset(batch=3)
        action, output, _ = jax.jit(policy.step)(observations, policy.initial_state(3))
        return [policy.act(observations), action, output.readout]

    expected = acts()
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        found = acts()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_environment_of_gymnasium_begins_the_same_episodes():
    pytest.importorskip("gymnasium", reason="pip install 'hetsnn-zoo[gymnasium]'")
    from zoo.gymnasium_tasks import TaskEnv

    def begins():
        env = TaskEnv("cartpole500")
        first, _ = env.reset(seed=5)
        return first, env.step(1)[0]

    expected = begins()
    with jax.enable_x64(True), jax.threefry_partitionable(False):
        np.testing.assert_array_equal(begins(), expected)
