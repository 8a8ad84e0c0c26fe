"""`vmap` with the batch axis last, for physics made of small vectors.

`jax.vmap` puts the batch first. What a physics engine computes (positions of 3 numbers, quaternions of 4, a
handful of links) then lies innermost, where it fills no SIMD register, and every component is a strided read.
With the batch innermost, each of these operations runs over full registers, and slicing, concatenating and
gathering components moves whole rows. Brax's `spring` physics is about four times as fast on a CPU core
(docs/brax-speed.md); what is computed is the same, up to the order of sums.

It works as JAX's own transformations do: the function is traced for one element, and each operation of the
trace is written down again for a batch. Operations without a rule here go through `jax.vmap`.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import Jaxpr, JaxprEqn, Literal

from zoo.kernels.primitives import scan_counts

CPU_OPTIONS = {"xla_disable_hlo_passes": "cse_barrier_expander", "xla_cpu_prefer_vector_width": 512}
"""For `jax.jit(…, compiler_options=…)` of large batches on a CPU: physics is a fifth to a half faster with them.

XLA drops barriers before it fuses, and a concatenation inside a fused loop costs a branch per element, hence its
SIMD. The first option keeps the barriers of `_concatenate`; XLA cannot compile them into the loops that it makes
one kernel of, but these are loops over a KiB or less.
"""

_FULL_REGISTER = 16
"""Batches that are smaller leave SIMD registers empty whatever is done."""

_MOST_TERMS = 8
"""Longest sum of a matrix product that is written out; of longer ones the trace would grow too long."""


class _Lanes(NamedTuple):
    """A batch of values: [..., N]."""

    array: jax.Array


def vmap_last(function: Callable) -> Callable:
    """Maps a function over the last axis of all its arguments' arrays, and of its results.

    Args:
        function: of arrays or trees of arrays, as for `jax.vmap`.

    Returns:
        The function for batches: an argument [...] becomes [..., N], as does a result.

    Raises:
        ValueError: when called with batches of different sizes.
    """

    def mapped(*args):
        leaves, tree = jax.tree.flatten(args)
        sizes = {leaf.shape[-1] for leaf in leaves}
        if len(sizes) != 1:
            raise ValueError(f"the last axes of all arguments must be equally long; they are {sorted(sizes)}")
        (size,) = sizes
        one = jax.tree.unflatten(tree, [jax.ShapeDtypeStruct(leaf.shape[:-1], leaf.dtype) for leaf in leaves])
        closed, result = jax.make_jaxpr(function, return_shape=True)(*one)
        values = _evaluate(closed.jaxpr, closed.consts, [_Lanes(leaf) for leaf in leaves], size)
        return jax.tree.unflatten(jax.tree.structure(result), [_batched(value, size) for value in values])

    return mapped


def _evaluate(jaxpr: Jaxpr, consts: Sequence, args: Sequence, size: int) -> list:
    """Results of a trace whose arguments are batches (`_Lanes`) or the same for the whole batch."""
    values = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*consts, *args), strict=True))

    def read(atom):
        return atom.val if isinstance(atom, Literal) else values[atom]

    for eqn in jaxpr.eqns:
        operands = [read(atom) for atom in eqn.invars]
        if eqn.primitive.name in _CUSTOM or any(isinstance(operand, _Lanes) for operand in operands):
            results = _RULES.get(eqn.primitive.name, _by_vmap)(eqn, operands, size)
        else:
            results = _once(eqn, operands)
        values.update(zip(eqn.outvars, results, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _once(eqn: JaxprEqn, operands: list) -> list:
    """An operation that is the same for the whole batch; on constants, it is done now."""
    if _known(*operands):
        with jax.ensure_compile_time_eval():
            results = eqn.primitive.bind(*operands, **eqn.params)
    else:
        results = eqn.primitive.bind(*operands, **eqn.params)
    return list(results) if eqn.primitive.multiple_results else [results]


def _known(*operands) -> bool:
    """Whether all values are constants of the trace."""
    return not any(isinstance(operand, _Lanes | jax.core.Tracer) for operand in operands)


def _batched(value: Any, size: int, shape: tuple[int, ...] | None = None) -> jax.Array:
    """[*shape, N] of a batch or of one value for all; shape is its own by default."""
    array = value.array if isinstance(value, _Lanes) else jnp.asarray(value)[..., None]
    return jnp.broadcast_to(array, (*(array.shape[:-1] if shape is None else shape), size))


def _rows(value: Any, size: int) -> jax.Array:
    """[elements, N]."""
    return _batched(value, size).reshape(-1, size)


def _elementwise(eqn, operands, size):
    """All operands in the result's shape (scalars may come as they are)."""
    shape = eqn.outvars[0].aval.shape
    arrays = [_batched(operand, size, shape) for operand in operands]
    return [_Lanes(eqn.primitive.bind(*arrays, **eqn.params))]


