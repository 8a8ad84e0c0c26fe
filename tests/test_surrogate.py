import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from zoo.models import (
    PROPERTIES,
    SURROGATES,
    TABLE_4,
    WEIGHTS,
    NetworkConfig,
    Neuron,
    Surrogate,
    build,
    initial_state,
    lif_scan,
    lif_step,
    network_step,
    segment_length,
    unroll,
)
from zoo.models.surrogate import arctan_slope, log_sign_slope, triangle_slope

CONFIG = NetworkConfig(inputs=3, hidden=7, outputs=2, trained=PROPERTIES + WEIGHTS)


def arctan(x, alpha):
    """Table 6, left."""
    return jnp.arctan(jnp.pi / 2 * alpha * x) / jnp.pi + 0.5


def log_sign(x, alpha):
    """Table 6, right."""
    return jnp.where(x >= 0, 1.0, -1.0) * jnp.log(jnp.abs(alpha * x) + 1)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize(("slope", "smooth"), [(arctan_slope, arctan), (log_sign_slope, log_sign)])
def test_slopes_are_the_derivatives_of_the_papers_formulas(slope, smooth, alpha):
    x = jnp.array([-3.0, -0.5, -0.01, 0.01, 0.7, 20.0])
    np.testing.assert_allclose(slope(x, alpha), jax.vmap(jax.grad(smooth), (0, None))(x, alpha), rtol=1e-4)


@pytest.mark.parametrize("alpha", [0.5, 2.0])
def test_slopes_at_the_threshold_and_far_from_it(alpha):
    assert arctan_slope(0.0, alpha) == pytest.approx(alpha / 2)
    assert log_sign_slope(0.0, alpha) == pytest.approx(alpha)
    far = 1e4
    assert arctan_slope(far, alpha) == pytest.approx(2 / (np.pi**2 * alpha * far**2), rel=1e-3)
    assert log_sign_slope(-far, alpha) == pytest.approx(1 / far, rel=1e-3)


def test_triangle_is_equation_10():
    v_th = 0.5
    x = jnp.array([-0.6, -0.5, -0.25, 0.0, 0.1, 0.5])
    np.testing.assert_allclose(triangle_slope(x, v_th), [0, 0, 1.0, 2.0, 1.6, 0], atol=1e-6)
    area = np.trapezoid(triangle_slope(jnp.linspace(-1, 1, 2001), v_th), dx=1e-3)
    assert area == pytest.approx(1.0, rel=1e-3)
    assert not triangle_slope(jnp.array([0.0, 0.1]), jnp.array([0.0, -0.2])).any()


@pytest.mark.parametrize("kind", SURROGATES)
def test_forwards_it_is_the_step_function(kind):
    u = jnp.array([0.49, 0.5, 0.51])
    spikes, pull = jax.vjp(lambda u: Surrogate(kind).spike(u, 0.5), u)
    assert spikes.tolist() == [0, 1, 1]
    np.testing.assert_allclose(pull(jnp.ones(3))[0], Surrogate(kind).slope(u - 0.5, 0.5), rtol=1e-6)


def test_unknown_surrogate_lists_the_known():
    with pytest.raises(ValueError, match=r"'relu'.*arctan, log-sign, triangle"):
        Surrogate("relu").spike(jnp.ones(2), 0.5)


@pytest.mark.parametrize("kind", SURROGATES)
@pytest.mark.parametrize("detach_reset", [False, True])
def test_jacobian_is_equation_9_or_11(kind, detach_reset):
    surrogate = Surrogate(kind, 2.0, detach_reset)
    neuron = Neuron(k=0.25, v_th=0.5, v_rest=-0.1, r=1.2)
    for current, v in ((0.3, 0.2), (0.0, 0.6), (4.0, 0.3), (5.0, -1.0), (-9.0, 0.1)):
        u = v + 0.25 * (1.2 * current - v - 0.1)
        s = float(u >= 0.5)
        kept = 1 - s + (0.0 if detach_reset else (-0.1 - u) * surrogate.slope(u - 0.5, 0.5))
        jacobian = float(jax.grad(lambda v, c=current: lif_step(c, v, neuron, surrogate)[1])(v))
        assert jacobian == pytest.approx(float(kept * 0.75), rel=1e-5, abs=1e-7)
        if detach_reset:
            assert abs(jacobian) <= 1


