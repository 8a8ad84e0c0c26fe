"""Each primitive's rule on random operands against JAX itself."""

import ctypes

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from kernel_numbers import evaluate
from kernel_steps import rows

from zoo.kernels import llvm
from zoo.kernels.machine import Library, host, object_code
from zoo.kernels.primitives import RULES, Trace, UnsupportedStepError
from zoo.kernels.programs import trace_step, with_fault
from zoo.tasks.base import Step

N = 7
MATRIX = np.arange(12, dtype=np.float32).reshape(3, 4) / 7 - 0.5


def operand(shape, dtype, seed=0):
    rng = np.random.default_rng([seed, *shape])
    if dtype == np.bool_:
        return rng.integers(0, 2, (*shape, N)).astype(bool)
    if dtype == np.int32:
        return rng.integers(-9, 9, (*shape, N)).astype(np.int32)
    return rng.normal(size=(*shape, N)).astype(np.float32)


def traced(function, *arrays):
    """Nodes of a function's results, and values of its operands by label."""
    shapes = [jax.ShapeDtypeStruct(x.shape[:-1], x.dtype) for x in arrays]
    closed = jax.make_jaxpr(function)(*shapes)
    trace, inputs, nodes = Trace(), {}, []
    for number, x in enumerate(arrays):
        labels = np.arange(x[..., 0].size).reshape(x.shape[:-1])
        dtype = {"f": "f", "i": "i", "b": "b"}[x.dtype.kind]
        nodes.append(trace.map(lambda i, n=number, d=dtype: trace.graph.input(("x", n, i), d), labels))
        inputs |= {("x", number, i): row for i, row in enumerate(x.reshape(-1, N))}
    return trace, inputs, trace.evaluate(closed.jaxpr, closed.consts, nodes), _names(closed.jaxpr)


def _names(jaxpr):
    params = [value for eqn in jaxpr.eqns for value in eqn.params.values()]
    inner = [x for value in params for x in (value if isinstance(value, tuple) else (value,)) if hasattr(x, "jaxpr")]
    return {eqn.primitive.name for eqn in jaxpr.eqns}.union(*(_names(x.jaxpr) for x in inner))


def assert_equals_jax(function, *arrays):
    trace, inputs, results, names = traced(function, *arrays)
    expected = jax.tree.leaves(jax.jit(jax.vmap(function, in_axes=-1, out_axes=-1))(*arrays))
    for nodes, x in zip(results, expected, strict=True):
        assert nodes.shape == x.shape[:-1]
        got = np.array(evaluate(trace.graph, nodes.ravel().tolist(), inputs, trace.loops)).reshape(x.shape)
        if x.dtype == np.float32:
            np.testing.assert_allclose(got, x, rtol=2e-5, atol=2e-6)
        else:
            np.testing.assert_array_equal(got, x)
    return names


F, J, B = np.float32, np.int32, np.bool_
X = [((3, 4), F)]
XY = [((3, 4), F), ((3, 4), F)]
IJ = [((5,), J), ((5,), J)]
PQ = [((5,), B), ((5,), B)]


@jax.custom_jvp
def twice(x):
    return 2 * x


twice.defjvp(lambda primals, tangents: (twice(*primals), 2 * tangents[0]))


@jax.custom_vjp
def thrice(x):
    return 3 * x


thrice.defvjp(lambda x: (thrice(x), None), lambda _, g: (3 * g,))

