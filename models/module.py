"""The network as a Flax NNX module, which holds its parts by whether they are trained."""

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import ArrayLike
from jaxtyping import Float

from zoo.models.constants import PROPERTIES, WEIGHTS
from zoo.models.spiking_mlp import (
    NetworkConfig,
    NetworkOutput,
    NetworkState,
    build,
    check_trained,
    initial_state,
    network_step,
)
from zoo.models.surrogate import Surrogate


class Trained(nnx.Param):
    """A variable that the recipe optimises."""


class Frozen(nnx.Variable):
    """A variable that training leaves alone: drawn from a seed or given by Table 4."""


class SpikingMLP(nnx.Module):
    """A two-layer spiking network; `nnx.split(net, Trained, Frozen)` separates what is optimised.

    Example:
        >>> config = NetworkConfig(inputs=3, hidden=8, outputs=2, trained=("x_tau", "v_th"))
        >>> net = SpikingMLP(config, seed=0)
        >>> output, state = net(jnp.zeros((5, 3)), net.initial_state((5,)))
        >>> output.readout.shape
        (5, 2)
    """

    def __init__(self, config: NetworkConfig, *, seed: int, trained: dict | None = None):
        """Draws the network of `seed` and puts trained values in their place.

        Args:
            config: shapes and what is trained.
            seed: of the random weights.
            trained: values for exactly the names in ``config.trained``; by default the initial ones.

        Raises:
            ValueError: if names, shapes or dtypes of `trained` differ from the config's.
        """
        parts = config.initial(seed)
        if trained is not None:
            check_trained(config, trained)
            parts |= trained
        self.config = config
        for name in PROPERTIES + WEIGHTS:
            kind = Trained if name in config.trained else Frozen
            setattr(self, name, kind(jnp.asarray(parts[name])))

    @property
    def parts(self) -> dict[str, jax.Array]:
        """Arrays of all parts by name."""
        return {name: getattr(self, name)[...] for name in PROPERTIES + WEIGHTS}

    def initial_state(self, batch: tuple[int, ...] = ()) -> NetworkState:
        """Potentials at the start of an episode, for a batch of that shape."""
        return initial_state(build(self.parts), batch)

    def __call__(
        self, inputs: Float[ArrayLike, "*b inputs"], state: NetworkState, surrogate: Surrogate | None = None
    ) -> tuple[NetworkOutput, NetworkState]:
        """One simulation step; see `network_step`. Without a surrogate no gradient passes the spikes."""
        if inputs.shape[-1] != self.config.inputs:
            raise ValueError(f"inputs has shape {inputs.shape}; its last axis must be {self.config.inputs}")
        return network_step(build(self.parts), state, inputs, surrogate)
