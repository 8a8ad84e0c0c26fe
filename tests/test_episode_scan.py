import jax
import jax.numpy as jnp
import numpy as np
import pytest

from zoo.models import (
    PROPERTIES,
    SURROGATES,
    WEIGHTS,
    NetworkConfig,
    NetworkState,
    Surrogate,
    build,
    initial_state,
    network_step,
    pack,
)
from zoo.models.episode_scan import membrane_scan, unroll_episodes

STEPS, BATCH = 64, 3
CONFIG = NetworkConfig(inputs=4, hidden=9, outputs=2, trained=PROPERTIES + WEIGHTS, tau_ms=(6.0, 60.0), v_th=0.2)


def drawn_parts(dtype):
    """A network whose neurons differ in everything, in the unit of `triangle` that v_rest is 0."""
    rng = np.random.default_rng(3)
    parts = {name: np.asarray(value, dtype) for name, value in CONFIG.initial(0).items()}
    parts["v_th"] = parts["v_th"] * rng.uniform(0.5, 1.5, CONFIG.hidden)
    parts["r"] = rng.uniform(0.5, 2.0, CONFIG.hidden)
    return {name: jnp.asarray(value, dtype) for name, value in parts.items()}


def drawn_inputs(dtype):
    rng = np.random.default_rng(4)
    begins = rng.random((STEPS, BATCH)) < 0.1
    begins[0] = (True, False, True)
    begins[[20, 21, 63], 1] = True  # An episode of one step, and one that begins with the last step.
    return jnp.asarray(rng.standard_normal((STEPS, BATCH, CONFIG.inputs)), dtype), jnp.asarray(begins)


def stepwise(parts, state, inputs, begins, surrogate):
    """`network_step` over and over, with the potentials of an episode's beginning put in by hand."""
    network = build(parts)
    state = NetworkState(v=state.v + network.neuron.v_rest, v_out=state.v_out)

    def step(state, now):
        x, begin = now
        first = initial_state(network, (BATCH,))
        state = jax.tree.map(lambda new, old: jnp.where(begin[:, None], new, old), first, state)
        output, state = network_step(network, state, x, surrogate)
        return state, output.readout

    state, readouts = jax.lax.scan(step, state, (inputs, begins))
    return readouts, NetworkState(v=state.v - network.neuron.v_rest, v_out=state.v_out)


def at_once(parts, state, inputs, begins, surrogate):
    return unroll_episodes(pack(build(parts)), state, inputs, begins, surrogate)


def begun(dtype):
    rng = np.random.default_rng(5)
    return NetworkState(
        v=jnp.asarray(rng.uniform(-0.1, 0.1, (BATCH, CONFIG.hidden)), dtype),
        v_out=jnp.asarray(rng.standard_normal((BATCH, CONFIG.outputs)), dtype),
    )


@pytest.mark.parametrize("v_rest", [0.0, -0.3])
def test_steps_are_those_of_network_step(v_rest):
    parts = drawn_parts(jnp.float32) | {"v_rest": jnp.full(CONFIG.hidden, v_rest)}
    inputs, begins = drawn_inputs(jnp.float32)
    found, last = at_once(parts, begun(jnp.float32), inputs, begins, Surrogate())
    expected, expected_last = stepwise(parts, begun(jnp.float32), inputs, begins, Surrogate())
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(last.v, expected_last.v, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(last.v_out, expected_last.v_out, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", SURROGATES)
@pytest.mark.parametrize("detach_reset", [False, True])
def test_gradient_through_64_steps_is_that_of_network_step(kind, detach_reset):
    """Of all parts of the network and of the potentials at the beginning, in float64."""
    with jax.enable_x64(True):
        surrogate = Surrogate(kind, 2.0, detach_reset)
        inputs, begins = drawn_inputs(jnp.float64)
        weights = np.random.default_rng(6).standard_normal((STEPS, BATCH, CONFIG.outputs))

        def loss(parts, state, play):
            readouts, last = play(parts, state, inputs, begins, surrogate)
            return (readouts * weights).sum() + jnp.square(last.v).sum()

        gradient = jax.jit(jax.grad(loss, argnums=(0, 1)), static_argnums=2)
        found, expected = (
            gradient(drawn_parts(jnp.float64), begun(jnp.float64), play) for play in (at_once, stepwise)
        )
        # Both v_th - v_rest alone, and potentials that are counted from rest.
        for name, value in expected[0].items():
            assert np.abs(value).max() > 1e-3, name
            np.testing.assert_allclose(found[0][name], value, rtol=1e-9, atol=1e-11, err_msg=name)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11), found[1], expected[1])
        np.testing.assert_allclose(found[0]["v_th"], -found[0]["v_rest"], rtol=1e-9)


