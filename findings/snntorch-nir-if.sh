#!/usr/bin/env bash
# snntorch 1.0.0 (nir 1.0.8, nirtorch 2.6, torch 2.13.0, Python 3.11): import_from_nir turns nir.IF, which has no leak,
# into a neuron that keeps 0.9 of its potential from step to step and subtracts the threshold after a spike, where
# nir.IF goes to its reset potential. Weak inputs never reach the threshold, and strong ones come at another rate.
# Nothing is said. It also answers with a pair, spikes and potential, where other neurons answer with spikes.
# Guessed: a neuron of beta 1 and reset_mechanism "zero", as nir.LIF's is, with as many spikes as nir.IF by its
# equation. (Set beta and the reset mechanism on the imported modules.)
#
# Output seen (threshold 1, spikes in 120 steps of a constant input):
#   input 0.09: by the equation 10, imported 0
#   input 0.12: by the equation 13, imported 6
#   beta 0.90, reset subtract
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0
"$folder/venv/bin/pip" install -q snntorch==1.0.0 nirtorch==2.6 nir==1.0.8
"$folder/venv/bin/python" -W ignore - > "$folder/all" <<'PYTHON'
import nir
import numpy as np
import snntorch
import torch
from snntorch.import_nir import import_from_nir


def imported():
    identity = nir.Linear(weight=np.ones((1, 1), np.float32))
    return import_from_nir(nir.NIRGraph.from_list(identity, nir.IF(r=np.ones(1), v_threshold=np.ones(1))))


def by_the_equation(current):
    potential, count = 0.0, 0
    for _ in range(120):
        potential += current
        if potential > 1:
            potential, count = 0.0, count + 1
    return count


for current in (0.09, 0.12):
    network, count, state = imported(), 0, None
    for _ in range(120):
        (spikes, _), state = network(torch.full((1, 1), current), state)
        count += int(spikes.item())
    print(f"input {current}: by the equation {by_the_equation(current)}, imported {count}")
(neuron,) = (module for module in imported().modules() if isinstance(module, snntorch.Leaky))
print(f"beta {neuron.beta.item():.2f}, reset {neuron.reset_mechanism}")
PYTHON
grep -E '^(input|beta)' "$folder/all" > "$folder/output"  # The importer prints lines of its own.
cat "$folder/output"
diff <(grep -A3 '^# Output seen' "$script" | tail -3 | cut -c5-) "$folder/output"
