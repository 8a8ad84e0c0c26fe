"""What steps the environments of a run by PPO: a compiled kernel, where there is one, or JAX."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Float

from zoo.tasks import Task
from zoo.tasks.base import Step
from zoo.tasks.compiled import find_kernel
from zoo.tasks.lanes import vmap_last


class Physics(NamedTuple):
    """How environments, the last axis of all arrays, begin and advance.

    Attributes:
        begin: from the task's states to what is carried from step to step: the same, or a kernel's numbers.
        step: from that and readouts to `Step`, whose `state` is carried on.
    """

    begin: Callable[[Any], Any]
    step: Callable[[Any, Float[Array, "a N"]], Step]


def physics_name(task: Task, wanted: str) -> str:
    """What computes it here: as the recipe says, unless there is no kernel to be had."""
    return "lanes" if wanted == "kernel" and find_kernel(task).step is None else wanted


def physics_of(task: Task, wanted: str) -> Physics:
    """Steps of a task.

    Args:
        task: whose steps they are.
        wanted: kernel, lanes or brax (`zoo.tasks.compiled.PHYSICS`).
    """
    name = physics_name(task, wanted)
    if name == "kernel":
        kernel = find_kernel(task).step

        def step(carried, readout):
            following, stepped = kernel.step(carried, readout)
            return Step(following, *stepped)

        return Physics(kernel.begin, step)
    in_lanes = name == "lanes" and jax.default_backend() == "cpu"
    return Physics(lambda state: state, vmap_last(task.step) if in_lanes else jax.vmap(task.step, -1, -1))
