"""Elementary functions against NumPy in float64, in units in the last place."""

import numpy as np
import pytest
from kernel_numbers import evaluate

from zoo.kernels.functions import Functions
from zoo.kernels.scalars import INT, Graph

LARGEST = np.finfo(np.float32).max
TINY = np.finfo(np.float32).tiny


def computed(name, *xs):
    graph = Graph()
    inputs = {("x", i): x for i, x in enumerate(xs)}
    return evaluate(graph, [getattr(Functions(graph), name)(*map(graph.input, inputs))], inputs)[0]


def units(got, exact):
    """Errors in units in the last place of a float32 (of the least normal one, below that)."""
    size = np.spacing(np.maximum(abs(exact), TINY).astype(np.float32)).astype(np.float64)
    return abs(got.astype(np.float64) - exact) / size


def spread(low, high, count=20_000):
    return np.random.default_rng(0).uniform(low, high, count).astype(np.float32)


def sizes(low, high):
    """Numbers of all sizes, of both signs."""
    x = np.exp(spread(np.log(low), np.log(high)))
    return np.concatenate([x, -x])


def logistic(x):
    return 1 / (1 + np.exp(-x))


CASES = {
    "exp": (np.exp, spread(-87, 88.7)),
    "exp2": (np.exp2, spread(-126, 128)),
    "log": (np.log, np.concatenate([abs(sizes(TINY, LARGEST)), spread(0.5, 2)])),
    "sin": (np.sin, spread(-100, 100)),
    "cos": (np.cos, spread(-100, 100)),
    "atan": (np.arctan, sizes(1e-30, 1e30)),
    "asin": (np.arcsin, np.concatenate([spread(-1, 1), 1 - abs(sizes(1e-7, 1))])),
    "acos": (np.arccos, np.concatenate([spread(-1, 1), abs(sizes(1e-7, 1)) - 1])),
    "tanh": (np.tanh, np.concatenate([spread(-20, 20), sizes(1e-30, 1)])),
    "logistic": (logistic, spread(-86, 80)),
}


@pytest.mark.parametrize("name", CASES)
def test_errors_are_a_few_units_in_the_last_place(name):
    exact, x = CASES[name]
    assert units(computed(name, x), exact(x.astype(np.float64))).max() < 4


@pytest.mark.parametrize(("name", "exact"), [("sin", np.sin), ("cos", np.cos)])
def test_sine_and_cosine_of_large_angles_are_right_beside_1(name, exact):
    """Where they are near 0 that is more than a few of their own last places."""
    x = np.concatenate([spread(-1e4, 1e4), (np.arange(-6366, 6367) * np.pi / 2).astype(np.float32)])
    assert abs(computed(name, x) - exact(x.astype(np.float64))).max() < 2e-7


def test_tangent():
    x = spread(-100, 100)
    assert units(computed("tan", x), np.tan(x.astype(np.float64))).max() < 6


def test_angle_of_a_point():
    y, x = sizes(1e-18, 1e18), np.random.default_rng(1).permutation(sizes(1e-18, 1e18))
    assert units(computed("atan2", y, x), np.arctan2(y.astype(np.float64), x)).max() < 3


def test_angles_on_the_axes_have_the_signs_of_their_zeros():
    y, x = (a.ravel() for a in np.meshgrid(np.float32([0, -0.0, 1, -1, 3e38]), np.float32([0, -0.0, 2, -2])))
    got, exact = computed("atan2", y, x), np.arctan2(y, x)
    np.testing.assert_allclose(got, exact, rtol=3e-7)
    assert np.array_equal(np.signbit(got), np.signbit(exact))


