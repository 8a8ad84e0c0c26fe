"""Noise of a search that neurons have in common, by the weights that are not trained.

While all neurons are alike, what a small change of neuron n's property is worth is linear in the weights by which it
acts on the readouts, and some function of those by which it sees the observations. To first order in the latter these
are (1 + inputs) x outputs directions for each property, however many neurons there are. A search that varies along
them alone is one of linear maps from observations to actions; one that varies along them too learns these first.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def shared_normal(key, pairs: int, size: int, share: float, weights: Mapping[str, Array]) -> Float[Array, "pairs D"]:
    """Normal noise of unit variance, on average over the neurons; a part of it is common to them.

    Of a property of neuron n, with e and u independent standard normal numbers, the first for each neuron, the second
    for each observation i (and one that is always 1) and each readout o:

        z_n = sqrt(1 - share) e_n + sqrt(share) sum_io u_io x_in y_no
        x_in = W_in[i, n] sqrt(inputs / (1 + inputs)),  x_0n = 1 / sqrt(1 + inputs)
        y_no = W_out[n, o] sqrt(N / outputs)

    Args:
        key: of random numbers.
        pairs: how many vectors.
        size: D, numbers of each: some properties of all N neurons, one after another.
        share: of the variance, 0 to 1.
        weights: ``w_in`` [inputs, N] and ``w_out`` [N, outputs], LeCun normal.

    Raises:
        ValueError: if the weights are trained, so that neurons have none of their own to share.
    """
    if missing := {"w_in", "w_out"} - set(weights):
        raise ValueError(f"shared_noise (={share:g}) must be 0 where {', '.join(sorted(missing))} is trained")
    own, common = jax.random.split(key)
    w_in, w_out = weights["w_in"], weights["w_out"]
    (inputs, neurons), outputs = w_in.shape, w_out.shape[1]
    sees = jnp.concatenate([jnp.ones((1, neurons)), w_in * jnp.sqrt(jnp.float32(inputs))])
    sees = sees / jnp.sqrt(jnp.float32(1 + inputs))
    acts = w_out * jnp.sqrt(jnp.float32(neurons / outputs))
    maps = jax.random.normal(common, (pairs, size // neurons, outputs, 1 + inputs))
    shared = jnp.einsum("kpoi,in,no->kpn", maps, sees, acts).reshape(pairs, size)
    alone = jax.random.normal(own, (pairs, size))
    return jnp.sqrt(jnp.float32(1 - share)) * alone + jnp.sqrt(jnp.float32(share)) * shared
