"""Episodes whose physics and networks are machine code (`zoo.kernels`), where there is a kernel for the task."""

import functools
import os
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from zoo.models import Packed, pack
from zoo.tasks.observations import Moments, std
from zoo.tasks.rollout import Episodes, Policies

if TYPE_CHECKING:
    from zoo.kernels.gpu import GpuStepKernel
    from zoo.kernels.play import StepKernel


GPU_KERNEL = "HETSNN_ZOO_GPU_KERNEL"
"""The variable that asks for the kernel for GPUs, which has not been checked on one yet (`benchmarks/gpu.py`)."""


class Kernel(NamedTuple):
    """What was found for a task.

    Attributes:
        step: the compiled step, or None.
        reason: why there is none; empty where there is one.
    """

    step: "StepKernel | GpuStepKernel | None"
    reason: str = ""


@functools.cache
def find_kernel(task: Any) -> Kernel:
    """The compiled step of a task, if it can be had on this machine."""
    source = getattr(task, "kernel_task", None)
    if source is None:
        return Kernel(None, f"{task.name} has no physics to compile")
    platform = _platform()
    if platform not in ("cpu", "cuda"):
        return Kernel(None, f"kernels are for processors and NVIDIA's GPUs, and this training runs on {platform}")
    if platform == "cuda" and os.environ.get(GPU_KERNEL) != "1":
        return Kernel(None, f"the kernel for GPUs has not been checked on one yet; {GPU_KERNEL}=1 uses it")
    try:
        from zoo.kernels.grid import TooLargeError
        from zoo.kernels.play import StepKernel
        from zoo.kernels.primitives import UnsupportedStepError
    except (ImportError, OSError) as error:
        return Kernel(None, f"llvmlite cannot be used ({error}); `pip install llvmlite` brings it")
    try:
        return Kernel(StepKernel(source) if platform == "cpu" else _on_gpu(source))
    except OSError as error:
        return Kernel(None, f"CUDA's driver cannot be used ({error})")
    except UnsupportedStepError as error:
        return Kernel(None, f"{task.name} on {getattr(task, 'backend', 'its physics')} needs {error}")
    except TooLargeError as error:
        return Kernel(None, str(error))
    except (RuntimeError, ValueError) as error:  # LLVM's own, CUDA's driver's, or a fault of the compiler.
        return Kernel(None, f"the compiler refused: {str(error).splitlines()[0]}")


def _platform() -> str:
    """JAX's name for what this training runs on; CUDA and ROCm are apart, as both are `gpu` to it."""
    device = jax.devices()[0]
    if device.platform != "gpu":
        return device.platform
    return "cuda" if "cuda" in device.client.platform_version.lower() else "rocm"


def _on_gpu(source) -> "GpuStepKernel":
    """The step of a task for the GPUs at hand."""
    from zoo.kernels.cuda import driver
    from zoo.kernels.gpu import GpuStepKernel

    return GpuStepKernel(source, driver())


def compiled_rollout(
    kernel: "StepKernel | GpuStepKernel", group: Policies, *, clip: float = 5.0, begun: tuple | None = None
) -> Episodes:
    """`zoo.tasks.rollout.rollout` of one group by a kernel: on a processor runs one after another, on a GPU together.

    Args:
        kernel: of the task.
        group: networks of one shape.
        clip: bound of normalised observations, in standard deviations.
        begun: what `begin` gives, where all runs start from the same states; by default of the group's keys.
    """
    runs, members, episodes = group.shape
    bound = jnp.inf if group.stats is None else clip

    def play(packed, environments, normalisation):
        normalisation = (*normalisation, bound)
        return kernel.play(
            packed, members, *environments, normalisation=normalisation, gain=group.gain, limit=group.limit
        )

    def one_run(run):
        networks, keys, stats = run
        environments = begin(kernel, keys, members) if begun is None else begun
        return play(_without_episodes(pack(networks)), environments, _normalisation(stats, kernel.task))

    if kernel.all_runs:
        if begun is None:
            each = jax.vmap(lambda keys: begin(kernel, keys, members), out_axes=-2)(group.keys)
        else:
            each = jax.tree.map(lambda x: jnp.repeat(x[..., None, :], runs, axis=-2), begun)
        every = jax.tree.map(lambda x: x.reshape(*x.shape[:-2], -1), each)
        packed = jax.vmap(lambda networks: _without_episodes(pack(networks)))(group.networks)
        normalisation = jax.vmap(lambda stats, _: _normalisation(stats, kernel.task))(group.stats, jnp.arange(runs))
        played = play(packed, every, normalisation)
    else:
        played = jax.lax.map(one_run, (group.networks, group.keys, group.stats))
    sums = (x.reshape(runs, members, episodes) for x in (played.returns, played.expected, played.lengths))
    returns, expected, lengths = sums
    moments = None if group.stats is None else Moments(played.count, played.deviation, played.squared)
    return Episodes(returns, expected, lengths, None, moments)


def begin(kernel: "StepKernel | GpuStepKernel", keys: PRNGKeyArray, members: int) -> tuple[Any, Array]:
    """States and observations [..., P E] of a run's episodes at their beginning; keys [P or 1, E]."""
    index = jnp.broadcast_to(jnp.arange(keys.shape[1]), keys.shape)
    fresh = jax.vmap(jax.vmap(kernel.reset))(keys, index)
    return jax.tree.map(functools.partial(_last, members=members), fresh)


def _normalisation(stats, task: Any) -> tuple[Array, Array]:
    """Mean and standard deviation [I] by which a run's observations are normalised."""
    size = task.observation_size
    return (jnp.zeros(size), jnp.ones(size)) if stats is None else (stats.mean, std(stats))


def _last(x: Array, members: int) -> Array:
    """[P or 1, E, …] of all members' episodes, as […, P E]."""
    x = jnp.broadcast_to(x, (members, *x.shape[1:]))
    return jnp.moveaxis(x.reshape(-1, *x.shape[2:]), 0, -1)


def _without_episodes(packed: Packed) -> Packed:
    """Members' own properties [P, 1, H] as [P, H]: the axis is there to be spread over episodes."""
    k, height, r = (x[:, 0] if x.ndim == 3 else x for x in (packed.k, packed.height, packed.r))
    return packed._replace(k=k, height=height, r=r)
