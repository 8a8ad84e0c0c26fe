"""What steps the environments and the networks of a run by PPO: machine code, where there is some, or JAX."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import jax
from jaxtyping import Array, Float

from zoo.models import WEIGHTS, NetworkConfig
from zoo.models.episode_scan import Unroll, unroll_episodes
from zoo.tasks import Task
from zoo.tasks.base import Step
from zoo.tasks.compiled import find_kernel
from zoo.tasks.lanes import vmap_last

if TYPE_CHECKING:
    from zoo.kernels.play import StepKernel


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
    return "lanes" if wanted == "kernel" and _kernel(task) is None else wanted


def _kernel(task: Task) -> "StepKernel | None":
    """A kernel that makes single steps: those for GPUs play whole episodes."""
    found = find_kernel(task).step
    return None if found is None or not hasattr(found, "begin") else cast("StepKernel", found)


def physics_of(task: Task, wanted: str) -> Physics:
    """Steps of a task.

    Args:
        task: whose steps they are.
        wanted: kernel, lanes or brax (`zoo.tasks.base.PHYSICS`).
    """
    name, kernel = physics_name(task, wanted), _kernel(task)
    if name == "kernel" and kernel is not None:

        def step(carried, readout):
            following, stepped = kernel.step(carried, readout)
            return Step(following, *stepped)

        return Physics(kernel.begin, step)
    in_lanes = name == "lanes" and jax.default_backend() == "cpu"
    return Physics(lambda state: state, vmap_last(task.step) if in_lanes else jax.vmap(task.step, -1, -1))


def unroll_of(config: NetworkConfig) -> Unroll:
    """What takes networks through sequences; a gradient has zeros for weights that are not trained."""
    if jax.default_backend() != "cpu":
        return unroll_episodes
    try:
        from zoo.kernels.unroll import unroll_compiled
    except (ImportError, OSError):  # llvmlite is missing.
        return unroll_episodes
    return functools.partial(unroll_compiled, weights=not set(WEIGHTS).isdisjoint(config.trained))
