"""What JAX's primitives mean for single numbers.

A traced array is a NumPy array of `scalars` nodes. Whatever only moves elements is then NumPy indexing, done now;
arithmetic makes nodes, element by element; a scan over a carry alone becomes a `Loop`.
"""

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jax.extend.core import Jaxpr, JaxprEqn, Literal
from jax.lax import RoundingMethod

from zoo.kernels.functions import Functions
from zoo.kernels.scalars import BOOL, FLOAT, INT, Graph, Node

Nodes = np.ndarray
"""An array of nodes."""

_LONGEST_UNROLLED = 16
"""Steps of a scan that is written out: one over arrays, or inside another."""


class UnsupportedStepError(Exception):
    """A step has something in it that has no rule here; the message names it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Loop:
    """``for _ in range(length): carry = body(carry)``.

    Attributes:
        length: how often the body runs.
        init: the carry before, on the graph outside.
        body: the next carry, of inputs labelled ("carry", number of the loop, element). What follows the loop has
            its last carry as inputs labelled ("out", number of the loop, element).
    """

    length: int
    init: tuple[Node, ...]
    body: tuple[Node, ...]


def kind(dtype) -> str:
    """Kind of number that stands for a dtype.

    Raises:
        UnsupportedStepError: for those that have none: random keys, float64, complex numbers, integers that
            overflow elsewhere than an int32 does.
    """
    if dtype == np.float32:
        return FLOAT
    if dtype == np.bool_:
        return BOOL
    if dtype == np.int32:
        return INT
    raise UnsupportedStepError(f"numbers of type {dtype}")


class Trace:
    """Evaluates jaxprs on arrays of nodes.

    Attributes:
        graph: of all nodes.
        loops: the loops met so far.
        opaque: whether what has no rule gives unknown numbers, instead of an error.
    """

    def __init__(self, *, opaque: bool = False):
        self.graph = Graph(presumes=opaque)  # What nobody needs must presume nothing: `programs` simplifies the rest.
        self.functions = Functions(self.graph)
        self.loops: list[Loop] = []
        self.opaque = opaque
        self._inside_loop = False
        self._unknowns = 0

    def constant(self, value: Any, dtype: Any = None) -> Nodes:
        """An array of constants, of a dtype that may differ from that in which JAX keeps them."""
        array = np.asarray(value)
        dtype = kind(array.dtype if dtype is None else dtype)
        return self.map(lambda x: self.graph.constant(x, dtype), array)

    @staticmethod
    def map(function: Callable, *arrays: np.ndarray) -> Nodes:
        """A function of elements, over arrays of one shape."""
        flat = [function(*elements) for elements in zip(*(a.ravel().tolist() for a in arrays), strict=True)]
        return np.array(flat, dtype=np.int64).reshape(arrays[0].shape)

    def unknown(self, aval) -> Nodes | None:
        """An array of which nothing is known; None for what is no array of numbers."""
        try:
            dtype = kind(aval.dtype)
        except UnsupportedStepError:
            return None
        first, self._unknowns = self._unknowns, self._unknowns + math.prod(aval.shape)
        labels = np.arange(first, self._unknowns).reshape(aval.shape)
        return self.map(lambda i: self.graph.input(("unknown", i), dtype), labels)

    def evaluate(self, jaxpr: Jaxpr, consts: Sequence, args: Sequence[Nodes | None]) -> list[Nodes | None]:
        """Results of a jaxpr.

        Raises:
            UnsupportedStepError: if it has something in it that has no rule, unless `opaque`.
        """
        values: dict = {}
        for variable, const in zip(jaxpr.constvars, consts, strict=True):
            values[variable] = self._known(const, variable.aval)
        values.update(zip(jaxpr.invars, args, strict=True))

        def read(atom):
            return self._known(atom.val, atom.aval) if isinstance(atom, Literal) else values[atom]

        for eqn in jaxpr.eqns:
            results = self._apply(eqn, [read(atom) for atom in eqn.invars])
            values.update(zip(eqn.outvars, results, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def _known(self, value, aval):
        """Constants of the trace; None for those that are no numbers (random keys)."""
        try:
            return self.constant(value, aval.dtype)
        except (UnsupportedStepError, TypeError):
            if self.opaque:
                return None
            raise

    def _apply(self, eqn: JaxprEqn, operands: list) -> list:
        name = eqn.primitive.name
        rule = RULES.get(name)
        try:
            if rule is None or (rule is not _call and any(x is None for x in operands)):
                raise UnsupportedStepError(f"the operation `{name}`")
            results = rule(self, eqn, *operands)
            results = results if isinstance(results, list) else [results]
            self._check(eqn, results)
        except UnsupportedStepError:
            if not self.opaque:
                raise
            return [self.unknown(v.aval) for v in eqn.outvars]
        return results

    def _check(self, eqn: JaxprEqn, results: list[Nodes | None]) -> None:
        """Raises `UnsupportedStepError` if results are not of the kind that JAX gives them."""
        for variable, nodes in zip(eqn.outvars, results, strict=True):
            if nodes is not None and nodes.size and self.graph.dtypes[nodes.flat[0]] != kind(variable.aval.dtype):
                raise UnsupportedStepError(f"the operation `{eqn.primitive.name}` with numbers of these types")

    def inlined(self, closed, operands: Sequence[Nodes]) -> list[Nodes]:
        """Results of a traced function inside the trace."""
        return self.evaluate(closed.jaxpr, closed.consts, operands)

    def constants(self, nodes: Nodes, what: str) -> np.ndarray:
        """Values of nodes that must be constants.

        Raises:
            UnsupportedStepError: naming what depends on the state, if they are not.
        """
        values = [self.graph.value(node) for node in nodes.ravel()]
        if any(value is None for value in values):
            raise UnsupportedStepError(f"{what} that depend on the state")
        return np.array(values).reshape(nodes.shape)


def _elementwise(op: str) -> Callable:
    def rule(trace: Trace, eqn, *operands):
        shape = eqn.outvars[0].aval.shape
        return trace.map(lambda *xs: trace.graph.op(op, *xs), *(np.broadcast_to(x, shape) for x in operands))

    return rule


def _function(name: str) -> Callable:
    def rule(trace: Trace, eqn, *operands):
        shape = eqn.outvars[0].aval.shape
        function = getattr(trace.functions, name)
        return trace.map(function, *(np.broadcast_to(x, shape) for x in operands))

    return rule


def _convert(trace: Trace, eqn, x):
    kind(eqn.invars[0].aval.dtype)
    return _as_kind(trace, x, kind(eqn.params["new_dtype"]))


def _as_kind(trace: Trace, x: Nodes, dtype: str) -> Nodes:
    """Numbers converted to another kind."""
    if dtype == BOOL:
        return trace.map(trace.functions.to_bool, x)
    convert = {FLOAT: "to_float", INT: "to_int"}[dtype]
    return trace.map(lambda node: trace.graph.op(convert, node), x)


def _integer_pow(trace: Trace, eqn, x):
    return trace.map(lambda node: trace.functions.integer_pow(node, eqn.params["y"]), x)


def _rsqrt(trace: Trace, eqn, x):
    g = trace.graph
    return trace.map(lambda node: g.op("div", g.constant(1.0), g.op("sqrt", node)), x)


def _ceil(trace: Trace, eqn, x):
    g = trace.graph
    return trace.map(lambda node: g.op("neg", g.op("floor", g.op("neg", node))), x)


def _round(trace: Trace, eqn, x):
    if eqn.params["rounding_method"] != RoundingMethod.TO_NEAREST_EVEN:
        raise UnsupportedStepError("rounding of halves away from zero")
    return trace.map(lambda node: trace.graph.op("rint", node), x)


def _clamp(trace: Trace, eqn, low, x, high):
    g = trace.graph
    shape = x.shape
    low, high = np.broadcast_to(low, shape), np.broadcast_to(high, shape)
    return trace.map(lambda a, b, c: g.op("min", g.op("max", b, a), c), low, x, high)


def _select(trace: Trace, eqn, which, *cases):
    if len(cases) != 2 or eqn.invars[0].aval.dtype != np.bool_:
        raise UnsupportedStepError("a choice among more than two values")
    which = np.broadcast_to(which, cases[0].shape)
    return trace.map(lambda w, false, true: trace.graph.op("select", w, true, false), which, *cases)


def _reduction(op: str) -> Callable:
    def rule(trace: Trace, eqn, x):
        axes = eqn.params["axes"]
        kept = [axis for axis in range(x.ndim) if axis not in axes]
        shape = eqn.outvars[0].aval.shape
        if x.size == 0:
            raise UnsupportedStepError("a sum, or the like, of nothing")
        rows = x.transpose(*kept, *axes).reshape(math.prod(shape), -1)
        flat = [_reduce(trace.graph, op, row.tolist()) for row in rows]
        return np.array(flat, dtype=np.int64).reshape(shape)

    return rule


def _reduce(graph: Graph, op: str, nodes: list[Node]) -> Node:
    total, *others = nodes
    for other in others:
        total = graph.op(op, total, other)
    return total


def _cumulative(op: str) -> Callable:
    def rule(trace: Trace, eqn, x):
        rows = np.moveaxis(x, eqn.params["axis"], 0).copy()
        steps = range(len(rows) - 2, -1, -1) if eqn.params["reverse"] else range(1, len(rows))
        for i in steps:
            before = rows[i + 1] if eqn.params["reverse"] else rows[i - 1]
            rows[i] = trace.map(lambda a, b: trace.graph.op(op, a, b), before, rows[i])
        return np.moveaxis(rows, 0, eqn.params["axis"])

    return rule


def _arg_extreme(better: str) -> Callable:
    """The first of the best; NaN is better than any number."""

    def rule(trace: Trace, eqn, x):
        (axis,) = eqn.params["axes"]
        g = trace.graph
        rows = np.moveaxis(x, axis, -1)
        if eqn.invars[0].aval.dtype == np.bool_:
            rows = trace.map(lambda node: g.op("to_int", node), rows)
        flat = []
        for row in rows.reshape(-1, rows.shape[-1]).tolist():
            best, index = row[0], g.constant(0, INT)
            for i, node in enumerate(row[1:], 1):
                wins = g.op(better, node, best)
                if g.dtypes[node] == FLOAT:
                    nan, known = g.op("ne", node, node), g.op("eq", best, best)
                    wins = g.op("or", wins, g.op("and", nan, known))
                best, index = g.op("select", wins, node, best), g.op("select", wins, g.constant(i, INT), index)
            flat.append(index)
        return np.array(flat, dtype=np.int64).reshape(eqn.outvars[0].aval.shape)

    return rule


def _dot(trace: Trace, eqn, left, right):
    """Products summed in the order of the summed axes; of truth values, whether a pair of them is true."""
    (left_sum, right_sum), (left_batch, right_batch) = eqn.params["dimension_numbers"]
    g, dtype = trace.graph, kind(eqn.outvars[0].aval.dtype)
    product, total = ("and", "or") if dtype == BOOL else ("mul", "add")
    left, right = (_as_kind(trace, x, dtype) for x in (left, right))

    def arranged(x, batch, summed):
        free = [axis for axis in range(x.ndim) if axis not in (*batch, *summed)]
        x = x.transpose(*batch, *free, *summed)
        cuts = (0, len(batch), len(batch) + len(free), x.ndim)
        return x.reshape([math.prod(x.shape[a:b]) for a, b in itertools.pairwise(cuts)])

    left, right = arranged(left, left_batch, left_sum), arranged(right, right_batch, right_sum)
    flat = [
        functools.reduce(
            functools.partial(g.op, total),
            [g.op(product, a, b) for a, b in zip(row, column, strict=True)] or [g.constant(0, dtype)],
        )
        for rows, columns in zip(left.tolist(), right.tolist(), strict=True)
        for row in rows
        for column in columns
    ]
    return np.array(flat, dtype=np.int64).reshape(eqn.outvars[0].aval.shape)


def _broadcast(trace: Trace, eqn, x, *sizes):
    if sizes:
        raise UnsupportedStepError("arrays of a size that depends on the state")
    shape, axes = eqn.params["shape"], eqn.params["broadcast_dimensions"]
    placed = [1] * len(shape)
    for axis, size in zip(axes, x.shape, strict=True):
        placed[axis] = size
    return np.broadcast_to(x.reshape(placed), shape)


def _iota(trace: Trace, eqn):
    shape, axis = eqn.params["shape"], eqn.params["dimension"]
    counts = np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))])
    dtype = kind(eqn.params["dtype"])
    return trace.map(lambda i: trace.graph.constant(i, dtype), np.broadcast_to(counts, shape))


def _reshape(trace: Trace, eqn, x, *sizes):
    if sizes:
        raise UnsupportedStepError("arrays of a size that depends on the state")
    order = eqn.params["dimensions"] if eqn.primitive.name == "reshape" else None
    return (x if order is None else x.transpose(order)).reshape(eqn.outvars[0].aval.shape)


def _slice(trace: Trace, eqn, x):
    strides = eqn.params["strides"] or (1,) * x.ndim
    limits = zip(eqn.params["start_indices"], eqn.params["limit_indices"], strides, strict=True)
    return x[tuple(slice(*limit) for limit in limits)]


def _dynamic_slice(trace: Trace, eqn, x, *starts):
    sizes = eqn.params["slice_sizes"]
    starts = [int(trace.constants(s, "positions")) for s in starts]
    starts = [min(max(s, 0), n - size) for s, n, size in zip(starts, x.shape, sizes, strict=True)]
    return x[tuple(slice(s, s + size) for s, size in zip(starts, sizes, strict=True))]


def _dynamic_update_slice(trace: Trace, eqn, x, update, *starts):
    starts = [int(trace.constants(s, "positions")) for s in starts]
    starts = [min(max(s, 0), n - size) for s, n, size in zip(starts, x.shape, update.shape, strict=True)]
    x = x.copy()
    x[tuple(slice(s, s + size) for s, size in zip(starts, update.shape, strict=True))] = update
    return x


def _pad(trace: Trace, eqn, x, value):
    config = eqn.params["padding_config"]
    if any(low < 0 or high < 0 for low, high, _ in config):
        raise UnsupportedStepError("padding that cuts")
    sides = zip(config, x.shape, strict=True)
    padded = np.full(eqn.outvars[0].aval.shape, value.item(), np.int64)
    inside = [slice(low, low + max(0, (n - 1) * (gap + 1) + 1), gap + 1) for (low, _, gap), n in sides]
    padded[tuple(inside)] = x
    return padded


def _gather(trace: Trace, eqn, x, indices):
    """Elements of windows at constant positions, in XLA's definition of a gather."""
    numbers, sizes, mode = (eqn.params[k] for k in ("dimension_numbers", "slice_sizes", "mode"))
    indices = trace.constants(indices, "positions").astype(np.int64)
    out = eqn.outvars[0].aval
    batch_axes = [a for a in range(len(out.shape)) if a not in numbers.offset_dims]
    kept = [a for a in range(x.ndim) if a not in (*numbers.collapsed_slice_dims, *numbers.operand_batching_dims)]
    result = np.empty(out.shape, np.int64)
    fill = trace.constant(np.asarray(_fill_value(eqn.params["fill_value"], out.dtype))).item()
    clips = "CLIP" in str(mode)
    for place in np.ndindex(out.shape):
        batch = tuple(place[a] for a in batch_axes)
        start = np.zeros(x.ndim, np.int64)
        start[list(numbers.start_index_map)] = indices[batch]
        if clips:
            start = np.clip(start, 0, np.array(x.shape) - np.array(sizes))
        outside = (start < 0).any() or (start + sizes > x.shape).any()
        for operand_axis, index_axis in zip(
            numbers.operand_batching_dims, numbers.start_indices_batching_dims, strict=True
        ):
            start[operand_axis] = batch[index_axis]
        for operand_axis, out_axis in zip(kept, numbers.offset_dims, strict=True):
            start[operand_axis] += place[out_axis]
        result[place] = fill if outside else x[tuple(start)]
    return result


