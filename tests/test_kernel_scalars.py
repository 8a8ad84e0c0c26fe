"""Simplifications keep values: random expressions, simplified and as they come, on numbers of all kinds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_numbers import evaluate, operation

from zoo.kernels.scalars import BOOL, FLOAT, INT, Graph

LANES = 24
NUMBERS = np.array([0, -0.0, 1, -1, 2.5, -0.5, 1e-3, 7, np.inf, -np.inf, np.nan, 3e38, -1e20], np.float32)
WHOLE = np.array([0, 1, -1, 2, 7, -13, 2**31 - 1, -(2**31)], np.int32)
CONSTANTS = {FLOAT: [0.0, -0.0, 1.0, -1.0, 0.5, np.inf, np.nan], INT: [0, 1, -1, 5], BOOL: [True, False]}

_F, _I, _B = FLOAT, INT, BOOL
SIGNATURES = [
    *[(op, (_F, _F), _F) for op in ("add", "sub", "mul", "min", "max", "rem", "divided")],
    *[(op, (_F,), _F) for op in ("neg", "abs", "sqrt", "floor", "rint", "to_float")],
    *[(op, (_F, _F), _B) for op in ("eq", "ne", "lt", "le", "gt", "ge")],
    *[(op, (_I, _I), _I) for op in ("add", "sub", "mul", "min", "max", "div", "rem", "and", "or", "xor")],
    *[(op, (_I,), _I) for op in ("neg", "abs", "not")],
    *[(op, (_I, _I), _B) for op in ("eq", "ne", "lt", "le", "gt", "ge")],
    *[(op, (_B, _B), _B) for op in ("eq", "ne", "lt", "ge", "and", "or", "xor", "min", "max")],
    ("not", (_B,), _B), ("is_finite", (_F,), _B), ("to_int", (_F,), _I), ("to_int", (_B,), _I),
    ("to_float", (_I,), _F), ("to_float", (_B,), _F),
    *[("select", (_B, t, t), t) for t in (_F, _I, _B)],
]  # fmt: skip
_SAMPLE = st.integers(0, 10**6)
_STEPS = st.lists(st.tuples(st.sampled_from(SIGNATURES), _SAMPLE, _SAMPLE, _SAMPLE), min_size=4, max_size=40)


class Both:
    """An expression as a graph's node, and its values computed directly."""

    def __init__(self, graph, seed):
        rng = np.random.default_rng(seed)
        self.graph, self.inputs = graph, {}
        self.pools = {FLOAT: [], INT: [], BOOL: []}
        draws = {FLOAT: NUMBERS, INT: WHOLE, BOOL: np.array([True, False])}
        for dtype, values in draws.items():
            for i in range(3):
                label = (dtype, i)
                self.inputs[label] = rng.choice(values, LANES)
                self.pools[dtype].append((graph.input(label, dtype), self.inputs[label]))
            for value in CONSTANTS[dtype]:
                node = graph.constant(value, dtype)
                self.pools[dtype].append((node, np.full(LANES, value, values.dtype)))
        self.leaves = list(self.pools[FLOAT])

    def add(self, signature, picks):
        op, kinds, result = signature
        chosen = [
            self.pools[kind][-1 - pick % len(self.pools[kind])] for kind, pick in zip(kinds, picks, strict=False)
        ]
        nodes, values = zip(*chosen, strict=True)
        if op == "divided":
            made = self.divided(*chosen, picks[2])
        elif op == "to_float" and kinds == (FLOAT,):
            made = self.graph.op(op, *nodes), values[0]
        elif op in ("min", "max") and kinds == (BOOL, BOOL):
            made = self.graph.op(op, *nodes), operation("and" if op == "min" else "or", *values)
        else:
            made = self.graph.op(op, *nodes), operation(op, *values)
        self.pools[result].append(made)

    def divided(self, a, b, pick):
        """As documented, a product with a reciprocal; of an absolute value or a leaf, whose zeros keep their sign."""
        if pick % 2:
            b = self.leaves[pick % len(self.leaves)]
        else:
            b = self.graph.op("abs", b[0]), np.abs(b[1])
        one = np.ones(LANES, np.float32)
        return self.graph.op("div", a[0], b[0]), operation("mul", a[1], operation("div", one, b[1]))