@pytest.mark.parametrize(
    ("kind", "tau_ms", "exceeds"), [("log-sign", 20, True), ("arctan", 20, False), ("arctan", 2e3, True)]
)
def test_where_the_reset_in_the_gradient_exceeds_one(kind, tau_ms, exceeds):
    """Not for Table 4's neurons and arctan; for log-sign, or slow neurons, below the resting potential."""
    k = 5 / tau_ms
    neuron = Neuron(k=k, v_th=0.5, v_rest=0.0, r=1.0)
    u = jnp.linspace(-8, 8, 401)

    def largest(detach_reset):
        surrogate = Surrogate(kind, 2.0, detach_reset)
        step = jax.vmap(jax.grad(lambda v: lif_step(jnp.zeros(()), v, neuron, surrogate)[1]))
        return float(jnp.abs(step(u / (1 - k))).max())

    assert (largest(False) > 1) == exceeds
    assert largest(True) <= 1


def parts(seed=0, config=CONFIG):
    """A network with different neurons that fire."""
    rng = np.random.default_rng(seed)
    initial = config.initial(seed)
    spread = {
        name: initial[name] + rng.normal(0, 0.3, config.hidden).astype(np.float32) * (name != "v_th")
        for name in PROPERTIES
    }
    return initial | spread


def inputs(steps, batch=5):
    return 4 * np.random.default_rng(1).standard_normal((steps, batch, 3)).astype(np.float32)


def stepped(parts, inputs, surrogate):
    """Readouts by `network_step`, one step after another."""
    network = build(parts)

    def step(state, x):
        output, state = network_step(network, state, x, surrogate)
        return state, output.readout

    return jax.lax.scan(step, initial_state(network, inputs.shape[1:2]), inputs)[1]


def unrolled(parts, inputs, surrogate, remat="none"):
    network = build(parts)
    return unroll(network, initial_state(network, inputs.shape[1:2]), inputs, surrogate, remat)[0]


def gradient(function, surrogate, steps, **options):
    x = inputs(steps)
    target = np.random.default_rng(2).standard_normal((steps, 5, 2)).astype(np.float32)

    def loss(parts):
        readouts = function(parts, x, surrogate, **options)
        return (jnp.square(readouts) + readouts * target).sum()

    return jax.jit(jax.grad(loss))(parts())


@pytest.mark.parametrize("kind", SURROGATES)
@pytest.mark.parametrize("detach_reset", [False, True])
@pytest.mark.parametrize("steps", [1, 11])
def test_unrolled_equals_stepped_forwards_and_backwards(kind, detach_reset, steps):
    surrogate = Surrogate(kind, 1.5, detach_reset)
    x = inputs(steps)
    np.testing.assert_allclose(unrolled(parts(), x, surrogate), stepped(parts(), x, None), atol=1e-5)
    reference = gradient(stepped, surrogate, steps)
    for name, value in gradient(unrolled, surrogate, steps).items():
        assert np.abs(reference[name]).max() > 0
        np.testing.assert_allclose(value, reference[name], rtol=2e-4, atol=2e-4, err_msg=name)


@pytest.mark.parametrize("steps", [1, 9, 11])
def test_segments_change_memory_not_numbers(steps):
    plain, segmented = (gradient(unrolled, Surrogate(), steps, remat=remat) for remat in ("none", "sqrt"))
    for name, value in segmented.items():
        np.testing.assert_allclose(value, plain[name], rtol=1e-4, atol=1e-4, err_msg=name)


def test_segmented_memory_grows_as_the_root():
    wide = parts(config=dataclasses.replace(CONFIG, hidden=128))

    def memory(steps, remat):
        x = jax.ShapeDtypeStruct((steps, 16, 3), jnp.float32)

        def loss(parts, x):
            return jnp.square(unrolled(parts, x, Surrogate(), remat)).sum()

        return jax.jit(jax.grad(loss)).lower(wide, x).compile().memory_analysis().temp_size_in_bytes

    assert memory(1600, "none") / memory(100, "none") > 10
    assert memory(1600, "sqrt") / memory(100, "sqrt") < 6


