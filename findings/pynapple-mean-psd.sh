#!/usr/bin/env bash
# pynapple 0.11.4 (numpy 2.4.6, scipy 1.17.1, pandas 3.1.1, xarray 2026.9.0, Python 3.11): the power spectral density of
# compute_mean_power_spectral_density is 0.4 of the density that compute_power_spectral_density and SciPy have of the
# same signal. It multiplies each piece by a Hamming window, as its documentation says, and divides by the sampling rate
# and the number of samples as if it had not: the mean square of that window, 0.397, stays in the result. Nothing tells;
# the shape of the spectrum is right, so that only who compares powers (two functions, two tools, units of V^2/Hz, the
# integral with the variance) will see it.
# Guessed: the same density by both functions, and an integral that is the signal's variance.
# (Pull request 402 of pynapple-org/pynapple made it the normalised square of the FFT; no issue on the window was found.)
# Helps: divide by the mean of numpy.hamming(n) ** 2, n the samples of a piece.
#
# Output seen (white noise of standard deviation 2, 200 s at 1 kHz; density between 20 and 480 Hz):
#   by the definition: density 8.00e-3 per Hz, integral 4.01
#   compute_power_spectral_density: density 8.01e-3 per Hz, integral 4.01
#   compute_mean_power_spectral_density, pieces of 0.5 s: density 3.18e-3 per Hz, integral 1.59
#   compute_mean_power_spectral_density, pieces of 2.0 s: density 3.18e-3 per Hz, integral 1.59
#   scipy.signal.welch, pieces of 2.0 s, the same window: density 8.01e-3 per Hz, integral 4.00
#   mean square of the window: 0.397
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pynapple==0.11.4 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 xarray==2026.9.0
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import numpy as np
import pynapple as nap
from scipy.signal import welch

RATE, SECONDS, DEVIATION = 1000.0, 200, 2.0
times = np.arange(int(RATE * SECONDS)) / RATE
noise = DEVIATION * np.random.default_rng(0).standard_normal(len(times))
signal = nap.Tsd(t=times, d=noise)


def show(title, frequencies, density):
    middle = (frequencies > 20) & (frequencies < 480)
    integral = density.sum() * (frequencies[1] - frequencies[0])
    print(f"{title}: density {1000 * density[middle].mean():.2f}e-3 per Hz, integral {integral:.2f}")


print(f"by the definition: density {1000 * 2 * DEVIATION**2 / RATE:.2f}e-3 per Hz, integral {noise.var():.2f}")
whole = nap.compute_power_spectral_density(signal, fs=RATE)
show("compute_power_spectral_density", whole.index.values, whole.values[:, 0])
for length in (0.5, 2.0):
    mean = nap.compute_mean_power_spectral_density(signal, interval_size=length, fs=RATE)
    title = f"compute_mean_power_spectral_density, pieces of {length} s"
    show(title, mean.index.values, mean.values[:, 0])
show("scipy.signal.welch, pieces of 2.0 s, the same window", *welch(noise, RATE, window="hamming", nperseg=2000))
print(f"mean square of the window: {np.mean(np.hamming(2000) ** 2):.3f}")
PYTHON
cat "$folder/output"
diff <(grep -A6 '^# Output seen' "$script" | tail -6 | cut -c5-) "$folder/output"
