#!/usr/bin/env bash
# snntorch 1.0.0 (torch 2.13.0, numpy 2.4.6, Python 3.11): mse_temporal_loss, by its defaults, wants every output to
# fire in the first step, whatever the label. Its docstring has the incorrect ones fire in the last, off_target=-1,
# counted from the end; but labels become times by spikegen.targets_convert, which makes 0 of a negative off_target. So
# outputs that are all the same have a loss of 0, and those that tell the class are punished. In the same way
# mse_membrane_loss(off_target=-1) wants potentials of 0. (Issue 253 of jeshraghian/snntorch; for the rest none found.)
# With multi_spike=True, a spike that has been counted is removed from its step for all outputs and samples, another's
# spike in the same step with it. So spikes at just the wanted times have a loss once two outputs share a step, and the
# loss of a sample depends on what else is in the batch.
# Guessed: a loss of 0 for the spikes or potentials that were asked for; for a batch, the mean of its samples' losses.
# Helps: off_target=num_steps - 1; for several spikes, or for a negative potential, a loss of one's own.
#
# Output seen (12 steps, two outputs, label 0):
#   defaults, spikes at 0 and 11, as wanted: 0.420
#   defaults, both spike at 0: 0.000
#   off_target=11, spikes at 0 and 11: 0.000
#   off_target=11, both spike at 0: 0.420
#   mse_membrane_loss(off_target=-1), potentials 1 and -1, as wanted: 0.500
#   mse_membrane_loss(off_target=-1), potentials 1 and 0: 0.000
#   multi_spike, wanted 2 6 and 6 9, spikes at 2 6 and 6 9: 0.043
#   multi_spike, wanted 2 6 and 3 9, spikes at 2 6 and 3 9: 0.000
#   multi_spike, beside a sample of loss 0.017: 0.030, their mean 0.009
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0
"$folder/venv/bin/pip" install -q snntorch==1.0.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import snntorch.functional as functional
import torch


def spikes(*times):
    """One sample, [step, 1, output]."""
    recorded = torch.zeros(12, 1, len(times))
    for output, steps in enumerate(times):
        recorded[list(steps), 0, output] = 1
    return recorded


def loss(make, recorded, **settings):
    label = torch.zeros(recorded.shape[1], dtype=torch.long)
    return make(**settings)(recorded, label).item()


temporal, membrane = functional.mse_temporal_loss, functional.mse_membrane_loss
print(f"defaults, spikes at 0 and 11, as wanted: {loss(temporal, spikes([0], [11])):.3f}")
print(f"defaults, both spike at 0: {loss(temporal, spikes([0], [0])):.3f}")
print(f"off_target=11, spikes at 0 and 11: {loss(temporal, spikes([0], [11]), off_target=11):.3f}")
print(f"off_target=11, both spike at 0: {loss(temporal, spikes([0], [0]), off_target=11):.3f}")
for other, words in ((-1.0, " and -1, as wanted"), (0.0, " and 0")):
    found = loss(membrane, torch.tensor([1.0, other]).expand(12, 1, 2), off_target=-1)
    print(f"mse_membrane_loss(off_target=-1), potentials 1{words}: {found:.3f}")
for on, off in (((2, 6), (6, 9)), ((2, 6), (3, 9))):
    found = loss(temporal, spikes(on, off), on_target=on, off_target=off, multi_spike=True)
    words = f"{on[0]} {on[1]} and {off[0]} {off[1]}"
    print(f"multi_spike, wanted {words}, spikes at {words}: {found:.3f}")
settings = {"on_target": (2, 6), "off_target": (3, 9), "multi_spike": True}
exact, late = spikes([2, 6], [3, 9]), spikes([2, 7], [6, 9])
alone = [loss(temporal, sample, **settings) for sample in (exact, late)]
together = loss(temporal, torch.cat([exact, late], 1), **settings)
print(f"multi_spike, beside a sample of loss {alone[1]:.3f}: {together:.3f}, their mean {sum(alone) / 2:.3f}")
PYTHON
cat "$folder/output"
diff <(grep -A9 '^# Output seen' "$script" | tail -9 | cut -c5-) "$folder/output"
