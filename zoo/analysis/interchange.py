"""Interchange with other simulators through NIR, the Neuromorphic Intermediate Representation.

Pedersen et al. (2024), https://doi.org/10.1038/s41467-024-52259-9. Needs the optional package ``nir``.
Our neuron is NIR's ``LIF`` with ``v_reset = v_leak = v_rest``, integrated by Euler's method with a time step of
5 ms; our readout is NIR's ``LI`` with Table 4's constants. NIR counts time in seconds and knows no time step, so
that a simulator must be told ``dt = 0.005``.
"""

import itertools
from pathlib import Path

import numpy as np

from zoo.core.errors import ZooError
from zoo.models import DT_MS, TABLE_4, tau_ms_from_x, x_tau_from_ms

DT_S = DT_MS / 1000.0
_X_TAU_ATOL = 1e-9  # Near tau = 2 dt a float64 time constant resolves x_tau to 1e-15, not to its relative precision.


def _import_nir():
    try:
        import nir
    except ImportError as error:
        raise ZooError("NIR needs the package `nir`: pip install 'hetsnn-zoo[nir]'") from error
    return nir


def to_nir(parts: dict[str, np.ndarray], *, folded: bool = False):
    """A network as a NIR graph: input -> Linear -> LIF -> Linear -> LI -> output.

    Args:
        parts: of one network: `PROPERTIES` and `WEIGHTS`.
        folded: put the resistance into the first weights, and each neuron's zero of potential at its
            v_rest, so that r = 1 and v_leak = v_reset = 0. The spikes are the same up to rounding; some
            simulators support nothing else. Such a graph does not come back by `from_nir`.

    Returns:
        A ``nir.NIRGraph``. Unless `folded`, `from_nir` returns exactly the same parts (an x_tau within 1e-8 of 0,
        which no published model has, comes back to within 1e-15).

    Raises:
        ZooError: if ``nir`` is not installed.
        ValueError: if a time constant is so close to the time step that it would not come back exactly.
    """
    nir = _import_nir()
    outputs = parts["w_out"].shape[1]
    tau_s = tau_ms_from_x(parts["x_tau"]) / 1000.0
    if not np.allclose(_x_tau(tau_s), parts["x_tau"], rtol=1e-6, atol=_X_TAU_ATOL):
        worst = float(np.max(parts["x_tau"]))
        raise ValueError(
            f"x_tau (max {worst:g}) leaves a time constant too close to the step of {DT_MS:g} ms for NIR"
        )
    r, v_rest, v_th, w_in = (np.array(parts[name]) for name in ("r", "v_rest", "v_th", "w_in"))
    if folded:
        r, v_rest, v_th, w_in = np.ones_like(r), np.zeros_like(v_rest), v_th - v_rest, w_in * r
    neuron = nir.LIF(tau=tau_s, r=r, v_leak=v_rest, v_threshold=v_th, v_reset=v_rest.copy())
    readout = nir.LI(
        tau=np.full(outputs, tau_ms_from_x(TABLE_4["x_tau"]) / 1000.0),
        r=np.full(outputs, TABLE_4["r"]),
        v_leak=np.full(outputs, TABLE_4["v_rest"]),
    )
    nodes = {
        "input": nir.Input(input_type={"input": np.array([w_in.shape[0]])}),
        "w_in": nir.Linear(weight=w_in.T.copy()),
        "hidden": neuron,
        "w_out": nir.Linear(weight=parts["w_out"].T.copy()),
        "readout": readout,
        "output": nir.Output(output_type={"output": np.array([outputs])}),
    }
    names = list(nodes)
    return nir.NIRGraph(nodes=nodes, edges=list(itertools.pairwise(names)))


def _x_tau(tau_s: np.ndarray) -> np.ndarray:
    return x_tau_from_ms(np.asarray(tau_s, np.float64) * 1000.0).astype(np.float32)


def from_nir(graph) -> dict[str, np.ndarray]:
    """Parts of a network out of a NIR graph that `to_nir` made (or one of the same form).

    Raises:
        ValueError: if the graph has other nodes, a reset apart from rest, or another readout than Table 4's.
    """
    missing = [name for name in ("w_in", "hidden", "w_out", "readout") if name not in graph.nodes]
    if missing:
        raise ValueError(f"graph has the nodes {sorted(graph.nodes)}; it lacks {', '.join(missing)}")
    neuron, readout = graph.nodes["hidden"], graph.nodes["readout"]
    if not np.array_equal(neuron.v_leak, neuron.v_reset):
        raise ValueError("`hidden` resets to another potential than it leaks to; the zoo's neurons have one v_rest")
    constants = (np.asarray(readout.tau) * 1000.0, readout.r, readout.v_leak)
    wanted = (tau_ms_from_x(TABLE_4["x_tau"]), TABLE_4["r"], TABLE_4["v_rest"])
    if not all(np.allclose(got, want) for got, want in zip(constants, wanted, strict=True)):
        raise ValueError(f"`readout` must have tau = {wanted[0]:g} ms, r = {wanted[1]:g}, v_leak = {wanted[2]:g}")
    return {
        "x_tau": _x_tau(neuron.tau),
        "v_th": np.asarray(neuron.v_threshold, np.float32),
        "v_rest": np.asarray(neuron.v_leak, np.float32),
        "r": np.asarray(neuron.r, np.float32),
        "w_in": np.ascontiguousarray(np.asarray(graph.nodes["w_in"].weight, np.float32).T),
        "w_out": np.ascontiguousarray(np.asarray(graph.nodes["w_out"].weight, np.float32).T),
    }


def write_nir(parts: dict[str, np.ndarray], path: Path, *, folded: bool = False) -> Path:
    """Writes a network as a NIR file (HDF5).

    Raises:
        ZooError: if ``nir`` is not installed.
    """
    nir = _import_nir()
    path.parent.mkdir(parents=True, exist_ok=True)
    nir.write(str(path), to_nir(parts, folded=folded))
    return path


def read_nir(path: Path) -> dict[str, np.ndarray]:
    """Parts of a network out of a NIR file.

    Raises:
        ZooError: if ``nir`` is not installed.
        ValueError: if the graph is not of the zoo's form.
    """
    return from_nir(_import_nir().read(str(path)))
