"""Simulators that read NIR files, what they honour of them, and the graphs that make them fire the same spikes."""

import dataclasses
from collections.abc import Callable
from importlib import resources

import numpy as np

from zoo.interchange import transforms as t
from zoo.interchange.graph import Graph

_SNNTORCH_DT_S = 1e-4
_MOST_NODES = 512
"""Of neurons that are a node each: nirtorch's import takes a time that grows with the square of their number."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A simulator that can compute a zoo's network.

    Attributes:
        name: as after ``--for``.
        version: in which this was checked.
        prepare: makes the graph that it computes rightly; raises ValueError where none does.
        readouts: what `transforms.end_at` may leave in the graph, the default first.
        applied: the transforms in words, for the file's metadata.
    """

    name: str
    version: str
    prepare: Callable[[Graph], Graph]
    readouts: tuple[str, ...]
    applied: str

    @property
    def lines(self) -> str:
        """Python that loads the file in this simulator and says what the file cannot; `load` gives its step."""
        return resources.files("zoo.interchange").joinpath(f"lines/load_{self.name}.py").read_text(encoding="utf-8")


def graph_for(graph: Graph, reader: str, readout: str | None = None) -> Graph:
    """The graph that makes a simulator fire the same spikes.

    Args:
        graph: of `from_parts`, perhaps after `transforms.normalise_inputs`.
        reader: name of a simulator.
        readout: what the graph ends with (`transforms.end_at`), by default all that the reader can compute.

    Raises:
        ValueError: if the reader is unknown, cannot compute this network, or not this readout.
    """
    if reader in REFUSED:
        count = len(graph.nodes["hidden"].fields["tau"])
        raise ValueError(f"no NIR file makes all {count:,} hidden neurons fire the same spikes: {REFUSED[reader]}")
    if reader not in READERS:
        raise ValueError(f"unknown reader '{reader}'; known: {', '.join(READERS)}")
    found = READERS[reader]
    readout = readout or found.readouts[0]
    if readout not in found.readouts:
        raise ValueError(
            f"readout (='{readout}') must be one of {', '.join(found.readouts)} for {reader} {found.version}"
        )
    ready = found.prepare(t.end_at(graph, readout))
    entries = {"reader": f"{found.name} {found.version}", "transform": found.applied, "readout": readout}
    return dataclasses.replace(ready, metadata=ready.metadata | entries)


def not_above_rest(graph: Graph) -> np.ndarray:
    """Hidden neurons, by number, whose thresholds the file cannot hold and the lines after import set."""
    return np.flatnonzero(graph.metadata.get("hidden_v_threshold", np.ones(1)) <= 0)


def _norse(graph: Graph) -> Graph:
    return t.as_float32(t.fire_above(t.from_rest(t.fold_resistance(graph))))


def _snntorch(graph: Graph) -> Graph:
    """Thresholds that have no unit go into the metadata, from where the lines after import set them."""
    graph = t.fold_gain(t.from_rest(t.fold_resistance(graph)), "hidden", "w_in")
    graph = t.as_float32(t.fire_above(t.other_step(t.unit_threshold(graph), _SNNTORCH_DT_S)))
    thresholds = graph.nodes["hidden"].fields["v_threshold"]
    if (thresholds > 0).all():
        return graph
    graph = graph.with_node("hidden", v_threshold=np.full_like(thresholds, thresholds.max()))
    return dataclasses.replace(graph, metadata=graph.metadata | {"hidden_v_threshold": thresholds})


def _sinabs(graph: Graph) -> Graph:
    graph = t.fold_gain(t.from_rest(t.fold_resistance(graph)), "hidden", "w_in")
    graph = t.exponential_decay(graph, "hidden")
    if "readout" in graph.nodes:
        graph = t.exponential_decay(t.fold_gain(graph, "readout", "w_out"), "readout")
        graph = graph.with_node("readout", r=np.ones_like(graph.nodes["readout"].fields["r"]))
    return t.as_float32(t.affine(graph))


def _spikingjelly(graph: Graph) -> Graph:
    neurons = graph.nodes["hidden"].fields
    uniform = all(np.unique(value).size == 1 for value in neurons.values())
    if uniform and neurons["r"].flat[0] == 1:
        return t.as_float32(graph)
    if "w_out" not in graph.nodes:
        raise ValueError("spikingjelly takes heterogeneous neurons as a node each, whose spikes no graph can gather")
    count = len(neurons["r"])
    if count > _MOST_NODES:
        kinds = len(np.unique(np.stack([neurons[name] for name in ("tau", "v_threshold")]), axis=1).T)
        raise ValueError(
            f"spikingjelly takes one value for all neurons of a node, and these {count:,} are of {kinds:,} kinds: "
            f"each would be a node of its own, and its import takes minutes from {_MOST_NODES:,} nodes on"
        )
    return t.as_float32(t.node_per_neuron(t.from_rest(t.fold_resistance(graph))))


def _as_it_is(graph: Graph) -> Graph:
    return graph


READERS = {
    reader.name: reader
    for reader in (
        Reader(name="nirtorch", version="2.6", prepare=_as_it_is, readouts=("li", "affine", "none"), applied="none"),
        Reader(
            name="norse",
            version="1.1.0",
            prepare=_norse,
            readouts=("affine", "none"),
            applied="potentials counted from rest; r in the weights; thresholds one float lower: it fires above",
        ),
        Reader(
            name="snntorch",
            version="1.0.0",
            prepare=_snntorch,
            readouts=("affine", "none"),
            applied="potentials counted from rest, in units of the threshold; r and dt/tau in the weights; a step of "
            "0.1 ms, time constants with it; thresholds one float lower, since it fires above",
        ),
        Reader(
            name="sinabs",
            version="3.1.3",
            prepare=_sinabs,
            readouts=("li", "affine", "none"),
            applied="potentials counted from rest; r and dt/tau in the weights; time constants in steps, of a decay "
            "by exp(-1/tau); affine nodes for linear ones; without v_reset, which its nir 1.0.4 cannot read",
        ),
        Reader(
            name="spikingjelly",
            version="2.0.0",
            prepare=_spikingjelly,
            readouts=("affine", "none"),
            applied="heterogeneous neurons: potentials counted from rest, r in the weights, a node per neuron",
        ),
    )
}

REFUSED = {
    "spyx": (
        "spyx 1.0.0 subtracts the threshold, a step late, where these neurons are reset to rest; it knows no "
        "resistance, no resting potential and no leaky integrator"
    ),
    "rockpool": ("rockpool 3.1.0 reads neither LIF nor LI with their own time constants"),
}
