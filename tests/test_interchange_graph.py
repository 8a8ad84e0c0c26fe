"""Graphs that compute the same spikes in other words: each transform, and each reader's rules in NumPy."""

import dataclasses

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import zoo
from zoo.cli import elsewhere
from zoo.interchange import readers, transforms
from zoo.interchange.graph import DT_S, from_parts
from zoo.interchange.parts import ORIGINS, to_parts
from zoo.models import NetworkConfig, build, initial_state, network_step

CONFIG = NetworkConfig(inputs=3, hidden=6, outputs=2, trained=("x_tau",))
STEPS = 60


@pytest.fixture
def parts():
    """All that readers stumble over: thresholds below and at rest, negative resistances, slow neurons."""
    return CONFIG.initial(0) | {
        "x_tau": np.array([-1.1, 2.0, 1.0, 0.0, -0.3, -3.0], np.float32),
        "v_th": np.array([0.5, 0.1, -0.4, 0.2, -0.2, 0.15], np.float32),
        "v_rest": np.array([0.0, 0.3, -0.1, 0.2, -0.5, 0.1], np.float32),
        "r": np.array([1.0, -2.0, 3.0, 1.5, -0.7, 3.0], np.float32),
    }


@pytest.fixture
def inputs():
    return np.random.default_rng(1).normal(0, 1.5, (STEPS, 3)).astype(np.float32)


def of_the_zoo(parts, inputs):
    """Spikes and readouts, in float64 as the references of this file."""
    with jax.enable_x64(True):
        network = build({name: jnp.asarray(value, jnp.float64) for name, value in parts.items()})

        def step(state, current):
            output, state = network_step(network, state, current)
            return state, (output.spikes, output.readout)

        return jax.tree.map(np.asarray, jax.lax.scan(step, initial_state(network), inputs.astype(np.float64))[1])


def simulate(
    graph, inputs, *, dt=DT_S, exponential=False, honours_r=True, resets_to=None, above=False, delayed_reset=False
):
    """What a simulator that follows these rules makes of a graph: spikes, and what its last node gives."""
    nodes, spikes, outputs = graph.nodes, [], []
    hidden = {name: np.float64(value) for name, value in nodes["hidden"].fields.items()}
    state, v_out, fired = hidden["v_leak"].copy(), 0.0, np.zeros(hidden["tau"].shape, bool)

    def layer(fields, v, current):
        if exponential:
            return np.exp(-1 / fields["tau"]) * v + current
        r = fields["r"] if honours_r else 1.0
        return v + dt / fields["tau"] * (r * current - v + fields["v_leak"])

    for x in inputs.astype(np.float64):
        for name in ("normaliser", "w_in"):
            if name in nodes:
                x = nodes[name].fields["weight"] @ x + nodes[name].fields.get("bias", 0.0)
        reset = hidden["v_reset"] if resets_to is None else resets_to
        if delayed_reset:
            state = np.where(fired, reset, state)
        state = layer(hidden, state, x)
        fired = state > hidden["v_threshold"] if above else state >= hidden["v_threshold"]
        if not delayed_reset:
            state = np.where(fired, reset, state)
        spikes.append(fired.astype(float))
        value = spikes[-1]
        if "w_out" in nodes:
            value = nodes["w_out"].fields["weight"] @ value
        if "readout" in nodes:
            v_out = value = layer({k: np.float64(v) for k, v in nodes["readout"].fields.items()}, v_out, value)
        outputs.append(value)
    return np.stack(spikes), np.stack(outputs)


RULES = {
    "nirtorch": {},
    "norse": {"honours_r": False, "resets_to": 0.0, "above": True},
    "sinabs": {"exponential": True, "resets_to": 0.0},
    "snntorch": {"dt": 1e-4, "resets_to": 0.0, "above": True, "delayed_reset": True},
}


