#!/usr/bin/env bash
# nitime 0.12.1 (numpy 2.4.6, scipy 1.17.1, Python 3.11): CorrelationAnalyzer looks for the zero lag of its
# cross-correlations one sample too late. Of n samples np.correlate makes 2 n - 1 values with the zero lag at n - 1;
# nitime takes n. So xcorr_norm, "where the zero lag correlation is normalized to be equal to the correlation
# coefficient", divides by the value at a lag of one sample: an autocorrelation of slow noise begins at 1.10, one of
# white noise at minus 277, as the divisor is next to nothing. And the times of both, "with zero-lag at time=0", are one
# sample early. What is below the diagonal is a copy of what is above, not mirrored: of two channels both seem to come
# first. With slow signals, as of fMRI, all of this is small enough to pass.
# Guessed: 1 at time 0 for a channel with itself; where channel 1 is channel 0, 30 ms later, a peak at -30 ms for [0, 1]
# and one at +30 ms for [1, 0]. (No issue of nipy/nitime on it was found.)
# Helps: np.correlate of one's own, divided by its value at n - 1.
#
# Output seen (4,096 samples at 100 Hz; slow noise keeps 0.9 of itself from sample to sample):
#   white noise, peaks of xcorr: [0, 0] at -10 ms, [0, 1] at -40 ms, [1, 0] at -40 ms
#   white noise, correlation coefficient [0, 0]: 1.00; xcorr_norm at lag 0: -277.33, at lag 1: 1.00
#   white noise, correlation coefficient [0, 1]: 0.02; xcorr_norm at lag 0: -0.02, at lag 1: 0.02
#   slow noise, peaks of xcorr: [0, 0] at -10 ms, [0, 1] at -40 ms, [1, 0] at -40 ms
#   slow noise, correlation coefficient [0, 0]: 1.00; xcorr_norm at lag 0: 1.10, at lag 1: 1.00
#   slow noise, correlation coefficient [0, 1]: 0.76; xcorr_norm at lag 0: 0.83, at lag 1: 0.76
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q nitime==0.12.1 scipy==1.17.1 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import numpy as np
from nitime.analysis import CorrelationAnalyzer
from nitime.timeseries import TimeSeries

SAMPLES, LATE, RATE = 4096, 3, 100.0  # LATE samples are 30 ms.
ZERO = SAMPLES - 1  # np.correlate's index of lag 0.


def noise(random, keep):
    values = random.standard_normal(SAMPLES + LATE)
    for step in range(1, len(values)):
        values[step] += keep * values[step - 1]
    return values - values.mean()


random = np.random.default_rng(0)
for title, keep in (("white noise", 0.0), ("slow noise", 0.9)):
    values = noise(random, keep)
    analyzer = CorrelationAnalyzer(TimeSeries(np.stack([values[LATE:], values[:-LATE]]), sampling_rate=RATE))
    plain, normed = analyzer.xcorr, analyzer.xcorr_norm
    milliseconds = np.asarray(plain.time) / 1e9  # Kept in picoseconds.
    peaks = [f"[{i}, {j}] at {milliseconds[plain.data[i, j].argmax()]:.0f} ms" for i, j in ((0, 0), (0, 1), (1, 0))]
    print(f"{title}, peaks of xcorr: {', '.join(peaks)}")
    for i, j in ((0, 0), (0, 1)):
        print(
            f"{title}, correlation coefficient [{i}, {j}]: {analyzer.corrcoef[i, j]:.2f};"
            f" xcorr_norm at lag 0: {normed.data[i, j, ZERO]:.2f}, at lag 1: {normed.data[i, j, ZERO + 1]:.2f}"
        )
PYTHON
cat "$folder/output"
diff <(grep -A6 '^# Output seen' "$script" | tail -6 | cut -c5-) "$folder/output"
