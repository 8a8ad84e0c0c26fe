"""The leaky integrate-and-fire neuron of Shen et al. (2023), Eq. 2, as pure functions.

Units: potentials in volts, times in milliseconds. The resistance is carried as a multiple of
Table 4's 5e7 ohm, so the unit of current is 1 V / 5e7 ohm = 20 nA and ``r * current`` is in volts.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from zoo.models.surrogate import Surrogate


class Neuron(NamedTuple):
    """Properties of a population of neurons, ready for `lif_step`. Any broadcastable shapes.

    Attributes:
        k: ``dt / tau``, in (0, 1).
        v_th: threshold, in volts.
        v_rest: resting and reset potential, in volts.
        r: membrane resistance, in units of 5e7 ohm.
    """

    k: Float[Array, "..."]
    v_th: Float[Array, "..."]
    v_rest: Float[Array, "..."]
    r: Float[Array, "..."]

    @classmethod
    def from_trained(cls, parts: Mapping[str, Float[ArrayLike, "..."]]) -> "Neuron":
        """From trained values: ``k = sigmoid(x_tau)`` (section 6.2), the others as they are."""
        return cls(jax.nn.sigmoid(parts["x_tau"]), parts["v_th"], parts["v_rest"], parts["r"])


def integrate(v, current, k, v_rest, r):
    """One Euler step of the membrane (Eq. 2, first line): ``u = v + k (r I - v + v_rest)``."""
    return v + k * (r * current - v + v_rest)


def lif_step(
    current: Float[ArrayLike, "*b"], v: Float[ArrayLike, "*b"], neuron: Neuron, surrogate: Surrogate | None = None
) -> tuple[Float[Array, "*b"], Float[Array, "*b"]]:
    """One time step of leaky integrate-and-fire neurons (Eq. 2).

        u[t] = v[t-1] + k (r I[t] - v[t-1] + v_rest),   k = dt/tau
        s[t] = H(u[t] - v_th),                          H(0) = 1
        v[t] = u[t] (1 - s[t]) + v_rest s[t]

    Args:
        current: input current I[t], in units of 20 nA.
        v: membrane potential v[t-1] after the last step, in volts.
        neuron: properties, broadcast against `current`.
        surrogate: how spikes are differentiated. Without one the step is cheaper and has no useful gradient.

    Returns:
        The spikes s[t] (0 or 1, in the dtype of `v`) and the potential v[t].
    """
    u = integrate(v, current, neuron.k, neuron.v_rest, neuron.r)
    if surrogate is None:
        fired = u >= neuron.v_th
        return fired.astype(v.dtype), jnp.where(fired, neuron.v_rest, u)
    spikes = surrogate.spike(u, neuron.v_th)
    resets = jax.lax.stop_gradient(spikes) if surrogate.detach_reset else spikes
    return spikes, u * (1 - resets) + neuron.v_rest * resets
