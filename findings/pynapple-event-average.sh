#!/usr/bin/env bash
# pynapple 0.11.4 (numpy 2.4.6, scipy 1.17.1, pandas 3.1.1, xarray 2026.9.0, Python 3.11): the event-triggered average
# of a constant is not that constant, once a recording has trials. compute_event_triggered_average puts zeros beyond the
# ends of each epoch and divides by all events, so that what events near an end cannot see counts as 0: with trials of
# 1 s and a window of half a second a feature of 5 comes out as 2.5 at both ends of the window and 5 in the middle, a
# peak that anyone would take for a response. With trials shorter than half a second it is 0 throughout. compute_perievent
# of the same data averages to 5, and has NaN where no event has a value.
# Guessed: an average over the events that have a value at a lag, or NaN.
# (No issue of pynapple-org/pynapple on it was found.)
# Helps: divide by the average of a feature of ones over the same events and epochs, or take numpy.nanmean of
# compute_perievent.
#
# Output seen (a feature of 5 at 100 Hz, 2,000 events in 1,000 s, bins of 50 ms; at -0.5, -0.2, 0, 0.2 and 0.5 s):
#   one epoch of 1,000 s: average 4.99 5.00 5.00 5.00 5.00, of perievents 5 5 5 5 5
#   epochs of 1 s: average 2.45 3.95 5.00 4.02 2.55, of perievents 5 5 5 5 5
#   epochs of 0.4 s: average 0.00 0.00 0.00 0.00 0.00, of perievents nan 5 5 5 nan
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

LAGS = (-0.5, -0.2, 0.0, 0.2, 0.5)  # s
times = np.arange(0, 1000, 0.01)
constant = nap.Tsd(t=times, d=np.full(len(times), 5.0))
events = nap.Ts(t=np.sort(np.random.default_rng(0).uniform(0, 1000, 2000)))
whole = nap.IntervalSet(0, 1000)
seconds = nap.IntervalSet(np.arange(0, 1000, 2.0), np.arange(1, 1001, 2.0))
short = nap.IntervalSet(np.arange(0, 1000, 1.0), np.arange(0.4, 1000.4, 1.0))
for title, epochs in (("one epoch of 1,000 s", whole), ("epochs of 1 s", seconds), ("epochs of 0.4 s", short)):
    average = nap.compute_event_triggered_average(constant, events, binsize=0.05, window=0.5, epochs=epochs)
    around = nap.compute_perievent(constant.restrict(epochs), events, window=0.5, epochs=epochs)
    mean = np.nanmean(around.values, axis=1)
    own = [average.values[np.abs(average.t - lag).argmin(), 0] for lag in LAGS]
    other = [mean[np.abs(around.t - lag).argmin()] for lag in LAGS]
    shown = " ".join(f"{x:.2f}" for x in own), " ".join(f"{x:g}" for x in other)
    print(f"{title}: average {shown[0]}, of perievents {shown[1]}")
PYTHON
cat "$folder/output"
diff <(grep -A3 '^# Output seen' "$script" | tail -3 | cut -c5-) "$folder/output"
