"""The network as a Flax NNX module: which of its parts are trained, and how its spikes are differentiated."""

from typing import SupportsIndex

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
from zoo.models.surrogate import Surrogate, warn_of_no_gradient


class Trained(nnx.Param):
    """A variable that the recipe optimises."""


class Frozen(nnx.Variable):
    """A variable that training leaves alone: drawn from a seed or given by Table 4."""


class SpikingMLP(nnx.Module):
    """A two-layer spiking network; `nnx.split(net, Trained, Frozen)` separates what is optimised.

    Attributes:
        config: its shapes, and what is trained.
        surrogate: how its spikes are differentiated, or None where they are not.

    Example:
        >>> config = NetworkConfig(inputs=3, hidden=8, outputs=2, trained=("x_tau", "v_th"))
        >>> net = SpikingMLP(config, seed=0)
        >>> output, state = net(jnp.zeros((5, 3)), net.initial_state((5,)))
        >>> output.readout.shape
        (5, 2)
    """

    def __init__(
        self, config: NetworkConfig, *, seed: int, trained: dict | None = None, surrogate: Surrogate | None = None
    ):
        """Draws the network of `seed` and puts trained values in their place.

        Args:
            config: shapes and what is trained.
            seed: of the random weights.
            trained: values for exactly the names in ``config.trained``; by default the initial ones.
            surrogate: how spikes are differentiated; by default they are not.

        Raises:
            ValueError: if names, shapes or dtypes of `trained` differ from the config's.
        """
        parts = config.initial(seed)
        if trained is not None:
            check_trained(config, trained)
            parts |= trained
        self.config = config
        self.surrogate = nnx.static(surrogate)
        for name in PROPERTIES + WEIGHTS:
            kind = Trained if name in config.trained else Frozen
            setattr(self, name, kind(jnp.asarray(parts[name])))

    @property
    def parts(self) -> dict[str, jax.Array]:
        """Arrays of all parts by name."""
        return {name: getattr(self, name)[...] for name in PROPERTIES + WEIGHTS}

    def initial_state(self, batch: SupportsIndex | tuple[int, ...] = ()) -> NetworkState:
        """Potentials at the start of an episode: of one, of so many, or of a batch of that shape."""
        return initial_state(build(self.parts), batch)

    def __call__(
        self, inputs: Float[ArrayLike, "*b inputs"], state: NetworkState, surrogate: Surrogate | None = None
    ) -> tuple[NetworkOutput, NetworkState]:
        """One simulation step; see `network_step`.

        Args:
            inputs: observation of this step.
            state: potentials after the last step.
            surrogate: how spikes are differentiated, in place of the network's own.

        Warns:
            UserWarning: where a gradient through the spikes is asked for and there is no surrogate: it is 0.
        """
        if inputs.shape[-1] != self.config.inputs:
            raise ValueError(f"inputs has shape {inputs.shape}; its last axis must be {self.config.inputs}")
        surrogate = self.surrogate if surrogate is None else surrogate
        parts = self.parts
        if surrogate is None:
            before_spikes = {name: parts[name] for name in (*PROPERTIES, "w_in")}
            before_spikes, inputs = warn_of_no_gradient((before_spikes, jnp.asarray(inputs)))
            parts |= before_spikes
        return network_step(build(parts), state, inputs, surrogate)
