#!/usr/bin/env bash
# norse 1.1.0 (nir 1.0.8, nirtorch 2.6, torch 2.13.0, Python 3.11): norse.torch.to_nir writes dt * tau where NIR has the
# time constant tau in seconds: a LIF of 10 ms comes out as 10 us at the default dt of 1 ms. from_nir reads tau as NIR
# means it, so that norse's own file comes back a thousand times faster: v decays by 100 a step instead of by a tenth.
# Guessed: tau = 0.01, and the same neuron after to_nir and from_nir.
#
# Output seen:
#   tau exported: 1e-05
#   tau_mem_inv: 100 -> 100000
#   membrane after one step of input 1: 0.1 -> 100
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0
"$folder/venv/bin/pip" install -q norse==1.1.0 nirtorch==2.6 nir==1.0.8
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import norse.torch as norse
import torch

parameters = norse.LIFBoxParameters(
    tau_mem_inv=torch.full((1,), 100.0), v_leak=torch.zeros(1), v_th=torch.full((1,), 1000.0)
)
cell = norse.LIFBoxCell(parameters, dt=0.001)
network = norse.SequentialState(torch.nn.Linear(1, 1), cell)
graph = norse.to_nir(network, torch.zeros(1, 1))
(node,) = (node for node in graph.nodes.values() if type(node).__name__ == "LIF")
(back,) = (module for module in norse.from_nir(graph, dt=0.001).children() if isinstance(module, norse.LIFBoxCell))
before, after = (float(c(torch.ones(1, 1), None)[1].v.detach()) for c in (cell, back))
print(f"tau exported: {float(node.tau[0]):g}")
print(f"tau_mem_inv: {float(cell.p.tau_mem_inv[0]):g} -> {float(back.p.tau_mem_inv[0]):g}")
print(f"membrane after one step of input 1: {before:g} -> {after:g}")
PYTHON
cat "$folder/output"
diff <(grep -A3 '^# Output seen' "$script" | tail -3 | cut -c5-) "$folder/output"
