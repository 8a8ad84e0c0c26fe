"""Surrogate gradients: the Heaviside step forwards, a smooth slope backwards.

A spike is ``s = H(u - v_th)``, whose derivative is zero or does not exist. Backpropagation replaces it
by the derivative g' of a smooth function g (Eq. 6). The three of the paper, with x = u - v_th:

    arctan    g(x) = arctan(pi/2 alpha x) / pi + 1/2            (Table 6)
    log-sign  g(x) = NonzeroSign(x) log(|alpha x| + 1)          (Table 6)
    triangle  g'(x) = max(0, v_th - |x|) / v_th^2               (Eq. 10)
"""

import warnings
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from zoo.models.constants import SURROGATES


def heaviside(x: Float[ArrayLike, "*b"]) -> Float[Array, "*b"]:
    """1 where x >= 0, else 0, in the dtype of x."""
    return (x >= 0).astype(x.dtype)


def arctan_slope(x: Float[ArrayLike, "*b"], alpha: Float[ArrayLike, ""]) -> Float[Array, "*b"]:
    """Derivative of the arctan surrogate: ``(alpha / 2) / (1 + (pi/2 alpha x)^2)``; alpha / 2 at 0."""
    return 0.5 * alpha / (1.0 + jnp.square(0.5 * jnp.pi * alpha * x))


def log_sign_slope(x: Float[ArrayLike, "*b"], alpha: Float[ArrayLike, ""]) -> Float[Array, "*b"]:
    """Derivative of the log-sign surrogate: ``alpha / (|alpha x| + 1)``; alpha at 0, 1/|x| far from it."""
    return alpha / (jnp.abs(alpha * x) + 1.0)


def triangle_slope(x: Float[ArrayLike, "*b"], v_th: Float[ArrayLike, "..."]) -> Float[Array, "*b"]:
    """Eq. 10: ``max(0, v_th - |x|) / v_th^2``; 1 / v_th at 0, none from v_th on.

    A trained threshold may come to lie at or below 0 V, where Eq. 10 has no meaning; the slope is 0 there.
    """
    positive = v_th > 0
    width = jnp.where(positive, v_th, 1.0)
    return jnp.where(positive, jnp.maximum(0.0, width - jnp.abs(x)) / jnp.square(width), 0.0)


@jax.custom_jvp
def spike_with(x: Float[ArrayLike, "*b"], slope: Float[ArrayLike, "*b"]) -> Float[Array, "*b"]:
    """`heaviside` forwards; backwards its derivative is `slope`, which is not differentiated itself."""
    return heaviside(x)


@spike_with.defjvp
def _spike_with_jvp(primals, tangents):
    x, slope = primals
    return heaviside(x), slope * tangents[0]


class Surrogate(NamedTuple):
    """How a spike is differentiated.

    Attributes:
        kind: one of `SURROGATES`.
        alpha: steepness of arctan and log-sign, in 1/V; triangle has none. May be a traced number, so
            that runs with different ones share a program.
        detach_reset: leave the spike out of the reset's gradient (Eq. 11) instead of in it (Eq. 9).
    """

    kind: str = "arctan"
    alpha: Float[ArrayLike, ""] = 2.0
    detach_reset: bool = False

    def slope(self, x: Float[ArrayLike, "*b"], v_th: Float[ArrayLike, "..."]) -> Float[Array, "*b"]:
        """Slope g' at ``x = u - v_th``.

        Raises:
            ValueError: if `kind` is not one of `SURROGATES`.
        """
        if self.kind == "arctan":
            return arctan_slope(x, self.alpha)
        if self.kind == "log-sign":
            return log_sign_slope(x, self.alpha)
        if self.kind == "triangle":
            return triangle_slope(x, v_th)
        raise ValueError(f"kind (={self.kind!r}) must be one of {', '.join(SURROGATES)}")

    def spike(self, u: Float[ArrayLike, "*b"], v_th: Float[ArrayLike, "..."]) -> Float[Array, "*b"]:
        """Spikes of membrane potentials `u`."""
        x = u - v_th
        return spike_with(x, self.slope(x, v_th))


@jax.custom_jvp
def warn_of_no_gradient(tree):
    """The same arrays; who differentiates by them is told that nothing will come of it."""
    return tree


@warn_of_no_gradient.defjvp
def _warn_of_no_gradient_jvp(primals, tangents):
    warnings.warn(
        "spikes have no gradient: what lies before them gets 0. Give the network a surrogate, as in "
        "`model.network(seed, surrogate=zoo.models.Surrogate())`",
        stacklevel=2,
    )
    return primals[0], tangents[0]
