import dataclasses
import inspect
import math
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from zoo.models import (
    PROPERTIES,
    WEIGHTS,
    Frozen,
    NetworkConfig,
    SpikingMLP,
    Surrogate,
    Trained,
    build,
    build_population,
    initial_state,
    network_step,
    pack,
    packed_state,
    population_step,
)

HET = NetworkConfig(inputs=3, hidden=8, outputs=2, trained=PROPERTIES)
HOM = NetworkConfig(inputs=3, hidden=8, outputs=2, trained=WEIGHTS)


@pytest.mark.parametrize(("config", "names"), [(HET, PROPERTIES), (HOM, WEIGHTS)])
def test_split_separates_exactly_what_is_trained(config, names):
    _, trained, frozen = nnx.split(SpikingMLP(config, seed=0), Trained, Frozen)
    assert set(nnx.to_pure_dict(trained)) == set(names)
    assert set(nnx.to_pure_dict(frozen)) == set(PROPERTIES + WEIGHTS) - set(names)
    size = sum(leaf.size for leaf in jax.tree.leaves(trained))
    assert size == config.trained_size


@pytest.mark.parametrize("config", [HET, HOM])
def test_population_equals_its_members_one_by_one(config):
    rng = np.random.default_rng(0)
    initial = config.initial(0)
    flat = config.flatten(initial) + 0.3 * rng.normal(size=(4, config.trained_size)).astype(np.float32)
    inputs = rng.normal(size=(6, 4, 5, 3)).astype(np.float32) * 2
    frozen = {name: jnp.asarray(initial[name]) for name in initial if name not in config.trained}
    population = build_population(config, frozen, jnp.asarray(flat))
    state = initial_state(population, (4, 5))
    singles = [build(frozen | config.split(jnp.asarray(row))) for row in flat]
    states = [initial_state(single, (5,)) for single in singles]
    fired = 0
    for step in inputs:
        output, state = network_step(population, state, step)
        for i, single in enumerate(singles):
            one, states[i] = network_step(single, states[i], step[i])
            np.testing.assert_allclose(output.readout[i], one.readout, atol=1e-5)
            np.testing.assert_array_equal(output.spikes[i], one.spikes)
        fired += output.spikes.sum()
    assert fired > 0


def test_readout_is_a_leaky_integrator_with_table_4s_constants():
    net = SpikingMLP(HET, seed=0)
    state = net.initial_state()._replace(v_out=jnp.array([1.0, -2.0]))
    output, _ = net(jnp.zeros(3), state)  # Without spikes it decays by 1 - dt/tau = 0.75.
    np.testing.assert_allclose(output.readout, [0.75, -1.5])


def gradients(net, *surrogate):
    """Of the readouts' sum by the trained parts."""
    inputs = jnp.array([4.0, -1.0, 2.0])

    def readout(net):
        return net(inputs, net.initial_state(), *surrogate)[0].readout.sum()

    return nnx.grad(readout, argnums=nnx.DiffState(0, Trained))(net)


def test_gradients_pass_the_spikes_of_a_module_with_a_surrogate():
    own, given = SpikingMLP(HET, seed=0, surrogate=Surrogate()), SpikingMLP(HET, seed=0)
    seeing = gradients(own)
    assert set(seeing) == set(PROPERTIES)
    assert all(np.any(value[...]) for value in seeing.values())
    jax.tree.map(np.testing.assert_array_equal, seeing, gradients(given, Surrogate()))
    steeper = gradients(own, Surrogate(alpha=5.0))  # What a call is given comes first.
    assert np.any(steeper["v_th"][...] != seeing["v_th"][...])


def test_who_differentiates_a_network_without_a_surrogate_is_warned():
    net = SpikingMLP(HET, seed=0)
    with pytest.warns(UserWarning, match="spikes have no gradient"):
        blind = gradients(net)
    assert not any(np.any(value[...]) for value in blind.values())
    state = net.initial_state()
    with pytest.warns(UserWarning, match="spikes have no gradient"):
        jax.grad(lambda x: net(x, state)[0].readout.sum())(jnp.ones(3))
    # Weights after the spikes do get theirs, without a surrogate and without a word.
    hom = SpikingMLP(HOM, seed=0)
    graph, params = nnx.split(hom)

    def readout(w_out):
        net = nnx.merge(graph, params | {"w_out": w_out})
        return net(jnp.full(3, 4.0), net.initial_state())[0].readout.sum()

    assert np.any(jax.grad(lambda w: readout(params["w_out"].replace(w)))(params["w_out"][...]))


def test_a_surrogate_changes_no_spike_and_survives_split_and_merge():
    plain, seeing = SpikingMLP(HET, seed=0), SpikingMLP(HET, seed=0, surrogate=Surrogate("triangle"))
    again = nnx.merge(*nnx.split(seeing))
    assert again.surrogate == Surrogate("triangle")
    states = [plain.initial_state(32), again.initial_state((32,))]
    inputs = jax.random.normal(jax.random.key(0), (20, 32, 3)) * 3
    for x in inputs:
        (one, states[0]), (other, states[1]) = plain(x, states[0]), again(x, states[1])
        np.testing.assert_array_equal(one.spikes, other.spikes)
        np.testing.assert_allclose(one.readout, other.readout, rtol=1e-6)


def test_flatten_inverts_split():
    flat = np.arange(HOM.trained_size, dtype=np.float32)
    np.testing.assert_array_equal(HOM.flatten(HOM.split(flat)), flat)