def test_gradient_between_spikes_is_the_difference_quotient():
    """Without a slope at the threshold only what is smooth remains: the membranes as long as no spike moves."""
    with jax.enable_x64(True):
        parts, (inputs, begins) = drawn_parts(jnp.float64), drawn_inputs(jnp.float64)
        surrogate = Surrogate("arctan", 0.0, True)

        def loss(parts):
            readouts, last = at_once(parts, begun(jnp.float64), inputs, begins, surrogate)
            return jnp.square(readouts).sum() + (last.v * jnp.arange(CONFIG.hidden)).sum()

        gradient = jax.grad(loss)(parts)
        rng = np.random.default_rng(7)
        for name in ("x_tau", "r", "w_in", "w_out"):
            way = rng.standard_normal(parts[name].shape)
            ahead, back = (loss(parts | {name: parts[name] + step * way}) for step in (1e-7, -1e-7))
            quotient = (ahead - back) / 2e-7
            assert abs(quotient) > 1e-2
            assert (gradient[name] * way).sum() == pytest.approx(float(quotient), rel=1e-6), name


def test_nothing_reaches_back_over_the_beginning_of_an_episode():
    parts, (inputs, _) = drawn_parts(jnp.float32), drawn_inputs(jnp.float32)
    begins = jnp.zeros((STEPS, BATCH), bool).at[30, 0].set(True)

    def loss(inputs):
        return at_once(parts, begun(jnp.float32), inputs, begins, Surrogate())[0][40].sum()

    gradient = jax.grad(loss)(inputs)
    assert not gradient[:30, 0].any() and gradient[30:41, 0].any()
    assert gradient[:30, 1].any()


def test_a_spike_by_hand():
    """One neuron, two steps: u = 0.5 and spikes at 0.4; then u = 0 + 0.1."""
    drive, keep, height = jnp.array([[[0.5]], [[0.1]]]), jnp.array([0.75]), jnp.array([0.4])
    begins, v = jnp.zeros((2, 1), bool), jnp.array([[0.0]])
    spikes, last = membrane_scan(drive, v, keep, height, begins)
    assert spikes.ravel().tolist() == [1.0, 0.0] and last[0, 0] == pytest.approx(0.1)

    def loss(drive, height, detach):
        return membrane_scan(drive, v, keep, height, begins, Surrogate("arctan", 2.0, detach))[1].sum()

    # d last / d u1 = 1 - s2 - u2 g'(u2 - height) (Eq. 9), or 1 without the reset (Eq. 11).
    slopes = [1 / (1 + (np.pi * x) ** 2) for x in (0.1, -0.3)]
    later = 1 - 0.1 * slopes[1]
    earlier = later * 0.75 * -0.5 * slopes[0]
    assert jax.grad(loss)(drive, height, False).ravel() == pytest.approx([earlier, later], rel=1e-5)
    assert jax.grad(loss, 1)(drive, height, False)[0] == pytest.approx(0.1 * slopes[1] - earlier, rel=1e-5)
    assert jax.grad(loss)(drive, height, True).ravel().tolist() == [0.0, 1.0]
    assert jax.grad(loss, 1)(drive, height, True)[0] == 0.0
