#!/usr/bin/env bash
# pyspike 0.9.0 (numpy 2.4.6, Python 3.11, built from source): max_tau, the "maximum coincidence window size", bounds
# nothing. Spikes of two trains are a coincidence where they are closer than half of the smallest interval next to
# either, and, as all functions of SPIKE synchronization, directionality and spike train order have it, no further apart
# than max_tau. But get_tau takes max_tau only in place of an interval that does not exist, before the first spike and
# after the last; for all others it is without effect. So spikes 8 ms apart are synchronous within a microsecond, the
# values look as plausible as ever, and they hardly depend on max_tau, which reads as a robust result. The adaptive
# window is as wide as the rates are low: at a few Hz, coincidences are up to 100 ms wide whatever one allows.
# Guessed: nothing is a coincidence beyond max_tau. (No issue of mariomulansky/PySpike on it was found.)
# Helps: the window by hand, as in synchrony below, which agrees with pyspike's wherever max_tau is not given.
#
# Output seen (10 s in ms; a spike every 50 ms and the same train 8 ms later; then two independent trains of 20 Hz):
#   8 ms late, max_tau=None: spike_sync 1.00, by hand 1.00, directionality 1.00
#   8 ms late, max_tau=5: spike_sync 0.99, by hand 0.00, directionality 0.99
#   8 ms late, max_tau=0.001: spike_sync 0.99, by hand 0.00, directionality 0.99
#   independent, max_tau=None: spike_sync 0.26, by hand 0.26, directionality -0.04
#   independent, max_tau=5: spike_sync 0.26, by hand 0.16, directionality -0.04
#   independent, max_tau=0.001: spike_sync 0.25, by hand 0.00, directionality -0.04
#   filter_by_spike_sync, 8 ms late, max_tau=5: 197 of 199 spikes kept
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pyspike==0.9.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import numpy as np
import pyspike

LENGTH, LATE = 10_000.0, 8.0


def train(times):
    return pyspike.SpikeTrain(times, LENGTH)


def synchrony(one, other, max_tau=None):
    """Coincidences are closer than half of the smallest interval next to either spike, and than max_tau."""
    half = []
    for times in (one, other):
        intervals = np.concatenate([[np.inf], np.diff(times), [np.inf]])
        half.append(np.minimum(intervals[:-1], intervals[1:]) / 2)
    window = np.minimum.outer(*half)
    if max_tau is not None:
        window = np.minimum(window, max_tau)
    return 2 * (np.abs(np.subtract.outer(one, other)) < window).sum() / (len(one) + len(other))


random = np.random.default_rng(0)
regular = np.arange(50.0, LENGTH, 50.0)
independent = [np.sort(random.uniform(0, LENGTH, 200)) for _ in range(2)]
for title, times in (("8 ms late", (regular, regular + LATE)), ("independent", independent)):
    for max_tau in (None, 5, 0.001):
        trains = [train(one) for one in times]
        print(
            f"{title}, max_tau={max_tau}: spike_sync {pyspike.spike_sync(*trains, max_tau=max_tau):.2f},"
            f" by hand {synchrony(*times, max_tau):.2f},"
            f" directionality {pyspike.spike_directionality(*trains, max_tau=max_tau):.2f}"
        )
kept, _ = pyspike.filter_by_spike_sync([train(regular), train(regular + LATE)], 0.5, max_tau=5)
print(f"filter_by_spike_sync, 8 ms late, max_tau=5: {len(kept)} of {len(regular)} spikes kept")
PYTHON
cat "$folder/output"
diff <(grep -A7 '^# Output seen' "$script" | tail -7 | cut -c5-) "$folder/output"