@pytest.mark.parametrize("reader", RULES)
def test_by_each_readers_rules_its_graph_fires_the_same_spikes(reader, parts, inputs):
    spikes, readout = of_the_zoo(parts, inputs)
    graph = readers.graph_for(from_parts(parts), reader)
    if "hidden_v_threshold" in graph.metadata:  # What the lines after import do.
        assert np.unique(graph.nodes["hidden"].fields["v_threshold"]).size == 1
        graph = graph.with_node("hidden", v_threshold=graph.metadata["hidden_v_threshold"])
    got, output = simulate(graph, inputs, **RULES[reader])
    assert 0.05 < spikes.mean() < 0.95 and ((spikes.sum(0) > 0) & (spikes.sum(0) < STEPS)).all()
    np.testing.assert_array_equal(got, spikes)
    if "readout" not in graph.nodes:
        output = integrated(output)
    np.testing.assert_allclose(output, readout, atol=1e-5)


def integrated(sums, k=0.25):
    """The readout out of the sums that feed it."""
    v, all_v = 0.0, []
    for value in sums:
        v = v + k * (value - v)
        all_v.append(v)
    return np.stack(all_v)


def test_without_its_transforms_the_lossless_graph_goes_wrong_where_r_and_the_reset_are_ignored(parts, inputs):
    spikes, _ = of_the_zoo(parts, inputs)
    got, _ = simulate(from_parts(parts), inputs, **RULES["norse"])
    assert (got != spikes).sum() > 20


SAME = {
    "from_rest": transforms.from_rest,
    "fold_resistance": transforms.fold_resistance,
    "both": lambda graph: transforms.from_rest(transforms.fold_resistance(graph)),
    "gain": lambda graph: transforms.fold_gain(
        transforms.from_rest(transforms.fold_resistance(graph)), "hidden", "w_in"
    ),
    "readout_gain": lambda graph: transforms.fold_gain(graph, "readout", "w_out"),
    "units": lambda graph: transforms.unit_threshold(transforms.from_rest(graph)),
    "affine": transforms.affine,
}


@pytest.mark.parametrize("name", SAME)
def test_a_transform_changes_no_spike_and_no_readout(name, parts, inputs):
    if name == "gain":
        parts = parts | {"r": np.ones(6, np.float32)}
    graph = SAME[name](from_parts(parts))
    spikes, readout = of_the_zoo(parts, inputs)
    got, output = simulate(graph, inputs)
    np.testing.assert_array_equal(got, spikes)
    np.testing.assert_allclose(output, readout, atol=1e-9)


def test_thresholds_in_units_are_one_or_minus_one_or_zero(parts):
    graph = transforms.unit_threshold(transforms.from_rest(from_parts(parts)))
    assert graph.nodes["hidden"].fields["v_threshold"].tolist() == [1, -1, -1, 0, 1, 1]


def test_a_float_lower_is_the_next_one():
    graph = from_parts(CONFIG.initial(0))
    lower = transforms.fire_above(graph).nodes["hidden"].fields["v_threshold"]
    assert (lower < np.float32(0.5)).all() and (np.nextafter(lower, np.float32(1)) == np.float32(0.5)).all()


def test_exponential_decay_is_the_eulers(parts):
    graph = from_parts(parts)
    tau = transforms.exponential_decay(graph, "hidden").nodes["hidden"].fields["tau"]
    np.testing.assert_allclose(np.exp(-1 / tau), 1 - DT_S / graph.nodes["hidden"].fields["tau"], rtol=1e-12)


@pytest.mark.parametrize(
    ("readout", "last", "size"), [("li", "readout", 2), ("affine", "w_out", 2), ("none", "hidden", 6)]
)
def test_a_graph_ends_where_it_is_told(readout, last, size, parts):
    graph = transforms.end_at(from_parts(parts), readout)
    assert graph.edges[-1] == (last, "output") and graph.nodes["output"].fields["shape"] == [size]


def test_raw_observations(parts, inputs):
    mean, std = np.array([1.0, -2.0, 0.5], np.float32), np.array([2.0, 0.1, 1.0], np.float32)
    graph = transforms.normalise_inputs(from_parts(parts), mean, std)
    spikes, _ = of_the_zoo(parts, ((inputs - mean) / std).astype(np.float32))
    got, _ = simulate(graph, inputs)
    assert (got != spikes).mean() < 0.01  # float32 rounds what the reference is given.
    back = to_parts(graph)
    np.testing.assert_allclose(back.normaliser, (mean, std), rtol=1e-6)
    np.testing.assert_array_equal(back.parts["w_in"], parts["w_in"])


