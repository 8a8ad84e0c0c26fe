"""Many time steps of a network at once, differentiable through time.

The network has no recurrent connections: a neuron's own membrane is all that carries over from step to
step. So the currents of all steps are one matrix product, only the membranes are a scan over time, and the
readout is another matrix product and a scan over its few membranes.
"""

import functools
import math
from typing import Literal, get_args

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from zoo.models.neuron import integrate
from zoo.models.properties import TABLE_4
from zoo.models.spiking_mlp import READOUT_K, Network, NetworkState
from zoo.models.surrogate import Surrogate

Remat = Literal["none", "sqrt"]


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _membranes(kind, detach_reset, alpha, drive, v, keep, v_th, v_rest):
    """`lif_scan` with the surrogate spread out, so that its number may be traced."""
    return _membranes_forward(kind, detach_reset, alpha, drive, v, keep, v_th, v_rest)[0]


def _membranes_forward(kind, detach_reset, alpha, drive, v, keep, v_th, v_rest):
    def step(v, drive):
        u = keep * v + drive
        return jnp.where(u >= v_th, v_rest, u), u

    last, u = jax.lax.scan(step, v, drive)
    spikes = (u >= v_th).astype(u.dtype)
    return (spikes, last), (alpha, u, v, keep, v_th, v_rest)


def _membranes_backward(kind, detach_reset, kept, cotangents):
    """From the last step to the first.

    With l = dL/dv[t], and c = dL/ds[t] apart from what the reset adds,

        dL/du[t] = l (1 - s) + (c + l (v_rest - u)) g'(u - v_th)          (Eq. 9)
        dL/du[t] = l (1 - s) + c g'(u - v_th)                             (Eq. 11)

    and l of the step before is ``keep`` times that.
    """  # fmt: skip
    alpha, u, v, keep, v_th, v_rest = kept
    towards_spikes, towards_last = cotangents
    surrogate = Surrogate(kind, alpha, detach_reset)

    def step(onward, inputs):
        u, towards_spike = inputs
        if not detach_reset:
            towards_spike = towards_spike + onward * (v_rest - u)
        slope = surrogate.slope(u - v_th, v_th)
        return jnp.where(u >= v_th, 0.0, onward) + towards_spike * slope

    # The carry is the gradient of u at the later step itself, which is also what is kept: computed once.
    def carry(later, inputs):
        here = step(keep * later, inputs)
        return here, here

    final = step(towards_last, (u[-1], towards_spikes[-1]))
    first, earlier = jax.lax.scan(carry, final, (u[:-1], towards_spikes[:-1]), reverse=True)
    d_u = jnp.concatenate([earlier, final[None]])
    # What every later step's potential v[t] was, and how it reacts to the three properties.
    fired, later = u[:-1] >= v_th, d_u[1:]
    d_keep = (first * v).sum(tuple(range(v.ndim - 1))) + _column_sums(jnp.where(fired, v_rest, u[:-1]) * later)
    resets = keep * _column_sums(jnp.where(fired, later, 0.0))
    onward = keep * _column_sums(later)
    last_resets = _column_sums(jnp.where(u[-1] >= v_th, towards_last, 0.0))
    d_v_rest = resets + last_resets
    # d_u - l (1 - s) is what reaches the spikes, summed; thresholds get its opposite.
    d_v_th = -(_column_sums(d_u) - (onward + _column_sums(towards_last)) + d_v_rest)
    return jnp.zeros_like(alpha), d_u, keep * first, d_keep, d_v_th, d_v_rest


_membranes.defvjp(_membranes_forward, _membranes_backward)


def _column_sums(x: Float[ArrayLike, "*b hidden"]) -> Float[Array, " hidden"]:
    """Sums over all but the last axis, as a matrix product: XLA on CPUs vectorises no fused reduction of columns."""
    rows = x.reshape(-1, x.shape[-1])
    return jnp.ones(rows.shape[0], x.dtype) @ rows