def _select(eqn, operands, size):
    """One predicate may choose between whole arrays."""
    if not isinstance(operands[0], _Lanes):
        shape = eqn.invars[0].aval.shape or eqn.outvars[0].aval.shape
        operands = [jnp.broadcast_to(jnp.asarray(operands[0]), shape), *operands[1:]]
    elif not eqn.invars[0].aval.shape:
        which = operands[0].array.reshape(*(1 for _ in eqn.outvars[0].aval.shape), size)
        operands = [_Lanes(jnp.broadcast_to(which, (*eqn.outvars[0].aval.shape, size))), *operands[1:]]
    return _elementwise(eqn, operands, size)


def _reduction(eqn, operands, size):
    """Its axes count from the front, so they stay."""
    return [_Lanes(eqn.primitive.bind(operands[0].array, **eqn.params))]


def _inlined(eqn, operands, size):
    """The traced function inside (`jit`, `custom_jvp_call`); rules for derivatives are left out."""
    closed = eqn.params["call_jaxpr"] if "call_jaxpr" in eqn.params else eqn.params["jaxpr"]
    return _evaluate(closed.jaxpr, closed.consts, operands, size)


def _moved(eqn, operands, size):
    """Operations that only move elements of a batch, wherever constants say.

    Positions are put through the operation itself, now; a run of neighbours among the results is a slice of rows.
    """
    value, *others = operands
    shape = eqn.invars[0].aval.shape
    if not isinstance(value, _Lanes) or not _known(*others):
        return _by_vmap(eqn, operands, size)
    params = eqn.params | ({"fill_value": -1} if "fill_value" in eqn.params else {})
    with jax.ensure_compile_time_eval():
        elements = jnp.arange(math.prod(shape), dtype=jnp.int32).reshape(shape)
        moved = np.asarray(eqn.primitive.bind(elements, *others, **params))
    positions = moved.ravel()
    if not positions.size or positions.min() < 0:
        return _by_vmap(eqn, operands, size)
    rows = _rows(value, size)
    cuts = np.flatnonzero(np.diff(positions) != 1) + 1
    pieces = [rows[int(run[0]) : int(run[-1]) + 1] for run in np.split(positions, cuts)]
    return [_Lanes(jnp.concatenate(pieces).reshape(*moved.shape, size))]


def _concatenate(eqn, operands, size):
    """Written out before it is used, see `CPU_OPTIONS`."""
    joined = lax.concatenate([_batched(x, size) for x in operands], eqn.params["dimension"])
    return [_Lanes(joined if size < _FULL_REGISTER else lax.optimization_barrier(joined))]


def _broadcast(eqn, operands, size):
    shape, axes = eqn.params["shape"], eqn.params["broadcast_dimensions"]
    if len(operands) > 1:  # A size known only later.
        return _by_vmap(eqn, operands, size)
    return [_Lanes(lax.broadcast_in_dim(operands[0].array, (*shape, size), (*axes, len(shape))))]


def _slice(eqn, operands, size):
    start, limit, strides = (eqn.params[name] for name in ("start_indices", "limit_indices", "strides"))
    strides = None if strides is None else (*strides, 1)
    return [_Lanes(lax.slice(operands[0].array, (*start, 0), (*limit, size), strides))]


def _reshape(eqn, operands, size):
    """`reshape`, `squeeze` and `expand_dims` keep the order of elements."""
    if len(operands) > 1 or (eqn.primitive.name == "reshape" and eqn.params["dimensions"] is not None):
        return _by_vmap(eqn, operands, size)
    return [_Lanes(operands[0].array.reshape(*eqn.outvars[0].aval.shape, size))]


def _transpose(eqn, operands, size):
    axes = eqn.params["permutation"]
    return [_Lanes(lax.transpose(operands[0].array, (*axes, len(axes))))]


def _dot(eqn, operands, size):
    """A product of small matrices in each lane: a sum over products of rows."""
    (left_sum, right_sum), (left_batch, right_batch) = eqn.params["dimension_numbers"]
    terms = math.prod(eqn.invars[0].aval.shape[axis] for axis in left_sum)
    if not 1 <= terms <= _MOST_TERMS:
        return _by_vmap(eqn, operands, size)
    left, right = (x.array if isinstance(x, _Lanes) else jnp.asarray(x)[..., None] for x in operands)

    def arranged(array, batch, summed):
        """[batch..., free..., summed, N], and the shape of free."""
        free = [axis for axis in range(array.ndim - 1) if axis not in (*batch, *summed)]
        array = array.transpose(*batch, *free, *summed, array.ndim - 1)
        kept = array.shape[: len(batch) + len(free)]
        return array.reshape(*kept, terms, array.shape[-1]), kept[len(batch) :]

    left, left_free = arranged(left, left_batch, left_sum)
    right, right_free = arranged(right, right_batch, right_sum)
    batch = left.shape[: len(left_batch)]
    left = left.reshape(*batch, *left_free, *(1 for _ in right_free), *left.shape[-2:])
    right = right.reshape(*batch, *(1 for _ in left_free), *right_free, *right.shape[-2:])
    total = sum(left[..., k, :] * right[..., k, :] for k in range(terms))
    return [_Lanes(total.astype(eqn.outvars[0].aval.dtype))]


