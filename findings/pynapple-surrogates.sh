#!/usr/bin/env bash
# pynapple 0.11.4 (numpy 2.4.6, scipy 1.17.1, pandas 3.1.1, xarray 2026.9.0, Python 3.11): surrogate spike trains of a
# recording in several epochs are no controls. resample_timestamps of a group puts all spikes into the first epoch and
# none into the others; of a single train it draws over the gaps, too, and drops what falls there: with epochs of 100 s,
# 400 s apart, nearly three quarters of the spikes. shuffle_ts_intervals shuffles the gaps between epochs with the
# intervals between spikes: epochs of equal rates get other rates, and spikes fall into the gaps. Nothing is said; what
# is compared with such controls is told apart from them for sure.
# Guessed: as documented, the timestamps "in the time support", and each epoch with as many spikes as it had.
# (No issue of pynapple-org/pynapple on it was found.)
# Helps: resample or shuffle train.restrict(epochs[i]) for each epoch by itself.
#
# Output seen (500 spikes in each of three epochs of 100 s, 400 s apart; spikes within each epoch, and in all):
#   recorded: 500 500 500, in all 1500
#   resample_timestamps of a train: 122 137 148, in all 407
#   resample_timestamps of a group: 1500 0 0, in all 1500
#   shuffle_ts_intervals of a train: 374 35 514, in all 1500
#   shuffle_ts_intervals of a group: 462 252 224, in all 1500
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

np.random.seed(0)
epochs = nap.IntervalSet(start=[0.0, 500.0, 1000.0], end=[100.0, 600.0, 1100.0])
times = np.sort(np.concatenate([start + np.random.uniform(0, 100, 500) for start in epochs.start]))
train = nap.Ts(t=times, time_support=epochs)
group = nap.TsGroup({0: train, 1: train}, time_support=epochs)


def show(title, found):
    within = [len(found.restrict(epochs[i])) for i in range(len(epochs))]
    print(f"{title}: {' '.join(map(str, within))}, in all {len(found)}")


show("recorded", train)
show("resample_timestamps of a train", nap.resample_timestamps(train))
show("resample_timestamps of a group", nap.resample_timestamps(group)[0])
show("shuffle_ts_intervals of a train", nap.shuffle_ts_intervals(train))
show("shuffle_ts_intervals of a group", nap.shuffle_ts_intervals(group)[0])
PYTHON
cat "$folder/output"
diff <(grep -A5 '^# Output seen' "$script" | tail -5 | cut -c5-) "$folder/output"
