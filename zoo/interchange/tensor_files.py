"""Weights for everyone else: safetensors, with everything that a policy needs beside them."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from zoo.core.packages import needed_for
from zoo.interchange.metadata import describe
from zoo.models import DT_MS, tau_ms_from_x
from zoo.store.zoo_model import ZooModel

KEY = "hetsnn-zoo"
"""The one entry of the file's metadata, a JSON object: more of them would be written in a random order."""

_EQUATIONS = (
    "u = v + k (r (x w_in) - v + v_rest); spikes = u >= v_th; v = v_rest where spikes else u; "
    "readout = readout + 0.25 (spikes w_out - readout); k = dt / tau; v = v_rest and readout = 0 at first"
)


def tensors(model: ZooModel, seed: int | None = None) -> dict[str, np.ndarray]:
    """Arrays of one training seed's network: neurons (``k`` is dt / ``tau_ms``), weights, observation statistics."""
    parts = model.parts(seed)
    tau_ms = tau_ms_from_x(parts["x_tau"])
    arrays = {"k": (DT_MS / tau_ms).astype(np.float32), "tau_ms": tau_ms.astype(np.float32)}
    arrays |= {name: value for name, value in parts.items() if name != "x_tau"}
    arrays |= {name: value for name, value in describe(model, seed).items() if isinstance(value, np.ndarray)}
    # safetensors 0.8 writes memory as it lies, and reads it in C's order.
    return {name: np.asarray(value, order="C") for name, value in arrays.items()}


def export_safetensors(model: ZooModel, path: str | Path, seed: int | None = None) -> Path:
    """Writes one training seed's network; the same network gives the same bytes.

    Raises:
        ZooError: if ``safetensors`` is not installed.
    """
    path = Path(path)
    with needed_for("a file of tensors", "safetensors", extra="weights"):
        from safetensors.numpy import save_file
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(metadata(model, seed), sort_keys=True)
    save_file(tensors(model, seed), str(path), metadata={KEY: text})
    return path


def metadata(model: ZooModel, seed: int | None = None) -> dict[str, Any]:
    """`describe` without its arrays, and the equations that they are for."""
    values = {name: value for name, value in describe(model, seed).items() if not isinstance(value, np.ndarray)}
    return values | {"equations": _EQUATIONS}
