#!/usr/bin/env bash
# sinabs 3.1.3 (torch 2.13.0, numpy 2.4.6, Python 3.11): MembraneReset adds its reset_value to every neuron at every
# step, fired or not. "Reset the membrane potential v_mem to a given value after it spiked" is what its docstring
# says; it computes v_mem * (no spike) + reset_value, which is a reset for a value of 0 and a constant input for any
# other. With -0.5, as for a hyperpolarised reset, a neuron without input drifts to a potential of -50 in 100 steps
# and one that should fire never does; with 0.5 a neuron without input fires every other step. No warning; shapes and
# types are as ever.
# Guessed: reset_value after a spike, and nothing else. (No issue of synsense/sinabs on it was found; its tests of
# MembraneReset have the default, 0. MembraneSubtract is right, with a value of one's own, too.)
# Helps: a reset_fn of one's own, that writes torch.where(spikes > 0, reset_value, state["v_mem"]) to a copy of the
# state.
#
# Output seen (IAF, one spike a step, threshold 1, 100 steps of constant input; by hand is the loop below):
#   input 0.0, reset_value 0.0: 0 spikes, v_mem 0.0 at the end; by hand 0 spikes, 0.0
#   input 0.0, reset_value -0.5: 0 spikes, v_mem -50.0 at the end; by hand 0 spikes, 0.0
#   input 0.0, reset_value 0.5: 49 spikes, v_mem 1.0 at the end; by hand 0 spikes, 0.0
#   input 0.2, reset_value 0.0: 20 spikes, v_mem 0.0 at the end; by hand 20 spikes, 0.0
#   input 0.2, reset_value -0.5: 0 spikes, v_mem -30.0 at the end; by hand 12 spikes, 0.9
#   input 0.2, reset_value 0.5: 49 spikes, v_mem 1.2 at the end; by hand 32 spikes, 0.9
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q sinabs==3.1.3 torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import torch
from sinabs.activation import MembraneReset, SingleSpike
from sinabs.layers import IAF

STEPS, THRESHOLD, CURRENT = 100, 1.0, 0.2


def sinabs(current, reset_value):
    layer = IAF(spike_threshold=torch.tensor(THRESHOLD), spike_fn=SingleSpike, reset_fn=MembraneReset(reset_value))
    with torch.no_grad():
        spikes = layer(torch.full((1, STEPS, 1), current))
    return int(spikes.sum()), layer.v_mem.item()


def by_hand(current, reset_value):
    potential, spikes = 0.0, 0
    for _ in range(STEPS):
        potential += current
        if potential >= THRESHOLD:
            potential, spikes = reset_value, spikes + 1
    return spikes, potential


for current in (0.0, CURRENT):
    for reset_value in (0.0, -0.5, 0.5):
        (fired, potential), (expected, right) = (run(current, reset_value) for run in (sinabs, by_hand))
        print(
            f"input {current}, reset_value {reset_value}: {fired} spikes, v_mem {potential:.1f} at the end;"
            f" by hand {expected} spikes, {right:.1f}"
        )
PYTHON
cat "$folder/output"
diff <(grep -A6 '^# Output seen' "$script" | tail -6 | cut -c5-) "$folder/output"
