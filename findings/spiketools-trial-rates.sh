#!/usr/bin/env bash
# spiketools 0.2.2 (numpy 2.4.6, scipy 1.17.1, pandas 2.3.3, matplotlib 3.11.2, Python 3.11): compute_trial_frs does not
# smooth. It hands smooth on by position, where convert_times_to_rates takes a time_range, which it does not look at
# for bins that are given. So the rates of trials are the same whatever smooth is, no error, and what is plotted or
# compared as smoothed rates is the raw histogram. convert_times_to_rates(smooth=...) does smooth, the width in bins.
# And a spike train does not come back as the times that it was made of: convert_times_to_train puts a spike at time t
# into sample t * fs, convert_train_to_times takes that sample to be one later. Times that are on samples are a sample
# late afterwards (but for those that rounding had put into the sample before), 1 ms with the default fs, 10 ms at 100
# Hz; others, half of one on average. The shuffles that go by way of a train (circular, bincirc) have it, too.
# Guessed: rates smoothed by a Gaussian; times on samples come back as they were.
# (No issue of spiketools/spiketools on either was found; main has both in June 2026.)
# Helps: convert_times_to_rates for each trial; times less 1 / fs.
#
# Output seen (mean rate of two trials with spikes at 0.45 and 0.46 s and at 0.55 s, bins of 0.1 s):
#   compute_trial_frs, smooth=None: 0.0 0.0 0.0 0.0 10.0 5.0 0.0 0.0 0.0 0.0 Hz
#   convert_times_to_rates, smooth=None: 0.0 0.0 0.0 0.0 10.0 5.0 0.0 0.0 0.0 0.0 Hz
#   compute_trial_frs, smooth=1.0: 0.0 0.0 0.0 0.0 10.0 5.0 0.0 0.0 0.0 0.0 Hz
#   convert_times_to_rates, smooth=1.0: 0.0 0.0 0.6 2.7 5.2 4.4 1.7 0.3 0.0 0.0 Hz
#   compute_trial_frs, smooth=100.0: 0.0 0.0 0.0 0.0 10.0 5.0 0.0 0.0 0.0 0.0 Hz
#   convert_times_to_rates, smooth=100.0: 1.5 1.5 1.5 1.5 1.5 1.5 1.5 1.5 1.5 1.5 Hz
#   1000 Hz, 1429 spikes on samples: 1414 late, by 1.0 ms
#   1000 Hz, 1429 spikes between samples: 1429 late, by 0.5 ms
#   100 Hz, 143 spikes on samples: 135 late, by 10.0 ms
#   100 Hz, 143 spikes between samples: 143 late, by 5.0 ms
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q spiketools==0.2.2 numpy==2.4.6 scipy==1.17.1 pandas==2.3.3 matplotlib==3.11.2
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import numpy as np
from spiketools.measures.conversions import convert_times_to_rates, convert_times_to_train, convert_train_to_times
from spiketools.measures.trials import compute_trial_frs

BINS = np.arange(0, 1.05, 0.1)
TRIALS = [np.array([0.45, 0.46]), np.array([0.55])]
for smooth in (None, 1.0, 100.0):
    _, rates = compute_trial_frs(TRIALS, BINS, smooth=smooth)
    each = [convert_times_to_rates(trial, BINS, smooth=smooth) for trial in TRIALS]
    for name, shown in (("compute_trial_frs", rates), ("convert_times_to_rates", each)):
        print(f"{name}, smooth={smooth}:", " ".join(f"{rate:.1f}" for rate in np.mean(shown, axis=0)), "Hz")
for fs in (1000, 100):
    for place, offset in (("on samples", 0.0), ("between samples", 0.5)):
        times = (np.arange(0, 10 * fs, 7) + offset) / fs
        back = convert_train_to_times(convert_times_to_train(times, fs=fs), fs=fs)
        late = (back - times) * 1000
        print(f"{fs} Hz, {len(times)} spikes {place}: {np.sum(late > 0.1)} late, by {np.max(late):.1f} ms")
PYTHON
cat "$folder/output"
diff <(grep -A10 '^# Output seen' "$script" | tail -10 | cut -c5-) "$folder/output"
