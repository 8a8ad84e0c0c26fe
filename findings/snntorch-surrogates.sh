#!/usr/bin/env bash
# snntorch 1.0.0 (torch 2.13.0, numpy 2.4.6, Python 3.11): three of its surrogate gradients are not large around the
# threshold, where a surrogate has to be. Neurons hand them the potential less the threshold. spike_rate_escape takes 1
# off once more and peaks at a potential of threshold + 1; SFS is 0 up to a potential of threshold + B, with B 1 by
# default, where the paper that it cites has it non-zero within B of the threshold; triangular is no triangle but 1
# everywhere below the threshold and -1 everywhere above. So with SFS() a neuron gets no gradient whether it fires too
# little or too much, and with triangular() one that fires too much is told to fire more. No error: training goes on,
# and its result reads as the surrogate's merit. (The docstrings do have these formulas, in U.)
# Guessed: a gradient that is largest at the threshold, falls to both sides of it, and is never negative.
# Helps: fast_sigmoid or atan; or custom_surrogate.
#
# Output seen (gradient of the spike by the potential, threshold 1; then a neuron without leak whose weight is trained
# for 10 spikes in 20 steps of an input of 1, once from 0.3, which gives 6, and once from 0.9, which gives 18):
#   potential: 0.00 0.90 0.99 1.01 1.10 2.00 2.10
#   fast_sigmoid: 0.00 0.08 0.64 0.64 0.08 0.00 0.00, after training 10 and 10 spikes
#   atan: 0.09 0.91 1.00 1.00 0.91 0.09 0.08, after training 10 and 10 spikes
#   spike_rate_escape: 3.38 8.32 9.11 9.29 10.16 25.00 22.62, after training 10 and 10 spikes
#   SFS: 0.00 0.00 0.00 0.00 0.00 0.00 0.00, after training 6 and 18 spikes
#   triangular: 1.00 1.00 1.00 -1.00 -1.00 -1.00 -1.00, after training 10 and 20 spikes
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0
"$folder/venv/bin/pip" install -q snntorch==1.0.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import snntorch
import torch
from snntorch import surrogate

POTENTIALS = (0.0, 0.9, 0.99, 1.01, 1.1, 2.0, 2.1)
torch.set_num_threads(1)


def gradient(function, potential):
    neuron = snntorch.Leaky(beta=1.0, threshold=1.0, spike_grad=function, reset_mechanism="none")
    potential = torch.tensor([potential], requires_grad=True)
    spike, _ = neuron(torch.zeros(1), potential)
    spike.sum().backward()
    return potential.grad.item()


def spikes_after_training(function, start):
    neuron = snntorch.Leaky(beta=1.0, threshold=1.0, spike_grad=function)
    weight = torch.tensor([start], requires_grad=True)
    optimiser = torch.optim.Adam([weight], lr=0.01)
    for _ in range(300):
        potential, spikes = torch.zeros(1), torch.zeros(1)
        for _ in range(20):
            spike, potential = neuron(weight, potential)
            spikes = spikes + spike
        optimiser.zero_grad()
        (spikes - 10).square().sum().backward()
        optimiser.step()
    return int(spikes.item())


print("potential:", *(f"{potential:.2f}" for potential in POTENTIALS))
for name in ("fast_sigmoid", "atan", "spike_rate_escape", "SFS", "triangular"):
    function = getattr(surrogate, name)()
    gradients = " ".join(f"{gradient(function, potential):.2f}" for potential in POTENTIALS)
    low, high = (spikes_after_training(function, start) for start in (0.3, 0.9))
    print(f"{name}: {gradients}, after training {low} and {high} spikes")
PYTHON
cat "$folder/output"
diff <(grep -A7 '^# Output seen' "$script" | tail -6 | cut -c5-) "$folder/output"
