import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.models import DT_MS, TABLE_4, Neuron, lif_step, physical, tau_ms_from_x, x_tau_from_ms


def simulate(current, neuron, steps, v=0.0):
    v = jnp.float32(v)
    potentials, spikes = [], []
    for _ in range(steps):
        s, v = lif_step(jnp.float32(current), v, neuron)
        potentials.append(float(v))
        spikes.append(float(s))
    return np.array(potentials), np.array(spikes)


@pytest.mark.parametrize(
    ("tau_ms", "v_rest", "r", "current"),
    [(20.0, 0.0, 1.0, 0.4), (50.0, -0.2, 2.0, 0.3), (5.5, 0.1, 0.5, -1.0)],
)
def test_subthreshold_trajectory_is_the_geometric_closed_form(tau_ms, v_rest, r, current):
    # u[t] - v_inf shrinks by (1 - k) a step, with v_inf = v_rest + r I.
    k = DT_MS / tau_ms
    neuron = Neuron(k=jnp.float32(k), v_th=jnp.float32(9.0), v_rest=jnp.float32(v_rest), r=jnp.float32(r))
    potentials, spikes = simulate(current, neuron, 40, v=v_rest)
    v_inf = v_rest + r * current
    expected = v_inf + (v_rest - v_inf) * (1 - k) ** np.arange(1, 41)
    np.testing.assert_allclose(potentials, expected, atol=2e-6)
    assert spikes.sum() == 0


@pytest.mark.parametrize("current", [0.55, 0.7, 1.0, 3.0])
def test_inter_spike_interval_is_exact(current):
    # First n with I (1 - (1-k)^n) >= v_th: n = ceil(log(1 - v_th/I) / log(1 - k)).
    k, v_th = 0.25, 0.5
    neuron = Neuron(k=jnp.float32(k), v_th=jnp.float32(v_th), v_rest=jnp.float32(0), r=jnp.float32(1))
    _, spikes = simulate(current, neuron, 200)
    interval = int(np.ceil(np.log(1 - v_th / current) / np.log(1 - k)))
    np.testing.assert_array_equal(np.flatnonzero(spikes), np.arange(interval - 1, 200, interval))


def test_spike_at_exactly_the_threshold_resets_to_rest():
    neuron = Neuron(k=jnp.float32(0.5), v_th=jnp.float32(0.5), v_rest=jnp.float32(-0.25), r=jnp.float32(1))
    spike, v = lif_step(jnp.float32(1.25), jnp.float32(0.0), neuron)  # u = 0 + 0.5 (1.25 - 0 - 0.25) = 0.5
    assert (float(spike), float(v)) == (1.0, -0.25)


def test_table_4():
    assert TABLE_4["x_tau"] == pytest.approx(-np.log(3))
    si = physical({name: np.float32(value) for name, value in TABLE_4.items()})
    assert si["tau_ms"] == pytest.approx(20.0)
    assert (si["v_th"], si["v_rest"], si["r_ohm"]) == (0.5, 0.0, 5e7)


@given(st.floats(5.01, 1e5))
def test_time_constant_conversion_inverts(tau_ms):
    assert tau_ms_from_x(x_tau_from_ms(tau_ms)) == pytest.approx(tau_ms, rel=1e-9)


@given(st.floats(-30, 30))
def test_every_trained_value_is_a_time_constant_above_the_step(x):
    assert tau_ms_from_x(x) > DT_MS


def test_time_constant_not_above_the_step_is_refused():
    with pytest.raises(ValueError, match="must be greater than dt_ms"):
        x_tau_from_ms([20.0, 5.0])


@pytest.mark.parametrize("change", ["both potentials up by 0.3 V", "resistance and distance times 1.7"])
def test_what_changes_no_spike(change):
    rng = np.random.default_rng(0)
    k, v_th, v_rest, r = rng.uniform(0.01, 0.9, 200), *rng.normal(0.2, 0.3, (3, 200))
    with jax.enable_x64(True):
        before = Neuron(*map(jnp.asarray, (k, v_th, v_rest, r)))
        if change.startswith("both"):
            after = before._replace(v_th=before.v_th + 0.3, v_rest=before.v_rest + 0.3)
        else:
            after = before._replace(v_th=before.v_rest + 1.7 * (before.v_th - before.v_rest), r=1.7 * before.r)
        currents = jnp.asarray(rng.normal(0.5, 1.0, (100, 200)))

        def spikes(neuron):
            def step(v, current):
                s, v = lif_step(current, v, neuron)
                return v, s

            return np.asarray(jax.lax.scan(step, neuron.v_rest, currents)[1])

        expected = spikes(before)
        np.testing.assert_array_equal(spikes(after), expected)
    assert 0.1 < expected.mean() < 0.9
