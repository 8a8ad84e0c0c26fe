"""Classification that is the same on every machine.

Measured in float64 on the CPU: the last bits of a sum differ between machines, and in float64 such a
difference is too small to move a spike, but for odds of about one in 10^9. In float32 it would now and then.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from zoo.core.forks import check_not_forked
from zoo.core.programs import make_room_for_programs
from zoo.core.single import in_single_precision
from zoo.models import PROPERTIES, WEIGHTS, build
from zoo.tasks.classification import classify
from zoo.tasks.images import ImageTask

_CHUNK_NUMBERS = 2**21
"""Hidden neurons times images evaluated at a time: 16 MiB of potentials."""


def at_once(parts: dict[str, np.ndarray]) -> int:
    """How many images a network is shown side by side."""
    return max(1, _CHUNK_NUMBERS // len(parts["v_th"]))


@functools.partial(jax.jit, static_argnames="steps")
def _classify(parts, currents, steps):
    logits, activity = classify(build(parts), currents, steps)
    return jnp.argmax(logits, -1), activity.count


@in_single_precision()
def respond_exactly(
    task: ImageTask, parts: dict[str, np.ndarray], pixels: np.ndarray
) -> tuple[Int[np.ndarray, " N"], Float[np.ndarray, "N hidden"]]:
    """Classes and spike counts of one network, in float64 on the CPU.

    Args:
        task: what the network was trained on.
        parts: of the network, by name.
        pixels: [N, 784], 0 … 255.
    """
    check_not_forked()
    make_room_for_programs()
    chunk = at_once(parts)
    labels, counts = [], []
    with jax.enable_x64(True), jax.default_device(jax.local_devices(backend="cpu")[0]):
        exact = {name: jnp.asarray(parts[name], jnp.float64) for name in PROPERTIES + WEIGHTS}
        for start in range(0, len(pixels), chunk):
            currents = task.currents(jnp.asarray(pixels[start : start + chunk]), jnp.float64)
            chosen, count = _classify(exact, currents, task.steps)
            labels.append(np.asarray(chosen))
            counts.append(np.asarray(count, np.uint8))
    return np.concatenate(labels), np.concatenate(counts)
