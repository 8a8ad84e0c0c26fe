"""From a graph back to the parts of a network, whoever wrote it: checked node by node, with errors that name them."""

import dataclasses

import numpy as np

from zoo.interchange.graph import DT_S, READOUT, Graph, Node, x_tau

_LAYERS = ("Linear", "Affine")
_MOST_SIZE = 2**20


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """How a simulator writes a layer that decays by ``1 - k`` a step.

    Attributes:
        name: as after ``--from``.
        dt_s: its step where the file names none.
        squared: its exporter writes ``dt tau`` where NIR has ``tau``.
        exponential: it decays by ``exp(-1/tau)`` and does not scale its input by k.
    """

    name: str
    dt_s: float = DT_S
    squared: bool = False
    exponential: bool = False


ORIGINS = {
    origin.name: origin
    for origin in (
        Origin(name="zoo"),
        Origin(name="norse", dt_s=1e-3, squared=True),
        Origin(name="snntorch", dt_s=1e-4),
        Origin(name="sinabs", exponential=True),
    )
}


@dataclasses.dataclass(frozen=True, slots=True)
class Imported:
    """What a graph holds.

    Attributes:
        parts: of a network: `zoo.models.PROPERTIES` and `zoo.models.WEIGHTS`, float32.
        normaliser: mean and standard deviation [inputs] of an affine node before the first weights, or None.
        remarks: what the importer assumed, in words.
    """

    parts: dict[str, np.ndarray]
    normaliser: tuple[np.ndarray, np.ndarray] | None
    remarks: tuple[str, ...]


def to_parts(graph: Graph, origin: str | None = None, dt_s: float | None = None) -> Imported:
    """Parts of the network that a graph describes.

    Args:
        graph: ``Input -> [Affine] -> Linear -> LIF -> Linear -> [LI] -> Output``, under any names; affine layers
            without offset count as linear ones.
        origin: who wrote it (`ORIGINS`), by default as its metadata says, else the zoo.
        dt_s: the step with which it was run, in seconds; by default as its metadata says, else the origin's own.

    Raises:
        ValueError: naming the node that a network of the zoo cannot have.
    """
    written = _origin(graph, origin)
    dt_s = _step(graph, written, dt_s)
    normaliser, (first, name_in, name_hidden, name_out, *name_readout, last) = _split_normaliser(graph, _path(graph))
    hidden, w_in, w_out = _neurons(graph, name_hidden), _weights(graph, name_in), _weights(graph, name_out)
    size = max(value.size for value in hidden.values())
    size = len(w_in) if size == 1 else size
    for name, found in ((name_in, w_in.shape[0]), (name_out, w_out.shape[1])):
        if found != size:
            raise ValueError(f"node `{name}` has weights for {found} hidden neurons; `{name_hidden}` has {size}")
    _check_shape(graph, first, w_in.shape[1])
    _check_shape(graph, last, w_out.shape[0])
    tau, r = _time_constants(name_hidden, hidden["tau"], written, dt_s)
    properties = {
        "x_tau": x_tau(tau),
        "v_th": hidden["v_threshold"],
        "v_rest": hidden["v_leak"],
        "r": hidden["r"] if r is None else r,
    }
    properties = {name: np.broadcast_to(value, size) for name, value in properties.items()}
    remarks = []
    if name_readout:
        w_out = w_out * _readout_gain(graph, name_readout[0], len(w_out), written, dt_s)
    else:
        remarks.append("the graph ends before a leaky integrator; the zoo's (20 ms) follows")
    if written.exponential:
        remarks.append("sinabs' files do not say how neurons reset; here to rest, with one spike a step at most")
    weights = {"w_in": w_in.T, "w_out": w_out.T}
    with np.errstate(over="ignore"):  # What overflows is refused below.
        parts = {name: np.ascontiguousarray(value, np.float32) for name, value in (properties | weights).items()}
    owners = {"w_in": name_in, "w_out": name_out}
    for name, value in parts.items():
        if not np.isfinite(value).all():
            raise ValueError(f"node `{owners.get(name, name_hidden)}`: {name} overflows float32")
    return Imported(parts, normaliser, tuple(remarks))


