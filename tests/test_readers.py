"""The same network in other simulators, each in a Python environment of its own under $ZOO_READERS.

docs/elsewhere.md tells how to make them. Without one, its tests are skipped.
"""

import os
import subprocess
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import zoo
from zoo.interchange import readers
from zoo.interchange.elsewhere import Elsewhere
from zoo.interchange.exporting import export_nir
from zoo.interchange.nir_files import read
from zoo.interchange.parts import to_parts
from zoo.models import build, initial_state, network_step

STEPS = 1000
HET, HOM = "hetsnn-mem25-1024", "homsnn-mem25-1024"


def python_of(reader):
    python = Path(os.environ.get("ZOO_READERS", "")) / reader / "bin/python"
    if "ZOO_READERS" not in os.environ or not python.exists():
        pytest.skip(f"no environment of {reader} under $ZOO_READERS; see docs/elsewhere.md")
    return python


def run_zoo(parts, inputs):
    network = build({name: jnp.asarray(value) for name, value in parts.items()})

    def step(state, current):
        output, state = network_step(network, state, current)
        return state, (output.spikes, output.readout)

    return jax.tree.map(np.asarray, jax.lax.scan(step, initial_state(network), jnp.asarray(inputs))[1])


def run_elsewhere(python, reader, file, inputs):
    with Elsewhere(python, reader, file) as network:
        steps = [network.step(current[None]) for current in inputs]
        network.reset()
        again = network.step(inputs[:1])
    np.testing.assert_array_equal(again[0], steps[0][0])  # A reset begins a new episode.
    return np.concatenate([s for s, _ in steps]), np.concatenate([r for _, r in steps])


@pytest.mark.parametrize("name", [HET, HOM])
@pytest.mark.parametrize("reader", readers.READERS)
def test_every_spike_and_readout_is_the_same(reader, name, tmp_path):
    python, model = python_of(reader), zoo.load(name)
    parts = model.parts()
    if name == HET:
        assert (parts["v_th"] <= parts["v_rest"]).sum() == 54 and (parts["r"] < 0).sum() == 20
    inputs = np.random.default_rng(0).normal(0, 1.5, (STEPS, 3)).astype(np.float32)
    spikes, readout = run_zoo(parts, inputs)
    got = run_elsewhere(python, reader, export_nir(model, tmp_path / "a.nir", reader=reader), inputs)
    assert spikes.sum() > 20_000
    np.testing.assert_array_equal(got[0], spikes)
    np.testing.assert_allclose(got[1], readout, rtol=0, atol=1e-5)
    if (reader, name) == ("nirtorch", HET):
        np.testing.assert_array_equal(got[1], readout)


@pytest.mark.parametrize("reader", readers.READERS)
def test_a_normaliser_in_the_graph_takes_raw_observations(reader, tmp_path):
    python, model = python_of(reader), zoo.load("homsnn-hp-4096")
    stats, rng = model.observation_stats(), np.random.default_rng(0)
    raw = np.asarray(stats.mean + np.sqrt(stats.m2 / stats.count) * rng.uniform(-3, 3, (200, 11)), np.float32)
    spikes, readout = run_zoo(model.parts(), np.asarray(model.observe(raw)))
    file = export_nir(model, tmp_path / "a.nir", reader=reader, normaliser="affine")
    got = run_elsewhere(python, reader, file, raw)
    assert (got[0] != spikes).mean() < 1e-4  # x/std - mean/std rounds otherwise than (x - mean)/std.
    assert np.median(np.abs(got[1] - readout)) < 1e-4


def test_a_simulator_that_ends_says_why(tmp_path):
    python = python_of("nirtorch")
    (tmp_path / "a.nir").write_bytes(b"nothing")
    with Elsewhere(python, "nirtorch", tmp_path / "a.nir") as network:
        with pytest.raises(zoo.ZooError, match="nirtorch ended"):
            network.step(np.zeros((1, 3), np.float32))


