"""Equivalent frames of inertia, chosen so that a planar robot is planar in every number.

A link's inertia is a diagonal matrix in a frame of principal axes. The axes can be renamed, and the diagonal with
them: 24 frames mean the same body. MuJoCo orders them by size, which can turn a frame out of the plane in which the
robot moves, and then no component of its rotations stays 0.
"""

import copy
import itertools

import numpy as np
from jaxtyping import Float

_SNAP = 1e-6
"""Components of a rotation below this are rounding errors of 0."""


def _renamings() -> list[tuple[Float[np.ndarray, "3 3"], tuple[int, ...]]]:
    """Rotations that map axes to axes, and which old axis each new one is."""
    found = []
    for axes in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[axes, range(3)] = signs
            if np.linalg.det(matrix) > 0:
                found.append((matrix, axes))
    return found


def nearest_frame(
    rotation: Float[np.ndarray, " 4"], moments: Float[np.ndarray, " 3"]
) -> tuple[Float[np.ndarray, " 4"], Float[np.ndarray, " 3"]]:
    """The equivalent frame with the smallest angle to the link's own, and the moments about its axes.

    Args:
        rotation: quaternion (w, x, y, z) of the frame of principal axes in the link.
        moments: of inertia about these axes.
    """
    from scipy.spatial.transform import Rotation

    own = Rotation.from_quat(np.roll(rotation, -1))  # SciPy has w last.
    turns = [(own * Rotation.from_matrix(turn), moments[list(axes)]) for turn, axes in _renamings()]
    candidates = [(np.roll(frame.as_quat(), 1), turned) for frame, turned in turns]
    best, best_moments = max(candidates, key=lambda pair: round(abs(pair[0][0]), 6))
    best = np.where(abs(best) < _SNAP, 0.0, best) * (1.0 if best[0] >= 0 else -1.0)
    return best / np.linalg.norm(best) + 0.0, best_moments  # No negative zeros.


def with_near_frames(environment):
    """A Brax environment of the same bodies, their frames of principal axes as near to the links' as they can be."""
    if getattr(environment, "sys", None) is None:  # An environment without bodies.
        return environment
    inertia = environment.sys.link.inertia
    rotations = np.asarray(inertia.transform.rot, np.float64)
    rot, i = np.array(inertia.transform.rot), np.array(inertia.i)
    for link, moments in enumerate(np.diagonal(np.asarray(inertia.i), axis1=1, axis2=2)):
        if np.array_equal(i[link], np.diag(moments)):  # A frame of principal axes.
            rot[link], moments = nearest_frame(rotations[link], moments)
            i[link] = np.diag(moments)
    inertia = inertia.replace(transform=inertia.transform.replace(rot=rot), i=i)
    turned = copy.copy(environment)
    turned.sys = environment.sys.replace(link=environment.sys.link.replace(inertia=inertia))
    return turned
