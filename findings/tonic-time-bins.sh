#!/usr/bin/env bash
# tonic 1.7.0 (numpy 2.4.6, Python 3.11): ToFrame(n_time_bins=n) leaves out the end of a recording. A bin is as long as
# the duration // n, and n of them are laid from the first event on; up to n - 1 units of time remain, whose events are
# in no frame. In microseconds that is little. In milliseconds, as by the first example in Downsample's docstring, it is
# up to half of a recording, and all of one that is shorter than n units, as most are in seconds. An overlap lengthens
# the bins by 1 + overlap and sets them 1 - overlap of that apart, so that 0.5 costs a quarter or more in any unit, with
# n_event_bins, too. start_time and end_time change nothing here. The frames have the shape that was asked for, and
# nothing is said.
# Guessed: each event but the last is in a frame, in any unit (the slicer's docstring has bins of "time_duration /
# bin_count * (1 + overlap)"); an overlap makes frames share events; start_time holds, as its docstring excepts nothing.
# Helps: timestamps in microseconds and overlap=0; or time_window and include_incomplete=True, which heed start_time.
#
# Output seen (1,000 events, one every 199 microseconds, each on a pixel of its own; the last two: 500 later ones):
#   n_time_bins=100, microseconds: 100 frames, 999 events
#   n_time_bins=100, milliseconds: 100 frames, 503 events
#   n_time_bins=100, seconds: 100 frames, 0 events
#   n_time_bins=100, overlap=0.5, microseconds: 100 frames, 757 events
#   n_event_bins=100, overlap=0.5, microseconds: 100 frames, 708 events
#   n_time_bins=100, start_time=0, second half: first event in frame 0
#   time_window=1989, start_time=0, second half: first event in frame 50
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
from tonic.transforms import Downsample, ToFrame

EVENTS = 1000
number = np.arange(EVENTS)
kind = tonic.io.events_struct  # With integers for t, as tonic's datasets have them.
us = tonic.io.make_structured_array(number, 0 * number, 199 * number, number % 2, dtype=kind)
ms = Downsample(time_factor=0.001)(us)  # change us to ms
s = us.astype(np.dtype([(name, np.float64 if name == "t" else kind[name]) for name in kind.names]))
s["t"] *= 1e-6


def frames(events, **settings):
    return ToFrame(sensor_size=(EVENTS, 1, 2), **settings)(events)


def words(settings):
    return ", ".join(f"{name}={value}" for name, value in settings.items())


for settings, unit, events in (
    ({"n_time_bins": 100}, "microseconds", us),
    ({"n_time_bins": 100}, "milliseconds", ms),
    ({"n_time_bins": 100}, "seconds", s),
    ({"n_time_bins": 100, "overlap": 0.5}, "microseconds", us),
    ({"n_event_bins": 100, "overlap": 0.5}, "microseconds", us),
):
    made = frames(events, **settings)
    print(f"{words(settings)}, {unit}: {len(made)} frames, {(made.sum((0, 1, 2)) > 0).sum()} events")
for settings in ({"n_time_bins": 100, "start_time": 0}, {"time_window": 1989, "start_time": 0}):
    first = np.argmax(frames(us[EVENTS // 2 :], **settings).any((1, 2, 3)))
    print(f"{words(settings)}, second half: first event in frame {first}")
PYTHON
cat "$folder/output"
diff <(grep -A7 '^# Output seen' "$script" | tail -7 | cut -c5-) "$folder/output"
