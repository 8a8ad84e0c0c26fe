"""Shapes of a network's parts, and their values before training. NumPy alone: lists of models need no JAX."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Int, Num
from numpy.typing import ArrayLike

from zoo.core.seeds import check_seed
from zoo.models import fixed_weights
from zoo.models.constants import DT_MS, PROPERTIES, TAU_MS, V_TH, WEIGHTS
from zoo.models.properties import TABLE_4, x_tau_from_ms


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Shape of a network and which of its parts are trained.

    Attributes:
        inputs, hidden, outputs: sizes of the layers.
        trained: names out of `PROPERTIES` (heterogeneous) or `WEIGHTS` (homogeneous), or both.
        tau_ms: initial time constant, one value, or the ends of a log-uniform spread over the
            hidden neurons (evenly spaced quantiles).
        v_th: initial threshold, in volts.
    """

    inputs: int
    hidden: int
    outputs: int
    trained: tuple[str, ...]
    tau_ms: tuple[float, ...] = (TAU_MS,)
    v_th: float = V_TH

    def __post_init__(self):
        for name in ("inputs", "hidden", "outputs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} (={getattr(self, name)}) must be at least 1")
        order = PROPERTIES + WEIGHTS
        if not isinstance(self.trained, tuple):
            raise ValueError(f"trained (={self.trained!r}) must be a tuple of names, such as {order[:2]}")
        unknown = [name for name in self.trained if name not in order]
        if unknown or not self.trained:
            raise ValueError(f"trained (={self.trained}) must name at least one of {order}")
        if tuple(sorted(set(self.trained), key=order.index)) != self.trained:
            raise ValueError(f"trained (={self.trained}) must be in the order of {order}")
        if not isinstance(self.tau_ms, tuple):
            raise ValueError(f"tau_ms (={self.tau_ms!r}) must be a tuple of one value or two ends, such as (20.0,)")
        if len(self.tau_ms) not in (1, 2) or not all(DT_MS < value < math.inf for value in self.tau_ms):
            ends = f"one value or two ends, each finite and above dt_ms (={DT_MS:g})"
            raise ValueError(f"tau_ms (={self.tau_ms}) must be {ends}")
        if not math.isfinite(self.v_th):
            raise ValueError(f"v_th (={self.v_th}) must be a finite number of volts")

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of one part of the network."""
        shapes = {"w_in": (self.inputs, self.hidden), "w_out": (self.hidden, self.outputs)}
        return shapes.get(name, (self.hidden,))

    @property
    def trained_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the trained parts, in the order in which they are flattened for the optimiser."""
        return {name: self.shape(name) for name in self.trained}

    @property
    def trained_size(self) -> int:
        """Number of trained parameters."""
        return sum(int(np.prod(shape)) for shape in self.trained_shapes.values())

    def initial(self, seed: int) -> dict[str, np.ndarray]:
        """Every part of the network before training: LeCun weights of `seed`, Table 4's properties.

        Raises:
            ValueError: if `seed` is not an integer from 0 to 2^32 - 1.
        """
        seed = check_seed(seed)
        weights = {
            name: fixed_weights.lecun_normal(seed, stream, self.shape(name)) for stream, name in enumerate(WEIGHTS)
        }
        values = TABLE_4 | {"v_th": self.v_th}
        properties = {name: np.full(self.hidden, value, np.float32) for name, value in values.items()}
        quantiles = (np.arange(self.hidden) + 0.5) / self.hidden
        low, high = np.log(self.tau_ms[0]), np.log(self.tau_ms[-1])
        tau_ms = np.exp(low + (high - low) * quantiles)
        properties["x_tau"] = x_tau_from_ms(tau_ms).astype(np.float32)
        return properties | weights

    def split(self, flat: Num[Any, "*b D"]) -> dict[str, Num[Any, "..."]]:
        """Named trained parts out of flat vectors of `trained_size` numbers."""
        parts, start = {}, 0
        for name, shape in self.trained_shapes.items():
            size = int(np.prod(shape))
            parts[name] = flat[..., start : start + size].reshape(*flat.shape[:-1], *shape)
            start += size
        return parts

    def blocks(self, neurons: int) -> Int[np.ndarray, "J K"]:
        """Where the trained parameters of each block of hidden neurons stand in a flat vector.

        A row is the flat vector of a network of the block's width, with these neurons and their weights.

        Args:
            neurons: in a block.

        Raises:
            ValueError: if they are less than one, or do not divide the hidden layer.
        """
        if neurons < 1 or self.hidden % neurons:
            raise ValueError(f"block_neurons (={neurons}) must divide the {self.hidden} hidden neurons, from 1 on")
        parts = self.split(np.arange(self.trained_size)).items()
        by_block = [split_hidden(name, index, neurons).reshape(self.hidden // neurons, -1) for name, index in parts]
        return np.concatenate(by_block, axis=1)

    def flatten(self, parts: Mapping[str, ArrayLike]) -> np.ndarray:
        """Flat vector [trained_size] of the trained parts: the inverse of `split`."""
        return np.concatenate([np.asarray(parts[name]).ravel() for name in self.trained])


def split_hidden(name: str, part: Num[Any, "..."], neurons: int) -> Num[Any, "J ..."]:
    """A part of a network, by name, cut into blocks of hidden neurons."""
    axis = 1 if name == "w_in" else 0
    shape = part.shape
    cut = part.reshape(*shape[:axis], shape[axis] // neurons, neurons, *shape[axis + 1 :])
    return cut.swapaxes(0, axis)