EXPORTS = {
    "norse": """
import norse.torch as norse
class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w_in, self.w_out = torch.nn.Linear(3, 6, bias=False), torch.nn.Linear(6, 2, bias=False)
        ones = torch.ones(6)
        self.hidden = norse.LIFBoxCell(norse.LIFBoxParameters(tau_mem_inv=250 * ones, v_leak=0 * ones, v_th=ones / 2))
        self.readout = norse.LIBoxCell(norse.LIBoxParameters(tau_mem_inv=250 * ones[:2], v_leak=0 * ones[:2]))
    def forward(self, x, state=None):
        states = state or (None, None)
        spikes, hidden = self.hidden(self.w_in(x), states[0])
        readout, last = self.readout(self.w_out(spikes), states[1])
        return readout, (hidden, last)
network = Network()
write(norse.to_nir(network, torch.zeros(1, 3)))
def run(inputs):
    state, all_readouts = None, []
    for x in inputs:
        readout, state = network(x[None], state)
        all_readouts.append(readout[0])
    return torch.stack(all_readouts)
""",
    "snntorch": """
import snntorch
from snntorch.export_nir import export_to_nir
w_in, w_out = torch.nn.Linear(3, 6, bias=False), torch.nn.Linear(6, 2, bias=False)
hidden = snntorch.Leaky(beta=0.75 * torch.ones(6), threshold=torch.ones(6), reset_mechanism="zero", init_hidden=True)
network = torch.nn.Sequential(w_in, hidden, w_out)
write(export_to_nir(network, torch.zeros(3)))
hidden.reset_mem()
def run(inputs):
    v, all_readouts = torch.zeros(2), []
    for x in inputs:
        v = v + (w_out(hidden(w_in(x))) - v) / 4
        all_readouts.append(v)
    return torch.stack(all_readouts)
""",
    "sinabs": """
import sinabs.activation, sinabs.layers, sinabs.nir
w_in, w_out = torch.nn.Linear(3, 6, bias=False), torch.nn.Linear(6, 2, bias=False)
tau = -1 / torch.log(torch.tensor(0.75))
single = {"spike_fn": sinabs.activation.SingleSpike, "reset_fn": sinabs.activation.MembraneReset()}
hidden = sinabs.layers.LIFSqueeze(tau_mem=tau * torch.ones(6), spike_threshold=torch.ones(6), norm_input=False,
                                  num_timesteps=1, **single)
readout = sinabs.layers.ExpLeakSqueeze(tau_mem=tau * torch.ones(2), num_timesteps=1)
network = torch.nn.Sequential(w_in, hidden, w_out, readout)
network(torch.zeros(1, 3))
write(sinabs.nir.to_nir(network, torch.zeros(1, 3)))
sinabs.reset_states(network)
def run(inputs):
    return torch.stack([network(x[None])[0] for x in inputs])
""",
}
FRAME = """
import sys
import nir, numpy as np, torch
torch.manual_seed(0)
write = lambda graph: nir.write(sys.argv[1], graph)
{body}
with torch.no_grad():
    w_in.weight.mul_(8) if "w_in" in globals() else network.w_in.weight.mul_(8)
{again}
np.save(sys.argv[3], run(torch.from_numpy(np.load(sys.argv[2]))).detach().numpy())
"""


@pytest.mark.parametrize("origin", EXPORTS)
def test_what_a_simulator_exports_is_imported_with_the_same_readouts(origin, tmp_path):
    python = python_of(origin)
    inputs = np.random.default_rng(0).normal(0, 1.5, (200, 3)).astype(np.float32)
    np.save(tmp_path / "inputs.npy", inputs)
    body, _, rest = EXPORTS[origin].partition("\nwrite(")
    script = FRAME.format(body=body, again="write(" + rest)
    files = [str(tmp_path / name) for name in ("a.nir", "inputs.npy", "readouts.npy")]
    done = subprocess.run([str(python), "-c", script, *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = to_parts(read(tmp_path / "a.nir"), origin)
    spikes, readout = run_zoo(found.parts, inputs)
    assert 0.05 < spikes.mean() < 0.95
    np.testing.assert_allclose(readout, np.load(tmp_path / "readouts.npy"), atol=2e-5)