def _step(graph: Graph, origin: Origin, dt_s: float | None) -> float:
    """The step that time constants are meant for: as told, as our own lossless files say, or as the origin's is."""
    if dt_s is None:
        ours = origin.name == "zoo" and "reader" not in graph.metadata
        dt_s = graph.metadata.get("dt_s", DT_S) if ours else origin.dt_s
    if not isinstance(dt_s, (int, float)) or not np.isfinite(dt_s) or dt_s <= 0:
        raise ValueError(f"dt_s (={dt_s!r}) must be a time step in seconds, above 0")
    return dt_s


def _check_shape(graph: Graph, name: str, size: int) -> None:
    """Raises unless Input or Output are of so many numbers; norse writes the batch of its sample before them."""
    shape = np.ravel(graph.nodes[name].fields["shape"]).tolist()
    if shape[-1:] != [size] or any(number != 1 for number in shape[:-1]):
        raise ValueError(f"node `{name}` is of shape {shape}; it must be [{size}]")


def _origin(graph: Graph, name: str | None) -> Origin:
    if name is None:
        reader = str(graph.metadata.get("reader", "")).split(" ")[0]
        # Of the zoo's own files, norse's and nirtorch's are plain NIR; the others are in their readers' terms.
        name = reader if reader in ("snntorch", "sinabs") else "zoo"
    if name not in ORIGINS:
        raise ValueError(f"origin (='{name}') must be one of {', '.join(ORIGINS)}")
    return ORIGINS[name]


def _path(graph: Graph) -> list[str]:
    """Names from Input to Output, each node followed by one other."""
    follows: dict[str, str] = {}
    for source, target in graph.edges:
        for end in (source, target):
            if end not in graph.nodes:
                raise ValueError(f"an edge leads from `{source}` to `{target}`; there is no node `{end}`")
        if source in follows:
            raise ValueError(f"node `{source}` feeds `{follows[source]}` and `{target}`; a zoo network is a chain")
        follows[source] = target
    starts = [name for name, node in graph.nodes.items() if node.kind == "Input"]
    if len(starts) != 1:
        raise ValueError(f"the graph has {len(starts)} Input nodes ({', '.join(starts)}); it must have one")
    path = starts
    while (name := path[-1]) in follows:
        if follows[name] in path:
            raise ValueError(f"node `{name}` feeds `{follows[name]}` before it: a cycle; a zoo network has none")
        path = [*path, follows[name]]
    left = sorted(set(graph.nodes) - set(path))
    if left:
        raise ValueError(f"node `{left[0]}` is not on the way from `{path[0]}`, which ends at `{path[-1]}`")
    return path


def _split_normaliser(graph: Graph, names: list[str]):
    """The statistics of a first affine node, and the chain without it, whose kinds must be a zoo network's."""
    kinds = [graph.nodes[name].kind for name in names]
    core = ["Input", "Linear", "LIF", "Linear"]
    plain = ["Linear" if kind in _LAYERS else kind for kind in kinds]
    for end in (["LI", "Output"], ["Output"]):
        if plain == core + end:
            return None, names
        if plain == [*core[:1], "Linear", *core[1:], *end] and kinds[1] == "Affine":
            return _statistics(names[1], graph.nodes[names[1]]), [names[0], *names[2:]]
    shown = " -> ".join(f"{name} ({kind})" for name, kind in zip(names, kinds, strict=True))
    raise ValueError(
        f"the graph is {shown}; a zoo network is Input -> [Affine ->] Linear -> LIF -> Linear -> [LI ->] Output"
    )


def _statistics(name: str, node: Node) -> tuple[np.ndarray, np.ndarray]:
    weight, bias = (_finite(name, field, node.fields[field]) for field in ("weight", "bias"))
    scale = np.diag(weight) if weight.ndim == 2 else weight
    if weight.ndim != 2 or weight.shape[0] != weight.shape[1] or bias.shape != scale.shape:
        raise ValueError(f"node `{name}`, before the first weights, is {list(weight.shape)}; a normaliser is square")
    if (scale <= 0).any() or np.count_nonzero(weight) != len(scale):
        raise ValueError(
            f"node `{name}`, before the first weights, mixes its inputs; a normaliser is (x - mean) / std"
        )
    return -bias / scale, 1 / scale