def _fill_value(value, dtype):
    """What stands for an element outside; JAX's default is NaN, for integers the least one."""
    if value is not None:
        return np.asarray(value, dtype)
    if np.issubdtype(dtype, np.floating):
        return np.asarray(np.nan, dtype)
    return np.asarray(True if dtype == np.bool_ else np.iinfo(dtype).min, dtype)


def _scatter(op: str | None) -> Callable:
    """Elements of windows put, or added, to constant positions; windows that reach outside are left out."""

    def rule(trace: Trace, eqn, x, indices, updates):
        numbers = eqn.params["dimension_numbers"]
        if "CLIP" in str(eqn.params["mode"]):
            raise UnsupportedStepError("a scatter to clipped positions")
        if op is None and eqn.params["update_jaxpr"] is not None:
            raise UnsupportedStepError("a function applied at positions (`x.at[i].apply`)")
        indices = trace.constants(indices, "positions").astype(np.int64)
        batch_axes = [a for a in range(updates.ndim) if a not in numbers.update_window_dims]
        inserted = (*numbers.inserted_window_dims, *numbers.operand_batching_dims)
        kept = [a for a in range(x.ndim) if a not in inserted]
        sizes = np.ones(x.ndim, np.int64)
        sizes[kept] = [updates.shape[a] for a in numbers.update_window_dims]
        x = x.copy()
        for place in np.ndindex(updates.shape):
            batch = tuple(place[a] for a in batch_axes)
            start = np.zeros(x.ndim, np.int64)
            start[list(numbers.scatter_dims_to_operand_dims)] = indices[batch]
            if (start < 0).any() or (start + sizes > x.shape).any():
                continue
            for operand_axis, index_axis in zip(
                numbers.operand_batching_dims, numbers.scatter_indices_batching_dims, strict=True
            ):
                start[operand_axis] = batch[index_axis]
            for operand_axis, update_axis in zip(kept, numbers.update_window_dims, strict=True):
                start[operand_axis] += place[update_axis]
            at = tuple(start)
            new = int(updates[place])
            x[at] = new if op is None else trace.graph.op(op, int(x[at]), new)
        return x

    return rule


