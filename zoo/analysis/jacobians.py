"""How a perturbation of a membrane lives on: products of Eq. 9's and Eq. 11's Jacobians along episodes.

Without recurrent connections the Jacobian of the hidden layer's potentials is diagonal, one factor a neuron
and step, so that the norm of a product over n steps is the largest absolute product among the neurons.
"""

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from zoo.models import DT_MS, V_TH, Surrogate, tau_ms_from_x


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spectrum:
    """Products of Jacobians over n steps; all arrays [N], for the lengths n.

    Attributes:
        lengths: n.
        norm: spectral norm, the largest neuron's; geometric mean over the beginnings.
        norm_high: 95th percentile of it over the beginnings.
        median: of the neurons, geometric mean over the beginnings.
        exceeding: share of beginnings whose norm is above 1.
    """

    lengths: Int[np.ndarray, " N"]
    norm: Float[np.ndarray, " N"]
    norm_high: Float[np.ndarray, " N"]
    median: Float[np.ndarray, " N"]
    exceeding: Float[np.ndarray, " N"]


def potentials(parts: dict[str, np.ndarray], inputs: Float[np.ndarray, "T inputs"]) -> Float[np.ndarray, "T H"]:
    """u[t] of the hidden neurons (Eq. 2, first line) under a sequence of inputs, from rest."""
    k = DT_MS / tau_ms_from_x(parts["x_tau"])
    current = np.asarray(inputs, np.float64) @ parts["w_in"]
    v, u = np.asarray(parts["v_rest"], np.float64), np.empty(current.shape)
    for t, now in enumerate(current):
        u[t] = v + k * (parts["r"] * now - v + parts["v_rest"])
        v = np.where(u[t] >= parts["v_th"], parts["v_rest"], u[t])
    return u


def factors(
    parts: dict[str, np.ndarray], u: Float[np.ndarray, "T H"], surrogate: Surrogate
) -> Float[np.ndarray, "T H"]:
    """``dv[t]/dv[t-1]`` of each neuron and step: Eq. 9, or Eq. 11 where the surrogate detaches the reset."""
    k, fired = DT_MS / tau_ms_from_x(parts["x_tau"]), u >= parts["v_th"]
    kept = 1.0 - fired
    if not surrogate.detach_reset:
        kept = kept + (parts["v_rest"] - u) * np.asarray(surrogate.slope(u - parts["v_th"], parts["v_th"]))
    return kept * (1.0 - k)


def spectrum(factors: Float[np.ndarray, "T H"], lengths, *, every: int = 5) -> Spectrum:
    """Norms of products over `lengths` steps, from beginnings `every` so many steps.

    Raises:
        ValueError: if a length is longer than the sequence.
    """
    lengths = np.asarray(lengths)
    if lengths.max() > len(factors):
        raise ValueError(f"lengths (up to {lengths.max()}) must not exceed the sequence's {len(factors)} steps")
    with np.errstate(divide="ignore"):
        logs = np.log(np.abs(factors))
    # A factor of exactly 0 (a spike, under Eq. 11) is counted apart: -inf - -inf would not be a number.
    zeros = np.concatenate([np.zeros((1, logs.shape[1])), np.cumsum(np.isneginf(logs), 0)])
    sums = np.concatenate([np.zeros((1, logs.shape[1])), np.cumsum(np.where(np.isneginf(logs), 0.0, logs), 0)])
    rows = []
    for n in lengths:
        begin = np.arange(0, len(factors) - n + 1, every)
        product = np.where(zeros[begin + n] > zeros[begin], -np.inf, sums[begin + n] - sums[begin])
        largest, middle = product.max(1), np.median(product, axis=1)
        rows.append(
            (_mean(largest), np.percentile(np.maximum(largest, _FLOOR), 95), _mean(middle), (largest > 0).mean())
        )
    norm, high, median, exceeding = np.array(rows).T
    return Spectrum(
        lengths=lengths, norm=np.exp(norm), norm_high=np.exp(high), median=np.exp(median), exceeding=exceeding
    )


_FLOOR = np.log(1e-45)  # The smallest number of float32: what is below it has vanished.


def _mean(logs: np.ndarray) -> float:
    return float(np.maximum(logs, _FLOOR).mean())


def largest_factor(kind: str, alpha: float, k: float, v_th: float = V_TH, bound: float = 5.0) -> float:
    """Largest |Eq. 9| over all potentials within ± `bound` V, for one neuron at rest at 0 V."""
    u = np.linspace(-bound, bound, 200_001)
    slope = np.asarray(Surrogate(kind, alpha).slope(u - v_th, v_th))
    return float(np.abs((1.0 - (u >= v_th) - u * slope) * (1.0 - k)).max())
