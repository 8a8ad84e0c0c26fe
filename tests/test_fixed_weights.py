import numpy as np
import pytest

from zoo.models import fixed_weights

# Recorded with Python 3.11, NumPy 2.4, jax 0.10.2 and equal under Python 3.12, jax 0.11.2.
GOLDEN = "d29b0c4ee4cfef9485749e98d7915dd080c6740c597a458834d9de0cabe8fb91"


def test_bits_are_the_recorded_ones():
    w_in = fixed_weights.lecun_normal(0, 0, (3, 256))
    w_out = fixed_weights.lecun_normal(0, 1, (256, 2))
    assert fixed_weights.sha256(w_in, w_out) == GOLDEN


def test_first_value_by_hand():
    # Twelve 16-bit words of the raw stream, least significant first, by Python integers.
    words = [int(w) for w in np.random.Philox(key=[7, 1]).random_raw(3)]
    total = sum((word >> shift) & 0xFFFF for word in words for shift in (0, 16, 32, 48))
    assert fixed_weights.standard_normal(7, 1, 1)[0] == (2 * total - 12 * 65535) / 131072


def test_distribution():
    z = fixed_weights.standard_normal(0, 0, 200_000).astype(np.float64)
    assert abs(z.mean()) < 4 / np.sqrt(z.size)
    assert z.std() == pytest.approx(1, abs=0.01)
    assert np.mean(np.abs(z) < 1.96) == pytest.approx(0.95, abs=0.005)


def test_seeds_and_streams_are_independent():
    a = fixed_weights.standard_normal(0, 0, 10_000)
    for seed, stream in ((1, 0), (0, 1)):
        assert abs(np.corrcoef(a, fixed_weights.standard_normal(seed, stream, 10_000))[0, 1]) < 0.05


def test_variance_is_one_over_fan_in():
    assert fixed_weights.lecun_normal(0, 0, (100, 1000)).var() == pytest.approx(0.01, rel=0.02)


def test_negative_seed_is_refused():
    with pytest.raises(ValueError, match="seed"):
        fixed_weights.standard_normal(-1, 0, 1)
