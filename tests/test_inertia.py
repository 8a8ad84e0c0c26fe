"""Equivalent frames of inertia."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.tasks.brax import make_environment
from zoo.tasks.inertia import _renamings, nearest_frame, with_near_frames

pytestmark = pytest.mark.filterwarnings("ignore:(Accessing|Brax System|JAXopt)")  # Brax's own.
NUMBER = st.floats(-1, 1)


def matrix(q):
    """Rotation of a unit quaternion (Hamilton, 1844)."""
    w, x, y, z = q
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def inertia(q, moments):
    return matrix(q) @ np.diag(moments) @ matrix(q).T


def test_there_are_24_renamings_and_each_turns_axes_onto_axes():
    turns = [turn for turn, _ in _renamings()]
    assert len({tuple(np.round(turn).ravel()) for turn in turns}) == 24
    for turn, (_, axes) in zip(turns, _renamings(), strict=True):
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(turn) == pytest.approx(1)
        assert np.round(abs(turn[axes, range(3)])).tolist() == [1, 1, 1]


@settings(max_examples=100, deadline=None)
@given(st.tuples(NUMBER, NUMBER, NUMBER, NUMBER), st.tuples(*[st.floats(0.01, 10)] * 3))
def test_the_nearest_frame_is_the_same_body(q, moments):
    q, moments = np.array(q), np.array(moments)
    if np.linalg.norm(q) < 0.1:
        return
    q = q / np.linalg.norm(q)
    new, turned = nearest_frame(q, moments)
    np.testing.assert_allclose(inertia(new, turned), inertia(q, moments), atol=1e-4)
    assert np.linalg.norm(new) == pytest.approx(1)
    assert new[0] >= max(0.8, abs(q[0]) - 1e-6)  # No more than 62.8 degrees: 24 frames lie no farther apart.
    assert sorted(turned) == sorted(moments)


def test_what_is_next_to_0_becomes_0():
    new, _ = nearest_frame(np.array([-0.96, 5e-7, 0.28, -2e-7]), np.array([1.0, 2.0, 3.0]))
    assert new.tolist() == pytest.approx([0.96, 0.0, -0.28, 0.0])
    assert not np.signbit(new[[1, 3]]).any()
    new, _ = nearest_frame(np.array([0.96, 5e-3, -0.28, 0.0]) / np.sqrt(1 + 25e-6), np.array([1.0, 2.0, 3.0]))
    assert abs(new[1]) > 1e-3


def test_half_cheetahs_torso_becomes_planar():
    """It moves in the plane of x and z, and turns about y."""
    plain, turned = (make_environment("hc", "spring", near).sys.link.inertia for near in (False, True))
    assert abs(np.asarray(plain.transform.rot)[0, [1, 3]]).max() > 0.1
    assert np.asarray(turned.transform.rot)[:, [1, 3]].tolist() == [[0, 0]] * len(turned.i)
    for a, b in zip(_matrices(plain), _matrices(turned), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def _matrices(links):
    rot, i = np.asarray(links.transform.rot, np.float64), np.asarray(links.i, np.float64)
    return [matrix(q) @ m @ matrix(q).T for q, m in zip(rot, i, strict=True)]


def test_an_inertia_that_is_not_diagonal_is_left_as_it_is():
    environment = make_environment("hp", "spring")
    link = environment.sys.link
    tilted = np.array(link.inertia.i)
    tilted[0, 0, 1] = tilted[0, 1, 0] = 0.01
    other = type("Other", (), {})()
    other.sys = environment.sys.replace(link=link.replace(inertia=link.inertia.replace(i=tilted)))
    kept = with_near_frames(other).sys.link.inertia
    assert np.array_equal(kept.i[0], tilted[0])
    assert np.array_equal(kept.transform.rot[0], link.inertia.transform.rot[0])
