import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from zoo.training.methods.ppo_equations import (
    Ends,
    Scale,
    advantages,
    clipped_objective,
    gaussian_entropy,
    gaussian_kl,
    gaussian_log_probability,
)


def ends(fell=(), cut=(), steps=3):
    masks = (jnp.isin(jnp.arange(steps), jnp.array(which, int))[:, None] for which in (fell, cut))
    return Ends(*masks)


def gae(rewards, values, cut_values, where, discount=0.5, decay=0.5):
    columns = (jnp.array(x, jnp.float32)[:, None] for x in (rewards, values, cut_values))
    return advantages(*columns, where, discount, decay).ravel().tolist()


def test_advantages_within_an_episode_by_hand():
    """delta = (1 + 2 - 2, 0 + 4 - 4, 2 + 1 - 8); A = (1 + A1 / 4, 0 + A2 / 4, -5)."""
    assert gae([1, 0, 2], [2, 4, 8, 2], [9, 9, 9], ends()) == [1 - 1.25 / 4, -1.25, -5.0]


def test_nothing_comes_after_a_fall():
    """delta = (1, 0 - 4, -5), and the second step's does not see the third's."""
    assert gae([1, 0, 2], [2, 4, 8, 2], [9, 9, 9], ends(fell=[1])) == [0.0, -4.0, -5.0]


def test_a_cut_is_worth_what_its_last_observation_is():
    """delta = (1, 0 + 9 / 2 - 4, -5): the value of the step after, of another episode, plays no part."""
    assert gae([1, 0, 2], [2, 4, 8, 2], [9, 9, 9], ends(cut=[1])) == [1.125, 0.5, -5.0]
    assert gae([1, 0, 2], [2, 4, 8, 2], [9, 9, 6], ends(cut=[2]))[2] == 2 + 3 - 8


def test_whole_returns_and_single_differences():
    rewards, values = [1.0, 2.0, 4.0], [0.5, 0.25, 0.125, 8.0]
    assert gae(rewards, values, [0] * 3, ends(), 1.0, 1.0) == [15 - 0.5, 14 - 0.25, 12 - 0.125]
    assert gae(rewards, values, [0] * 3, ends(), 1.0, 0.0) == [0.75, 1.875, 11.875]


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected", "slope"),
    [
        (1.0, 2.0, 2.0, 2.0),
        (1.5, 2.0, 2.4, 0.0),  # Likelier enough already: no more to gain.
        (0.5, 2.0, 1.0, 2.0),
        (1.5, -2.0, -3.0, -2.0),
        (0.5, -2.0, -1.6, 0.0),  # Unlikelier enough already.
    ],
)
def test_clipping_by_hand(ratio, advantage, expected, slope):
    value, gradient = jax.value_and_grad(clipped_objective)(ratio, advantage, 0.2)
    assert float(value) == pytest.approx(expected) and float(gradient) == pytest.approx(slope)


def test_gaussians_are_scipys():
    rng = np.random.default_rng(0)
    actions, means = rng.standard_normal((2, 5, 3)).astype(np.float32)
    log_std = np.array([-1.0, 0.3, 0.0], np.float32)
    expected = scipy.stats.norm(means, np.exp(log_std)).logpdf(actions).sum(-1)
    np.testing.assert_allclose(gaussian_log_probability(actions, means, log_std), expected, rtol=1e-5)
    assert float(gaussian_entropy(log_std)) == pytest.approx(scipy.stats.norm(0, np.exp(log_std)).entropy().sum())


def test_divergence_is_the_integral():
    old, new = scipy.stats.norm(0.3, 0.5), scipy.stats.norm(-0.2, 0.8)
    expected = scipy.integrate.quad(lambda x: old.pdf(x) * (old.logpdf(x) - new.logpdf(x)), -8, 8)[0]
    found = gaussian_kl(jnp.array([0.3]), jnp.log(jnp.array([0.5])), jnp.array([-0.2]), jnp.log(jnp.array([0.8])))
    assert float(found) == pytest.approx(expected, rel=1e-5)
    same = gaussian_kl(jnp.ones(4), jnp.zeros(4), jnp.ones(4), jnp.zeros(4))
    assert float(same) == 0.0


def test_scale_follows_targets():
    rng = np.random.default_rng(1)
    targets = jnp.asarray(rng.normal(30.0, 4.0, 10_000), jnp.float32)
    scale = Scale(jnp.zeros(()), jnp.zeros(())).moved(targets, 1.0)
    assert float(scale.mean) == pytest.approx(30, abs=0.2) and float(scale.std) == pytest.approx(4, abs=0.1)
    np.testing.assert_allclose(scale.value(scale.number(targets)), targets, rtol=1e-5)
    later = scale.moved(targets + 10, 0.1)
    # Both moments move by a tenth: the deviation counts that the mean is on its way.
    assert float(later.mean) == pytest.approx(31, abs=0.2)
    assert float(later.variance) == pytest.approx(16 + 0.1 * 0.9 * 100, rel=0.05)
    unmoved = later.moved(jnp.array([1e20, 30.0], jnp.float32), 0.1)  # Its square is beyond float32.
    assert float(unmoved.mean) == float(later.mean) and float(unmoved.variance) == float(later.variance)