def _scatter_add(eqn, operands, size):
    """Rows added to rows, where constants say which to which."""
    target, indices, updates = operands
    if not _known(indices):
        return _by_vmap(eqn, operands, size)
    whole, taken = eqn.invars[0].aval, eqn.invars[2].aval.shape
    with jax.ensure_compile_time_eval():
        unit, nothing = jnp.eye(math.prod(taken), dtype=whole.dtype).reshape(-1, *taken), jnp.zeros_like(whole)
        hits = jax.vmap(lambda one: eqn.primitive.bind(nothing, indices, one, **eqn.params))(unit)
        hits = np.asarray(hits).reshape(len(unit), -1).astype(bool)
    target, updates = _rows(target, size), _rows(updates, size)
    added = [[updates[i] for i in np.flatnonzero(hit)] for hit in hits.T]
    rows = [sum(new, start=row) for row, new in zip(target, added, strict=True)]
    return [_Lanes(jnp.stack(rows).reshape(*whole.shape, size))]


def _scan(eqn, operands, size):
    params, closed = eqn.params, eqn.params["jaxpr"]
    n_consts, n_carry = scan_counts(params)
    consts, carry, xs = operands[:n_consts], operands[n_consts : n_consts + n_carry], operands[n_consts + n_carry :]
    by_lane = [isinstance(x, _Lanes) for x in xs]

    def body(carry, xs):
        xs = [_Lanes(x) if lanes else x for x, lanes in zip(xs, by_lane, strict=True)]
        values = _evaluate(closed.jaxpr, closed.consts, [*consts, *map(_Lanes, carry), *xs], size)
        values = [_batched(value, size) for value in values]
        return values[:n_carry], values[n_carry:]

    carry = [_batched(value, size) for value in carry]
    xs = [x.array if lanes else x for x, lanes in zip(xs, by_lane, strict=True)]
    options = {name: params[name] for name in ("length", "reverse", "unroll")}
    carry, ys = lax.scan(body, carry, xs, **options)
    return [_Lanes(value) for value in (*carry, *ys)]


def _cond(eqn, operands, size):
    """Branches in lanes, where the whole batch takes the same one."""
    index, *rest = operands
    if isinstance(index, _Lanes):
        return _by_vmap(eqn, operands, size)
    by_lane = [isinstance(x, _Lanes) for x in rest]

    def in_lanes(closed):
        def branch(*args):
            args = [_Lanes(x) if lanes else x for x, lanes in zip(args, by_lane, strict=True)]
            return [_batched(value, size) for value in _evaluate(closed.jaxpr, closed.consts, args, size)]

        return branch

    branches = [in_lanes(closed) for closed in eqn.params["branches"]]
    return [_Lanes(x) for x in lax.switch(index, branches, *(x.array if isinstance(x, _Lanes) else x for x in rest))]


def _by_vmap(eqn, operands, size):
    """JAX's own rule, around which the batch moves to the front and back."""
    axes = [len(x.array.shape) - 1 if isinstance(x, _Lanes) else None for x in operands]
    arrays = [x.array if isinstance(x, _Lanes) else x for x in operands]
    results = jax.vmap(lambda *xs: eqn.primitive.bind(*xs, **eqn.params), in_axes=axes, out_axes=-1)(*arrays)
    return [_Lanes(x) for x in (results if eqn.primitive.multiple_results else [results])]


_ELEMENTWISE = """abs acos acosh add and asin asinh atan atan2 atanh cbrt ceil convert_element_type copy cos cosh div
eq erf exp exp2 expm1 floor ge gt integer_pow is_finite le log log1p logistic lt max min mul ne neg nextafter not or
pow rem round rsqrt sign sin sinh sqrt square sub tan tanh xor""".split()
_CUSTOM = ("custom_jvp_call", "custom_vjp_call")  # They keep functions in their parameters, which `bind` wants apart.
_REDUCTIONS = "reduce_and reduce_max reduce_min reduce_or reduce_prod reduce_sum".split()
_RULES = {
    **dict.fromkeys(_ELEMENTWISE, _elementwise),
    **dict.fromkeys(_REDUCTIONS, _reduction),
    **dict.fromkeys(("jit", "pjit", "closed_call", *_CUSTOM), _inlined),
    **dict.fromkeys(("gather", "dynamic_slice", "rev", "tile"), _moved),
    **dict.fromkeys(("reshape", "squeeze", "expand_dims"), _reshape),
    "broadcast_in_dim": _broadcast,
    "concatenate": _concatenate,
    "cond": _cond,
    "dot_general": _dot,
    "scan": _scan,
    "scatter-add": _scatter_add,
    "select_n": _select,
    "slice": _slice,
    "transpose": _transpose,
}
