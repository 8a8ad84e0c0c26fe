"""The bodies of Brax's environments."""

from typing import Any

import numpy as np

from zoo.rendering.scene import BROWN, GREY, PURPLE, Geom, Scene

_SECOND_LEG = ("thigh_left", "leg_left", "foot_left", "fthigh", "fshin", "ffoot")
_BRAX_KINDS = {0: "Plane", 2: "Sphere", 3: "Capsule", 6: "Box"}
_VIEWS: dict[str, dict[str, Any]] = {"ant": {"azimuth_deg": 25.0, "elevation_deg": 25.0}}
"""Of what is not planar."""


def watch(state):
    """Positions and rotations."""
    return state.pipeline_state.x.pos, state.pipeline_state.x.rot


def make(task, positions, rotations) -> Scene:
    """Capsules on a plane."""
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
                rgb=GREY if body < 0 else PURPLE if names[body] in _SECOND_LEG else BROWN,
            )
        )
    return Scene(
        bodies=names,
        geoms=tuple(geoms),
        positions=np.asarray(positions, np.float64),
        rotations=np.asarray(rotations, np.float64),
        dt_s=float(task.environment.dt),
        **_VIEWS.get(task.name, {}),
    )


def _floats(values) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
