"""Graphs and programs evaluated by NumPy, for tests: no simplification, no compiler."""

import numpy as np

from zoo.kernels.programs import loop_of, reachable
from zoo.kernels.scalars import BOOL, DTYPES, FLOAT, INT

_INT_MIN = np.iinfo(np.int32).min


def int_quotient(a, b):
    """XLA's: rounds to 0; -1 if the divisor is 0."""
    safe = np.where((b == 0) | ((a == _INT_MIN) & (b == -1)), 1, b)
    return np.where(b == 0, -1, np.trunc(a / safe.astype(np.float64)).astype(np.int32)).astype(np.int32)


def int_rest(a, b):
    """XLA's: of the sign of the dividend, which it is itself if the divisor is 0."""
    safe = np.where((b == 0) | (b == -1), 1, b)
    return np.where(b == 0, a, np.where(b == -1, 0, np.fmod(a, safe))).astype(np.int32)


def to_int(x):
    """Truncated; the nearest integer there is of what fits none, 0 of NaN."""
    exact = np.nan_to_num(np.trunc(x.astype(np.float64)), nan=0.0, posinf=2.0**40, neginf=-(2.0**40))
    return np.clip(exact, _INT_MIN, -_INT_MIN - 1).astype(np.int32)


_PLAIN = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "min": np.minimum, "max": np.maximum, "neg": np.negative,
    "abs": np.abs, "sqrt": np.sqrt, "floor": np.floor, "rint": np.rint, "and": np.bitwise_and, "or": np.bitwise_or,
    "xor": np.bitwise_xor, "not": np.invert, "shl": np.left_shift, "shr": np.right_shift,
    "is_finite": np.isfinite, "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal,
    "gt": np.greater, "ge": np.greater_equal, "to_float": lambda a: a.astype(np.float32), "select": np.where,
    "float_bits": lambda a: a.view(np.int32), "bits_float": lambda a: a.view(np.float32),
    "taint": lambda total, x: total + np.float32(0) * x,
}  # fmt: skip


def operation(name, *values):
    """An operation on arrays of one shape."""
    ints = values[0].dtype == np.int32
    with np.errstate(all="ignore"):
        if name == "div":
            return int_quotient(*values) if ints else np.divide(*values)
        if name == "rem":
            return int_rest(*values) if ints else np.fmod(*values)
        if name == "to_int":
            return values[0].astype(np.int32) if values[0].dtype == np.bool_ else to_int(values[0])
        return _PLAIN[name](*values)


def evaluate(graph, nodes, inputs, loops=()):
    """Values [N] of nodes.

    Args:
        graph: of the nodes.
        nodes: whose values are asked for.
        inputs: arrays [N] by label.
        loops: of the program.
    """
    live, inside = reachable(graph, loops, nodes), loop_of(graph, loops)
    size = max((np.size(x) for x in inputs.values()), default=1)
    known = {}

    def compute(node, carry):
        op, dtype, value = graph.ops[node], graph.dtypes[node], graph.values[node]
        if op == "const":
            known[node] = np.full(size, value, DTYPES[dtype])
        elif op != "input":
            known[node] = operation(op, *(known[a] for a in graph.args[node]))
            assert known[node].dtype == DTYPES[dtype], (op, dtype, known[node].dtype)
        elif value[0] == "carry":
            known[node] = carry[value[2]]
        elif value[0] == "out":
            known[node] = ends(value[1])[value[2]]
        else:
            known[node] = np.broadcast_to(np.asarray(inputs[value], DTYPES[dtype]), (size,))

    finished = {}

    def ends(number):
        if number not in finished:
            loop, body = loops[number], [n for n in sorted(live) if inside[n] == number]
            own = [e for e in range(len(loop.body)) if loop.init[e] in known and loop.body[e] in live]
            carry = {e: known[loop.init[e]] for e in own}
            for _ in range(loop.length):
                for node in body:
                    compute(node, carry)
                carry = {e: known[loop.body[e]] for e in own}
            finished[number] = carry
        return finished[number]

    for node in sorted(live):
        if inside[node] is None:
            compute(node, {})
    return [known[node] for node in nodes]


def run(program, state, action):
    """Next state by place, outputs by name [n, N] and the fault of a program.

    Args:
        program: of a step.
        state: arrays [N] by place.
        action: [a, N].
    """
    inputs = {("state", place): x for place, x in state.items()}
    inputs |= {("action", i): x for i, x in enumerate(action)}
    roots = program.roots()
    by_node = dict(zip(roots, evaluate(program.graph, roots, inputs, program.loops), strict=True))
    outputs = {name: np.array([by_node[n] for n in nodes]) for name, nodes in program.outputs.items()}
    fault = None if program.fault is None else by_node[program.fault]
    return {place: by_node[n] for place, n in program.state.items()}, outputs, fault


__all__ = ["BOOL", "FLOAT", "INT", "evaluate", "int_quotient", "int_rest", "operation", "run", "to_int"]
