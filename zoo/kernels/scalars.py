"""Arithmetic on single numbers as a graph without duplicates.

A node is an operation on earlier nodes. Asking twice for the same operation gives the same node, so that common
subexpressions are found as the graph grows, and operations that need no computing (on constants, `x + 0`, `1 * x`)
give the node of their result.

Rounding: results are those of the operations as asked for, but for quotients, which are products with a reciprocal,
and for the sign of zeros (`x + 0` is `x`).

Finiteness: `0 * x` and `x - x` are 0 only for finite x. Nodes that were taken to be finite are collected in
`Graph.presumed_finite`, and a program checks them while it runs (`programs`). A graph that presumes nothing leaves
such operations as they are.
"""

import math
from collections.abc import Callable, Iterable

import numpy as np

Node = int
Number = float | int | bool

FLOAT, INT, BOOL = "f", "i", "b"
DTYPES = {FLOAT: np.float32, INT: np.int32, BOOL: np.bool_}

_COMPARISONS: dict[str, Callable] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}


def _div_fold(a, b):
    """As XLA divides: whole numbers towards 0, and anything by 0 gives -1."""
    if isinstance(a, np.floating):
        return np.divide(a, b)
    quotient = -1 if b == 0 else abs(int(a)) // abs(int(b)) * (1 if (a < 0) == (b < 0) else -1)
    return _wrapped(quotient)


def _rem_fold(a, b):
    """The remainder, of the sign of the dividend; the rest of a whole number by 0 is itself."""
    if isinstance(a, np.floating):
        return np.fmod(a, b)
    return a if b == 0 else _wrapped(math.copysign(abs(int(a)) % abs(int(b)), a))


def _to_int_fold(a):
    """Towards 0; the nearest integer there is of what fits none, 0 of NaN."""
    limits = np.iinfo(np.int32)
    return np.int32(0 if math.isnan(a) else math.trunc(min(max(float(a), limits.min), limits.max)))


def _wrapped(number) -> np.int32:
    return np.array(int(number), np.int64).astype(np.int32)[()]


_FOLD: dict[str, Callable] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": _div_fold,
    "rem": _rem_fold,
    "min": np.minimum,
    "max": np.maximum,
    "neg": np.negative,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "floor": np.floor,
    "rint": np.rint,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "not": np.invert,
    "shl": np.left_shift,
    "shr": np.right_shift,
    "is_finite": np.isfinite,
    "to_float": np.float32,
    "to_int": _to_int_fold,
    "float_bits": lambda a: a.view(np.int32),
    "bits_float": lambda a: a.view(np.float32),
    **_COMPARISONS,
}
_COMMUTATIVE = frozenset(("add", "mul", "and", "or", "xor", "eq", "ne"))
"""Minimum and maximum are not: which of two zeros they give depends on their order."""

_RESULT = {
    **dict.fromkeys((*_COMPARISONS, "is_finite"), BOOL),
    "to_float": FLOAT,
    "bits_float": FLOAT,
    "to_int": INT,
    "float_bits": INT,
}


