import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from scipy import stats

from zoo.analysis.fits import FAMILIES, fit, gamma_shape, ks_distance
from zoo.analysis.paired import paired_test

QUICK = {"bootstrap": 300, "ks_draws": 60}


def sample(family, shape, scale, n, seed=0):
    kind = stats.gamma if family == "gamma" else stats.lognorm
    return kind(shape, scale=scale).rvs(n, random_state=np.random.default_rng(seed))


@pytest.mark.parametrize(("family", "shape", "scale"), [("gamma", 13.4, 1.64), ("lognormal", 0.27, 21.1)])
def test_known_parameters_are_recovered(family, shape, scale):
    result = fit(sample(family, shape, scale, 4000), family, **QUICK)
    assert result.shape == pytest.approx(shape, rel=0.05)
    assert result.scale == pytest.approx(scale, rel=0.05)
    assert result.shape_interval[0] < shape < result.shape_interval[1]
    assert result.scale_interval[0] < scale < result.scale_interval[1]
    assert result.ks_p > 0.05


@hypothesis.given(st.floats(0.3, 40), st.floats(0.1, 100), st.integers(0, 10))
@hypothesis.settings(deadline=None, max_examples=20)
def test_gamma_maximum_is_scipys(shape, scale, seed):
    values = sample("gamma", shape, scale, 60, seed)
    expected, _, expected_scale = stats.gamma.fit(values, floc=0)
    ours = fit(values, "gamma", bootstrap=2, ks_draws=1)
    assert ours.shape == pytest.approx(expected, rel=1e-4)
    assert ours.scale == pytest.approx(expected_scale, rel=1e-4)


def test_lognormal_maximum_in_closed_form():
    result = fit(np.exp([1.0, 2.0, 6.0]), "lognormal", **QUICK)
    assert result.scale == pytest.approx(np.exp(3.0))
    assert result.shape == pytest.approx(np.sqrt((4 + 1 + 9) / 3))


def test_gamma_shape_solves_its_equation():
    from scipy.special import digamma

    k = np.array([0.05, 1.0, 13.4, 5000.0])
    np.testing.assert_allclose(gamma_shape(np.log(k) - digamma(k)), k, rtol=1e-6)


def test_ks_distance_is_scipys():
    values = sample("gamma", 3.0, 2.0, 50)
    expected = stats.kstest(values, stats.gamma(3.0, scale=2.0).cdf).statistic
    assert ks_distance(values, stats.gamma(3.0, scale=2.0).cdf) == pytest.approx(expected)


def test_wrong_family_is_rejected_and_the_right_one_has_the_smaller_aic():
    values = sample("lognormal", 0.9, 20.0, 1500)
    fits = {family: fit(values, family, **QUICK) for family in FAMILIES}
    assert fits["gamma"].ks_p < 0.05 < fits["lognormal"].ks_p
    assert fits["lognormal"].aic < fits["gamma"].aic


def test_correction_for_fitted_parameters_is_stricter_than_the_textbook_test():
    values = sample("lognormal", 0.9, 20.0, 200)
    result = fit(values, "gamma", **QUICK)
    assert result.ks_p < stats.kstest(values, result.distribution().cdf).pvalue


def test_intervals_cover_as_often_as_they_say():
    hits, widths = 0, []
    for seed in range(100):
        low, high = fit(
            sample("lognormal", 0.5, 20.0, 80, seed), "lognormal", bootstrap=200, ks_draws=1
        ).scale_interval
        hits += low < 20.0 < high
        widths.append(high - low)
    assert 87 <= hits <= 100
    # The scale is exp of a mean of 80 logarithms, whose standard deviation is 0.5.
    assert np.mean(widths) == pytest.approx(2 * 20.0 * np.sinh(1.96 * 0.5 / np.sqrt(80)), rel=0.1)


def test_networks_are_resampled_as_wholes():
    rows = sample("lognormal", 0.5, 20.0, 20)[:, None] * np.linspace(0.99, 1.01, 50)
    together, apart = fit(rows, "lognormal", **QUICK), fit(rows.ravel(), "lognormal", **QUICK)
    assert together.shape == pytest.approx(apart.shape)
    assert np.ptp(together.scale_interval) > 4 * np.ptp(apart.scale_interval)


def networks(count, seed=0):
    """Each with a spread and a centre of its own, which together have a shape of 0.635 and a median of 20."""
    rng = np.random.default_rng(seed)
    logs = rng.normal(size=(count, 150)) * 0.6 * np.exp(0.08 * rng.normal(size=(count, 1)))
    return 20.0 * np.exp(logs + 0.2 * rng.normal(size=(count, 1)))


@pytest.mark.parametrize("count", [2, 3])
def test_intervals_of_two_or_three_networks_cover_as_often_as_they_say(count):
    fits = [fit(networks(count, seed), "lognormal", ks_draws=1) for seed in range(200)]
    for low_high, truth in (("shape_interval", 0.635), ("scale_interval", 20.0)):
        hits = sum(low < truth < high for low, high in (getattr(one, low_high) for one in fits))
        assert 180 <= hits <= 200
    assert all(0 < one.shape_interval[0] < one.shape < one.shape_interval[1] for one in fits)