def test_a_node_per_neuron_sums_up_to_the_same(parts, inputs):
    graph = readers.graph_for(from_parts(parts), "spikingjelly")
    spikes, readout = of_the_zoo(parts, inputs)
    total, each = 0.0, []
    for i in range(6):
        nodes = {name: graph.nodes[f"{name}_{i}"] for name in ("w_in", "hidden", "w_out")}
        assert {("input", f"w_in_{i}"), (f"hidden_{i}", f"w_out_{i}"), (f"w_out_{i}", "w_out")} <= set(graph.edges)
        one, sums = simulate(dataclasses.replace(graph, nodes=nodes), inputs)
        each.append(one[:, 0])
        total = total + sums
    np.testing.assert_array_equal(np.stack(each, 1), spikes)
    np.testing.assert_array_equal(graph.nodes["w_out"].fields["weight"], np.eye(2))
    np.testing.assert_allclose(integrated(total), readout, atol=1e-5)


def test_spikingjelly_takes_neurons_that_are_all_alike_as_one_node():
    graph = readers.graph_for(from_parts(CONFIG.initial(0)), "spikingjelly")
    assert list(graph.nodes) == ["input", "w_in", "hidden", "w_out", "output"]


def test_what_no_file_can_say_is_refused_with_the_reason(parts):
    graph = from_parts(parts)
    for reader in readers.REFUSED:
        with pytest.raises(ValueError, match=f"all 6 hidden neurons.*{reader}"):
            readers.graph_for(graph, reader)
    with pytest.raises(ValueError, match="known: nirtorch, norse"):
        readers.graph_for(graph, "brian")
    with pytest.raises(ValueError, match=r"readout \(='li'\) must be one of affine, none for norse"):
        readers.graph_for(graph, "norse", "li")
    with pytest.raises(ValueError, match="a node each"):
        readers.graph_for(graph, "spikingjelly", "none")
    many = from_parts(zoo.load("hetsnn-ant-16384").parts())
    with pytest.raises(ValueError, match=r"these 4,096 are of 4,096 kinds"):
        readers.graph_for(many, "spikingjelly")


def test_the_command_line_knows_all_readers_and_origins():
    assert set(elsewhere.READERS) == {*readers.READERS, *readers.REFUSED}
    assert set(elsewhere.ORIGINS) == set(ORIGINS)


NUMBERS = hnp.arrays(np.float32, 6, elements=st.floats(-4, 4, width=32))
X_TAU = st.floats(-12, 12, width=32).filter(lambda x: x == 0 or abs(x) > 1e-6)


@hypothesis.given(hnp.arrays(np.float32, 6, elements=X_TAU), NUMBERS, NUMBERS, NUMBERS)
@hypothesis.settings(deadline=None, max_examples=50)
def test_there_and_back_is_exact(x_tau, v_th, v_rest, r):
    parts = CONFIG.initial(0) | {"x_tau": x_tau, "v_th": v_th, "v_rest": v_rest, "r": r}
    back = to_parts(from_parts(parts)).parts
    for name, value in parts.items():
        assert back[name].dtype == np.float32
        np.testing.assert_array_equal(back[name], value)


@pytest.mark.parametrize("reader", ["norse", "snntorch", "sinabs"])
def test_a_readers_graph_comes_back_as_a_network_of_the_same_spikes(reader, parts, inputs):
    graph = readers.graph_for(from_parts(parts), reader)
    spikes, readout = of_the_zoo(parts, inputs)
    got, output = of_the_zoo(to_parts(graph).parts, inputs)
    np.testing.assert_array_equal(got, spikes)
    np.testing.assert_allclose(output, readout, atol=1e-5)


def test_graph_is_in_physical_units():
    nodes = from_parts(CONFIG.initial(0)).nodes
    assert nodes["hidden"].fields["tau"] == pytest.approx(np.full(6, 0.020))
    assert nodes["hidden"].fields["v_threshold"] == pytest.approx(np.full(6, 0.5))
    assert nodes["readout"].fields["tau"] == pytest.approx(np.full(2, 0.020))
    assert nodes["w_in"].fields["weight"].shape == (6, 3)


def test_time_constant_too_close_to_the_time_step_is_refused():
    with pytest.raises(ValueError, match="too close"):
        from_parts(CONFIG.initial(0) | {"x_tau": np.full(6, 35.0, np.float32)})
