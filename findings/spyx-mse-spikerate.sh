#!/usr/bin/env bash
# spyx 1.0.0 (jax 0.10.2, Python 3.11): spyx.fn.mse_spikerate(sparsity=0.25) compares the mean of the spikes over time,
# at most 1, with 0.25 times the number of steps, 25 for 100 steps. Its docstring has sparsity as the share of the time
# that a neuron shall spike. So the loss is not least at that rate but where the neuron of the class spikes in every
# step, the gradient pushes rates up without end, and the loss grows with the square of the number of steps.
# Guessed: a loss of 0 where the neuron of the class spikes in a quarter of the steps and the others never.
#
# Output seen (one example, three classes; loss by the rate of the class's own neuron):
#   10 steps: 0.0: 2.1, 0.2: 1.8, 1.0: 0.8
#   100 steps: 0.0: 208.3, 0.25: 204.2, 1.0: 192.0
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q spyx==1.0.0 jax==0.10.2 flax==0.12.8
JAX_PLATFORMS=cpu "$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import jax.numpy as jnp
import spyx

for steps, rates in ((10, (0.0, 0.2, 1.0)), (100, (0.0, 0.25, 1.0))):
    losses = []
    for rate in rates:
        spikes = jnp.zeros((1, steps, 3)).at[0, : round(rate * steps), 1].set(1.0)
        loss = spyx.fn.mse_spikerate(sparsity=0.25)(spikes, jnp.array([1]))
        losses.append(f"{rate}: {loss:.1f}")
    print(f"{steps} steps:", ", ".join(losses))
PYTHON
cat "$folder/output"
diff <(grep -A2 '^# Output seen' "$script" | tail -2 | cut -c5-) "$folder/output"