def test_the_median_of_networks_has_students_interval_of_their_own():
    """Its logarithm is a mean over networks, of which the jackknife is Student's interval itself."""
    rows = networks(4)
    own, result = np.log(rows).mean(1), fit(rows, "lognormal", ks_draws=1)
    half = stats.t.ppf(0.975, 3) * own.std(ddof=1) / np.sqrt(4)
    assert result.scale_interval == pytest.approx((np.exp(own.mean() - half), np.exp(own.mean() + half)))


def test_of_networks_of_one_neuron_the_neurons_are_resampled():
    values = sample("lognormal", 0.3, 20.0, 40)
    column = fit(values[:, None], "lognormal", ks_draws=2)
    assert column.shape_interval == fit(values, "lognormal", ks_draws=2).shape_interval


@pytest.mark.parametrize("values", [[1.0, 2.0], [1.0, 1.0, 1.0], [1.0, 2.0, -3.0], [1.0, 2.0, np.nan]])
def test_unusable_samples_are_refused(values):
    with pytest.raises(ValueError, match="at least three different"):
        fit(np.array(values), "gamma")


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (np.geomspace(1, 2, 12).reshape(2, 2, 3), {}, r"shape \(2, 2, 3\); it must be numbers \[n\], or networks"),
        (np.float64(3.0), {}, r"shape \(\); it must be"),
        (20.0 * (1 + 1e-8 * np.arange(9.0)), {}, "9 numbers of 20 to 20.0000016.* little more than rounding"),
        (np.array([[2.0, 2, 2], [2, 2, 2], [1, 2, 3]]), {}, "without its row 2, sample holds one number alone"),
        (np.arange(1.0, 9.0), {"bootstrap": -1}, r"bootstrap \(=-1\) must not be negative"),
        (np.arange(1.0, 9.0), {"ks_draws": -1}, r"ks_draws \(=-1\) must not be negative"),
    ],
)
@pytest.mark.parametrize("family", FAMILIES)
def test_what_cannot_be_fitted_is_refused_with_the_reason(values, options, message, family):
    with pytest.raises(ValueError, match=message):
        fit(values, family, **options)


@pytest.mark.parametrize("family", FAMILIES)
def test_without_resamples_there_is_no_interval_and_without_draws_no_p(family):
    values = sample(family, 2.0, 5.0, 50)
    bare, whole = fit(values, family, bootstrap=0, ks_draws=0), fit(values, family, **QUICK)
    assert (bare.shape, bare.scale, bare.ks) == (whole.shape, whole.scale, whole.ks)
    assert np.isnan([*bare.shape_interval, *bare.scale_interval, bare.ks_p]).all()
    assert np.isfinite(fit(values.reshape(5, 10), family, bootstrap=0, ks_draws=0).shape_interval).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_of_a_sample_with_many_equal_numbers_resamples_of_one_number_do_not_count(family):
    result = fit(np.array([1.0] * 10 + [2.0, 3.0]), family, **QUICK)
    assert 0 < result.shape_interval[0] < result.shape < result.shape_interval[1] < np.inf


@pytest.mark.parametrize("spread", [1e-2, 1e-4, 2e-6])
def test_narrow_samples_are_fitted_as_the_limit_has_it(spread):
    """Of a narrow distribution both are normal: the gamma's shape is 1 / spread^2."""
    values = sample("lognormal", spread, 20.0, 60)
    narrow = {family: fit(values, family, bootstrap=20, ks_draws=2).shape for family in FAMILIES}
    assert narrow["gamma"] * narrow["lognormal"] ** 2 == pytest.approx(1, rel=1e-3)


def test_unknown_family_is_refused():
    with pytest.raises(ValueError, match="gamma, lognormal"):
        fit(np.array([1.0, 2.0, 3.0]), "weibull")


def test_paired_test_by_hand():
    result = paired_test(np.array([2.0, 4.0, 9.0]), np.array([1.0, 2.0, 3.0]))
    assert (result.first, result.second, result.difference, result.larger) == (5.0, 2.0, 3.0, 1.0)
    half = stats.t.ppf(0.975, 2) * np.std([1, 2, 6], ddof=1) / np.sqrt(3)
    assert result.interval == pytest.approx((3 - half, 3 + half))
    assert paired_test(np.ones(4), np.ones(4)).p == 1.0
    assert result.p == pytest.approx(2 / 2**3)  # Exact: all three differences are positive.
    assert paired_test(np.arange(1.0, 6.0), np.zeros(5)).p == pytest.approx(2 / 2**5)
    with pytest.raises(ValueError, match="pairs needed"):
        paired_test(np.ones(3), np.ones(4))


def test_paired_test_finds_a_shift_that_means_hide():
    rng = np.random.default_rng(0)
    base = rng.normal(0, 10, 40)
    assert paired_test(base + 0.5 + rng.normal(0, 0.1, 40), base).p < 1e-6


def test_of_one_network_neurons_are_resampled():
    values = sample("lognormal", 0.3, 20.0, 500)
    alone, row = fit(values, "lognormal", ks_draws=2), fit(values[None], "lognormal", ks_draws=2)
    assert row.shape_interval == alone.shape_interval and row.shape_interval[0] < row.shape < row.shape_interval[1]
