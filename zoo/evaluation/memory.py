"""How much memory an evaluation will need, before anything is allocated."""

import math
import operator
from typing import Any, SupportsIndex

import jax

from zoo.core.errors import ZooError
from zoo.core.memory import available_bytes, item_bytes, size_text
from zoo.tasks import Task

MAX_EPISODES = 1_000_000
_NUMBER = 4  # bytes
_POTENTIALS = 3  # Arrays of the hidden layer's size that a step holds: before, after, spikes.
_ENVIRONMENTS = 2


def needed_bytes(task: Task, parts: dict, episodes: int, at_once: int) -> tuple[int, int]:
    """What networks take, and what their episodes take.

    Args:
        task: what is played.
        parts: of K networks, stacked along a first axis.
        episodes: of each.
        at_once: how many networks play side by side.
    """
    state, observation = jax.eval_shape(task.reset, jax.random.key(0), 0)
    environment = sum(math.prod(x.shape) * item_bytes(x.dtype) for x in jax.tree.leaves(state))
    hidden = parts["w_out"].shape[-2]
    one = _NUMBER * (_POTENTIALS * hidden + 2 * math.prod(observation.shape)) + _ENVIRONMENTS * environment
    return 2 * sum(value.nbytes for value in parts.values()), at_once * episodes * one


def check_episodes(episodes: Any) -> None:
    """Raises `ValueError` unless it is a number of episodes that someone may play."""
    if not isinstance(episodes, SupportsIndex) or not 1 <= operator.index(episodes) <= MAX_EPISODES:
        raise ValueError(f"episodes (={episodes}) must be an integer of at least 1, and at most {MAX_EPISODES:,}")


def check_fits(task: Task, parts: dict, episodes: int, at_once: int) -> None:
    """Refuses an evaluation that does not fit into memory.

    Raises:
        ZooError: with a number of episodes that fits.
    """
    available = available_bytes(jax.devices()[0])
    networks, played = needed_bytes(task, parts, episodes, at_once)
    if available is None or networks + played <= available:
        return
    fitting = (available - networks) * episodes // played
    advice = f"--episodes {fitting:,} fit" if fitting > 0 else "its networks alone do not fit"
    raise _does_not_fit(networks, "episodes", played, available, advice)


def check_images_fit(parts: dict, images: int, at_once: int) -> None:
    """Refuses to classify with a network for which there is no memory.

    In float64, and a byte for each spike count of an image.

    Args:
        parts: of the network, by name.
        images: how many there are.
        at_once: how many are classified side by side, at most.

    Raises:
        ZooError: with what it would take.
    """
    available = available_bytes(jax.local_devices(backend="cpu")[0])
    inputs, hidden = parts["w_in"].shape
    network = 2 * sum(value.nbytes for value in parts.values())
    played = images * hidden + 2 * _NUMBER * min(images, at_once) * (_POTENTIALS * hidden + 2 * inputs)
    if available is not None and network + played > available:
        raise _does_not_fit(network, "images", played, available, "a model of a smaller budget does")


def _does_not_fit(networks: int, what: str, played: int, available: int, advice: str) -> ZooError:
    return ZooError(
        f"this evaluation does not fit into memory: it needs about {size_text(networks + played)}, of which {what} "
        f"{size_text(played)}; {size_text(available)} are free; {advice}"
    )
