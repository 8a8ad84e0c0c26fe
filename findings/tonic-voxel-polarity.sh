#!/usr/bin/env bash
# tonic 1.7.0 (numpy 2.4.6, Python 3.11): ToVoxelGrid counts OFF events as ON events where the polarity is a bool. It
# writes -1 over the zeros of the array of polarities itself, and -1 as a bool is True, so that nothing in the grid is
# negative: OFF adds to ON where it should cancel it. No warning; shape and type are as ever. bool is what datasets of
# tonic bring (below) and what its readers of files make by default. Datasets with integers, as NMNIST, are right.
# Guessed: the same grid whatever the type of the polarity, its sum about that of the signs.
# events.astype with a signed type for p, before it, helps. (NumpyAsType does not: given structured events and a
# structured type it returns the class NotImplementedError, and does not raise it.)
#
# Output seen (sums of the grids of 800 events):
#   p is bool in: DVSGesture, DSEC, DVSLip
#   int8: all ON 760, all OFF -760, ON and OFF in turn at each pixel 4
#   bool: all ON 760, all OFF 760, ON and OFF in turn at each pixel 760
#   bool cast to int8: all ON 760, all OFF -760, ON and OFF in turn at each pixel 4
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q tonic==1.7.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import numpy as np
import tonic
from tonic import datasets

sets = (datasets.DVSGesture, datasets.DSEC, datasets.DVSLip, datasets.NMNIST)
print("p is bool in:", ", ".join(s.__name__ for s in sets if s.dtype["p"] == bool))
grid = tonic.transforms.ToVoxelGrid(sensor_size=(4, 2, 2), n_time_bins=10)
whole = tonic.io.events_struct  # With a bool for p.
signed = np.dtype([(name, np.int8 if name == "p" else whole[name]) for name in whole.names])
time = np.arange(800)
cases = {"all ON": time >= 0, "all OFF": time < 0, "ON and OFF in turn at each pixel": time // 8 % 2 == 0}
for name, made, cast in (("int8", signed, signed), ("bool", whole, whole), ("bool cast to int8", whole, signed)):
    sums = []
    for case, polarity in cases.items():
        events = tonic.io.make_structured_array(time % 4, time // 4 % 2, time, polarity, dtype=made)
        sums.append(f"{case} {grid(events.astype(cast)).sum():.0f}")
    print(f"{name}:", ", ".join(sums))
PYTHON
cat "$folder/output"
diff <(grep -A4 '^# Output seen' "$script" | tail -4 | cut -c5-) "$folder/output"
