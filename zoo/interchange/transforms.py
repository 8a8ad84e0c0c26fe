"""Graphs that compute the same spikes in other words, for simulators that know fewer of them.

Each is a pure function from a graph of `from_parts`' form to another. Arithmetic is in float64; what the reader
rounds, it rounds once. With h = v_threshold - v_leak and k = dt / tau, our neuron (Eq. 2) in potentials counted from
its rest is

    u[t] = (1 - k) v[t-1] + k r I[t],     z[t] = H(u[t] - h),     v[t] = u[t] (1 - z[t])
"""

import dataclasses
import itertools

import numpy as np

from zoo.interchange.graph import DT_S, Graph, Node, chain, shape_node


def _hidden(graph: Graph) -> dict[str, np.ndarray]:
    return {name: np.asarray(value, np.float64) for name, value in graph.nodes["hidden"].fields.items()}


def _weight(graph: Graph, name: str) -> np.ndarray:
    return np.asarray(graph.nodes[name].fields["weight"], np.float64)


def height(graph: Graph) -> np.ndarray:
    """[hidden] h: thresholds above rest, in volts; what is not above 0 has no unit threshold."""
    neurons = _hidden(graph)
    return neurons["v_threshold"] - neurons["v_leak"]


def from_rest(graph: Graph) -> Graph:
    """Potentials counted from each neuron's rest: v_leak = v_reset = 0, thresholds h."""
    zeros = np.zeros_like(height(graph))
    return graph.with_node("hidden", v_threshold=height(graph), v_leak=zeros, v_reset=zeros.copy())


def fold_resistance(graph: Graph) -> Graph:
    """Resistances of 1, their values in the weights: ``r (W x) = (r W) x``."""
    r = _hidden(graph)["r"]
    return graph.with_node("w_in", weight=_weight(graph, "w_in") * r[:, None]).with_node("hidden", r=np.ones_like(r))


def fold_gain(graph: Graph, layer: str, weights: str) -> Graph:
    """The Euler step's factor on the input, k = dt/tau, in the weights before a layer; in NIR, r = 1/k."""
    k = DT_S / np.asarray(graph.nodes[layer].fields["tau"], np.float64)
    return graph.with_node(weights, weight=_weight(graph, weights) * k[:, None]).with_node(layer, r=1 / k)


def unit_threshold(graph: Graph) -> Graph:
    """Potentials in units of abs(h): thresholds 1, -1 where h is negative, 0 where it is 0. Needs v_leak = 0."""
    h = height(graph)
    scale = np.where(h == 0, 1.0, np.abs(h))
    weight = _weight(graph, "w_in") / scale[:, None]
    return graph.with_node("w_in", weight=weight).with_node("hidden", v_threshold=h / scale)


def fire_above(graph: Graph) -> Graph:
    """Thresholds one float32 lower, so that "above" them is what "at or above" was."""
    v_threshold = _hidden(graph)["v_threshold"].astype(np.float32)
    return graph.with_node("hidden", v_threshold=np.nextafter(v_threshold, np.float32(-np.inf)))


def other_step(graph: Graph, dt_s: float) -> Graph:
    """Time constants for a reader whose step is fixed at `dt_s`: ``dt/tau`` stays the same."""
    neurons = _hidden(graph)
    return graph.with_node("hidden", tau=neurons["tau"] * (dt_s / DT_S))


def exponential_decay(graph: Graph, layer: str) -> Graph:
    """Time constants in steps of a reader that decays by exp(-1/tau'): ``tau' = -1 / ln(1 - dt/tau)``."""
    k = DT_S / np.asarray(graph.nodes[layer].fields["tau"], np.float64)
    tau = -1 / np.log1p(-k)
    return graph.with_node(layer, tau=tau)


def affine(graph: Graph) -> Graph:
    """Linear nodes as affine ones without offset, for readers that know no others."""
    for name, node in graph.nodes.items():
        if node.kind == "Linear":
            weight = node.fields["weight"]
            graph = graph.with_node(name, "Affine", weight=weight, bias=np.zeros(len(weight), weight.dtype))
    return graph


_LAST = {"li": "readout", "affine": "w_out", "none": "hidden"}
"""The last node of a graph, by what it ends with."""


def end_at(graph: Graph, readout: str) -> Graph:
    """The graph up to its leaky integrator (``li``), the sums that feed it (``affine``), or spikes (``none``).

    Raises:
        ValueError: if `readout` is none of these.
    """
    last = _LAST.get(readout)
    if last is None:
        raise ValueError(f"readout (='{readout}') must be one of {', '.join(_LAST)}")
    names = list(graph.nodes)
    kept = {name: graph.nodes[name] for name in names[: names.index(last) + 1]}
    size = len(next(iter(kept[last].fields.values())))
    return chain(kept | {"output": shape_node("Output", size)}, graph.metadata)


def normalise_inputs(graph: Graph, mean: np.ndarray, std: np.ndarray) -> Graph:
    """Raw observations in: an affine node ``(x - mean) / std`` before the first weights. It cannot clip."""
    mean, std = np.asarray(mean, np.float64), np.asarray(std, np.float64)
    node = Node("Affine", {"weight": np.diag(1 / std), "bias": -mean / std})
    first, *others = graph.nodes
    return chain(
        {first: graph.nodes[first], "normaliser": node} | {name: graph.nodes[name] for name in others},
        graph.metadata,
    )


def node_per_neuron(graph: Graph) -> Graph:
    """Each hidden neuron as a node of its own, for readers that want one value of everything in a node.

    Neuron i becomes ``… -> w_in_i -> hidden_i -> w_out_i -> w_out``; ``w_out``, now the identity, receives the sum.
    """
    neurons, w_in, w_out = graph.nodes["hidden"].fields, graph.nodes["w_in"].fields, graph.nodes["w_out"].fields
    names = list(graph.nodes)
    before = names[names.index("w_in") - 1]
    kept = {name: node for name, node in graph.nodes.items() if name not in ("w_in", "hidden")}
    kept["w_out"] = Node("Linear", {"weight": np.eye(len(w_out["weight"]))})
    edges = [edge for edge in graph.edges if set(edge) <= set(kept)]
    for i in range(len(w_in["weight"])):
        own = {
            f"w_in_{i}": Node("Linear", {"weight": w_in["weight"][i : i + 1]}),
            f"hidden_{i}": Node("LIF", {name: value[i : i + 1] for name, value in neurons.items()}),
            f"w_out_{i}": Node("Linear", {"weight": w_out["weight"][:, i : i + 1]}),
        }
        kept |= own
        path = (before, *own, "w_out")
        edges += itertools.pairwise(path)
    return dataclasses.replace(graph, nodes=kept, edges=tuple(edges))


def as_float32(graph: Graph) -> Graph:
    """All arrays but shapes in float32, as readers compute."""
    nodes = {
        name: node
        if node.kind in ("Input", "Output")
        else Node(node.kind, {key: np.asarray(value, np.float32) for key, value in node.fields.items()})
        for name, node in graph.nodes.items()
    }
    return dataclasses.replace(graph, nodes=nodes)