def _call(trace: Trace, eqn, *operands):
    closed = eqn.params["call_jaxpr"] if "call_jaxpr" in eqn.params else eqn.params["jaxpr"]
    return trace.inlined(closed, operands)


def _platform_index(trace: Trace, eqn):
    """Where the function says what to do on which platform: a processor's, or any other's."""
    for i, platforms in enumerate(eqn.params["platforms"]):
        if platforms is None or "cpu" in platforms:
            return trace.constant(np.int32(i))
    raise UnsupportedStepError("a function for other platforms alone")


def _cond(trace: Trace, eqn, index, *operands):
    """The branch that is known to be taken, or a selection among the results of two."""
    branches = eqn.params["branches"]
    known = trace.graph.value(index.item())
    if known is not None:
        return trace.inlined(branches[min(max(int(known), 0), len(branches) - 1)], operands)
    if len(branches) != 2:
        raise UnsupportedStepError("a choice among more than two branches")
    false, true = (trace.inlined(branch, operands) for branch in branches)
    which = trace.functions.to_bool(index.item())
    return [
        trace.map(lambda a, b: trace.graph.op("select", which, b, a), *pair) for pair in zip(false, true, strict=True)
    ]


def scan_counts(params) -> tuple[int, int]:
    """How many of a scan's operands are constants, and how many its carry."""
    if "ft_in" in params:  # JAX 0.11
        consts, carry, _ = params["ft_in"].unpack()
        return len(consts), len(carry)
    return params["num_consts"], params["num_carry"]


