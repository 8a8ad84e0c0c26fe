import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from zoo.tasks.lanes import CPU_OPTIONS, vmap_last

N = 5
MATRIX = np.arange(12, dtype=np.float32).reshape(3, 4) / 7 - 0.5


def random(*shape):
    return jnp.asarray(np.random.default_rng(sum(shape)).normal(size=(*shape, N)), jnp.float32)


def assert_equals_vmap(function, *args):
    """Also that it runs under jit, where the loop over a batch would be traced."""
    expected = jax.vmap(function, in_axes=-1, out_axes=-1)(*args)
    got = jax.jit(vmap_last(function))(*args)
    assert jax.tree.structure(got) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@jax.custom_jvp
def _twice(x):
    return 2 * x


_twice.defjvp(lambda primals, tangents: (_twice(*primals), 2 * tangents[0]))


@jax.custom_vjp
def _thrice(x):
    return 3 * x


_thrice.defvjp(lambda x: (_thrice(x), None), lambda _, g: (3 * g,))

FUNCTIONS = {
    "elementwise": lambda x: jnp.arctan2(x, 2.0) * jnp.exp(-x) + x**3 - 1 / (1 + x * x),
    "constant result": lambda x: (x, jnp.float32(3.0), jnp.arange(4)),
    "broadcast": lambda x: x[:, None] * x[None, :, 0, None] + MATRIX[0],
    "slice and reverse": lambda x: (x[0, 1:], x[::2, ::-1], x[-1]),
    "gather": lambda x: x[jnp.array([2, 0, 0, 1]), jnp.array([1, 1, 3, 0])],
    "gather out of bounds": lambda x: x.at[jnp.array([1, 7])].get(mode="fill", fill_value=0.5),
    "gather by value": lambda x: x[jnp.argmax(x[:, 0])],
    "take rows": lambda x: jnp.take(x, jnp.array([1, 2, 0, 1]), axis=0),
    "dynamic slice": lambda x: lax.dynamic_slice(x, (1, 0), (2, 2)),
    "scatter-add": lambda x: x.at[jnp.array([2, 0, 2])].add(x * 2),
    "scatter-add, one for all": lambda x: jnp.zeros((3, 4)).at[jnp.array([0, 1, 1])].add(x),
    "scatter-add of whole numbers": lambda x: (10 * x).astype(jnp.int32).at[jnp.array([2, 0, 2])].add(5),
    "scatter": lambda x: x.at[jnp.array([2, 0])].set(1.0),
    "segment sum": lambda x: jax.ops.segment_sum(x, jnp.array([1, 0, 1]), num_segments=3),
    "transpose, reshape, tile": lambda x: jnp.tile(x.T.reshape(2, 6), (2, 1)),
    "reshape in another order": lambda x: (x.reshape(2, 6, order="F"), lax.reshape(x, (2, 6), (1, 0))),
    "concatenate": lambda x: jnp.concatenate([x, MATRIX, x[:1]]),
    "matrix products": lambda x: (x @ MATRIX.T, MATRIX @ x.T, x @ x.T, x[0] @ x[1]),
    "long matrix product": lambda x: jnp.tile(x, (1, 5)) @ jnp.tile(x, (1, 5)).T,
    "batched matrix product": lambda x: jnp.einsum("ijk,ikl->ijl", x[:, :, None], x[:, None, :]),
    "reductions": lambda x: (x.sum(), x.max(0), x.min(1), (x > 0).any(), (x > 0).all(1), x.prod(0)),
    "where": lambda x: (jnp.where(x > 0, x, 0.0), jnp.where(MATRIX > 0, x, 1.0), jnp.where(x[0, 0] > 0, x, -x)),
    "clip, sort, cumulative sum": lambda x: (jnp.clip(x, -0.5, 0.5), jnp.sort(x, 1), jnp.cumsum(x, 0)),
    "linear algebra": lambda x: jnp.linalg.solve(x[:, :3] @ x[:, :3].T + 3 * jnp.eye(3), x),
    "custom derivative": _twice,
    "custom derivative, of rows": _thrice,
    "custom derivative of a constant": lambda x: x * jax.nn.relu(MATRIX) + _thrice(jnp.float32(2.0)),
    "jit": jax.jit(lambda x: jnp.sin(x).sum(0)),
    "cond by lane": lambda x: lax.cond(x[0, 0] > 0, jnp.sin, lambda y: y + 1, x),
    "while by lane": lambda x: lax.while_loop(lambda y: y.sum() < 3, lambda y: y + 0.5, x),
    "scan": lambda x: lax.scan(lambda c, r: (c + r * x[0], (c.sum(), r)), x[0] * 0, x),
    "scan, one carry for all": lambda x: lax.scan(lambda c, _: (c + x[0], None), jnp.zeros(4), None, length=3)[0],
    "vmap": lambda x: jax.vmap(lambda row: jnp.outer(row, row) @ row)(x),
    "grad": jax.grad(lambda x: jnp.sum(jnp.tanh(x @ MATRIX.T) ** 2)),
    "random numbers": lambda x: jax.random.normal(jax.random.key(0), (3,)) * x[:, 0],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_equals_vmap(name):
    assert_equals_vmap(FUNCTIONS[name], random(3, 4))


def test_one_branch_for_the_whole_batch():
    def function(x, which):
        return vmap_last(lambda y: lax.cond(which, lambda z: z.sum(), lambda z: z.max(), y))(x)

    x = random(3)
    np.testing.assert_allclose(jax.jit(function)(x, True), x.sum(0), rtol=1e-6)
    np.testing.assert_allclose(jax.jit(function)(x, False), x.max(0))


def test_trees_and_keys():
    keys = jax.random.split(jax.random.key(1), N)
    got = vmap_last(lambda tree: {"z": jax.random.uniform(tree["k"]) + tree["x"]})({"k": keys, "x": random()})
    expected = jax.vmap(jax.random.uniform)(keys) + random()
    np.testing.assert_allclose(got["z"], expected, rtol=1e-6)


def test_batches_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match=r"equally long; they are \[2, 3\]"):
        vmap_last(jnp.add)(jnp.zeros((4, 2)), jnp.zeros((4, 3)))


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="what a GPU does with barriers is not ours to choose")
def test_concatenations_stay_out_of_loops_on_a_cpu():
    def function(x, y):
        return jnp.cross(jnp.cross(x, y), y) * 2

    x, y = np.random.default_rng(0).normal(size=(2, 3, 64)).astype(np.float32)
    compiled = jax.jit(vmap_last(function), compiler_options=CPU_OPTIONS).lower(x, y).compile()
    np.testing.assert_allclose(compiled(x, y), jax.vmap(function, -1, -1)(x, y), rtol=1e-5, atol=1e-6)
    assert "opt-barrier" in compiled.as_text()
