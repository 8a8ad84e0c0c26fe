"""What moves the centre of a search: optax's optimisers, ClipUp, and both as EvoJAX 0.2.17 has them.

EvoJAX's PGPE has the paper's rates as its defaults. Its Adam is told the generation divided by 1,000 in whole
numbers, in place of the generation (google/evojax, issue 25): moments count as if they had just begun, so that steps
are 2.06 times optax's in generation 10 and 0.40 times in generation 1,000. Its ClipUp moves by 0.15 at most, which is
one step at its own rate, where ClipUp's authors choose two of any rate.
"""

from types import MappingProxyType

import jax
import jax.numpy as jnp
import optax
from evosax.core.optimizer import clipup

_GENERATIONS_A_STEP = 1000


def evojax_adam(learning_rate: float, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8):
    """Adam of EvoJAX's PGPE.

    Args:
        learning_rate: of each number.
        b1: how much of the gradients' mean stays.
        b2: how much of their squares' mean stays.
        eps: added to the root of the second one.

    Returns:
        An optax transformation.
    """
    adam = optax.scale_by_adam(b1, b2, eps)

    def update(gradients, state, params=None):
        _, moved = adam.update(gradients, state)
        step = state.count // _GENERATIONS_A_STEP + 1
        first, second = 1 - b1**step, 1 - b2**step
        return jax.tree.map(lambda m, v: (m / first) / (jnp.sqrt(v / second) + eps), moved.mu, moved.nu), moved

    return optax.chain(optax.GradientTransformation(adam.init, update), optax.scale_by_learning_rate(learning_rate))


OPTIMISERS = MappingProxyType(
    {"adam": optax.adam, "sgd": optax.sgd, "clipup": clipup, "evojax-adam": evojax_adam, "evojax-clipup": clipup}
)
SPEEDS = MappingProxyType({"clipup": lambda rate: 2 * rate, "evojax-clipup": lambda rate: 0.15})
"""Longest steps by the rate: ClipUp's is its authors' choice (Toklu et al., 2020)."""
