import sys

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from zoo.analysis.interchange import DT_S, from_nir, read_nir, to_nir, write_nir
from zoo.core.errors import ZooError
from zoo.models import NetworkConfig, build, initial_state, network_step
from zoo.store.loading import load

STEPS = 1000
CONFIG = NetworkConfig(inputs=3, hidden=6, outputs=2, trained=("x_tau",))
NUMBERS = hnp.arrays(np.float32, 6, elements=st.floats(-4, 4, width=32))


def same(parts, back):
    for name, value in parts.items():
        assert back[name].dtype == value.dtype == np.float32
        np.testing.assert_array_equal(back[name], value)


def spikes_of(parts, inputs):
    network = build({name: jnp.asarray(value) for name, value in parts.items()})

    def step(state, current):
        output, state = network_step(network, state, current)
        return state, output.spikes

    return np.asarray(jax.lax.scan(step, initial_state(network), jnp.asarray(inputs))[1])


def test_without_nir_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(ZooError, match=r"hetsnn-zoo\[nir\]"):
        to_nir(CONFIG.initial(0))


X_TAU = st.floats(-12, 12, width=32).filter(lambda x: x == 0 or abs(x) > 1e-6)


@hypothesis.given(hnp.arrays(np.float32, 6, elements=X_TAU), NUMBERS, NUMBERS, NUMBERS)
@hypothesis.settings(deadline=None, max_examples=50)
def test_round_trip_is_exact(x_tau, v_th, v_rest, r):
    pytest.importorskip("nir")
    parts = CONFIG.initial(0) | {"x_tau": x_tau, "v_th": v_th, "v_rest": v_rest, "r": r}
    same(parts, from_nir(to_nir(parts)))


@pytest.mark.parametrize("name", ["hetsnn-mem25-1024", "homsnn-mem25-1024"])
def test_round_trip_of_published_models_through_a_file(name, tmp_path):
    pytest.importorskip("nir")
    model = load(name)
    for seed in model.seeds[:3]:
        same(model.parts(seed), read_nir(write_nir(model.parts(seed), tmp_path / f"{seed}.nir")))


def test_graph_is_in_physical_units():
    pytest.importorskip("nir")
    graph = to_nir(CONFIG.initial(0))
    assert graph.nodes["hidden"].tau == pytest.approx(np.full(6, 0.020))
    assert graph.nodes["hidden"].v_threshold == pytest.approx(np.full(6, 0.5))
    assert graph.nodes["readout"].tau == pytest.approx(np.full(2, 0.020))
    assert graph.nodes["w_in"].weight.shape == (6, 3)


def test_time_constant_too_close_to_the_time_step_is_refused():
    pytest.importorskip("nir")
    with pytest.raises(ValueError, match="too close"):
        to_nir(CONFIG.initial(0) | {"x_tau": np.full(6, 35.0, np.float32)})


def test_graphs_of_another_form_are_refused():
    pytest.importorskip("nir")
    graph = to_nir(CONFIG.initial(0))
    graph.nodes["hidden"].v_reset = graph.nodes["hidden"].v_reset - 0.1
    with pytest.raises(ValueError, match="another potential"):
        from_nir(graph)
    graph = to_nir(CONFIG.initial(0))
    graph.nodes["readout"].tau = graph.nodes["readout"].tau * 2
    with pytest.raises(ValueError, match="tau = 20 ms"):
        from_nir(graph)
    del graph.nodes["hidden"]
    with pytest.raises(ValueError, match="lacks hidden"):
        from_nir(graph)


@pytest.mark.parametrize("name", ["hetsnn-mem25-1024", "homsnn-mem25-1024", "hetsnn-cartpole500-1024"])
@pytest.mark.filterwarnings("ignore")  # Other people's.
def test_norse_fires_the_same_spikes(name):
    pytest.importorskip("nir")
    torch = pytest.importorskip("torch")
    import_nir = pytest.importorskip("norse.torch.utils.import_nir")
    model = load(name)
    parts = model.parts(model.seeds[0])
    inputs = np.random.default_rng(0).normal(0, 1.5, (STEPS, model.network_config.inputs)).astype(np.float32)
    ours = spikes_of(parts, inputs)
    cells = dict(import_nir.from_nir(to_nir(parts, folded=True), dt=DT_S).named_children())
    state, theirs = None, []
    with torch.no_grad():
        for current in torch.from_numpy(inputs):
            spikes, state = cells["hidden"](cells["w_in"](current), state)
            theirs.append(spikes.numpy())
    assert 0.01 < ours.mean() < 0.9
    np.testing.assert_array_equal(np.stack(theirs), ours)
