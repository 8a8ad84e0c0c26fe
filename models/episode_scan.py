"""Many time steps of a network with episodes that begin inside the sequence, differentiable through time.

As `unroll`, for recurrent reinforcement learning: a sequence is a fixed number of steps of one environment, in which
one episode may end and the next begin. Potentials are counted from rest (`Packed`), where a reset and the beginning
of an episode are both a zero, and v_th and v_rest matter only by their difference.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float

from zoo.models.spiking_mlp import READOUT_K, NetworkState, Packed
from zoo.models.surrogate import Surrogate


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _membranes(kind, detach_reset, alpha, drive, v, keep, height, begins):
    """`membrane_scan` with the surrogate spread out, so that its number may be traced."""
    return _membranes_forward(kind, detach_reset, alpha, drive, v, keep, height, begins)[0]


def _membranes_forward(kind, detach_reset, alpha, drive, v, keep, height, begins):
    def step(v, inputs):
        drive, begin = inputs
        u = keep * jnp.where(begin[..., None], 0.0, v) + drive
        return jnp.where(u >= height, 0.0, u), u

    last, u = jax.lax.scan(step, v, (drive, begins))
    return ((u >= height).astype(u.dtype), last), (alpha, u, v, keep, height, begins)


def _membranes_backward(kind, detach_reset, kept, cotangents):
    """From the last step to the first.

    With l = dL/dv[t], where v[t] = u[t] (1 - s[t]), and c = dL/ds[t] apart from what the reset adds,

        dL/du[t] = l (1 - s) + (c - l u) g'(u - height)          (Eq. 9)
        dL/du[t] = l (1 - s) + c g'(u - height)                  (Eq. 11)

    and l of the step before is ``keep`` times that, or 0 if step t began an episode. A threshold gets the opposite of
    what reaches its spike.
    """  # fmt: skip
    alpha, u, v, keep, height, begins = kept
    towards_spikes, towards_last = cotangents
    surrogate = Surrogate(kind, alpha, detach_reset)
    last = jnp.arange(len(u)) == len(u) - 1

    # Carries dL/du[t+1], or 0 if that step began an episode, and sums. Nothing is taken apart before the loop, which
    # would copy whole arrays.
    def step(carry, inputs):
        later, d_height, d_keep = carry
        u, towards_spike, begin, last = inputs
        fired = u >= height
        onward = jnp.where(last, towards_last, keep * later)
        if not detach_reset:
            towards_spike = towards_spike - onward * u
        onward = jnp.where(fired, 0.0, onward)
        d_u = onward + towards_spike * surrogate.slope(u - height, height)
        sums = (d_height + (onward - d_u), d_keep + jnp.where(fired, 0.0, u * later))
        return (jnp.where(begin[..., None], 0.0, d_u), *sums), d_u

    zeros = jnp.zeros_like(v)
    carry, d_drive = jax.lax.scan(step, (zeros, zeros, zeros), (u, towards_spikes, begins, last), reverse=True)
    first, d_height, d_keep = carry
    d_keep = _rows_sum(d_keep + v * first)
    return jnp.zeros_like(alpha), d_drive, keep * first, d_keep, _rows_sum(d_height), None


_membranes.defvjp(_membranes_forward, _membranes_backward)


def _rows_sum(x: Float[ArrayLike, "*b hidden"]) -> Float[Array, " hidden"]:
    return x.reshape(-1, x.shape[-1]).sum(0)


def membrane_scan(
    drive: Float[ArrayLike, "T *b hidden"],
    v: Float[ArrayLike, "*b hidden"],
    keep: Float[ArrayLike, " hidden"],
    height: Float[ArrayLike, " hidden"],
    begins: Bool[ArrayLike, "T ..."],
    surrogate: Surrogate = Surrogate(),  # noqa: B008 (immutable)
) -> tuple[Float[Array, "T *b hidden"], Float[Array, "*b hidden"]]:
    """Leaky integrate-and-fire neurons (Eq. 2), counted from rest, over the first axis.

        u[t] = keep v[t-1] + drive[t],   s[t] = H(u[t] - height),   v[t] = u[t] (1 - s[t])

    with ``keep = 1 - k`` and ``drive = k r I``; v[t-1] is 0 where an episode begins at t.

    Args:
        drive: what is added to the potentials at each step, in volts.
        v: potentials above rest before the first step, after their reset, in volts.
        keep: part of the potential that a step leaves.
        height: thresholds above rest, in volts.
        begins: whether an episode begins at a step.
        surrogate: how spikes are differentiated. The triangle, whose width is the threshold, takes the height for it.

    Returns:
        Spikes of all steps, and the potentials after the last one.
    """
    kind, alpha, detach_reset = surrogate
    return _membranes(kind, detach_reset, jnp.asarray(alpha, v.dtype), drive, v, keep, height, begins)


def readout_scan(
    current: Float[ArrayLike, "T *b outputs"], v_out: Float[ArrayLike, "*b outputs"], begins: Bool[ArrayLike, "T ..."]
) -> Float[Array, "T *b outputs"]:
    """The readout's membranes, which rest at 0 V and never fire, over the first axis."""

    def step(v, inputs):
        current, begin = inputs
        v = (1 - READOUT_K) * jnp.where(begin[..., None], 0.0, v) + READOUT_K * current
        return v, v

    return jax.lax.scan(step, v_out, (current, begins))[1]


def unroll_episodes(
    packed: Packed,
    state: NetworkState,
    inputs: Float[ArrayLike, "T *b inputs"],
    begins: Bool[ArrayLike, "T ..."],
    surrogate: Surrogate = Surrogate(),  # noqa: B008 (immutable)
) -> tuple[Float[Array, "T *b outputs"], NetworkState]:
    """Steps one network through sequences in which episodes begin: `network_step` for all steps, up to rounding.

    Args:
        packed: with properties [hidden] and weights of rank 2.
        state: before the first step; potentials of hidden neurons above rest and after their reset.
        inputs: one a step.
        begins: whether an episode begins at a step, with all potentials at rest.
        surrogate: how spikes are differentiated.

    Returns:
        Readouts of all steps, in volts, and the state after the last one.
    """
    k, height, r, w_in, w_out = packed
    spikes, v = membrane_scan(inputs @ (w_in * (k * r)), state.v, 1 - k, height, begins, surrogate)
    readouts = readout_scan(spikes @ w_out.T, state.v_out, begins)
    return readouts, NetworkState(v=v, v_out=readouts[-1])


Unroll = Callable[[Packed, NetworkState, Array, Array, Surrogate], tuple[Array, NetworkState]]
"""`unroll_episodes`, or what does the same."""
