"""What a task's actions are, as far as its `action` tells."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from zoo.core.single import in_single_precision
from zoo.tasks.base import Task


def action_type(task: Task) -> jax.ShapeDtypeStruct:
    """Shape and type of an action."""
    return jax.eval_shape(task.action, jax.ShapeDtypeStruct((task.action_size,), jnp.float32))


@functools.lru_cache(maxsize=64)
@in_single_precision()
def is_choice(task: Task) -> bool:
    """Whether an action is the number of a readout, the one that is above all others."""
    action = action_type(task)
    if action.shape or not jnp.issubdtype(action.dtype, jnp.integer):
        return False
    chosen = jax.vmap(task.action)(jnp.eye(task.action_size))
    return bool((np.asarray(chosen) == np.arange(task.action_size)).all())
