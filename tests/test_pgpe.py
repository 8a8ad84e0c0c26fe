import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.example_libraries import optimizers

from zoo.training.methods import pgpe_method
from zoo.training.methods.optimisers import OPTIMISERS, evojax_adam
from zoo.training.methods.pgpe import BlockSearch, Hyper, Search


def hyper(**changes):
    values = dict(centre_lr=0.5, centre_lr_final=0.5, centre_lr_drop=np.inf, sigma=0.1, sigma_final=None,
                  sigma_lr=0.1, sigma_max_change=0.2, expected_reward_weight=0.0, generations=10)  # fmt: skip
    values |= changes
    values["sigma_final"] = values["sigma_final"] or values["sigma"]
    return Hyper(**{k: jnp.float32(v) for k, v in values.items()})


def centred_ranks(fitness):
    """Average ranks from -0.5 (worst) to 0.5 (best)."""
    return (
        np.array([((fitness < f).sum() + ((fitness == f).sum() - 1) / 2) for f in fitness]) / (len(fitness) - 1) - 0.5
    )


def test_update_is_the_published_one_on_a_quadratic():
    # Sehnke et al. (2010), symmetric sampling with ranks r as rewards and one pair of steps e = sigma z:
    #   centre += lr * mean_i e_i (r+_i - r-_i) / 2
    #   sigma  += lr_s * mean_i ((r+_i + r-_i)/2 - mean r) (e_i^2 - sigma^2) / sigma,   at most 20 %
    h, dims, pairs = hyper(), 3, 6
    search = Search(2 * pairs, dims, "sgd")
    centre = jnp.array([1.0, -2.0, 0.5])
    state = search.init(centre, h)
    population = search.ask(jax.random.key(1), state, h)
    fitness = -((np.asarray(population) - [0.0, 1.0, 0.0]) ** 2).sum(1)
    new = search.tell(population, jnp.asarray(fitness), state, h)
    ranks = centred_ranks(fitness.astype(np.float32))
    plus, minus = ranks[:pairs], ranks[pairs:]
    steps = np.asarray(population)[:pairs] - np.asarray(centre)
    np.testing.assert_allclose(np.asarray(population)[pairs:], np.asarray(centre) - steps, atol=1e-6)
    moved = 0.5 * (steps * ((plus - minus) / 2)[:, None]).mean(0)
    np.testing.assert_allclose(new.mean, np.asarray(centre) + moved, atol=1e-6)
    widened = 0.1 * ((((plus + minus) / 2) - ranks.mean())[:, None] * (steps**2 - 0.01) / 0.1).mean(0)
    np.testing.assert_allclose(new.std, np.clip(0.1 + widened, 0.08, 0.12), atol=1e-6)


def test_first_adam_step_has_the_size_of_the_rate_in_every_coordinate():
    h = hyper(centre_lr=0.15, centre_lr_final=0.15)
    search = Search(64, 4, "adam")
    state = search.init(jnp.full(4, 3.0), h)
    population = search.ask(jax.random.key(0), state, h)
    new = search.tell(population, -jnp.square(population).sum(1), state, h)
    np.testing.assert_allclose(np.asarray(new.mean), 3.0 - 0.15, rtol=1e-3)


@pytest.mark.parametrize(
    ("drop", "rates"), [(np.inf, [0.5, 0.4, 0.2, 0.1]), (1, [0.5, 0.1, 0.1, 0.1]), (3, [0.5, 0.5, 0.5, 0.1])]
)
def test_the_rate_falls_along_a_cosine_or_in_one_step(drop, rates):
    h = hyper(centre_lr=0.5, centre_lr_final=0.1, centre_lr_drop=drop, generations=4)
    search, used = Search(8, 3, "sgd"), []
    state = search.init(jnp.zeros(3), h)
    for i in range(4):
        state = search.tell(search.ask(jax.random.key(i), state, h), jnp.arange(8.0), state, h)
        used.append(float(state.opt_state.hyperparams["learning_rate"]))
    np.testing.assert_allclose(used, rates, rtol=1e-5)


@pytest.mark.parametrize(
    ("drop", "expected"), [(np.inf, [0.2, 0.175, 0.125, 0.1]), (1, [0.2, 0.1, 0.1, 0.1]), (3, [0.2, 0.2, 0.2, 0.1])]
)
def test_sigma_is_led_along_with_the_rate(drop, expected):
    h = hyper(sigma=0.2, sigma_final=0.1, sigma_lr=0.0, centre_lr_drop=drop, generations=4)
    search, used = Search(8, 3, "sgd"), []
    state = search.init(jnp.zeros(3), h)
    for i in range(4):
        used.append(np.asarray(state.std))
        state = search.tell(search.ask(jax.random.key(i), state, h), jnp.arange(8.0), state, h)
    np.testing.assert_allclose(used, np.repeat(expected, 3).reshape(4, 3), rtol=1e-5)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_finds_the_optimum_of_a_quadratic(optimiser):
    rate = 2.0 if optimiser == "sgd" else 0.05
    h = hyper(centre_lr=rate, centre_lr_final=0.0, generations=150)
    search, target = Search(64, 5, optimiser), jnp.linspace(-1, 1, 5)

    @jax.jit
    def generation(i, state):
        population = search.ask(jax.random.fold_in(jax.random.key(0), i), state, h)
        return search.tell(population, -jnp.square(population - target).sum(1), state, h)

    state = jax.lax.fori_loop(0, 150, generation, search.init(jnp.zeros(5), h))
    np.testing.assert_allclose(state.mean, target, atol=0.1)


