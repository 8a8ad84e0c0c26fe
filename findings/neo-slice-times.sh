#!/usr/bin/env bash
# neo 0.14.6 (quantities 0.16.4, numpy 2.4.6, Python 3.11): a slice of an AnalogSignal can have times other than those
# of its recording. signal[::2] keeps the sampling rate, so that it seems to last half as long and all its frequencies
# are doubled; signal[::2, :], the same samples, has the right one. And a start counted from the end, signal[-500:] for
# the last half second, is added to t_start as it is: the slice begins before the signal does, in both ways of writing.
# Values are right, no one warns, and whatever is aligned by time afterwards (spikes, events, epochs, averages around
# them, spectra) is wrong. A start from the front is moved as one expects.
# Guessed: the times of a slice are that slice of the times. (Issues of NeuralEnsemble/python-neo have had t_start of
# slices wrong before, 189 and 340, both fixed; neither steps nor starts from the end were found.)
# Helps: time_slice; a column with the rows, as in signal[::2, :]; and starts as len(signal) - 500.
#
# Output seen (1,000 samples at 1 kHz from 100 ms on, each with its own time in ms as value):
#   signal[500:]: says 600, 601 to 1099 ms, recorded at 600, 601 to 1099 ms
#   signal[::2]: says 100, 101 to 599 ms, recorded at 100, 102 to 1098 ms
#   signal[::2, :]: says 100, 102 to 1098 ms, recorded at 100, 102 to 1098 ms
#   signal[-500:]: says -400, -399 to 99 ms, recorded at 600, 601 to 1099 ms
#   signal[-500:, :]: says -400, -399 to 99 ms, recorded at 600, 601 to 1099 ms
#   time_slice(600 ms, 1100 ms): says 600, 601 to 1099 ms, recorded at 600, 601 to 1099 ms
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q neo==0.14.6 quantities==0.16.4 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import neo
import numpy as np
import quantities as pq

START, SAMPLES = 100, 1000
signal = neo.AnalogSignal(
    np.arange(START, START + SAMPLES, dtype=float)[:, None] * pq.mV, sampling_rate=1 * pq.kHz, t_start=START * pq.ms
)


def words(times):
    return f"{times[0]:.0f}, {times[1]:.0f} to {times[-1]:.0f} ms"


for title, part in (
    ("signal[500:]", signal[500:]),
    ("signal[::2]", signal[::2]),
    ("signal[::2, :]", signal[::2, :]),
    ("signal[-500:]", signal[-500:]),
    ("signal[-500:, :]", signal[-500:, :]),
    ("time_slice(600 ms, 1100 ms)", signal.time_slice(600 * pq.ms, 1100 * pq.ms)),
):
    print(f"{title}: says {words(part.times.rescale('ms').magnitude)}, recorded at {words(part.magnitude[:, 0])}")
PYTHON
cat "$folder/output"
diff <(grep -A6 '^# Output seen' "$script" | tail -6 | cut -c5-) "$folder/output"