CASES = {
    "arithmetic": (lambda x, y: (x + y, x - y, x * y, x / y, -x, abs(x), lax.rem(x, y)), XY),
    "extremes": (lambda x, y: (jnp.minimum(x, y), jnp.maximum(x, 0.1), lax.clamp(-0.5, x, 0.25)), XY),
    "clamp by arrays": (lambda x, y: lax.clamp(y, x, y + 1), XY),
    "roundings": (lambda x: (jnp.floor(5 * x), jnp.ceil(5 * x), jnp.round(5 * x), jnp.sign(jnp.trunc(x))), X),
    "roots and powers": (
        lambda x: (jnp.sqrt(abs(x)), lax.rsqrt(abs(x)), x**3, x**-2, abs(x) ** 2.5, jnp.square(x), abs(x) ** 0.5),
        X,
    ),
    "a power of each": (lambda x, y: (abs(x) ** y, lax.pow(abs(x), jnp.int32(3)), lax.integer_pow(x, 0)), XY),
    "powers of numbers below 0": (
        lambda x, i: (lax.pow(x, i), x ** (i * 1.0), x**100.0, lax.pow(x, i + 0.5)),
        [((5,), F), ((5,), J)],
    ),
    "exponentials": (lambda x: (jnp.exp(x), jnp.exp2(x), jnp.log(abs(x)), jnp.tanh(x), jax.nn.sigmoid(x)), X),
    "angles": (
        lambda x, y: (jnp.sin(x), jnp.cos(x), jnp.tan(x), jnp.arctan2(x, y), jnp.arctan(x), jnp.arcsin(jnp.tanh(x)),
                      jnp.arccos(jnp.tanh(x))),
        XY,
    ),
    "comparisons": (lambda x, y: (x < y, x <= y, x > y, x >= y, x == y, x != y, jnp.isfinite(x)), XY),
    "choices": (lambda x, y: (jnp.where(x > y, x, y), jnp.where(x[0, 0] > 0, x, 2 * y)), XY),
    "whole numbers": (
        lambda i, j: (i + j, i - j, i * j, -i, abs(i), jnp.sign(i), i & j, i | j, i ^ j, ~i, jnp.maximum(i, j)),
        IJ,
    ),
    "whole quotients": (
        lambda i, j: (lax.div(i, j), lax.rem(i, j), lax.div(i, 3), lax.rem(i, -2), i // j, i % j), IJ
    ),
    "whole comparisons": (lambda i, j: (i < j, i <= j, i > j, i >= j, i == j, i != j), IJ),
    "truth": (lambda p, q: (p & q, p | q, p ^ q, ~p, p == q, p != q, p < q, p >= q), PQ),
    "extremes of truth": (lambda p, q: (lax.max(p, q), lax.min(p, q), p.any(), p.all(), p.max(), jnp.argmax(p)), PQ),
    "conversions": (
        lambda x, i, p: (x.astype(J), (10 * x).astype(J), x.astype(B), i.astype(F), i.astype(B),
                         p.astype(F), p.astype(J)),
        [*X, ((5,), J), ((5,), B)],
    ),
    "sums": (lambda x: (x.sum(), x.sum(0), x.sum((1,)), x.prod(1), x.max(0), x.min(), x.mean()), X),
    "whole sums": (lambda i, p: (i.sum(), i.max(), p.sum(), i.prod()), [((5,), J), ((5,), B)]),
    "cumulative": (
        lambda x: (jnp.cumsum(x, 0), jnp.cumprod(x, 1), lax.cumsum(x, 1, reverse=True),
                   lax.cummax(x, 0), lax.cummin(x, 1)),
        X,
    ),
    "arguments": (lambda x: (jnp.argmax(x), jnp.argmin(x, 0), jnp.argmax(x, 1)), X),
    "matrix products": (lambda x: (x @ MATRIX.T, MATRIX @ x.T, x @ x.T, x[0] @ x[1], jnp.outer(x[0], x[1])), X),
    "batches of products": (
        lambda x: (jnp.einsum("bij,bjk->bik", jnp.stack([x, 2 * x]), jnp.stack([x.T, x.T + 1])),
                   jnp.einsum("ij,ij->i", x, MATRIX), jnp.einsum("ij,kj->ki", x, MATRIX),
                   lax.dot_general(x, x, (((0,), (0,)), ((1,), (1,))))),
        X,
    ),
    "whole products": (
        lambda i, j: (i @ j, jnp.matmul(i, j, preferred_element_type=F), i[:0] @ j[:0], i[:, None][:, :0] @ j[:0]),
        IJ,
    ),
    "products of truth": (
        lambda p, q: (jnp.dot(p, q), p @ np.ones((5, 2), B), jnp.einsum("i,j->ij", p, q),
                      jnp.dot(p, q, preferred_element_type=J), jnp.dot(p, q, preferred_element_type=F)),
        PQ,
    ),
    "broadcast": (lambda x: (x[:, None] * x[None, :, 0, None] + MATRIX[0], jnp.broadcast_to(x[:, :1], (2, 3, 4))), X),
    "slices": (
        lambda x: (x[0, 1:], x[::2, ::-1], x[-1], lax.slice(x, (0, 1), (3, 4), (2, 2)), lax.rev(x, (0, 1))), X
    ),
    "dynamic slices": (
        lambda x: (lax.dynamic_slice(x, (1, 0), (2, 2)), lax.dynamic_slice(x, (jnp.int32(7), jnp.int32(-9)), (2, 3)),
                   lax.dynamic_update_slice(x, x[:2, :2], (2, 2))),
        X,
    ),
    "shapes": (
        lambda x: (x.T.reshape(2, 6), jnp.tile(x, (2, 1)), jnp.squeeze(x[:1]), jnp.concatenate([x, MATRIX, x[:1]], 0),
                   jnp.stack([x[0], x[1]], 1), jnp.split(x, [1, 3], 1), x.reshape(2, 6, order="F"), x[None]),
        X,
    ),
    "pads": (
        lambda x: (jnp.pad(x, ((1, 0), (0, 2)), constant_values=2.0), lax.pad(x, x[0, 0], ((1, 2, 1), (0, 1, 2)))),
        X,
    ),
    "gathers": (
        lambda x: (x[jnp.array([2, 0, 0, 1]), jnp.array([1, 1, 3, 0])], jnp.take(x, jnp.array([1, 2, -1]), axis=1),
                   x[np.array([[0, 1], [2, 2]])], x[:, np.array([3, 1])]),
        X,
    ),
    "gathers outside": (
        lambda x: (x.at[jnp.array([1, 7])].get(mode="fill", fill_value=0.5), x.at[jnp.array([1, 7])].get(mode="clip"),
                   x.at[jnp.array([1, 7])].get(mode="fill"), (10 * x).astype(J).at[jnp.array([8])].get(mode="fill")),
        X,
    ),
    "gathers of a batch": (
        lambda x: (jnp.take_along_axis(x, np.array([[0], [3], [1]]), axis=1),
                   jax.vmap(lambda r, i: r[i])(x, jnp.array([3, 0, 1]))),
        X,
    ),
    "scatters": (
        lambda x: (x.at[1].set(0.5), x.at[jnp.array([2, 0])].set(x[:2]), x.at[:, 1].set(x[:, 0]),
                   x.at[jnp.array([2, 9])].set(1.0), x.at[1:3, 2].set(7.0)),
        X,
    ),
    "scatters that add": (
        lambda x: (x.at[jnp.array([2, 0, 2])].add(x * 2),
                   jax.ops.segment_sum(x, jnp.array([1, 0, 1]), num_segments=3),
                   jax.vmap(lambda r, i: r.at[i].add(1.0))(x, jnp.array([3, 0, 1]))),
        X,
    ),
    "calls": (lambda x: (jax.jit(jnp.sin)(x), twice(x), thrice(x), jax.nn.relu(x), lax.stop_gradient(x)), X),
    "iota": (lambda x: (x[0] + jnp.arange(4), lax.broadcasted_iota(J, (2, 3), 1), jnp.eye(3)), X),
    "branches": (
        lambda x: (lax.cond(x[0, 0] > 0, jnp.sin, jnp.cos, x), lax.switch(2, [jnp.sin, jnp.cos, jnp.exp], x)), X
    ),
    "scan over a carry": (lambda x: lax.scan(lambda c, _: (0.9 * c + x, None), x, None, length=5)[0], X),
    "scan over arrays": (lambda x: lax.scan(lambda c, r: (c + r, c * r), x[0], x), X),
    "scan backwards": (lambda x: lax.scan(lambda c, r: (c * 0.5 + r, c), x[0], x, reverse=True), X),
    "scan in a scan": (
        lambda x: lax.fori_loop(0, 4, lambda _, c: lax.fori_loop(0, 3, lambda _, d: 0.5 * d + x, c) * 0.9, x), X
    ),
    "scan without a carry": (lambda x: (lax.scan(lambda c, _: (c, None), (), None, length=7), x + 1), X),
    "scan of nothing": (lambda x: lax.scan(lambda c, r: (c + r, c * r), x[0], x[:0]), X),
    "nothing": (lambda x: (x[:0] * 2, jnp.concatenate([x[:0], x])), X),
    "barrier": (lambda x: lax.optimization_barrier((x, x + 1)), X),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_results_are_jaxs(name):
    function, shapes = CASES[name]
    assert_equals_jax(function, *(operand(*shape, seed) for seed, shape in enumerate(shapes)))


def test_every_rule_is_met_in_some_case():
    met = set()
    for function, shapes in CASES.values():
        met |= traced(function, *(operand(*shape) for shape in shapes))[3]
    new_or_old = {"square", "stack", "tile", "unstack", "split", "expand_dims", "pjit", "jit", "closed_call", "exp2"}
    rare = {"add_any", "copy", "copy_p", "device_put", "platform_index", "reduce_and", "stop_gradient"}
    assert set(RULES) - met - new_or_old - rare == set()


@pytest.mark.parametrize(
    "name", ["comparisons", "extremes", "choices", "arguments", "conversions", "sums", "cumulative"]
)
def test_numbers_that_are_not_finite(name):
    function, shapes = CASES[name]
    arrays = [operand(*shape, seed) for seed, shape in enumerate(shapes)]
    arrays[0][0, 1, :3] = [np.nan, np.inf, -np.inf]
    arrays[0][2, 1, 2:4] = np.nan
    assert_equals_jax(function, *arrays)


UNSUPPORTED = {
    "`sort`": lambda x: jnp.sort(x),
    "`while`": lambda x: lax.while_loop(lambda c: c.sum() < 3, lambda c: c + 1, x),
    "`scatter": lambda x: x.at[0].multiply(2.0),
    "a function applied at positions": lambda x: x.at[0].apply(jnp.sqrt),
    "`erf`": lambda x: jax.scipy.special.erf(x),
    "positions that depend on the state": lambda x: x[jnp.argmax(x[:, 0])],
    "numbers of type float16": lambda x: x.astype(np.float16),
    "numbers of type uint8": lambda x: (x > 0).astype(np.uint8) + 1,
    "`random_seed`": lambda x: x + jax.random.uniform(jax.random.key(0)),
    "padding that cuts": lambda x: lax.pad(x, 0.0, ((-1, 0, 0), (0, 0, 0))),
    "more than two branches": lambda x: lax.switch(x[0, 0].astype(J), [jnp.sin, jnp.cos, jnp.exp], x),
    "a scan of 20 steps": lambda x: lax.scan(lambda c, r: (c + r, None), x[0], jnp.zeros((20, 4)))[0],
}


@pytest.mark.parametrize("what", UNSUPPORTED)
def test_what_has_no_rule_is_named(what):
    with pytest.raises(UnsupportedStepError, match=what):
        traced(UNSUPPORTED[what], operand(*X[0]))


THROUGH_LLVM = ["arithmetic", "roundings", "whole quotients", "truth", "extremes of truth", "conversions",
                "exponentials", "angles", "comparisons", "arguments", "scan over a carry", "products of truth",
                "powers of numbers below 0"]  # fmt: skip


@pytest.mark.parametrize("widest", [128, 512])
@pytest.mark.parametrize("name", THROUGH_LLVM)
def test_machine_code_gives_the_same(name, widest):
    """Operands are the state; results, as numbers, the observation. One lane an operand."""
    function, shapes = CASES[name]
    arrays = [operand(*shape, seed) for seed, shape in enumerate(shapes)]
    arrays[0].reshape(-1)[:3] = arrays[0].dtype.type(0)

    def step(state, _):
        results = [x.ravel().astype(np.float32) for x in jax.tree.leaves(function(*state))]
        return Step(state, jnp.concatenate(results), 0.0, False, 0.0)

    structure = [jax.ShapeDtypeStruct(x.shape[:-1], x.dtype) for x in arrays]
    machine = host(widest)
    program = with_fault(trace_step(step, structure, 1))
    text, declarations = llvm.step_function(program, "step", machine.lanes)
    library = Library([object_code("\n".join([*sorted(declarations), text]), machine, level=1)], machine)
    run = library.function("step", *[ctypes.c_void_p] * 3)
    flat = np.concatenate([bits(x).reshape(-1, N) for x in arrays])[list(program.carried)]
    numbers, action = rows(len(flat), machine.lanes), rows(1, machine.lanes)
    result = rows(len(llvm.result_nodes(program)), machine.lanes)
    columns = np.resize(np.arange(N), machine.lanes)
    numbers.view(np.int32)[:] = flat[:, columns]
    run(numbers.ctypes.data, action.ctypes.data, result.ctypes.data)
    expected = jax.jit(jax.vmap(lambda *s: step(s, None).observation, in_axes=-1, out_axes=-1))(*arrays)
    np.testing.assert_allclose(result[: len(expected)], np.asarray(expected)[:, columns], rtol=2e-5, atol=2e-6)
    np.testing.assert_array_equal(numbers.view(np.int32), flat[:, columns])


def bits(x):
    return (x.astype(np.float32) if x.dtype == np.bool_ else x).view(np.int32)