def test_a_nan_counts_as_worst_and_is_never_kept_as_best():
    h = hyper()
    search = Search(4, 2, "sgd")
    state = search.init(jnp.zeros(2), h)
    population = search.ask(jax.random.key(0), state, h)
    with_nan = search.tell(population, jnp.array([jnp.nan, 3.0, 2.0, 1.0]), state, h)
    with_worst = search.tell(population, jnp.array([0.0, 3.0, 2.0, 1.0]), state, h)
    np.testing.assert_array_equal(with_nan.mean, with_worst.mean)
    np.testing.assert_array_equal(with_nan.std, with_worst.std)
    np.testing.assert_array_equal(with_nan.best_solution, population[1])


def test_every_optimiser_that_can_be_asked_for_is_there():
    assert tuple(OPTIMISERS) == pgpe_method.OPTIMISERS


def test_evojax_adam_is_jaxs_example_told_the_generation_over_1000():
    begin, update, read = optimizers.adam(0.15)
    ours, reference = evojax_adam(0.15), begin(jnp.ones(3))
    state, value = ours.init(jnp.ones(3)), jnp.ones(3)
    step = jax.jit(ours.update)
    for t, gradient in enumerate(np.random.default_rng(0).standard_normal((1005, 3)).astype(np.float32)):
        reference = update(t // 1000, gradient, reference)
        change, state = step(gradient, state)
        value = value + change
        if t in (0, 9, 998, 1004):
            np.testing.assert_allclose(value, read(reference), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("generation", "ratio"), [(10, 2.06), (1000, 0.398)])
def test_evojax_adam_begins_too_fast_and_ends_too_slow(generation, ratio):
    state = optax.ScaleByAdamState(jnp.int32(generation - 1), jnp.ones(1), jnp.ones(1))
    (theirs, _), (usual, _) = (
        transformation.update(jnp.ones(1), (state, optax.EmptyState()))
        for transformation in (evojax_adam(0.1), optax.adam(0.1))
    )
    np.testing.assert_allclose(theirs / usual, ratio, rtol=5e-3)


def test_clipup_is_as_fast_as_twice_its_rate_and_no_faster():
    for rate in (0.01, 0.3):
        h = hyper(centre_lr=rate, centre_lr_final=rate)
        search = Search(64, 4, "clipup")
        state = search.init(jnp.zeros(4), h)
        for i in range(30):
            population, before = search.ask(jax.random.key(i), state, h), state.mean
            state = search.tell(population, population.sum(1), state, h)
        np.testing.assert_allclose(np.linalg.norm(state.mean - before), 2 * rate, rtol=0.05)


def test_equal_members_move_nothing():
    h = hyper()
    search = Search(8, 3, "adam")
    state = search.init(jnp.ones(3), h)
    population = search.ask(jax.random.key(0), state, h)
    new = search.tell(population, jnp.zeros(8), state, h)
    np.testing.assert_array_equal(new.mean, state.mean)
    np.testing.assert_array_equal(new.std, state.std)


def test_sigma_changes_by_at_most_its_bound():
    h = hyper(sigma_lr=1e3, sigma_max_change=0.2)
    search = Search(16, 3, "sgd")
    state = search.init(jnp.zeros(3), h)
    population = search.ask(jax.random.key(0), state, h)
    new = search.tell(population, jnp.square(population).sum(1), state, h)
    np.testing.assert_allclose(np.abs(np.asarray(new.std) / 0.1 - 1), 0.2, rtol=1e-5)


@pytest.mark.parametrize("optimiser", ["adam", "clipup"])
def test_a_search_in_blocks_is_a_search_for_each_block(optimiser):
    h, columns = hyper(), (np.r_[0:3, 6:9], np.r_[3:6, 9:12])
    together, alone = BlockSearch(8, np.stack(columns), optimiser), Search(8, 6, optimiser)
    centre, rng = jnp.arange(12.0), np.random.default_rng(0)
    state, states = together.init(centre, h), [alone.init(centre[c], h) for c in columns]
    for i in range(3):
        population, fitness = together.ask(jax.random.key(i), state, h), jnp.asarray(rng.normal(size=(8, 2)))
        state = together.tell(population, fitness, state, h)
        states = [alone.tell(population[:, c], fitness[:, j], states[j], h) for j, c in enumerate(columns)]
        for c, own in zip(columns, states, strict=True):
            np.testing.assert_allclose(state.mean[c], own.mean, rtol=1e-6)
            np.testing.assert_allclose(state.std[c], own.std, rtol=1e-6)
    assert state.generation_counter == 3
    np.testing.assert_allclose(state.best_fitness, [own.best_fitness for own in states])
