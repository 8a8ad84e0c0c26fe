#!/usr/bin/env bash
# neurodsp 2.3.0 (numpy 2.4.6, scipy 1.17.1, Python 3.11): compute_spectrum has "power spectral density" as its result
# for all methods, and three methods have three scales. Welch's is the density: its integral is the signal's variance.
# The one of multitaper is not divided by the sampling rate, nor doubled for the negative frequencies it leaves out: it
# is too large by half of the rate, 500 times at 1 kHz. As that depends on the rate, one signal kept at 1 kHz and at 250
# Hz has four times the power in the first, with the same bandwidth and nothing lost; recordings of different rates
# cannot be compared or averaged, and offsets of fitted 1/f backgrounds shift. medfilt is not doubled, and lower once
# more as the median of a periodogram is 0.69 of its mean. Exponents and relative power are right.
# Guessed: the same density from all of them. (Pull request 317 of neurodsp-tools/neurodsp, which brought multitaper,
# says nothing of the scale, as far as could be seen; no issue on it was found.)
# Helps: multiply by 2 / rate for multitaper; compare nothing across methods.
#
# Output seen (mean from 5 to 35 Hz, as a multiple of that of the signal's periodogram; one minute each):
#   white noise, 100 Hz: welch 1.0, medfilt 0.36, multitaper 50
#   white noise, 500 Hz: welch 1.0, medfilt 0.36, multitaper 249
#   white noise, 1000 Hz: welch 1.0, medfilt 0.35, multitaper 498
#   slow noise, 1000 Hz: welch 1.0, medfilt 0.35, multitaper 501
#   every fourth sample of it, 250 Hz: welch 1.0, medfilt 0.35, multitaper 125
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q neurodsp==2.3.0 scipy==1.17.1 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import numpy as np
from neurodsp.spectral import compute_spectrum

SECONDS = 60
random = np.random.default_rng(0)


def mean(frequencies, spectrum):
    return spectrum[(frequencies > 5) & (frequencies < 35)].mean()


def show(title, signal, rate):
    periodogram = 2 * np.abs(np.fft.rfft(signal)) ** 2 / (rate * len(signal))
    density = mean(np.fft.rfftfreq(len(signal), 1 / rate), periodogram)
    found = []
    for method, digits in (("welch", 1), ("medfilt", 2), ("multitaper", 0)):
        level = mean(*compute_spectrum(signal, rate, method=method)) / density
        found.append(f"{method} {level:.{digits}f}")
    print(f"{title}: {', '.join(found)}")


for rate in (100, 500, 1000):
    show(f"white noise, {rate} Hz", random.standard_normal(SECONDS * rate), rate)

# Without anything above 40 Hz every fourth sample tells all that there is.
frequencies = np.fft.rfftfreq(SECONDS * rate, 1 / rate)
slow = np.fft.irfft(np.fft.rfft(random.standard_normal(SECONDS * rate)) * (frequencies < 40))
show(f"slow noise, {rate} Hz", slow, rate)
show(f"every fourth sample of it, {rate // 4} Hz", slow[::4], rate // 4)
PYTHON
cat "$folder/output"
diff <(grep -A5 '^# Output seen' "$script" | tail -5 | cut -c5-) "$folder/output"