def built(graph, seed, steps):
    both = Both(graph, seed)
    for signature, *picks in steps:
        both.add(signature, picks)
    return both


def differing(both):
    """Lanes in which a node has another value than what it stands for (of zeros, any is one)."""
    nodes, direct = zip(*[pair for pool in both.pools.values() for pair in pool], strict=True)
    found = evaluate(both.graph, nodes, both.inputs)
    differs = np.zeros(LANES, bool)
    for got, expected in zip(found, direct, strict=True):
        assert got.dtype == expected.dtype
        differs |= ~((got == expected) | ((got != got) & (expected != expected)))
    return differs


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1000), _STEPS)
def test_nothing_changes_that_presumes_nothing(seed, steps):
    both = built(Graph(presumes=False), seed, steps)
    assert not differing(both).any()
    assert not both.graph.presumed_finite


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 1000), _STEPS)
def test_what_changes_has_presumed_a_number_finite_that_is_not(seed, steps):
    both = built(Graph(), seed, steps)
    presumed = sorted(both.graph.presumed_finite)
    finite = np.ones(LANES, bool)
    for values in evaluate(both.graph, presumed, both.inputs):
        finite &= np.isfinite(values)
    assert not (differing(both) & finite).any()


def test_zero_times_what_may_be_infinite_is_noted():
    g = Graph()
    x = g.input("x")
    inverse = g.op("div", g.constant(1.0), x)
    assert g.op("mul", g.constant(0.0), inverse) == g.constant(0.0)
    assert g.op("sub", x, x) == g.constant(0.0)
    assert g.op("div", g.constant(0.0), g.op("sqrt", x)) == g.constant(0.0)
    assert g.presumed_finite == {inverse, x, g.op("div", g.constant(1.0), g.op("sqrt", x))}


def test_the_same_operation_is_the_same_node():
    g = Graph()
    x, y = g.input("x"), g.input("y")
    assert g.op("add", x, y) == g.op("add", y, x)
    assert g.op("sub", x, y) == g.op("neg", g.op("sub", y, x)) != g.op("sub", y, x)
    assert g.op("div", x, y) == g.op("mul", x, g.op("div", g.constant(1.0), y))
    assert g.constant(np.nan) == g.constant(-np.float32(np.nan))
    assert g.constant(0.0) != g.constant(-0.0)
    assert g.constant(1, INT) != g.constant(1.0)
    assert g.input("x", INT) != x


@pytest.mark.parametrize(
    ("op", "a", "b", "result"),
    [
        ("div", 7, 0, -1), ("div", -7, 2, -3), ("div", -(2**31), -1, -(2**31)), ("div", 2**31 - 1, 3, 715827882),
        ("rem", 7, 0, 7), ("rem", -7, 2, -1), ("rem", -(2**31), -1, 0), ("rem", 7, -2, 1),
        ("add", 2**31 - 1, 1, -(2**31)),
    ],
)  # fmt: skip
def test_whole_numbers_as_xla_has_them(op, a, b, result):
    g = Graph()
    assert g.value(g.op(op, g.constant(a, INT), g.constant(b, INT))) == result


@pytest.mark.parametrize(
    ("x", "result"), [(np.nan, 0), (np.inf, 2**31 - 1), (-np.inf, -(2**31)), (-1e20, -(2**31)), (-2.7, -2)]
)
def test_a_number_becomes_the_nearest_whole_one(x, result):
    g = Graph()
    assert g.value(g.op("to_int", g.constant(x))) == result


def test_an_operation_that_does_not_exist():
    g = Graph()
    with pytest.raises(KeyError):
        g.op("fma", g.constant(1.0))
