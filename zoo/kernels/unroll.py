"""`zoo.models.episode_scan.unroll_episodes` on processors, by the machine code of `zoo.kernels.sequences`."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float

from zoo.kernels import sequences
from zoo.kernels.handlers import registered
from zoo.kernels.machine import host
from zoo.kernels.sequence_blocks import Layer, vectors
from zoo.models import NetworkState, Packed, Surrogate
from zoo.models.episode_scan import readout_scan


def unroll_compiled(
    packed: Packed,
    state: NetworkState,
    inputs: Float[ArrayLike, "T B inputs"],
    begins: Bool[ArrayLike, "T B"],
    surrogate: Surrogate = Surrogate(),  # noqa: B008 (immutable)
    *,
    weights: bool = True,
) -> tuple[Float[Array, "T B outputs"], NetworkState]:
    """As `unroll_episodes`, up to rounding, of one network and in float32.

    Gradients reach the network alone, and through readouts alone: states and inputs count as constants.

    Args:
        packed: properties [hidden] and weights of rank 2.
        state: before the first step; potentials of hidden neurons above rest and after their reset.
        inputs: one a step.
        begins: whether an episode begins at a step, with all potentials at rest.
        surrogate: how spikes are differentiated.
        weights: whether gradients of weights are wanted; without, they are zeros, and a gradient takes less time.

    Returns:
        Readouts of all steps, in volts, and the state after the last one.
    """
    k, height, r, w_in, w_out = packed
    lanes = host().lanes
    missing = -k.shape[-1] % (lanes * vectors(lanes))

    def padded(x):
        x = x.astype(jnp.float32)
        return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, missing)]) if missing else x

    parts = tuple(map(padded, (1 - k, k * r, height, w_in, w_out)))
    given = jax.lax.stop_gradient((inputs.astype(jnp.float32), begins.astype(jnp.float32), padded(state.v)))
    kind, alpha, detach_reset = surrogate
    alpha = jnp.asarray(alpha, jnp.float32)[None]
    currents, v = _currents((kind, detach_reset, weights), parts, *given, alpha)
    readouts = readout_scan(currents, jax.lax.stop_gradient(state.v_out), begins)
    return readouts, jax.lax.stop_gradient(NetworkState(v=v[:, : k.shape[-1]], v_out=readouts[-1]))


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _currents(how, parts, seen, begins, v, alpha):
    """Currents of the readout [T, B, O] and last potentials [B, H]; `how` is for the way back."""
    steps, batch, inputs = seen.shape
    layer = Layer(inputs, parts[0].shape[-1], parts[-1].shape[0], host().lanes)
    name = registered("unroll", sequences.forward_module(layer, "unroll"), host())
    shapes = ((steps, batch, layer.outputs), v.shape, (layer.scratch(steps, batch),))
    currents, last, _ = _call(name, shapes)(_counts(layer, seen), seen, begins, v, *parts)
    return currents, last


def _currents_forward(how, parts, seen, begins, v, alpha):
    return _currents(how, parts, seen, begins, v, alpha), (parts, seen, begins, v, alpha)


def _currents_backward(how, kept, cotangents):
    kind, detach_reset, weights = how
    parts, seen, begins, v, alpha = kept
    layer = Layer(seen.shape[-1], parts[0].shape[-1], parts[-1].shape[0], host().lanes)
    module = sequences.backward_module(
        layer, "unroll_gradient", kind=kind, detach_reset=detach_reset, weights=weights
    )
    name = registered("unroll_gradient", module, host())
    shapes = (*(x.shape for x in parts), (layer.back_scratch(len(seen)),))
    *found, _ = _call(name, shapes)(_counts(layer, seen), seen, begins, v, *parts, cotangents[0], alpha)
    return tuple(found), *map(jnp.zeros_like, (seen, begins, v, alpha))


_currents.defvjp(_currents_forward, _currents_backward)


def _counts(layer, seen) -> np.ndarray:
    steps, batch, _ = seen.shape
    return np.array([steps, batch, layer.tile(steps)], np.int32)


def _call(name, shapes):
    results = [jax.ShapeDtypeStruct(shape, np.float32) for shape in shapes]
    return jax.ffi.ffi_call(name, results, vmap_method="sequential")