def test_initial_spread_is_log_uniform():
    config = NetworkConfig(inputs=1, hidden=1000, outputs=1, trained=("x_tau",), tau_ms=(10.0, 1000.0))
    tau = SpikingMLP(config, seed=0).parts["x_tau"]
    tau_ms = 5 * (1 + np.exp(-np.asarray(tau)))
    assert np.median(tau_ms) == pytest.approx(100, rel=0.01)
    assert (tau_ms.min(), tau_ms.max()) == (pytest.approx(10, rel=0.01), pytest.approx(1000, rel=0.01))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden": 0}, "hidden"),
        ({"trained": ()}, "at least one"),
        ({"trained": ("tau",)}, "at least one"),
        ({"trained": ("v_th", "x_tau")}, "order"),
        ({"tau_ms": (5.0,)}, "above dt_ms"),
        ({"tau_ms": (10.0, 20.0, 30.0)}, "one value or two ends"),
        ({"tau_ms": (math.nan,)}, r"tau_ms \(=\(nan,\)\) must be .* finite and above dt_ms"),
        ({"tau_ms": (20.0, math.inf)}, "each finite"),
        ({"v_th": math.nan}, r"v_th \(=nan\) must be a finite number"),
        ({"v_th": -math.inf}, "finite number"),
    ],
)
def test_impossible_config_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        NetworkConfig(**({"inputs": 3, "hidden": 8, "outputs": 2, "trained": PROPERTIES} | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trained": ["x_tau"]}, r"trained \(=\['x_tau'\]\) must be a tuple of names, such as \('x_tau', 'v_th'\)"),
        ({"trained": "x_tau"}, "must be a tuple of names"),
        ({"tau_ms": 20.0}, r"tau_ms \(=20.0\) must be a tuple .* such as \(20.0,\)"),
    ],
)
def test_a_config_takes_tuples_alone(changes, message):
    given = types.SimpleNamespace(**(dataclasses.asdict(HET) | changes))  # Past the tests' type checker.
    with pytest.raises(ValueError, match=message):
        NetworkConfig.__post_init__(given)


@pytest.mark.parametrize("neurons", [0, -2, 3])
def test_blocks_that_do_not_divide_the_layer_are_refused(neurons):
    with pytest.raises(ValueError, match=rf"\(={neurons}\) must divide the 8 hidden neurons, from 1 on"):
        HET.blocks(neurons)


@pytest.mark.parametrize("seed", [-1, True, 1.5, 2**32, 2**70])
def test_a_seed_of_initial_values_is_an_integer_that_jax_tells_apart(seed):
    initial = inspect.unwrap(NetworkConfig.initial)  # The tests' type checker refuses some of them before.
    with pytest.raises(ValueError, match="must be an integer from 0 to 4,294,967,295"):
        initial(HET, seed)


def test_wrong_inputs_and_values_are_refused():
    net = SpikingMLP(HET, seed=0)
    with pytest.raises(ValueError, match="last axis must be 3"):
        net(jnp.zeros(4), net.initial_state())
    values = {name: np.zeros(8, np.float32) for name in PROPERTIES}
    with pytest.raises(ValueError, match="`r` is float64"):
        SpikingMLP(HET, seed=0, trained=values | {"r": np.zeros(8)})
    with pytest.raises(ValueError, match="the network trains"):
        SpikingMLP(HET, seed=0, trained={"r": np.zeros(8, np.float32)})


@pytest.mark.parametrize("trained", [PROPERTIES, WEIGHTS, (*PROPERTIES, *WEIGHTS)])
def test_population_step_gives_the_same_spikes_and_readouts(trained):
    config = NetworkConfig(inputs=3, hidden=64, outputs=2, trained=trained)
    rng = np.random.default_rng(0)
    initial = config.initial(0)
    flat = config.flatten(initial) + rng.normal(0, 0.3, (5, config.trained_size)).astype(np.float32)
    frozen = {name: initial[name] for name in initial if name not in trained}
    network = build_population(config, frozen, jnp.asarray(flat))
    packed = pack(network)
    usual, lazy = initial_state(network, (5, 2)), packed_state(packed, (5, 2))
    fired = 0
    for _ in range(30):
        inputs = jnp.asarray(rng.normal(0, 2, (5, 2, 3)), jnp.float32)
        expected, usual = network_step(network, usual, inputs)
        output, lazy = population_step(packed, lazy, inputs)
        np.testing.assert_array_equal(output.spikes, expected.spikes)
        np.testing.assert_allclose(output.readout, expected.readout, rtol=1e-5, atol=1e-5)
        fired += int(expected.spikes.sum())
    assert fired > 100


def test_a_block_is_a_narrow_network_with_the_same_neurons_and_weights():
    config = NetworkConfig(inputs=3, hidden=6, outputs=2, trained=("v_th", *WEIGHTS))
    flat = np.arange(config.trained_size, dtype=np.float32)
    parts, narrow = config.split(flat), dataclasses.replace(config, hidden=2)
    index = config.blocks(2)
    assert sorted(index.ravel()) == list(flat)
    block = narrow.split(flat[index[1]])
    np.testing.assert_array_equal(block["v_th"], parts["v_th"][2:4])
    np.testing.assert_array_equal(block["w_in"], parts["w_in"][:, 2:4])
    np.testing.assert_array_equal(block["w_out"], parts["w_out"][2:4])
