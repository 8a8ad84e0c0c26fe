"""The two-layer spiking network: what it is made of, and one step of it."""

import operator
from collections.abc import Mapping
from typing import NamedTuple, SupportsIndex

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from zoo.models.config import NetworkConfig
from zoo.models.constants import WEIGHTS
from zoo.models.neuron import Neuron, integrate, lif_step
from zoo.models.properties import TABLE_4
from zoo.models.surrogate import Surrogate

READOUT_K = float(1.0 / (1.0 + np.exp(-TABLE_4["x_tau"])))


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


def initial_state(network: Network, batch: SupportsIndex | tuple[int, ...] = ()) -> NetworkState:
    """Hidden neurons at their resting potential, readout at 0 V.

    Args:
        network: whose state it is.
        batch: how many, or a shape of them; by default one, without an axis for it.
    """
    shape = tuple(batch) if isinstance(batch, tuple | list) else (operator.index(batch),)
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
    current = jnp.asarray(inputs, network.w_in.dtype) @ network.w_in
    spikes, v = lif_step(current, state.v, network.neuron, surrogate)
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


def check_trained(config: NetworkConfig, trained: dict) -> None:
    """Raises ValueError unless `trained` has the config's names, its shapes, and float32."""
    if set(trained) != set(config.trained):
        raise ValueError(f"trained values are {sorted(trained)}; the network trains {sorted(config.trained)}")
    for name, shape in config.trained_shapes.items():
        value = trained[name]
        if tuple(value.shape) != shape or value.dtype != np.float32:
            raise ValueError(f"`{name}` is {value.dtype}{list(value.shape)}; it must be float32{list(shape)}")