@pytest.mark.parametrize(("steps", "length"), [(1, 1), (4, 2), (100, 10), (1000, 31)])
def test_segment_length(steps, length):
    assert segment_length(steps) == length


@pytest.fixture
def float64():
    with jax.enable_x64(True):
        yield


@pytest.mark.usefixtures("float64")
def test_smooth_parts_agree_with_finite_differences_in_float64():
    """Without spikes the step is smooth: all but the threshold have a true gradient."""
    silent = {name: np.asarray(value, np.float64) for name, value in parts().items()} | {"v_th": np.full(7, 1e3)}
    x = inputs(20).astype(np.float64)
    drive_out = np.random.default_rng(3).standard_normal((20, 5, 7))

    def potentials(p):
        neuron = Neuron.from_trained(p)

        def step(v, x):
            _, v = lif_step(x @ p["w_in"], v, neuron, Surrogate("triangle"))
            return v, v

        return (jax.lax.scan(step, jnp.broadcast_to(neuron.v_rest, (5, 7)), x)[1] * drive_out).sum()

    exact = jax.jit(jax.grad(potentials))(silent)
    evaluate = jax.jit(potentials)
    for name in ("x_tau", "v_rest", "r", "w_in"):
        for place in np.ndindex(silent[name].shape):
            shifted = [silent | {name: silent[name].copy()} for _ in range(2)]
            for parts_, sign in zip(shifted, (1, -1), strict=True):
                parts_[name][place] += sign * 1e-5
            difference = (evaluate(shifted[0]) - evaluate(shifted[1])) / 2e-5
            assert float(exact[name][place]) == pytest.approx(float(difference), rel=1e-4, abs=1e-6)


@pytest.mark.usefixtures("float64")
def test_readout_weights_agree_with_finite_differences_through_spikes():
    """Readout weights act behind the spikes, so their gradient is true even where neurons fire."""
    p = {name: np.asarray(value, np.float64) for name, value in parts().items()}
    x = inputs(20).astype(np.float64)

    def loss(w_out):
        return jnp.sin(unrolled(p | {"w_out": w_out}, x, Surrogate())).sum()

    exact = jax.jit(jax.grad(loss))(p["w_out"])
    for place in np.ndindex(p["w_out"].shape):
        moved = np.zeros_like(p["w_out"])
        moved[place] = 1e-5
        difference = (loss(p["w_out"] + moved) - loss(p["w_out"] - moved)) / 2e-5
        assert float(exact[place]) == pytest.approx(float(difference), rel=1e-4, abs=1e-6)
    assert np.abs(exact).min() > 0


@pytest.mark.parametrize("alpha", [0.5, 4.0])
def test_gradient_through_1000_steps_is_finite_when_the_reset_is_detached(alpha):
    surrogate = Surrogate("arctan", alpha, detach_reset=True)
    values = gradient(functools.partial(unrolled, remat="sqrt"), surrogate, 1000)
    assert all(np.isfinite(value).all() for value in values.values())


def test_lif_scan_shares_a_program_between_alphas():
    drive = jnp.asarray(inputs(6))

    @jax.jit
    @jax.vmap
    def slope(alpha):
        surrogate = Surrogate("arctan", alpha)
        return jax.grad(lambda d: lif_scan(d, jnp.zeros((5, 3)), 0.75, 0.5, 0.0, surrogate)[0].sum())(drive)

    both = slope(jnp.array([0.5, 4.0]))
    alone = jax.grad(lambda d: lif_scan(d, jnp.zeros((5, 3)), 0.75, 0.5, 0.0, Surrogate("arctan", 4.0))[0].sum())(
        drive
    )
    np.testing.assert_allclose(both[1], alone, rtol=1e-5, atol=1e-6)
    assert not np.allclose(both[0], both[1])
    assert TABLE_4["v_th"] == 0.5
