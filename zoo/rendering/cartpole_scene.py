"""The cart and the pole."""

import numpy as np

from zoo.rendering.scene import BROWN, GREY, PURPLE, Geom, Scene

_GYMNAX_DT_S = 0.02  # `EnvParams.tau` of gymnax's CartPole.


def watch(state):
    """Position and angle."""
    return state.x, state.theta


def make(task, x, theta) -> Scene:
    """A cart of 0.5 m and gymnax's pole of 1 m; theta is from upright, positive towards +x."""
    frames, still = len(x), (1.0, 0.0, 0.0, 0.0)
    positions = np.zeros((frames, 2, 3))
    positions[:, :, 0] = np.asarray(x)[:, None]
    positions[:, :, 2] = (0.15, 0.3)
    rotations = np.zeros((frames, 2, 4))
    rotations[:, :, 0] = 1.0
    rotations[:, 1, 0], rotations[:, 1, 2] = np.cos(np.asarray(theta) / 2), np.sin(np.asarray(theta) / 2)
    cart = Geom(kind="Box", body=0, position=(0, 0, 0), rotation=still, size=(0.25, 0.15, 0.15), rgb=BROWN)
    pole = Geom(kind="Capsule", body=1, position=(0, 0, 0.5), rotation=still, size=(0.04, 0.5, 0), rgb=PURPLE)
    floor = Geom(kind="Plane", body=-1, position=(0, 0, 0), rotation=still, size=(0, 0, 0), rgb=GREY)
    return Scene(
        bodies=("cart", "pole"),
        geoms=(floor, cart, pole),
        positions=positions,
        rotations=rotations,
        dt_s=_GYMNAX_DT_S,
        followed=False,
    )
