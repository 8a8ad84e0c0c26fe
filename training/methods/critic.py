"""The critic: an ordinary network that is thrown away after training."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

Layers = tuple[tuple[Float[Array, "i o"], Float[Array, " o"]], ...]
_LAST_SCALE = 0.1
"""Factor on the last layer's weights: a critic that knows nothing says little."""


def initial_layers(seed: int, sizes: tuple[int, ...]) -> Layers:
    """Weights of LeCun's variance and biases of 0, on the host.

    Args:
        seed: of the weights.
        sizes: of the layers, the input's first.
    """
    generator = np.random.default_rng(seed)
    layers = []
    for i, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        scale = (_LAST_SCALE if i == len(sizes) - 2 else 1.0) / np.sqrt(inputs)
        weights = scale * generator.standard_normal((inputs, outputs))
        layers.append((weights.astype(np.float32), np.zeros(outputs, np.float32)))
    return tuple(layers)


def apply_layers(layers: Layers, inputs: Float[ArrayLike, "*b i"]) -> Float[Array, "*b o"]:
    """A multilayer perceptron with tanh between its layers."""
    *hidden, (weights, bias) = layers
    x = inputs
    for w, b in hidden:
        x = jnp.tanh(x @ w + b)
    return x @ weights + bias


def criticise(layers: Layers, inputs: Float[ArrayLike, "*b i"]) -> Float[Array, "*b"]:
    """One number for each input."""
    return jnp.squeeze(apply_layers(layers, inputs), -1)


def squared_error(layers: Layers, inputs: Float[ArrayLike, "*b i"], numbers: Float[ArrayLike, "*b"]) -> jax.Array:
    """Half the mean squared error."""
    return 0.5 * jnp.square(criticise(layers, inputs) - numbers).mean()
