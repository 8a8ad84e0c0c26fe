"""The neuron's equation is written several times, for speed: docs/model.md lists where. All are `lif_step`."""

import jax.numpy as jnp
import numpy as np
import pytest

from zoo.analysis.jacobians import potentials
from zoo.models import (
    PROPERTIES,
    NetworkConfig,
    build,
    build_population,
    initial_state,
    lif_scan,
    lif_step,
    network_step,
    pack,
    packed_state,
    population_step,
    unroll,
)
from zoo.tasks.classification import Staircase, respond, step_weights

STEPS, HIDDEN, INPUTS = 12, 32, 3
CONFIG = NetworkConfig(inputs=INPUTS, hidden=HIDDEN, outputs=2, trained=PROPERTIES)


@pytest.fixture(scope="module")
def network():
    """Neurons of all kinds: inverted, restless, slow, fast."""
    rng = np.random.default_rng(0)
    parts = CONFIG.initial(0)
    for name, spread in (("x_tau", 2.0), ("v_th", 0.3), ("v_rest", 0.2), ("r", 1.0)):
        parts[name] = (parts[name] + spread * rng.normal(size=HIDDEN)).astype(np.float32)
    return parts


@pytest.fixture(scope="module")
def inputs():
    return np.random.default_rng(1).normal(size=(STEPS, INPUTS)).astype(np.float32) * 3


def reference(network, currents):
    """Spikes [T, hidden] and potentials of `lif_step`, step by step."""
    neuron, spikes = build(network).neuron, []
    v = jnp.broadcast_to(neuron.v_rest, (HIDDEN,))
    for current in currents:
        fired, v = lif_step(current, v, neuron)
        spikes.append(fired)
    return np.stack(spikes), np.asarray(v)


def by_network_step(network, inputs):
    net = build(network)
    state, spikes = initial_state(net), []
    for now in inputs:
        output, state = network_step(net, state, now)
        spikes.append(output.spikes)
    return np.stack(spikes)


def by_population_step(network, inputs):
    frozen = {name: network[name] for name in ("w_in", "w_out")}
    packed = pack(build_population(CONFIG, frozen, CONFIG.flatten(network)[None]))
    state, spikes = packed_state(packed, (1, 1)), []
    for now in inputs:
        output, state = population_step(packed, state, now[None, None])
        spikes.append(output.spikes[0, 0])
    return np.stack(spikes)


def by_lif_scan(network, inputs):
    neuron = build(network).neuron
    drive = neuron.k * (neuron.r * (inputs @ network["w_in"]) + neuron.v_rest)
    start = jnp.broadcast_to(neuron.v_rest, (HIDDEN,))
    return np.asarray(lif_scan(drive, start, 1 - neuron.k, neuron.v_th, neuron.v_rest)[0])


def by_jacobians(network, inputs):
    return (np.asarray(potentials(network, inputs)) >= network["v_th"]).astype(np.float32)


@pytest.mark.parametrize("write", [by_network_step, by_population_step, by_lif_scan, by_jacobians])
def test_each_writing_spikes_as_lif_step(network, inputs, write):
    spikes, _ = reference(network, inputs @ network["w_in"])
    assert 0.1 < spikes.mean() < 0.9
    np.testing.assert_array_equal(write(network, inputs), spikes)


def test_readouts_over_an_episode_are_those_of_its_steps(network, inputs):
    net = build(network)
    state, readouts = initial_state(net), []
    for now in inputs:
        output, state = network_step(net, state, now)
        readouts.append(output.readout)
    whole, _ = unroll(net, initial_state(net, (1,)), inputs[:, None])
    np.testing.assert_allclose(whole[:, 0], readouts, rtol=1e-5, atol=1e-6)


def test_constant_currents_answer_as_lif_step(network):
    current = np.random.default_rng(2).normal(size=HIDDEN).astype(np.float32) * 2
    neuron = build(network).neuron
    spikes, _ = reference(network, np.tile(current, (4, 1)))
    weighted = (step_weights(4)[:, None] * spikes).sum(0)
    np.testing.assert_allclose(respond(neuron, current, 4).weighted, weighted, rtol=1e-5)
    np.testing.assert_allclose(Staircase.of(neuron, 4)(current), weighted, rtol=1e-4, atol=1e-6)
