"""A network as a graph of NIR's nodes, in plain arrays, for the transforms between simulators.

NIR is the Neuromorphic Intermediate Representation of Pedersen et al. (2024),
https://doi.org/10.1038/s41467-024-52259-9. Our neuron is its ``LIF`` with ``v_reset = v_leak = v_rest``, integrated
by Euler's method with a step of 5 ms; our readout is its ``LI`` with Table 4's constants:

    tau dv/dt = (v_leak - v) + r I,     z = 1 and v = v_reset where v > v_threshold

NIR counts time in seconds, knows no time step, and writes weights as [outputs, inputs].
"""

import dataclasses
import itertools
from typing import Any

import numpy as np

from zoo.models import DT_MS, TABLE_4, tau_ms_from_x, x_tau_from_ms

DT_S = DT_MS / 1000.0
READOUT = {
    "tau": tau_ms_from_x(TABLE_4["x_tau"]) / 1000.0,
    "r": TABLE_4["r"],
    "v_leak": TABLE_4["v_rest"],
}
"""Constants of the readout's leaky integrator (Table 4): seconds, multiples of 5e7 ohm, volts."""

_X_TAU_ATOL = 1e-9  # Near tau = 2 dt a float64 time constant resolves x_tau to 1e-15, not to its relative precision.


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """A node of NIR.

    Attributes:
        kind: NIR's name of it: ``Input``, ``Affine``, ``Linear``, ``LIF``, ``LI`` or ``Output``.
        fields: its arrays by NIR's names; ``shape`` for Input and Output.
    """

    kind: str
    fields: dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True, slots=True)
class Graph:
    """Nodes by name, edges between them, and what is said of the whole."""

    nodes: dict[str, Node]
    edges: tuple[tuple[str, str], ...]
    metadata: dict[str, Any] = dataclasses.field(default_factory=dict)

    def with_node(self, name: str, kind: str | None = None, **fields: np.ndarray) -> "Graph":
        """The same graph with other fields of one node; `kind` changes what it is, and then no field stays."""
        old = self.nodes[name]
        new = Node(old.kind, old.fields | fields) if kind is None else Node(kind, fields)
        return dataclasses.replace(self, nodes=self.nodes | {name: new})


def chain(nodes: dict[str, Node], metadata: dict[str, Any] | None = None) -> Graph:
    """The graph in which each node feeds the next."""
    return Graph(nodes, tuple(itertools.pairwise(nodes)), metadata or {})


def shape_node(kind: str, size: int) -> Node:
    """Input or Output of so many numbers."""
    return Node(kind, {"shape": np.array([size])})


def from_parts(parts: dict[str, np.ndarray]) -> Graph:
    """A network as the graph ``input -> w_in -> hidden -> w_out -> readout -> output``, without loss.

    Args:
        parts: of one network: `zoo.models.PROPERTIES` and `zoo.models.WEIGHTS`.

    Raises:
        ValueError: if a time constant is so close to the time step that it would not come back exactly.
    """
    inputs, outputs = parts["w_in"].shape[0], parts["w_out"].shape[1]
    tau_s = tau_ms_from_x(parts["x_tau"]) / 1000.0
    if not np.allclose(x_tau(tau_s), parts["x_tau"], rtol=1e-6, atol=_X_TAU_ATOL):
        worst = float(np.max(parts["x_tau"]))
        raise ValueError(
            f"x_tau (max {worst:g}) leaves a time constant too close to the step of {DT_MS:g} ms for NIR"
        )
    r, v_rest, v_th = (np.array(parts[name]) for name in ("r", "v_rest", "v_th"))
    neurons = {"tau": tau_s, "r": r, "v_leak": v_rest, "v_threshold": v_th, "v_reset": v_rest.copy()}
    return chain(
        {
            "input": shape_node("Input", inputs),
            "w_in": Node("Linear", {"weight": parts["w_in"].T.copy()}),
            "hidden": Node("LIF", neurons),
            "w_out": Node("Linear", {"weight": parts["w_out"].T.copy()}),
            "readout": Node("LI", {name: np.full(outputs, value) for name, value in READOUT.items()}),
            "output": shape_node("Output", outputs),
        }
    )


def x_tau(tau_s: np.ndarray) -> np.ndarray:
    """Trained values of time constants in seconds, as float32."""
    return x_tau_from_ms(np.asarray(tau_s, np.float64) * 1000.0).astype(np.float32)
