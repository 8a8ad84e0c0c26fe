"""NIR files (HDF5): written by the package ``nir``, read with every size checked before anything is allocated."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.core.packages import needed_for
from zoo.interchange.graph import Graph, Node

_FIELDS = {
    "Input": ("shape",),
    "Output": ("shape",),
    "Linear": ("weight",),
    "Affine": ("weight", "bias"),
    "LIF": ("tau", "r", "v_leak", "v_threshold"),
    "LI": ("tau", "r", "v_leak"),
}
_OPTIONAL = {"LIF": ("v_reset",)}
_MOST_NODES = 64
_MOST_NUMBERS = 2**26  # 256 MiB of float32 in one array: 20 times the largest published model's.
_MOST_TEXT = 2**16


def _import_nir():
    with needed_for("NIR", "nir", extra="nir"):
        import nir
    return nir


def as_nir(graph: Graph):
    """The graph as a ``nir.NIRGraph``.

    Raises:
        ZooError: if ``nir`` is not installed.
    """
    nir = _import_nir()
    make = {
        "Input": lambda shape: nir.Input(input_type={"input": shape}),
        "Output": lambda shape: nir.Output(output_type={"output": shape}),
    }
    nodes = {
        name: make.get(node.kind, getattr(nir, node.kind))(**{k: v.copy() for k, v in node.fields.items()})
        for name, node in graph.nodes.items()
    }
    return nir.NIRGraph(nodes=nodes, edges=list(graph.edges), metadata=dict(graph.metadata))


def write(graph: Graph, path: Path, *, with_reset: bool = True) -> Path:
    """Writes a graph as a NIR file; the same graph gives the same bytes.

    Args:
        graph: what to write.
        path: of the file; its folder is made.
        with_reset: whether LIF nodes keep ``v_reset``, which versions of ``nir`` before 1.0.5 cannot read.

    Raises:
        ZooError: if ``nir`` is not installed.
    """
    nir = _import_nir()
    import h5py

    path.parent.mkdir(parents=True, exist_ok=True)
    nir.write(str(path), as_nir(graph))
    if not with_reset:
        with h5py.File(path, "r+") as file:
            for name, node in graph.nodes.items():
                if node.kind == "LIF":
                    del file[f"node/nodes/{name}/v_reset"]
    return path


def from_nir(graph) -> Graph:
    """The graph of a ``nir.NIRGraph``, or of anything else that has its ``to_dict``.

    Raises:
        ValueError: naming the node that is not one of NIR's, or lacks a field.
    """
    tree = graph.to_dict()
    if not isinstance(tree.get("nodes"), Mapping):
        raise ValueError("the graph has no nodes")
    nodes = {}
    for name, values in tree["nodes"].items():
        fields = {key: np.asarray(value) for key, value in values.items() if key not in ("type", "metadata")}
        nodes[name] = _node(name, values.get("type"), fields)
    edges = tuple((str(a), str(b)) for a, b in tree.get("edges", ()))
    return Graph(nodes, edges, dict(tree.get("metadata") or {}))


def _node(name: str, kind: Any, fields: Mapping[str, np.ndarray]) -> Node:
    if kind not in _FIELDS:
        raise ValueError(f"node `{name}` is of type {kind!r}; a zoo network has {', '.join(_FIELDS)}")
    missing = [field for field in _FIELDS[kind] if field not in fields]
    if missing:
        raise ValueError(f"node `{name}` ({kind}) lacks {', '.join(missing)}")
    known = (*_FIELDS[kind], *_OPTIONAL.get(kind, ()))
    return Node(kind, {field: fields[field] for field in known if field in fields})


def read(path: Path) -> Graph:
    """Reads a NIR file without trusting it: only what a zoo network can have, and no more than fits.

    Raises:
        ZooError: if ``h5py``, which comes with ``nir``, is not installed.
        FileNotFoundError: if there is no such file.
        ValueError: naming the node that is not as NIR says.
    """
    _import_nir()
    import h5py

    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        with h5py.File(path, "r") as file:
            return _read_graph(file)
    except (OSError, RuntimeError, KeyError, UnicodeError) as error:
        # h5py's own, of bytes that are no HDF5 or damaged.
        raise ValueError(f"{path} is not a NIR file that can be read: {error}") from error


def _read_graph(file) -> Graph:
    root = _group(file, "node", "the file")
    kind = _text(root, "type", "the file")
    if kind != "NIRGraph":
        raise ValueError(f"the file's node is of type {kind!r}; it must be a NIRGraph")
    groups = _group(root, "nodes", "the graph")
    if len(groups) > _MOST_NODES:
        raise ValueError(f"the graph has {len(groups)} nodes; a zoo network has at most {_MOST_NODES}")
    nodes = {}
    for name in groups:
        group = _group(groups, name, "the graph")
        kind = _text(group, "type", f"node `{name}`")
        wanted = (*_FIELDS.get(kind, ()), *_OPTIONAL.get(kind, ()))
        nodes[name] = _node(name, kind, {key: _array(group, key, f"node `{name}`") for key in wanted if key in group})
    metadata = _metadata(root) if "metadata" in root else {}
    return Graph(nodes, _edges(root), metadata)


def _link(group, key: str, owner: str):
    """What a hard link leads to: other links can lead out of the file."""
    import h5py

    link = group.get(key, getlink=True)
    if link is None:
        raise ValueError(f"{owner} lacks `{key}`")
    if not isinstance(link, h5py.HardLink):
        raise ValueError(f"{owner} has `{key}` as a link to elsewhere; it must lie in the file itself")
    return group[key]


def _group(group, key: str, owner: str):
    import h5py

    found = _link(group, key, owner)
    if not isinstance(found, h5py.Group):
        raise ValueError(f"{owner} has `{key}` as an array; it must be a group")
    return found


def _dataset(group, key: str, owner: str):
    import h5py

    found = _link(group, key, owner)
    if not isinstance(found, h5py.Dataset) or found.shape is None:
        raise ValueError(f"{owner} has no value in `{key}`")
    if found.size > _MOST_NUMBERS:
        raise ValueError(f"{owner} has {found.size:,} numbers in `{key}`; at most {_MOST_NUMBERS:,} are read")
    if found.is_virtual or found.external:
        raise ValueError(f"{owner} has `{key}` in another file; it must lie in the file itself")
    return found


def _array(group, key: str, owner: str) -> np.ndarray:
    data = _dataset(group, key, owner)
    if data.dtype.kind not in "fiu":
        raise ValueError(f"{owner} has `{key}` of type {data.dtype}; it must be numbers")
    return np.asarray(data[()])


def _text(group, key: str, owner: str) -> str:
    data = _dataset(group, key, owner)
    value = data[()] if data.shape == () else None
    if not isinstance(value, (bytes, str)) or len(value) > _MOST_TEXT:
        raise ValueError(f"{owner} has no text in `{key}`")
    return value.decode("utf-8") if isinstance(value, bytes) else value


def _edges(root) -> tuple[tuple[str, str], ...]:
    data = _dataset(root, "edges", "the graph")
    if data.ndim != 2 or data.shape[1] != 2 or data.shape[0] > _MOST_NODES**2 or data.dtype.kind not in "OSU":
        raise ValueError(f"the graph's edges are {data.dtype}{list(data.shape)}; they must be pairs of names")
    return tuple((_name(a), _name(b)) for a, b in data[()])


def _name(value) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _metadata(root) -> dict[str, Any]:
    import h5py

    group, entries = _group(root, "metadata", "the graph"), {}
    for key in group:
        if isinstance(_link(group, key, "metadata"), h5py.Group):
            raise ValueError(f"metadata has a group `{key}`; the zoo's are texts and numbers")
        data = _dataset(group, key, "metadata")
        value = _text(group, key, "metadata") if data.dtype.kind == "O" else _array(group, key, "metadata")
        entries[key] = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    return entries