def _scan(trace: Trace, eqn, *operands):
    n_consts, n_carry = scan_counts(eqn.params)
    consts, carry = operands[:n_consts], list(operands[n_consts : n_consts + n_carry])
    xs, length, closed = operands[n_consts + n_carry :], eqn.params["length"], eqn.params["jaxpr"]
    results = len(eqn.outvars) - n_carry
    if xs or results or trace._inside_loop or length <= 2 or trace.opaque:
        if length > _LONGEST_UNROLLED:
            raise UnsupportedStepError(f"a scan of {length} steps over arrays, or inside another")
        order = range(length - 1, -1, -1) if eqn.params["reverse"] else range(length)
        ys = []
        for i in order:
            values = trace.inlined(closed, [*consts, *carry, *(x[i] for x in xs)])
            carry = values[:n_carry]
            ys.append(values[n_carry:])
        ys = ys[::-1] if eqn.params["reverse"] else ys
        if not ys:
            return [*carry, *(np.empty(v.aval.shape, np.int64) for v in eqn.outvars[n_carry:])]
        return [*carry, *(np.stack(rows) for rows in zip(*ys, strict=True))]
    return _loop(trace, length, carry, lambda inside: trace.inlined(closed, [*consts, *inside]))


def _loop(trace: Trace, length: int, carry: list[Nodes], body: Callable) -> list[Nodes]:
    """A loop whose last step is written out after it: what only later steps would need is not computed there."""
    if not carry:
        return []
    number = len(trace.loops)
    trace.loops.append(Loop(0, (), ()))
    cuts = np.cumsum([x.size for x in carry])[:-1]
    init = np.concatenate([x.ravel() for x in carry]).tolist()

    def placeholders(label):
        flat = [trace.graph.input((label, number, i), trace.graph.dtypes[node]) for i, node in enumerate(init)]
        pieces = np.split(np.array(flat, dtype=np.int64), cuts)
        return [piece.reshape(x.shape) for piece, x in zip(pieces, carry, strict=True)]

    trace._inside_loop = True
    inside = body(placeholders("carry"))
    trace._inside_loop = False
    after = np.concatenate([x.ravel() for x in inside]).tolist()
    trace.loops[number] = Loop(length - 1, tuple(init), tuple(after))
    return body(placeholders("out"))


