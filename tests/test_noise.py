"""Noise that neurons have in common: its covariance in closed form, and what a search gains by it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_pgpe import hyper

import zoo
from zoo.models import NetworkConfig
from zoo.report.cards import make_card
from zoo.training import train
from zoo.training.methods.noise import shared_normal
from zoo.training.methods.pgpe import Search

CONFIG = NetworkConfig(inputs=3, hidden=6, outputs=2, trained=("x_tau", "r"))


def weights(config, seed=0):
    parts = config.initial(seed)
    return {name: jnp.asarray(parts[name]) for name in ("w_in", "w_out")}


def features(fixed):
    """[N, O (1 + I)]: products of what a neuron sees with how it acts, by which neurons are alike."""
    w_in, w_out = (np.asarray(fixed[name], np.float64) for name in ("w_in", "w_out"))
    (inputs, neurons), outputs = w_in.shape, w_out.shape[1]
    sees = np.concatenate([np.ones((1, neurons)), np.sqrt(inputs) * w_in]).T / np.sqrt(1 + inputs)
    acts = np.sqrt(neurons / outputs) * w_out
    return (acts[:, :, None] * sees[:, None, :]).reshape(neurons, -1)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_covariance_is_that_of_what_neurons_see_and_how_they_act(share):
    fixed = weights(CONFIG)
    z = np.asarray(shared_normal(jax.random.key(0), 40_000, CONFIG.trained_size, share, fixed), np.float64)
    shared = features(fixed) @ features(fixed).T
    one = (1 - share) * np.eye(CONFIG.hidden) + share * shared
    expected = np.kron(np.eye(2), one)  # Two properties have no noise in common.
    error = np.sqrt((expected**2 + np.outer(np.diag(expected), np.diag(expected))) / len(z))
    assert abs(np.cov(z.T) - expected).max() < 5 * error.max()
    assert abs(z.mean(0)).max() < 5 * np.sqrt(np.diag(expected).max() / len(z))


def test_variance_is_one_on_average_over_neurons():
    wide = NetworkConfig(inputs=17, hidden=4096, outputs=6, trained=("v_th",))
    assert (features(weights(wide)) ** 2).sum(1).mean() == pytest.approx(1, abs=0.05)


def test_members_are_antithetic_around_the_centre():
    h, search = hyper(), Search(8, CONFIG.trained_size, "sgd", 0.5)
    state = search.init(jnp.full(CONFIG.trained_size, 2.0), h)
    members = np.asarray(search.ask(jax.random.key(3), state, h, weights(CONFIG)))
    np.testing.assert_allclose(members[:4] + members[4:], 4.0, atol=1e-6)
    z = shared_normal(jax.random.key(3), 4, CONFIG.trained_size, 0.5, weights(CONFIG))
    np.testing.assert_allclose(members[:4], 2.0 + 0.1 * np.asarray(z), atol=1e-6)


def test_no_share_is_the_search_as_it_was():
    h, plain, none = hyper(), Search(8, 12, "adam"), Search(8, 12, "adam", 0.0)
    state = plain.init(jnp.zeros(12), h)
    key = jax.random.key(0)
    np.testing.assert_array_equal(plain.ask(key, state, h), none.ask(key, state, h, weights(CONFIG)))


def test_a_gradient_that_neurons_have_in_common_is_found_sooner():
    config = NetworkConfig(inputs=3, hidden=512, outputs=2, trained=("v_th",))
    fixed, h = weights(config), hyper(centre_lr=0.05, centre_lr_final=0.05)
    uphill = jnp.asarray(features(fixed) @ np.random.default_rng(0).normal(size=8), jnp.float32)

    def climbed(share):
        search = Search(16, config.trained_size, "sgd", share)
        state = search.init(jnp.zeros(config.trained_size), h)
        for i in range(20):
            members = search.ask(jax.random.key(i), state, h, fixed)
            state = search.tell(members, members @ uphill, state, h)
        return float(state.mean @ uphill / jnp.linalg.norm(state.mean) / jnp.linalg.norm(uphill))

    # The cosine of a step with the gradient is about sqrt(pairs / (pairs + dimensions)), of 512 and of 8 dimensions.
    assert climbed(0.0) < 0.6 < 0.9 < climbed(1.0)


def test_trained_weights_have_none_to_share(tmp_path):
    with pytest.raises(ValueError, match=r"shared_noise \(=0.5\) must be 0 where w_in, w_out is trained"):
        shared_normal(jax.random.key(0), 2, 12, 0.5, {})
    with pytest.raises(ValueError, match="shared_noise: of no effect on homsnn-cartpole5-32"):
        train("homsnn-cartpole5-32", out=tmp_path, quiet=True, shared_noise=0.5)
    with pytest.raises(ValueError, match=r"shared_noise \(=1.5\) must be between 0 and 1"):
        train("hetsnn-cartpole5-32", out=tmp_path, quiet=True, shared_noise=1.5)


def test_a_training_with_common_noise_says_so(tmp_path):
    small = {"seeds": 2, "generations": 2, "population": 4}
    outcome = train("hetsnn-mem5-32", out=tmp_path, quiet=True, shared_noise=0.5, **small)
    model = zoo.load(outcome.folders[0] / "checkpoint")
    assert model.recipe.shared_noise == 0.5
    assert "50 % of the noise's variance is common to neurons" in make_card(model)
    plain = zoo.load(train("hetsnn-mem5-32", out=tmp_path / "plain", quiet=True, **small).folders[0] / "checkpoint")
    assert not np.array_equal(plain.trained["v_th"], model.trained["v_th"])
