"""Properties of neurons as they are trained and as physics knows them (section 6.2, Table 4). NumPy alone."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from zoo.models.constants import DT_MS, R_OHM, TAU_MS, V_REST, V_TH


def x_tau_from_ms(tau_ms, dt_ms: float = DT_MS):
    """Trained value of a time constant: ``x = -ln(tau/dt - 1)``, the inverse of `tau_ms_from_x`.

    Raises:
        ValueError: if a time constant is not longer than the time step (``sigmoid`` is below 1).
    """
    tau_ms = np.asarray(tau_ms, dtype=np.float64)
    if not np.all(tau_ms > dt_ms):
        raise ValueError(f"tau_ms (min {tau_ms.min():g}) must be greater than dt_ms (={dt_ms:g})")
    return -np.log(tau_ms / dt_ms - 1.0)


def tau_ms_from_x(x_tau, dt_ms: float = DT_MS):
    """Membrane time constant in milliseconds: ``tau = dt / sigmoid(x) = dt (1 + exp(-x))``."""
    return dt_ms * (1.0 + np.exp(-np.asarray(x_tau, dtype=np.float64)))


TABLE_4 = {
    "x_tau": float(x_tau_from_ms(TAU_MS)),
    "v_th": V_TH,
    "v_rest": V_REST,
    "r": 1.0,
}
"""Initial values (Table 4) in the optimiser's units."""


def physical(neuron: Mapping[str, ArrayLike | float], dt_ms: float = DT_MS) -> dict[str, np.ndarray]:
    """Trained values in physical units: ``tau_ms``, ``v_th`` and ``v_rest`` (V), ``r_ohm``."""
    return {
        "tau_ms": np.asarray(tau_ms_from_x(neuron["x_tau"], dt_ms)),
        "v_th": np.asarray(neuron["v_th"], np.float64),
        "v_rest": np.asarray(neuron["v_rest"], np.float64),
        "r_ohm": np.asarray(neuron["r"], np.float64) * R_OHM,
    }


def unphysical(neuron: dict[str, Float[np.ndarray, "*b"]]) -> tuple[float, float]:
    """Shares of neurons that no cell could be: of negative resistance, and with a threshold at or below rest.

    Args:
        neuron: properties in physical units, as of `physical`.
    """
    return float(np.mean(neuron["r_ohm"] < 0)), float(np.mean(neuron["v_th"] <= neuron["v_rest"]))