class Graph:
    """Nodes, numbered so that operands come before what is made of them.

    Args:
        presumes: whether simplifications may presume that numbers are finite.

    Attributes:
        ops: name of each node's operation.
        args: its operands.
        dtypes: kind of its result, `FLOAT`, `INT` or `BOOL`.
        values: a constant's value, an input's label, None for all others.
        presumed_finite: nodes whose infinities and NaN a simplification would have lost.
        finite_with: for results of functions that are finite wherever their arguments are, these arguments.
    """

    def __init__(self, *, presumes: bool = True):
        self._presumes = presumes
        self.ops: list[str] = []
        self.args: list[tuple[Node, ...]] = []
        self.dtypes: list[str] = []
        self.values: list = []
        self.presumed_finite: set[Node] = set()
        self.finite_with: dict[Node, tuple[Node, ...]] = {}
        self._found: dict[tuple, Node] = {}

    def __len__(self) -> int:
        return len(self.ops)

    def _node(self, op: str, args: tuple[Node, ...], dtype: str, value=None, key=None) -> Node:
        found = self._found.setdefault((op, *args, dtype, key), len(self.ops))
        if found == len(self.ops):
            self.ops.append(op)
            self.args.append(args)
            self.dtypes.append(dtype)
            self.values.append(value)
        return found

    def constant(self, value: Number | np.generic, dtype: str = FLOAT) -> Node:
        """The node of a number; NaN of all kinds are one."""
        number = DTYPES[dtype](value)
        return self._node("const", (), dtype, number, number.tobytes() if number == number else b"nan")

    def input(self, label, dtype: str = FLOAT) -> Node:
        """A number that is known when the program runs. Equal labels are one node."""
        return self._node("input", (), dtype, label, label)

    def is_constant(self, node: Node) -> bool:
        """Whether a node's value is known now."""
        return self.ops[node] == "const"

    def value(self, node: Node):
        """Value of a constant (NumPy scalar), or None."""
        return self.values[node] if self.ops[node] == "const" else None

    def op(self, name: str, *args: Node) -> Node:
        """The node of an operation, simplified.

        Raises:
            KeyError: if there is no such operation.
        """
        if name == "select":
            return self._select(*args)
        fold = _FOLD[name]
        if all(self.ops[a] == "const" for a in args):
            return self._folded(name, fold, args)
        simpler = _SIMPLER.get(name)
        if simpler is not None and (found := simpler(self, *args)) is not None:
            return found
        if name in _COMMUTATIVE and args[0] > args[1]:
            args = (args[1], args[0])
        return self._node(name, args, _RESULT.get(name, self.dtypes[args[0]]))

    def _folded(self, name, fold, args):
        with np.errstate(all="ignore"):
            result = fold(*(self.values[a] for a in args))
        return self.constant(result, _RESULT.get(name, self.dtypes[args[0]]))

    def _select(self, which: Node, true: Node, false: Node) -> Node:
        """`true` where `which`, else `false`."""
        if true == false:
            return true
        if self.is_constant(which):
            return true if self.values[which] else false
        if self.dtypes[true] == BOOL and self.is_constant(true) and self.is_constant(false):
            return which if self.values[true] else self.op("not", which)
        if self.ops[which] == "not":
            return self._select(self.args[which][0], false, true)
        return self._node("select", (which, true, false), self.dtypes[true])

    def zero(self, node: Node) -> bool:
        """Whether a node is the constant 0 (or -0)."""
        return self.ops[node] == "const" and not self.values[node]

    def one(self, node: Node) -> bool:
        """Whether a node is the constant 1."""
        return self.ops[node] == "const" and self.values[node] == 1

    def presume_finite(self, node: Node) -> bool:
        """Whether a simplification may be made that holds for finite values of a node alone; notes that it was."""
        if self.dtypes[node] != FLOAT:
            return True
        if self._presumes:
            self.presumed_finite.add(node)
        return self._presumes

    def taint(self, total: Node, node: Node) -> Node:
        """`total`, or NaN if a number is not finite: ``total + 0 * node``, which is never simplified."""
        return self._node("taint", (total, node), FLOAT)

    def total(self, nodes: Iterable[Node]) -> Node:
        """Sum in order, without the zero that sums begin with."""
        first, *others = nodes
        for other in others:
            first = self.op("add", first, other)
        return first


def _add(g: Graph, a: Node, b: Node):
    if g.zero(a):
        return b
    if g.zero(b):
        return a
    if g.ops[b] == "neg":
        return g.op("sub", a, g.args[b][0])
    if g.ops[a] == "neg":
        return g.op("sub", b, g.args[a][0])
    return None


def _sub(g: Graph, a: Node, b: Node):
    if g.zero(b):
        return a
    if g.zero(a):
        return g.op("neg", b)
    if a == b and g.presume_finite(a):
        return g.constant(0, g.dtypes[a])
    if g.ops[b] == "neg":
        return g.op("add", a, g.args[b][0])
    if g.ops[a] == "neg":
        return g.op("neg", g.op("add", g.args[a][0], b))
    return None


