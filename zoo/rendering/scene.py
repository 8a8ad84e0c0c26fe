"""What is to be seen of an episode: rigid bodies, the same for Brax's environments and for CartPole."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from zoo.tasks import Task

_BROWN, _PURPLE, _GREY = (0.40, 0.33, 0.26), (0.62, 0.40, 0.55), (0.5, 0.5, 0.5)
_SECOND_LEG = ("thigh_left", "leg_left", "foot_left", "fthigh", "fshin", "ffoot")
_BRAX_KINDS = {0: "Plane", 2: "Sphere", 3: "Capsule", 6: "Box"}
_GYMNAX_DT_S = 0.02  # `EnvParams.tau` of gymnax's CartPole.


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
    position: tuple[float, float, float]
    rotation: tuple[float, float, float, float]
    size: tuple[float, float, float]
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
    family = task.name.rstrip("0123456789")
    if family == "cartpole":
        return _watch_cartpole
    if hasattr(task, "environment"):
        return _watch_brax
    raise ValueError(f"{task.name} has no bodies to draw; the tasks that have are ant, hc, hp, wal and cartpole{{N}}")


def make_scene(task: Task, watched: Any) -> Scene:
    """The scene of an episode.

    Args:
        task: that was played.
        watched: what `watcher` kept, with a leading axis of frames.
    """
    return _cartpole_scene(*watched) if task.name.startswith("cartpole") else _brax_scene(task, *watched)


def _watch_brax(state):
    return state.pipeline_state.x.pos, state.pipeline_state.x.rot


def _watch_cartpole(state):
    return state.x, state.theta


def _brax_scene(task, positions, rotations) -> Scene:
    system = task.environment.sys
    names = tuple(name or f"body {i}" for i, name in enumerate(system.link_names))
    rows = zip(system.geom_type, system.geom_bodyid, system.geom_pos, system.geom_quat, system.geom_size, strict=True)
    geoms = []
    for kind, body, position, rotation, size in rows:
        body = int(body) - 1
        geoms.append(
            Geom(
                kind=_BRAX_KINDS[int(kind)],
                body=body,
                position=_floats(position),
                rotation=_floats(rotation),
                size=_floats(size),
                rgb=_GREY if body < 0 else _PURPLE if names[body] in _SECOND_LEG else _BROWN,
            )
        )
    ant = {"azimuth_deg": 25.0, "elevation_deg": 25.0} if task.name == "ant" else {}
    return Scene(
        bodies=names,
        geoms=tuple(geoms),
        positions=np.asarray(positions, np.float64),
        rotations=np.asarray(rotations, np.float64),
        dt_s=float(task.environment.dt),
        **ant,
    )


def _cartpole_scene(x, theta) -> Scene:
    """A cart of 0.5 m and gymnax's pole of 1 m; theta is from upright, positive towards +x."""
    frames, still = len(x), (1.0, 0.0, 0.0, 0.0)
    positions = np.zeros((frames, 2, 3))
    positions[:, :, 0] = np.asarray(x)[:, None]
    positions[:, :, 2] = (0.15, 0.3)
    rotations = np.zeros((frames, 2, 4))
    rotations[:, :, 0] = 1.0
    rotations[:, 1, 0], rotations[:, 1, 2] = np.cos(np.asarray(theta) / 2), np.sin(np.asarray(theta) / 2)
    cart = Geom(kind="Box", body=0, position=(0, 0, 0), rotation=still, size=(0.25, 0.15, 0.15), rgb=_BROWN)
    pole = Geom(kind="Capsule", body=1, position=(0, 0, 0.5), rotation=still, size=(0.04, 0.5, 0), rgb=_PURPLE)
    floor = Geom(kind="Plane", body=-1, position=(0, 0, 0), rotation=still, size=(0, 0, 0), rgb=_GREY)
    return Scene(
        bodies=("cart", "pole"),
        geoms=(floor, cart, pole),
        positions=positions,
        rotations=rotations,
        dt_s=_GYMNAX_DT_S,
        followed=False,
    )


def _floats(values) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