def lif_scan(
    drive: Float[ArrayLike, "T *b hidden"],
    v: Float[ArrayLike, "*b hidden"],
    keep: Float[ArrayLike, "..."],
    v_th: Float[ArrayLike, "..."],
    v_rest: Float[ArrayLike, "..."],
    surrogate: Surrogate = Surrogate(),  # noqa: B008 (immutable)
) -> tuple[Float[Array, "T *b hidden"], Float[Array, "*b hidden"]]:
    """Leaky integrate-and-fire neurons (Eq. 2) over the first axis, with ``u[t] = keep v[t-1] + drive[t]``.

    Eq. 2 has this form with ``keep = 1 - k`` and ``drive = k (r I + v_rest)``. The backward pass is
    written by hand: it keeps the potentials u alone, and gathers the properties' gradients in matrix
    products after the scan instead of in sums at every step.

    Args:
        drive: what is added to the potentials at each step, in volts.
        v: potentials before the first step, in volts.
        keep: [hidden] or one for all, part of the potential that a step leaves.
        v_th: [hidden] or one for all, thresholds, in volts.
        v_rest: [hidden] or one for all, potentials after a spike, in volts.
        surrogate: how spikes are differentiated.

    Returns:
        Spikes of all steps, and the potentials after the last one.
    """
    kind, alpha, detach_reset = surrogate
    keep, v_th, v_rest = (jnp.broadcast_to(x, v.shape[-1:]) for x in (keep, v_th, v_rest))
    return _membranes(kind, detach_reset, jnp.asarray(alpha, v.dtype), drive, v, keep, v_th, v_rest)


def readout_scan(
    current: Float[ArrayLike, "T *b outputs"], v_out: Float[ArrayLike, "*b outputs"]
) -> Float[Array, "T *b outputs"]:
    """The readout's membranes, which have Table 4's constants and never fire, over the first axis."""

    def step(v, current):
        v = integrate(v, current, READOUT_K, TABLE_4["v_rest"], TABLE_4["r"])
        return v, v

    return jax.lax.scan(step, v_out, current)[1]


def unroll(
    network: Network,
    state: NetworkState,
    inputs: Float[ArrayLike, "T *b inputs"],
    surrogate: Surrogate = Surrogate(),  # noqa: B008 (immutable)
    remat: Remat = "none",
) -> tuple[Float[Array, "T *b outputs"], NetworkState]:
    """Steps one network through a sequence: `network_step` for all steps, up to rounding.

    Args:
        network: with properties [hidden] and weights of rank 2.
        state: before the first step.
        inputs: one a step.
        surrogate: how spikes are differentiated.
        remat: what a backward pass keeps. ``none``: the potentials of all steps. ``sqrt``: those at the
            ends of about sqrt(T) segments, and of one segment at a time, which it plays again; memory
            grows as sqrt(T) for one more forward pass.

    Returns:
        Readouts of all steps, in volts, and the state after the last one.

    Raises:
        ValueError: if there is no step, or `remat` is none of these.
    """
    if remat not in get_args(Remat):
        raise ValueError(f"remat (={remat!r}) must be one of {', '.join(get_args(Remat))}")
    if not len(inputs):
        raise ValueError("inputs must have at least one step")
    if remat == "sqrt":
        return _unroll_in_segments(network, state, inputs, surrogate)
    k, v_th, v_rest, r = network.neuron
    drive = inputs @ (network.w_in * (k * r)) + k * v_rest
    spikes, v = lif_scan(drive, state.v, 1 - k, v_th, v_rest, surrogate)
    readouts = readout_scan(spikes @ network.w_out, state.v_out)
    return readouts, NetworkState(v=v, v_out=readouts[-1])


def segment_length(steps: int) -> int:
    """Steps in a segment such that about as many segments make up `steps`."""
    return max(1, math.isqrt(steps))


def _unroll_in_segments(network, state, inputs, surrogate):
    """A scan over segments, each of which the backward pass plays again; what is left over comes first."""
    steps = inputs.shape[0]
    length = segment_length(steps)
    whole = steps // length * length

    @functools.partial(jax.checkpoint, prevent_cse=False)
    def segment(state, inputs):
        readouts, state = unroll(network, state, inputs, surrogate)
        return state, readouts

    state, head = segment(state, inputs[: steps - whole]) if whole < steps else (state, None)
    state, readouts = jax.lax.scan(segment, state, inputs[steps - whole :].reshape(-1, length, *inputs.shape[1:]))
    readouts = readouts.reshape(whole, *readouts.shape[2:])
    return readouts if head is None else jnp.concatenate([head, readouts]), state