@pytest.mark.parametrize(
    ("name", "pairs"),
    [
        ("exp", {-np.inf: 0, -104.5: 0, 88.8: np.inf, np.inf: np.inf, 0.0: 1}),
        ("exp2", {-np.inf: 0, -151.0: 0, 128.0: np.inf, np.inf: np.inf, 0.0: 1, 10.0: 1024, -126.0: TINY}),
        ("log", {0.0: -np.inf, 1e-40: -np.inf, 1.0: 0, np.inf: np.inf, -1.0: np.nan, -np.inf: np.nan}),
        ("sin", {0.0: 0, np.inf: np.nan, -np.inf: np.nan}),
        ("cos", {0.0: 1, np.inf: np.nan, -np.inf: np.nan}),
        ("asin", {1.0: np.pi / 2, -1.0: -np.pi / 2, 0.0: 0, 1.01: np.nan, -np.inf: np.nan}),
        ("acos", {1.0: 0, -1.0: np.pi, 0.0: np.pi / 2, 1.01: np.nan, np.inf: np.nan}),
        ("atan", {np.inf: np.pi / 2, -np.inf: -np.pi / 2, 0.0: 0}),
        ("tanh", {np.inf: 1, -np.inf: -1, 50.0: 1, 0.0: 0}),
        ("logistic", {np.inf: 1, -np.inf: 0, 0.0: 0.5}),
        ("sign", {np.inf: 1, -3.0: -1, 0.0: 0}),
    ],
)
def test_values_at_the_edges(name, pairs):
    x, expected = (np.array(values, np.float32) for values in zip(*pairs.items(), strict=True))
    np.testing.assert_allclose(computed(name, x), expected, rtol=2e-7, atol=1e-45)


@pytest.mark.parametrize("name", [*CASES, "tan", "sign"])
def test_nan_stays(name):
    assert np.isnan(computed(name, np.float32([np.nan]))).all()


@pytest.mark.parametrize("one", [0, 1])
def test_nan_stays_in_functions_of_two(one):
    pair = [np.float32([0.0, 2.0, -1.0]), np.float32([1.0, 0.5, -2.0])]
    pair[one] = np.full(3, np.nan, np.float32)
    assert np.isnan(computed("atan2", *pair)).all()
    assert np.isnan(computed("pow", abs(pair[0]), pair[1])).all()


def test_powers():
    x, y = abs(sizes(3e-4, 3e3)), np.concatenate([spread(-8, 8)] * 2)
    assert units(computed("pow", x, y), np.power(x.astype(np.float64), y)).max() < 150
    zero = np.zeros(3, np.float32)
    assert computed("pow", zero, np.float32([0.0, 2.5, -1.5])).tolist() == [1, 0, np.inf]


@pytest.mark.parametrize("exponent", [-3, -1, 0, 1, 2, 5, 8])
def test_whole_powers(exponent):
    graph, x = Graph(), sizes(1e-4, 1e4)
    node = Functions(graph).pow(graph.input(("x",)), graph.constant(float(exponent)))
    got = evaluate(graph, [node], {("x",): x})[0]
    assert units(got, np.power(x.astype(np.float64), exponent)).max() < 5


def test_signs_of_whole_numbers():
    graph = Graph()
    node = Functions(graph).sign(graph.input(("x",), INT))
    assert evaluate(graph, [node], {("x",): np.array([-5, 0, 9])})[0].tolist() == [-1, 0, 1]


def test_powers_of_numbers_below_0():
    x, y = (a.ravel() for a in np.meshgrid(np.float32([-3, -0.5, -0.0, 2]), np.float32([-3, -2, 0, 1, 2.5, 7, 100])))
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(computed("pow", x, y), np.power(x, y), rtol=2e-5)


@pytest.mark.parametrize(("name", "exact"), [("sin", np.sin), ("cos", np.cos)])
def test_sine_and_cosine_are_right_or_none(name, exact):
    x = spread(-9.99e4, 9.99e4)
    assert abs(computed(name, x) - exact(x.astype(np.float64))).max() < 2e-6
    assert np.isnan(computed(name, np.float32([1.01e5, -1e9, 1e20]))).all()
