#!/usr/bin/env bash
# elephant 1.2.1 (neo 0.14.6, quantities 0.16.4, scipy 1.17.1, numpy 2.4.6, Python 3.11): its functions do not agree on
# which of two signals comes first, and two say the opposite of their docstrings. For y, which is x 20 ms later,
# cross_correlation_histogram has its peak at +20 ms, as its docstring explains. cross_correlation_function has it at
# -20 ms: it computes the mean of x(t + tau) y(t), where its docstring has x(t) y(t + tau), whose peak is at +20 ms.
# And phase_lag of welch_coherence is negative, where its docstring has "positive values" for the first signal "ahead
# of" the second; multitaper_coherence, without a word about the sign, does the same. So who leads and who follows is
# told the wrong way round, by values that look right in all other respects, and spikes and field potentials of one
# recording seem to run in opposite directions.
# With n_lags the times are wrong altogether: they start at minus half of the recording, whatever n_lags is, and the
# plot in the docstring's example shows it. (That is pull request 707 of NeuralEnsemble/elephant; for the signs none.)
# Guessed: +20 ms and a positive phase for x before y, in all of them.
# Helps: swap the two channels; with n_lags, take times of one's own, from -n_lags to n_lags samples.
#
# Output seen (white noise, and sines of 10 Hz with some; 1 kHz, 20 s; 20 ms of 10 Hz are 1.26 rad):
#   cross_correlation_histogram of x and y as spikes: peak at +20 ms
#   mean of x(t) y(t + tau), as in the docstring of cross_correlation_function: peak at +20 ms
#   cross_correlation_function: peak at -20 ms
#   cross_correlation_function, n_lags=50: 101 values from -10000 to -9900 ms, peak at -9970 ms
#   phase_difference of the sines: +1.3
#   welch_coherence of the sines, at 10 Hz: phase_lag -1.3
#   multitaper_coherence of the sines, at 10 Hz: phase_lag -1.3
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q elephant==1.2.1 neo==0.14.6 quantities==0.16.4 scipy==1.17.1 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import neo
import numpy as np
import quantities as pq
from elephant.conversion import BinnedSpikeTrain
from elephant.phase_analysis import phase_difference
from elephant.signal_processing import cross_correlation_function, hilbert
from elephant.spectral import multitaper_coherence, welch_coherence
from elephant.spike_train_correlation import cross_correlation_histogram

SAMPLES, DELAY = 20000, 20  # 20 s and 20 ms, a sample being 1 ms.
random = np.random.default_rng(0)


def signal(*columns):
    return neo.AnalogSignal(np.stack(columns, 1) * pq.mV, sampling_rate=1 * pq.kHz)


def milliseconds(times):
    return np.round(times.rescale("ms").magnitude).astype(int)


def at_10_hz(found):
    frequencies, _, lag = (np.ravel(np.asarray(one)) for one in found)
    return lag[np.abs(frequencies - 10).argmin()]


noise = random.standard_normal(SAMPLES + DELAY)
x, y = noise[DELAY:], noise[:-DELAY]  # y(t) is x(t - 20 ms).

spikes = random.choice(SAMPLES - 100, 2000, replace=False)
binned = [
    BinnedSpikeTrain(neo.SpikeTrain(np.sort(times) + 0.5, units="ms", t_stop=SAMPLES), bin_size=1 * pq.ms)
    for times in (spikes, spikes + DELAY)
]
counts, lags = cross_correlation_histogram(*binned, window=[-50, 50])
print(f"cross_correlation_histogram of x and y as spikes: peak at {lags[counts.magnitude.argmax()]:+d} ms")

shifts = np.arange(-50, 51)
inner = np.arange(50, SAMPLES - 50)
direct = [np.mean(x[inner] * y[inner + shift]) for shift in shifts]
print(
    "mean of x(t) y(t + tau), as in the docstring of cross_correlation_function:",
    f"peak at {shifts[np.argmax(direct)]:+d} ms",
)

found = cross_correlation_function(signal(x, y), [0, 1])
print(f"cross_correlation_function: peak at {milliseconds(found.times)[found.magnitude.argmax()]:+d} ms")
found = cross_correlation_function(signal(x, y), [0, 1], n_lags=50)
times = milliseconds(found.times)
print(
    f"cross_correlation_function, n_lags=50: {len(times)} values from {times[0]} to {times[-1]} ms,"
    f" peak at {times[found.magnitude.argmax()]} ms"
)

seconds = np.arange(SAMPLES) / 1000
waves = [
    signal(np.sin(2 * np.pi * 10 * (seconds - late)) + 0.1 * random.standard_normal(SAMPLES))
    for late in (0, DELAY / 1000)
]
difference = phase_difference(*(np.angle(hilbert(wave).magnitude[:, 0]) for wave in waves))
print(f"phase_difference of the sines: {np.median(difference):+.1f}")
found = welch_coherence(*waves, frequency_resolution=2 * pq.Hz)
print(f"welch_coherence of the sines, at 10 Hz: phase_lag {at_10_hz(found):+.1f}")
found = multitaper_coherence(*waves)
print(f"multitaper_coherence of the sines, at 10 Hz: phase_lag {at_10_hz(found):+.1f}")
PYTHON
cat "$folder/output"
diff <(grep -A7 '^# Output seen' "$script" | tail -7 | cut -c5-) "$folder/output"