def _mul(g: Graph, a: Node, b: Node):
    for x, y in ((a, b), (b, a)):
        if g.zero(x) and g.presume_finite(y):
            return g.constant(0, g.dtypes[y])
        if g.one(x):
            return y
        if g.ops[x] == "const" and g.values[x] == -1:
            return g.op("neg", y)
        if g.ops[x] == "neg":
            return g.op("neg", g.op("mul", g.args[x][0], y))
    return None


def _div(g: Graph, a: Node, b: Node):
    """A quotient of floats is a product with a reciprocal, which all quotients by the same number share."""
    if g.dtypes[b] != FLOAT or g.one(b):
        return a if g.one(b) else None
    if g.ops[b] == "const":
        return g.op("mul", a, g.op("div", g.constant(1.0), b)) if g.values[b] else None
    if g.one(a):
        return None
    reciprocal = g.op("div", g.constant(1.0), b)
    if g.zero(a) and g.presume_finite(reciprocal):  # 0 / b is 0 unless b is 0 or NaN.
        return a
    return g.op("mul", a, reciprocal)


def _neg(g: Graph, a: Node):
    if g.ops[a] == "neg":
        return g.args[a][0]
    if g.ops[a] == "sub":
        return g.op("sub", g.args[a][1], g.args[a][0])
    return None


def _abs(g: Graph, a: Node):
    if g.ops[a] in ("neg", "abs"):
        return g.op("abs", g.args[a][0])
    return a if g.ops[a] == "sqrt" else None


def _same(g: Graph, a: Node, b: Node):
    return a if a == b else None


def _extreme(truth: str):
    """NaN stays; of truth values the least is their conjunction, and the greatest their disjunction."""

    def simpler(g: Graph, a: Node, b: Node):
        if g.dtypes[a] == BOOL:
            return g.op(truth, a, b)
        for x in (a, b):
            if g.ops[x] == "const" and g.values[x] != g.values[x]:
                return x
        return _same(g, a, b)

    return simpler


def _and(g: Graph, a: Node, b: Node):
    for x, y in ((a, b), (b, a)):
        if g.ops[x] == "const" and g.dtypes[x] == BOOL:
            return y if g.values[x] else x
    return _same(g, a, b)


def _or(g: Graph, a: Node, b: Node):
    for x, y in ((a, b), (b, a)):
        if g.ops[x] == "const" and g.dtypes[x] == BOOL:
            return x if g.values[x] else y
    return _same(g, a, b)


def _not(g: Graph, a: Node):
    return g.args[a][0] if g.ops[a] == "not" else None


def _to_float(g: Graph, a: Node):
    """A truth value becomes 0 or 1 by a selection."""
    if g.dtypes[a] == BOOL:
        return g.op("select", a, g.constant(1.0), g.constant(0.0))
    return a if g.dtypes[a] == FLOAT else None


def _to_int(g: Graph, a: Node):
    if g.dtypes[a] == BOOL:
        return g.op("select", a, g.constant(1, INT), g.constant(0, INT))
    return a if g.dtypes[a] == INT else None


def _comparison(name: str):
    """Truth values compare as what they stand for: `(b ? 1 : 0) != 0` is b."""

    def simpler(g: Graph, a: Node, b: Node):
        if g.ops[a] == "select" and g.ops[b] == "const":
            which, true, false = g.args[a]
            if g.is_constant(true) and g.is_constant(false):
                return g.op("select", which, g.op(name, true, b), g.op(name, false, b))
        if g.dtypes[a] == BOOL and g.ops[b] == "const" and name in ("eq", "ne"):
            return a if bool(g.values[b]) == (name == "eq") else g.op("not", a)
        if a == b and g.dtypes[a] != FLOAT:
            return g.constant(name in ("eq", "le", "ge"), BOOL)
        return None

    return simpler


_SIMPLER: dict[str, Callable] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "neg": _neg,
    "abs": _abs,
    "min": _extreme("and"),
    "max": _extreme("or"),
    "and": _and,
    "or": _or,
    "not": _not,
    "to_float": _to_float,
    "to_int": _to_int,
    **{name: _comparison(name) for name in _COMPARISONS},
}
