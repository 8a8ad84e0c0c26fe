"""What is to be seen of an episode: rigid bodies; a family's module says which."""

import dataclasses
import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float

from zoo.registry.families import families, family_of
from zoo.tasks import Task

BROWN, PURPLE, GREY = (0.40, 0.33, 0.26), (0.62, 0.40, 0.55), (0.5, 0.5, 0.5)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Geom:
    """A shape that is fixed to a body.

    Attributes:
        kind: ``Plane``, ``Sphere``, ``Capsule`` (along its own z) or ``Box``.
        body: index of the body, -1 for the world.
        position: of its centre in the body's frame, in m.
        rotation: quaternion (w, x, y, z) in the body's frame.
        size: in m: radius; radius and half length; half lengths.
        rgb: colour, 0 to 1.
    """

    kind: str
    body: int
    position: tuple[float, ...]
    rotation: tuple[float, ...]
    size: tuple[float, ...]
    rgb: tuple[float, float, float]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """Bodies that move.

    Attributes:
        bodies: their names.
        geoms: their shapes.
        positions: [T, bodies, 3], in m.
        rotations: [T, bodies, 4], quaternions (w, x, y, z).
        dt_s: simulated time between two frames, in s.
        followed: whether a camera should move with the first body.
        azimuth_deg, elevation_deg: from where a picture looks: 0, 0 is from the side, x to the right.
    """

    bodies: tuple[str, ...]
    geoms: tuple[Geom, ...]
    positions: Float[np.ndarray, "T bodies 3"]
    rotations: Float[np.ndarray, "T bodies 4"]
    dt_s: float
    followed: bool = True
    azimuth_deg: float = 0.0
    elevation_deg: float = 0.0


def watcher(task: Task) -> Callable[[Any], Any]:
    """What has to be kept of each of a task's states for `make_scene`.

    Raises:
        ValueError: if the task has nothing to look at.
    """
    return _scene_of(task).watch


def make_scene(task: Task, watched: Any) -> Scene:
    """The scene of an episode.

    Args:
        task: that was played.
        watched: what `watcher` kept, with a leading axis of frames.
    """
    return _scene_of(task).make(task, *watched)


def _scene_of(task: Task) -> ModuleType:
    module = family_of(task.name).scene
    if module is None:
        shown = ", ".join(family.spelling for family in families() if family.scene)
        raise ValueError(f"{task.name} has no bodies to draw; the tasks that have are {shown}")
    return importlib.import_module(module)
