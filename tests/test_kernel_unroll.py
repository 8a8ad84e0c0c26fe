"""Sequences by machine code against `unroll_episodes`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from zoo.models import PROPERTIES, SURROGATES, WEIGHTS, NetworkConfig, NetworkState, Surrogate, build, pack
from zoo.models.episode_scan import unroll_episodes
from zoo.training.methods.ppo_physics import unroll_of

pytest.importorskip("llvmlite")

from zoo.kernels.unroll import unroll_compiled

# No whole block of neurons, and no whole round of inputs or outputs.
INPUTS, HIDDEN, OUTPUTS, STEPS, BATCH = 5, 70, 3, 24, 3
CONFIG = NetworkConfig(inputs=INPUTS, hidden=HIDDEN, outputs=OUTPUTS, trained=PROPERTIES + WEIGHTS, v_th=0.2)


@pytest.fixture(scope="module")
def parts():
    rng = np.random.default_rng(0)
    parts = CONFIG.initial(0)
    parts["x_tau"] = parts["x_tau"] + rng.standard_normal(HIDDEN)
    parts["v_th"] = parts["v_th"] * rng.uniform(-0.2, 1.5, HIDDEN)  # Some rest above their threshold.
    parts["r"] = parts["r"] * rng.uniform(-0.5, 2.0, HIDDEN)
    return {name: jnp.asarray(value, jnp.float32) for name, value in parts.items()}


@pytest.fixture(scope="module")
def sequences():
    rng = np.random.default_rng(1)
    begins = rng.random((STEPS, BATCH)) < 0.1
    begins[[0, STEPS - 1], [0, 1]] = True
    v, v_out = (rng.uniform(-0.1, 0.1, (BATCH, size)) for size in (HIDDEN, OUTPUTS))
    state = NetworkState(*(jnp.asarray(x, jnp.float32) for x in (v, v_out)))
    inputs, towards = (rng.standard_normal((STEPS, BATCH, size)) for size in (INPUTS, OUTPUTS))
    return state, jnp.asarray(inputs, jnp.float32), jnp.asarray(begins), jnp.asarray(towards, jnp.float32)


def gradient(unroll, parts, sequences, surrogate):
    *given, towards = sequences
    return jax.grad(lambda parts: (unroll(pack(build(parts)), *given, surrogate)[0] * towards).sum())(parts)


def test_readouts_and_last_state(parts, sequences):
    found, expected = (unroll(pack(build(parts)), *sequences[:3]) for unroll in (unroll_compiled, unroll_episodes))
    assert np.abs(expected[0]).max() > 0.1
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), found, expected)


@pytest.mark.parametrize("detach_reset", [True, False])
@pytest.mark.parametrize("kind", SURROGATES)
def test_gradients(parts, sequences, kind, detach_reset):
    surrogate = Surrogate(kind, 3.0, detach_reset)
    expected = gradient(unroll_episodes, parts, sequences, surrogate)
    for name, found in gradient(unroll_compiled, parts, sequences, surrogate).items():
        largest = np.abs(expected[name]).max()
        assert largest > 0
        np.testing.assert_allclose(found, expected[name], rtol=1e-4, atol=2e-5 * largest, err_msg=name)


def test_without_weights_only_properties_have_gradients(parts, sequences):
    def unroll(*arguments):
        return unroll_compiled(*arguments, weights=False)

    found = gradient(unroll, parts, sequences, Surrogate())
    expected = gradient(unroll_compiled, parts, sequences, Surrogate())
    for name in PROPERTIES:
        np.testing.assert_array_equal(found[name], expected[name])
    for name in WEIGHTS:
        assert np.abs(expected[name]).max() > 0 and not found[name].any()


def test_states_and_inputs_count_as_constants(parts, sequences):
    state, inputs, begins, towards = sequences
    packed = pack(build(parts))
    by = jax.grad(lambda given: (unroll_compiled(packed, *given, begins)[0] * towards).sum())((state, inputs))
    assert all(not np.any(x) for x in jax.tree.leaves(by))
    last = jax.grad(lambda parts: unroll_compiled(pack(build(parts)), state, inputs, begins)[1].v.sum())(parts)
    assert all(not np.any(x) for x in jax.tree.leaves(last))


def test_numbers_that_are_none_stay_so(parts, sequences):
    state, inputs, begins, _ = sequences
    lost = parts | {"r": parts["r"].at[3].set(np.nan)}
    gradients = gradient(unroll_compiled, lost, sequences, Surrogate())
    assert np.isnan(gradients["r"][3]) and np.isfinite(np.delete(gradients["r"], 3)).all()
    _, last = unroll_compiled(pack(build(parts)), state, inputs.at[-1, 2].set(np.nan), begins)
    assert np.isnan(last.v[2]).all() and np.isfinite(last.v[:2]).all()


def test_runs_under_vmap(parts, sequences):
    given = sequences[:3]
    two = jax.tree.map(lambda x: jnp.stack([x, 0.9 * x]), parts)
    found = jax.vmap(lambda parts: unroll_compiled(pack(build(parts)), *given)[0])(two)
    for i in range(2):
        one = jax.tree.map(lambda x, i=i: x[i], two)
        np.testing.assert_array_equal(found[i], unroll_compiled(pack(build(one)), *given)[0])


def test_weights_are_left_out_where_they_are_fixed():
    for trained, wanted in ((PROPERTIES, False), (WEIGHTS, True), (PROPERTIES + WEIGHTS, True)):
        config = NetworkConfig(inputs=2, hidden=4, outputs=1, trained=trained)
        assert unroll_of(config).keywords == {"weights": wanted}
