"""The two-layer spiking network: what it is made of, what is trained, and one step of it."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Num

from zoo.models import fixed_weights
from zoo.models.constants import DT_MS, PROPERTIES, TAU_MS, V_TH, WEIGHTS
from zoo.models.neuron import TABLE_4, Neuron, integrate, lif_step, x_tau_from_ms
from zoo.models.surrogate import Surrogate

READOUT_K = float(1.0 / (1.0 + np.exp(-TABLE_4["x_tau"])))


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
        unknown = [name for name in self.trained if name not in order]
        if unknown or not self.trained:
            raise ValueError(f"trained (={self.trained}) must name at least one of {order}")
        if tuple(sorted(set(self.trained), key=order.index)) != self.trained:
            raise ValueError(f"trained (={self.trained}) must be in the order of {order}")
        if len(self.tau_ms) not in (1, 2) or min(self.tau_ms) <= DT_MS:
            raise ValueError(f"tau_ms (={self.tau_ms}) must be one value or two ends, each above dt_ms (={DT_MS:g})")

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
        """Every part of the network before training: LeCun weights of `seed`, Table 4's properties."""
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

    def split(self, flat: Num[ArrayLike, "*b D"]) -> dict[str, Num[ArrayLike, "..."]]:
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
            ValueError: if they do not divide the hidden layer.
        """
        if self.hidden % neurons:
            raise ValueError(f"block_neurons (={neurons}) must divide the {self.hidden} hidden neurons")
        parts = self.split(np.arange(self.trained_size)).items()
        by_block = [split_hidden(name, index, neurons).reshape(self.hidden // neurons, -1) for name, index in parts]
        return np.concatenate(by_block, axis=1)

    def flatten(self, parts: Mapping[str, ArrayLike]) -> np.ndarray:
        """Flat vector [trained_size] of the trained parts: the inverse of `split`."""
        return np.concatenate([np.asarray(parts[name]).ravel() for name in self.trained])


def split_hidden(name: str, part: Num[ArrayLike, "..."], neurons: int) -> Num[ArrayLike, "J ..."]:
    """A part of a network, by name, cut into blocks of hidden neurons."""
    axis = 1 if name == "w_in" else 0
    shape = part.shape
    cut = part.reshape(*shape[:axis], shape[axis] // neurons, neurons, *shape[axis + 1 :])
    return cut.swapaxes(0, axis)


class Network(NamedTuple):
    """A network ready to run: `build` takes the sigmoids once, not at every step.

    Weights of rank 2 are shared by the whole batch and cost one matrix product; members of a
    population that have weights of their own bring them as [*b, inputs, hidden].
    """

    neuron: Neuron
    w_in: Float[Array, "*b inputs hidden"]
    w_out: Float[Array, "*b hidden outputs"]


def build(parts: Mapping[str, Float[ArrayLike, "..."]]) -> Network:
    """Network from its named parts (`PROPERTIES` and `WEIGHTS`)."""
    return Network(Neuron.from_trained(parts), parts["w_in"], parts["w_out"])


def build_population(
    config: NetworkConfig, frozen: dict[str, Float[ArrayLike, "..."]], flat: Float[ArrayLike, "P D"]
) -> Network:
    """The networks of P members, for batches [P, episodes, …]; frozen parts are shared, not copied."""
    parts = config.split(flat)
    own = {name: parts[name] if name in WEIGHTS else parts[name][:, None, :] for name in parts}
    return build(frozen | own)


class NetworkState(NamedTuple):
    """Membrane potentials in volts: hidden neurons [*b, hidden], readout [*b, outputs]."""

    v: Float[Array, "*b hidden"]
    v_out: Float[Array, "*b outputs"]


class NetworkOutput(NamedTuple):
    """Readout [*b, outputs], in volts, and hidden spikes [*b, hidden]."""

    readout: Float[Array, "*b outputs"]
    spikes: Float[Array, "*b hidden"]


def initial_state(network: Network, batch: int | tuple[int, ...] = ()) -> NetworkState:
    """Hidden neurons at their resting potential, readout at 0 V.

    Args:
        network: whose state it is.
        batch: how many, or a shape of them; by default one, without an axis for it.
    """
    shape = (batch,) if isinstance(batch, int) else batch
    hidden, outputs = network.w_out.shape[-2:]
    return NetworkState(
        v=jnp.broadcast_to(network.neuron.v_rest, (*shape, hidden)),
        v_out=jnp.zeros((*shape, outputs), network.w_out.dtype),
    )


def network_step(
    network: Network, state: NetworkState, inputs: Float[ArrayLike, "*b inputs"], surrogate: Surrogate | None = None
) -> tuple[NetworkOutput, NetworkState]:
    """One simulation step: input current -> hidden spikes -> leaky, non-spiking readout.

    The readout is a membrane with Table 4's constants that never fires; its potential is the output.

    Args:
        network: one network, or a population of them (`build_population`).
        state: potentials after the last step.
        inputs: observation of this step, as current in units of 20 nA.
        surrogate: how spikes are differentiated, where they are.
    """
    spikes, v = lif_step(inputs @ network.w_in, state.v, network.neuron, surrogate)
    v_out = integrate(state.v_out, spikes @ network.w_out, READOUT_K, TABLE_4["v_rest"], TABLE_4["r"])
    return NetworkOutput(readout=v_out, spikes=spikes), NetworkState(v=v, v_out=v_out)


class Packed(NamedTuple):
    """A population as `population_step` wants it: as few and as long rows of numbers as possible.

    Attributes:
        k, r: as in `Neuron`.
        height: threshold above the resting potential, in volts.
        w_in: as in `Network`.
        w_out: weights of each output in a row of their own.
    """

    k: Float[Array, "*b hidden"]
    height: Float[Array, "*b hidden"]
    r: Float[Array, "*b hidden"]
    w_in: Float[Array, "*b inputs hidden"]
    w_out: Float[Array, "*b outputs hidden"]


def pack(network: Network) -> Packed:
    """The same networks for `population_step`."""
    k, v_th, v_rest, r = network.neuron
    return Packed(k, v_th - v_rest, r, network.w_in, network.w_out.swapaxes(-1, -2))


def packed_state(packed: Packed, batch: tuple[int, ...]) -> NetworkState:
    """`initial_state` for `population_step`."""
    outputs, hidden = packed.w_out.shape[-2:]
    dtype = packed.w_out.dtype
    return NetworkState(v=jnp.zeros((*batch, hidden), dtype), v_out=jnp.zeros((*batch, outputs), dtype))


def population_step(
    packed: Packed, state: NetworkState, inputs: Float[ArrayLike, "*b inputs"]
) -> tuple[NetworkOutput, NetworkState]:
    """`network_step` for large batches, whose speed is that of memory; spikes and readouts are the same to rounding.

    Potentials are counted from rest, which saves reading it. The reset begins the next step rather than ending
    this one: `NetworkState.v` is ``u - v_rest`` before it. So a step has one array of the hidden layer's size to
    write beside its spikes; with two, XLA computes the membranes twice on a CPU.
    """
    v = jnp.where(state.v >= packed.height, 0.0, state.v)
    u = integrate(v, inputs @ packed.w_in, packed.k, 0.0, packed.r)
    spikes = (u >= packed.height).astype(u.dtype)
    out = jnp.einsum("...eh,...ah->...ea", spikes, packed.w_out)
    v_out = integrate(state.v_out, out, READOUT_K, TABLE_4["v_rest"], TABLE_4["r"])
    return NetworkOutput(readout=v_out, spikes=spikes), NetworkState(v=u, v_out=v_out)


def check_trained(config: NetworkConfig, trained: dict, lead: tuple[int, ...] = ()) -> None:
    """Raises ValueError unless `trained` has the config's names, `lead` + shapes, and float32."""
    if set(trained) != set(config.trained):
        raise ValueError(f"trained values are {sorted(trained)}; the network trains {sorted(config.trained)}")
    for name, shape in config.trained_shapes.items():
        value = trained[name]
        if tuple(value.shape) != lead + shape or value.dtype != np.float32:
            raise ValueError(f"`{name}` is {value.dtype}{list(value.shape)}; it must be float32{list(lead + shape)}")