def _split(trace: Trace, eqn, x):
    return list(np.split(x, np.cumsum(eqn.params["sizes"])[:-1], axis=eqn.params["axis"]))


def _optimization_barrier(trace: Trace, eqn, *operands):
    return list(operands)


_BY_OP = """abs add and div eq floor ge gt is_finite le lt max min mul ne neg not or rem sqrt sub xor""".split()
_BY_FUNCTION = "acos asin atan atan2 cos exp exp2 log logistic pow sign sin tan tanh".split()

RULES: dict[str, Callable] = {
    **{name: _elementwise(name) for name in _BY_OP},
    **{name: _function(name) for name in _BY_FUNCTION},
    "add_any": _elementwise("add"),
    "argmax": _arg_extreme("gt"),
    "argmin": _arg_extreme("lt"),
    "broadcast_in_dim": _broadcast,
    "ceil": _ceil,
    "clamp": _clamp,
    "concatenate": lambda trace, eqn, *xs: np.concatenate(xs, eqn.params["dimension"]),
    "cond": _cond,
    "convert_element_type": _convert,
    "copy": lambda trace, eqn, x: x,
    "copy_p": lambda trace, eqn, x: x,
    "cummax": _cumulative("max"),
    "cummin": _cumulative("min"),
    "cumprod": _cumulative("mul"),
    "cumsum": _cumulative("add"),
    "device_put": lambda trace, eqn, *xs: list(xs),
    "dot_general": _dot,
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update_slice,
    "gather": _gather,
    "integer_pow": _integer_pow,
    "iota": _iota,
    "optimization_barrier": _optimization_barrier,
    "pad": _pad,
    "platform_index": _platform_index,
    "reduce_and": _reduction("and"),
    "reduce_max": _reduction("max"),
    "reduce_min": _reduction("min"),
    "reduce_or": _reduction("or"),
    "reduce_prod": _reduction("mul"),
    "reduce_sum": _reduction("add"),
    "rev": lambda trace, eqn, x: np.flip(x, eqn.params["dimensions"]),
    "round": _round,
    "rsqrt": _rsqrt,
    "scan": _scan,
    "scatter": _scatter(None),
    "scatter-add": _scatter("add"),
    "select_n": _select,
    "slice": _slice,
    "split": _split,
    "square": lambda trace, eqn, x: trace.map(lambda node: trace.graph.op("mul", node, node), x),
    "stack": lambda trace, eqn, *xs: np.stack(xs, eqn.params["axis"]),
    "stop_gradient": lambda trace, eqn, x: x,
    "tile": lambda trace, eqn, x: np.tile(x, eqn.params["reps"]),
    "unstack": lambda trace, eqn, x: list(np.moveaxis(x, eqn.params["axis"], 0)),
    "transpose": lambda trace, eqn, x: x.transpose(eqn.params["permutation"]),
    **dict.fromkeys(("expand_dims", "reshape", "squeeze"), _reshape),
    **dict.fromkeys(("closed_call", "custom_jvp_call", "custom_vjp_call", "jit", "pjit"), _call),
}
