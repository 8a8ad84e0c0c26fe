"""What is proved of a step, what of it is computed, and that nothing infinite or NaN gets lost on the way."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from kernel_numbers import run

from zoo.kernels.programs import reset_constants, specialised, trace_step, with_fault
from zoo.tasks.base import Step

F = jax.ShapeDtypeStruct((), np.float32)
J = jax.ShapeDtypeStruct((), np.int32)
B = jax.ShapeDtypeStruct((), np.bool_)


class Two(NamedTuple):
    x: jax.Array
    y: jax.Array


class Four(NamedTuple):
    x: jax.Array
    y: jax.Array
    z: jax.Array
    w: jax.Array


def stepping(advance, observe):
    """A step of states that advance on their own; the reward is the first number observed."""

    def step(state, readout):
        new = advance(state, readout[0])
        seen = jnp.stack(observe(state, new))
        return Step(new, seen, seen[0], seen[0] > 5, 0.5 * seen[0])

    return step


def program(step, state, assumed=None):
    traced = trace_step(step, state, 1)
    return with_fault(specialised(traced, assumed or {}))


def assert_equals_jax(step, state, assumed, places=None):
    """Also of the constants; every kept number's next value."""
    made = program(step, jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[:-1], x.dtype), state), assumed)
    leaves = jax.tree.leaves(state)
    action = np.linspace(-1, 1, leaves[0].shape[-1], dtype=np.float32)[None]
    flat = np.concatenate([np.asarray(x, np.float64).reshape(-1, x.shape[-1]) for x in leaves])
    after, outputs, fault = run(made, dict(enumerate(flat)), action)
    expected = jax.jit(jax.vmap(step, in_axes=-1, out_axes=-1))(state, action)
    next_flat = np.concatenate([np.asarray(x).reshape(-1, x.shape[-1]) for x in jax.tree.leaves(expected.state)])
    for place, got in after.items():
        np.testing.assert_allclose(got, next_flat[place], rtol=1e-5, atol=1e-6)
    for place, value in made.constants.items():
        np.testing.assert_array_equal(next_flat[place], value)
    np.testing.assert_allclose(outputs["observation"], expected.observation, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(outputs["reward"][0], expected.reward, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(outputs["done"][0], expected.done)
    assert (fault == 0).all()
    return made


def numbers(*values):
    return [np.linspace(1, 2, 5, dtype=np.float32) if v is None else np.full(5, v, np.float32) for v in values]


def test_a_number_that_the_step_leaves_is_constant():
    step = stepping(lambda s, a: Two(s.x + a * (1 + s.y), s.y * s.x), lambda s, n: [n.x, n.y])
    assert assert_equals_jax(step, Two(*numbers(None, 0.0)), {1: 0.0}).constants == {1: 0.0}


def test_a_number_that_the_step_changes_is_not():
    step = stepping(lambda s, a: Two(s.x + a, s.y + 0.25), lambda s, n: [n.x, n.y])
    made = assert_equals_jax(step, Two(*numbers(None, 0.0)), {1: 0.0})
    assert not made.constants
    assert made.carried == (0, 1)


def test_a_value_that_the_step_keeps_only_beside_another_is_not_assumed():
    """0.5 becomes 0.25: it would be constant were it 0."""
    step = stepping(lambda s, a: Two(s.x + a, s.y * s.y), lambda s, n: [n.x, n.y])
    two = Two(F, F)
    assert not program(step, two, {1: 0.5}).constants
    assert program(step, two, {1: 1.0}).constants == {1: 1.0}
    assert program(step, two, {1: 0.0}).constants == {1: 0.0}


def test_a_chain_falls_link_by_link():
    """w keeps its value while z does, z while y does, and y does not; without y's change all would."""

    def chain(push):
        return stepping(
            lambda s, a: Four(s.x + a, s.y + push, s.z + s.y, s.w + s.z), lambda s, n: [n.x, n.y + n.z + n.w]
        )

    assumed = {1: 0.0, 2: 0.0, 3: 0.0}
    state = Four(*numbers(None, 0.0, 0.0, 0.0))
    assert not assert_equals_jax(chain(0.5), state, assumed).constants
    assert assert_equals_jax(chain(0.0), state, assumed).constants == assumed


def test_a_part_falls_and_the_rest_stays():
    step = stepping(lambda s, a: Four(s.x + a, s.y + a, s.z * s.x, s.w + s.z), lambda s, n: [n.x + n.y, n.z, n.w])
    made = assert_equals_jax(step, Four(*numbers(None, 0.0, 0.0, 3.0)), {1: 0.0, 2: 0.0, 3: 3.0})
    assert made.constants == {2: 0.0, 3: 3.0}


def looping(body, length=6):
    def advance(s, a):
        return lax.scan(lambda c, _: (body(c, a), None), s, None, length=length)[0]

    return stepping(advance, lambda s, n: list(n))


def test_what_a_loop_leaves_leaves_the_loop():
    step = looping(lambda c, a: Two(c.x * 0.9 + a + c.y * c.x, c.y * 0.5))
    made = assert_equals_jax(step, Two(*numbers(None, 0.0)), {1: 0.0})
    assert made.constants == {1: 0.0}
    assert made.count() < program(step, Two(F, F)).count()


def test_a_loop_that_changes_it_after_its_first_round_alone():
    """y is 0 before the loop and after one round, since x begins at 0; not after two."""
    step = looping(lambda c, a: Two(c.x + 1.0, c.y + c.x))
    assert not assert_equals_jax(step, Two(*numbers(0.0, 0.0)), {0: 0.0, 1: 0.0}).constants


def test_numbers_that_swap_in_a_loop():
    step = looping(lambda c, a: Two(c.y, c.x), length=5)
    made = assert_equals_jax(step, Two(*numbers(None, 2.5)), {})
    assert made.carried == (0, 1)
    assert not assert_equals_jax(step, Two(*numbers(1.0, 2.5)), {0: 1.0, 1: 2.5}).constants
    assert assert_equals_jax(step, Two(*numbers(2.5, 2.5)), {0: 2.5, 1: 2.5}).constants == {0: 2.5, 1: 2.5}


def test_two_loops_one_after_the_other():
    def advance(s, a):
        first = lax.fori_loop(0, 4, lambda _, c: Four(c.x * 0.5 + a, c.y * c.x, c.w, c.z), s)
        again = Four(first.x + first.y, first.y, first.z, first.w)
        return lax.fori_loop(0, 3, lambda _, c: Four(c.x + 0.1 * c.z, c.y + c.y, c.z, c.w + c.x), again)

    step = stepping(advance, lambda s, n: list(n))
    state = Four(*numbers(None, 0.0, None, 1.0))
    assert len(assert_equals_jax(step, state, {}).loops) == 2
    assert assert_equals_jax(step, state, {1: 0.0, 3: 1.0}).constants == {1: 0.0}


def test_only_what_is_needed_is_kept():
    """z feeds itself and nothing else; w is what x becomes after two steps."""
    step = stepping(lambda s, a: Four(s.w, s.y, s.z + a, s.w + s.x), lambda s, n: [n.x])
    made = assert_equals_jax(step, Four(*numbers(None, None, None, None)), {})
    assert made.carried == (0, 3)


def test_whole_numbers_and_truth_values_are_carried():
    def step(state, readout):
        count, on, x = state
        new = (count + jnp.where(on, 2, -1), (count % 3) == 0, jnp.where(on, x, -x) + readout[0])
        return Step(new, jnp.stack([count, on.astype(jnp.int32)]), new[0], new[1], on)

    state = np.array([0, 3, -7, 5, 16_777_217], np.int32), np.array([1, 0, 1, 0, 1], bool), *numbers(None)
    made = program(step, (J, B, F))
    after, outputs, _ = run(made, dict(enumerate(state)), np.ones((1, 5), np.float32))
    expected = jax.vmap(step, in_axes=-1, out_axes=-1)(state, np.ones((1, 5), np.float32))
    assert made.carried == (0, 1)  # What x is nobody asks.
    for place in (0, 1):
        assert np.array_equal(after[place], expected.state[place])
    assert outputs["reward"].dtype == outputs["observation"].dtype == outputs["expected"].dtype == np.float32
    assert outputs["reward"][0].tolist() == np.float32(expected.reward).tolist()
    assert outputs["expected"][0].tolist() == [1, 0, 1, 0, 1]


def test_a_whole_number_that_stays_is_constant_exactly():
    def step(state, readout):
        return Step((state[0] * 1, state[1] + state[0]), jnp.stack([state[1]]), 0, False, 0.0)

    assert program(step, (J, J), {0: 16_777_217.0}).constants == {0: 16_777_217.0}

    def changing(state, readout):
        return Step((jnp.int32(16_777_216), state[1] + state[0]), jnp.stack([state[1]]), 0, False, 0.0)

    assert not program(changing, (J, J), {0: 16_777_217.0}).constants


@pytest.mark.parametrize("change", [lambda x: jnp.int32(x), lambda x: jnp.stack([x, x]), lambda x: (x,)])
def test_a_state_of_another_form_is_an_error(change):
    def step(state, readout):
        return Step(change(state), readout, state, False, state)

    with pytest.raises(TypeError, match="structure, shapes and dtypes"):
        trace_step(step, F, 1)


def test_constants_of_a_reset_depend_on_no_random_number_and_no_episode():
    @jax.jit
    def turned(key, x):
        return x * 2, jax.random.uniform(key)

    def reset(key, episode):
        doubled, drawn = turned(key, jnp.float32(3.0))
        return {"a": doubled, "b": drawn, "c": episode * 1.0, "d": key, "e": jnp.arange(3)}, None

    assert reset_constants(reset) == {0: 6.0, 4: 0.0, 5: 1.0, 6: 2.0}


def test_a_presumption_that_a_trace_shows_is_checked():
    step = stepping(lambda s, a: Two(s.x + a, s.y), lambda s, n: [n.x + 0.0 * (1.0 / s.x), n.y * 0.0])
    _, outputs, fault = run(program(step, Two(F, F)), dict(enumerate(np.float32([[1, 0], [1, 1]]))), np.ones((1, 2)))
    assert np.isfinite(outputs["observation"]).all()
    assert np.isnan(fault).tolist() == [False, True]


def test_a_number_that_only_becomes_0_is_kept_as_long_as_it_may_be_infinite():
    step = stepping(lambda s, a: Two(s.x + a, s.y / s.x), lambda s, n: [n.x + 0.0 * s.y])
    made = program(step, Two(F, F))
    assert made.carried == (0, 1)
    after, _, fault = run(made, dict(enumerate(np.float32([[1, 0], [1, 1]]))), np.ones((1, 2)))
    assert np.isinf(after[1]).tolist() == np.isnan(fault).tolist() == [False, True]


def test_what_dead_code_presumes_is_not_checked():
    def step(state, readout):
        lost = 0.0 * (1.0 / state)  # Some measure that nobody reads.
        return Step((state + readout[0]), jnp.stack([state]), state + 0 * lost.size, state > 5, state)

    _, _, fault = run(program(step, F), {0: np.float32([0.0, 1.0])}, np.ones((1, 2)))
    assert fault.tolist() == [0.0, 0.0]


def test_a_choice_between_infinite_and_finite_is_checked():
    """Out of the plane all is 0, unless the arm of a choice that is taken is infinite."""
    step = stepping(
        lambda s, a: Two(s.x + a, s.y * jnp.where(s.x > 1, 1 / s.x, jnp.sqrt(s.x))), lambda s, n: [n.x, n.y]
    )
    made = program(step, Two(F, F), {1: 0.0})
    assert made.constants == {1: 0.0}
    _, _, fault = run(made, {0: np.float32([-1.0, 0.0, 0.5, 2.0, np.inf])}, np.ones((1, 5)))
    assert np.isnan(fault).tolist() == [True, False, False, False, True]


class Body(NamedTuple):
    place: jax.Array
    speed: jax.Array
    turn: jax.Array
    push: jax.Array


def tumble(state, readout):
    """A body with a contact, in a plane (its second axis) if it starts there; several substeps."""

    def substep(body, _):
        distance = jnp.linalg.norm(body.place + 1e-3)
        pull = -body.place / distance**3
        lever = jnp.array([1.0, 0.0, 2.0]) * jnp.cos(body.turn) + jnp.array([0.0, 1.0, 0.0]) * jnp.arctan2(
            body.speed[1], body.speed[0] + 2.0
        )
        touching = jnp.where(body.place[2] < 0, jnp.cross(lever, body.speed), jnp.zeros(3)) * FLAT
        speed = body.speed + 0.01 * (pull + body.push * FLAT + touching)
        flat = speed * FLAT + jnp.array([0.0, 1.0, 0.0]) * speed[1] * jnp.tanh(speed[0])
        return Body(body.place + 0.01 * flat, flat, body.turn + 0.01 * flat, body.push), None

    body = state._replace(push=jnp.clip(readout[0], -1, 1) * jnp.ones(()))
    body, _ = lax.scan(substep, body, None, length=4)
    seen = jnp.concatenate([body.place, body.speed, jnp.sin(body.turn)])
    return Step(body, seen, body.speed[0] - 0.0 * body.turn[1], body.place[2] < -1, 0.0)


FLAT = np.array([1.0, 0.0, 1.0], np.float32)
VECTOR = jax.ShapeDtypeStruct((3,), np.float32)
PLANAR = {1: 0.0, 4: 0.0, 7: 0.0}


@pytest.mark.parametrize("assumed", [{}, PLANAR])
def test_nothing_infinite_or_nan_gets_lost(assumed):
    """Random numbers of the state are not finite: JAX's observed ones are not, or the step knows."""
    made = program(tumble, Body(VECTOR, VECTOR, VECTOR, F), assumed)
    assert made.constants == assumed
    rng = np.random.default_rng(0)
    count = 400
    state = rng.normal(size=(10, count)).astype(np.float32)
    state[list(made.constants)] = 0
    for column in range(1, count):
        free = [place for place in range(10) if place not in made.constants]
        hit = rng.choice(free, size=rng.integers(1, 3), replace=False)
        state[hit, column] = rng.choice(np.float32([np.nan, np.inf, -np.inf, 0.0]), size=hit.size)
    action = rng.normal(size=(1, count)).astype(np.float32)
    body = Body(state[:3], state[3:6], state[6:9], state[9])
    expected = jax.jit(jax.vmap(tumble, in_axes=-1, out_axes=-1))(body, action)
    _, outputs, fault = run(made, dict(enumerate(state)), action)
    seen = np.concatenate([expected.observation, np.asarray(expected.reward)[None]])
    got = np.concatenate([outputs["observation"], outputs["reward"]])
    lost = ~np.isfinite(seen) & np.isfinite(got)
    assert (~np.isfinite(seen)).any(0).sum() > 100
    assert lost.any()
    assert not (lost.any(0) & (fault == 0)).any()
    assert fault[0] == 0
    whole = np.isfinite(seen).all(0) & np.isfinite(state).all(0)
    np.testing.assert_allclose(got[:, whole], seen[:, whole], rtol=1e-4, atol=1e-5)
    assert (fault[whole] == 0).all()
