"""Episodes whose physics and networks are machine code (`zoo.kernels`), where there is a kernel for the task."""

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from zoo.models import Packed, pack
from zoo.tasks.observations import Moments, std
from zoo.tasks.rollout import Episodes, Policies

if TYPE_CHECKING:
    from zoo.kernels.play import StepKernel


class Kernel(NamedTuple):
    """What was found for a task.

    Attributes:
        step: the compiled step, or None.
        reason: why there is none; empty where there is one.
    """

    step: "StepKernel | None"
    reason: str = ""


@functools.cache
def find_kernel(task: Any) -> Kernel:
    """The compiled step of a task, if it can be had on this machine."""
    source = getattr(task, "kernel_task", None)
    if source is None:
        return Kernel(None, f"{task.name} has no physics to compile")
    if jax.default_backend() != "cpu":
        return Kernel(None, f"kernels are for processors, and this training runs on {jax.default_backend()}")
    try:
        from zoo.kernels.play import StepKernel
        from zoo.kernels.primitives import UnsupportedStepError
    except (ImportError, OSError) as error:
        return Kernel(None, f"llvmlite cannot be used ({error}); `pip install llvmlite` brings it")
    try:
        return Kernel(StepKernel(source))
    except UnsupportedStepError as error:
        return Kernel(None, f"{task.name} on {getattr(task, 'backend', 'its physics')} needs {error}")
    except RuntimeError as error:  # LLVM's own.
        return Kernel(None, f"the compiler refused: {str(error).splitlines()[0]}")


def compiled_rollout(kernel: "StepKernel", group: Policies, *, clip: float = 5.0) -> Episodes:
    """`zoo.tasks.rollout.rollout` of one group by a kernel; runs one after another.

    Args:
        kernel: of the task.
        group: networks of one shape.
        clip: bound of normalised observations, in standard deviations.
    """
    _, members, episodes = group.shape
    task = kernel.task

    def one_run(run):
        networks, keys, stats = run
        index = jnp.broadcast_to(jnp.arange(episodes), keys.shape)
        fresh = jax.vmap(jax.vmap(task.reset))(keys, index)
        state, observation = jax.tree.map(functools.partial(_last, members=members), fresh)
        size = observation.shape[0]
        mean, deviation = (jnp.zeros(size), jnp.ones(size)) if stats is None else (stats.mean, std(stats))
        played = kernel.play(
            _without_episodes(pack(networks)),
            members,
            state,
            observation,
            normalisation=(mean, deviation, jnp.inf if stats is None else clip),
            gain=group.gain,
            limit=group.limit,
        )
        sums = [x.reshape(members, episodes) for x in (played.returns, played.expected, played.lengths)]
        return *sums, None if stats is None else Moments(played.count, played.deviation, played.squared)

    runs_in = (group.networks, group.keys, group.stats)
    returns, expected, lengths, moments = jax.lax.map(one_run, runs_in)
    return Episodes(returns, expected, lengths, None, moments)


def _last(x: Array, members: int) -> Array:
    """[P or 1, E, …] of all members' episodes, as […, P E]."""
    x = jnp.broadcast_to(x, (members, *x.shape[1:]))
    return jnp.moveaxis(x.reshape(-1, *x.shape[2:]), 0, -1)


def _without_episodes(packed: Packed) -> Packed:
    """Members' own properties [P, 1, H] as [P, H]: the axis is there to be spread over episodes."""
    k, height, r = (x[:, 0] if x.ndim == 3 else x for x in (packed.k, packed.height, packed.r))
    return packed._replace(k=k, height=height, r=r)