def _finite(name: str, field: str, value) -> np.ndarray:
    value = np.asarray(value)
    if value.dtype.kind not in "fiu":
        raise ValueError(f"node `{name}`: {field} is of type {value.dtype}; it must be numbers")
    if not np.isfinite(value).all():
        raise ValueError(f"node `{name}`: {field} has numbers that are NaN or infinite")
    return value


def _weights(graph: Graph, name: str) -> np.ndarray:
    fields = graph.nodes[name].fields
    weight = _finite(name, "weight", fields["weight"])
    if weight.ndim != 2 or not weight.size or max(weight.shape) > _MOST_SIZE:
        raise ValueError(f"node `{name}`: weight is of shape {list(weight.shape)}; it must be [outputs, inputs]")
    if "bias" in fields and np.any(_finite(name, "bias", fields["bias"])):
        raise ValueError(f"node `{name}` has an offset; the zoo's layers have none")
    return weight


def _neurons(graph: Graph, name: str) -> dict[str, np.ndarray]:
    """Fields of a LIF node, each of one value or one per neuron."""
    fields = {field: _finite(name, field, value) for field, value in graph.nodes[name].fields.items()}
    if "hidden_v_threshold" in graph.metadata:
        fields["v_threshold"] = _finite(name, "hidden_v_threshold", graph.metadata["hidden_v_threshold"])
    size = max(value.size for value in fields.values())
    for field, value in fields.items():
        if value.ndim > 1 or value.size not in (1, size):
            raise ValueError(f"node `{name}`: {field} is of shape {list(value.shape)}; others are of {size} neurons")
    reset = fields.pop("v_reset", None)
    if reset is not None and np.any(fields["v_leak"] != reset):
        raise ValueError(f"node `{name}` resets to another potential than it leaks to; the zoo's neurons have one")
    return fields


def _time_constants(name: str, tau, origin: Origin, dt_s: float):
    """Time constants in seconds at a step of 5 ms, and the resistance that makes up for an input without gain."""
    if (np.asarray(tau) <= 0).any():
        raise ValueError(f"node `{name}`: tau (min {np.min(tau):g}) must be above 0")
    if origin.exponential:
        k = -np.expm1(-1 / np.asarray(tau, np.float64))
        return DT_S / k, 1 / k
    if origin.squared:
        tau = np.asarray(tau, np.float64) / dt_s
    if (np.asarray(tau) <= dt_s).any():
        raise ValueError(f"node `{name}`: tau (min {np.min(tau):g} s) must be above the step of {dt_s:g} s")
    return (tau if dt_s == DT_S else np.asarray(tau, np.float64) * (DT_S / dt_s)), None


def _readout_gain(graph: Graph, name: str, outputs: int, origin: Origin, dt_s: float) -> np.ndarray:
    """Factor on the last weights, for which the zoo's leaky integrator does what this one does."""
    fields = {field: _finite(name, field, value) for field, value in graph.nodes[name].fields.items()}
    for field, value in fields.items():
        if value.ndim > 1 or value.size not in (1, outputs):
            raise ValueError(f"node `{name}`: {field} is of shape {list(value.shape)}; it must be [{outputs}]")
    if np.any(fields["v_leak"] != READOUT["v_leak"]):
        raise ValueError(f"node `{name}` leaks to another potential than {READOUT['v_leak']:g} V")
    tau, gain = _time_constants(name, fields["tau"], origin, dt_s)
    if not np.allclose(tau, READOUT["tau"], rtol=1e-5):
        raise ValueError(
            f"node `{name}` has tau = {1000 * np.ravel(tau)[0]:g} ms at a step of {1000 * DT_S:g} ms; "
            f"the zoo's readout has {1000 * READOUT['tau']:g} ms"
        )
    gains = np.ravel((1.0 if gain is None else gain) * fields["r"])
    return np.ones((1, 1), np.float32) if np.all(gains == READOUT["r"]) else gains[:, None]
