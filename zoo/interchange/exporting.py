"""A model's network as a NIR graph or file: lossless, or as a simulator computes it rightly."""

import dataclasses
from pathlib import Path

from zoo.interchange import readers, transforms
from zoo.interchange.graph import Graph, from_parts
from zoo.interchange.metadata import describe
from zoo.interchange.nir_files import write
from zoo.store.zoo_model import ZooModel
from zoo.tasks.observations import std

NORMALISERS = ("metadata", "affine")


def nir_graph(
    model: ZooModel,
    seed: int | None = None,
    *,
    reader: str | None = None,
    readout: str | None = None,
    normaliser: str = "metadata",
) -> Graph:
    """The graph of one training seed's network, with everything that a policy needs in its metadata.

    Args:
        model: a loaded model.
        seed: training seed, by default the first.
        reader: the simulator that is to fire the same spikes (`readers.READERS`); by default the graph is lossless.
        readout: what the graph ends with: ``li``, ``affine`` or ``none`` (`transforms.end_at`).
        normaliser: ``metadata`` leaves normalisation to the reader; ``affine`` puts it into a node, without the clip.

    Raises:
        ValueError: if no file makes the reader fire the same spikes, or an option means nothing here.
    """
    if normaliser not in NORMALISERS:
        raise ValueError(f"normaliser (='{normaliser}') must be one of {', '.join(NORMALISERS)}")
    graph = dataclasses.replace(from_parts(model.parts(seed)), metadata=describe(model, seed))
    if normaliser == "affine":
        stats = model.observation_stats(seed)
        if stats is None:
            raise ValueError(f"{model.name} sees observations as they are; there is nothing to normalise")
        graph = transforms.normalise_inputs(graph, stats.mean, std(stats))
        place = "in the graph, without clip(…, +-observation_clip), which no affine node can do"
        graph = dataclasses.replace(graph, metadata=graph.metadata | {"normaliser": place})
    if reader is not None:
        return readers.graph_for(graph, reader, readout)
    return graph if readout is None else transforms.end_at(graph, readout)


def export_nir(
    model: ZooModel,
    path: Path,
    seed: int | None = None,
    *,
    reader: str | None = None,
    readout: str | None = None,
    normaliser: str = "metadata",
) -> Path:
    """Writes `nir_graph` as a NIR file.

    Raises:
        ValueError: as `nir_graph`.
        ZooError: if ``nir`` is not installed.
    """
    graph = nir_graph(model, seed, reader=reader, readout=readout, normaliser=normaliser)
    return write_graph(graph, path, reader)


def write_graph(graph: Graph, path: Path, reader: str | None = None) -> Path:
    """Writes a graph in the version of NIR that its reader knows.

    Raises:
        ZooError: if ``nir`` is not installed.
    """
    return write(graph, path, with_reset=reader != "sinabs")
