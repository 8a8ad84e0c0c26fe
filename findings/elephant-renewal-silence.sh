#!/usr/bin/env bash
# elephant 1.2.1 (neo 0.14.6, quantities 0.16.4, scipy 1.17.1, numpy 2.4.6, Python 3.11): StationaryLogNormalProcess and
# StationaryInverseGaussianProcess, by default, return empty spike trains where t_stop is far away. For the first spike
# of a process in equilibrium they integrate the chance of a silence from 0 to the whole duration with scipy's quad. All
# of that is in the first few intervals; where the duration is some thousand times as long, no point that quad looks at
# is among them, it finds next to nothing, and the first spike is put at the end. How long that takes depends on how
# regular the process is: 100 s at 20 Hz with a CV of 0.1, 10 min with 0.5. Shorter trains of the same process are
# right, and nothing is said: a neuron that never fires is the same kind of object as one that does.
# Guessed: 20 spikes a second, however long. (No issue of NeuralEnsemble/elephant on it was found.)
# Helps: equilibrium=False, which differs in the first interval alone. StationaryGammaProcess uses a formula: it is
# right.
#
# Output seen (rates of trains of 10 s, 60 s, 100 s and 600 s; 20 Hz were asked for):
#   Gamma, shape_factor=100: 20, 20, 20, 20 Hz
#   LogNormal, sigma=0.1: 20, 20, 0, 0 Hz
#   InverseGaussian, cv=0.1: 20, 20, 0, 0 Hz
#   InverseGaussian, cv=0.5: 20, 20, 20, 0 Hz
#   LogNormal, sigma=0.1, equilibrium=False: 20, 20, 20, 20 Hz
#   warnings: 0
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q elephant==1.2.1 neo==0.14.6 quantities==0.16.4 scipy==1.17.1 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import warnings

import numpy as np
import quantities as pq
from elephant.spike_train_generation import (
    StationaryGammaProcess,
    StationaryInverseGaussianProcess,
    StationaryLogNormalProcess,
)

np.random.seed(0)  # elephant draws from NumPy's global stream.
PROCESSES = {
    "Gamma, shape_factor=100": (StationaryGammaProcess, {"shape_factor": 100}),
    "LogNormal, sigma=0.1": (StationaryLogNormalProcess, {"sigma": 0.1}),
    "InverseGaussian, cv=0.1": (StationaryInverseGaussianProcess, {"cv": 0.1}),
    "InverseGaussian, cv=0.5": (StationaryInverseGaussianProcess, {"cv": 0.5}),
    "LogNormal, sigma=0.1, equilibrium=False": (StationaryLogNormalProcess, {"sigma": 0.1, "equilibrium": False}),
}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for title, (process, settings) in PROCESSES.items():
        rates = []
        for seconds in (10, 60, 100, 600):
            train = process(rate=20 * pq.Hz, t_stop=seconds * pq.s, **settings).generate_spiketrain()
            rates.append(f"{len(train) / seconds:.0f}")
        print(f"{title}: {', '.join(rates)} Hz")
print(f"warnings: {len(said)}")
PYTHON
cat "$folder/output"
diff <(grep -A6 '^# Output seen' "$script" | tail -6 | cut -c5-) "$folder/output"
