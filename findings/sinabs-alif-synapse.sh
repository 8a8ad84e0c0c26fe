#!/usr/bin/env bash
# sinabs 3.1.3 (torch 2.13.0, numpy 2.4.6, Python 3.11): tau_syn of ALIF is next to without effect. With norm_input,
# which is the default, what is to be scaled by 1 - exp(-1/tau_mem) is the input of the membrane; ALIF scales the
# synaptic current itself, and keeps it scaled, so that at tau_mem 20 it is down to 5 % a step later, whatever tau_syn
# is. A potential that should rise for many steps falls from the second on, neurons that should fire are silent. LIF
# had the same fault until 2022 (pull request 40 of synsense/sinabs, "critical bug"); ALIF still has it. Nor does ALIF
# keep the current from one call to the next: a sequence given in two parts, as step by step at the latest, loses what
# was in the synapses, with norm_input=False as well.
# Guessed: an ALIF whose threshold does not adapt equals a LIF with the same time constants, in one call or in many.
# (No issue of synsense/sinabs on ALIF's was found.)
# Helps: norm_input=False with weights times 1 - exp(-1/tau_mem), the whole sequence in one call.
#
# Output seen (v_mem after 1, 2, 10, 20 and 40 steps, an input of 1 at the first; tau_mem 20, adapt_scale 0):
#   LIF, tau_syn 10: 0.0441 0.0819 0.2270 0.2212 0.1113
#   ALIF, tau_syn 10: 0.0441 0.0439 0.0295 0.0179 0.0066
#   LIF, tau_syn 40: 0.0476 0.0916 0.3403 0.4714 0.4593
#   ALIF, tau_syn 40: 0.0476 0.0475 0.0319 0.0194 0.0071
#   LIF, tau_syn 40, norm_input=False: 0.9753 1.8790 6.9773 9.6659 9.4185
#   ALIF, tau_syn 40, norm_input=False: 0.9753 1.8790 6.9773 9.6659 9.4185
#   LIF, tau_syn 40, norm_input=False, two calls: 0.9753 1.8790 6.9773 9.6659 9.4185
#   ALIF, tau_syn 40, norm_input=False, two calls: 0.9753 0.9277 3.2709 4.2319 3.5559
#   LIF, tau_syn 10, random input: 31 spikes
#   ALIF, tau_syn 10, random input: 0 spikes
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q sinabs==3.1.3 torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import torch
from sinabs.layers import ALIF, LIF

pulse = torch.zeros(1, 40, 1)
pulse[0, 0] = 1.0
random = torch.rand(1, 200, 100, generator=torch.Generator().manual_seed(0)) < 0.05


def make(kind, tau_syn, **settings):
    if kind is ALIF:
        settings |= {"tau_adapt": 100.0, "adapt_scale": 0.0}  # A threshold that stays where it is.
    return kind(tau_mem=20.0, tau_syn=tau_syn, **settings)


def show(kind, tau_syn, calls=1, **settings):
    found = []
    for steps in (1, 2, 10, 20, 40):
        layer = make(kind, tau_syn, spike_threshold=torch.tensor(1e6), **settings)
        for part in pulse[:, :steps].split(-(-steps // calls), dim=1):
            layer(part)
        found.append(f"{layer.v_mem.item():.4f}")
    title = "".join(f", {name}={value}" for name, value in settings.items()) + (", two calls" if calls > 1 else "")
    print(f"{kind.__name__}, tau_syn {tau_syn:.0f}{title}: {' '.join(found)}")


with torch.no_grad():
    for tau_syn in (10.0, 40.0):
        for kind in (LIF, ALIF):
            show(kind, tau_syn)
    for calls in (1, 2):
        for kind in (LIF, ALIF):
            show(kind, 40.0, calls, norm_input=False)
    for kind in (LIF, ALIF):
        print(f"{kind.__name__}, tau_syn 10, random input: {make(kind, 10.0)(random.float()).sum():.0f} spikes")
PYTHON
cat "$folder/output"
diff <(grep -A10 '^# Output seen' "$script" | tail -10 | cut -c5-) "$folder/output"
