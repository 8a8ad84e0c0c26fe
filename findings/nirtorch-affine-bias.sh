#!/usr/bin/env bash
# nirtorch 2.6 (nir 1.0.8, torch 2.13.0, Python 3.11): nir_to_torch's own map of nir.Affine keeps the node's weight and
# loses its bias. The module's bias is what torch.nn.Linear draws at random, so that two imports of one graph differ.
# Guessed: an affine node comes out with its weight and its bias. (The map sets `module.weight.bias`.)
# A map of one's own for nir.Affine, given to nir_to_torch, takes precedence and helps.
#
# Output seen:
#   weight kept: True
#   bias kept: False
#   two imports alike: False
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0
"$folder/venv/bin/pip" install -q nirtorch==2.6 nir==1.0.8
"$folder/venv/bin/python" - > "$folder/output" <<'PYTHON'
import nir
import nirtorch
import numpy as np

weight, bias = np.array([[2.0, 0.0], [0.0, 4.0]], np.float32), np.array([10.0, -20.0], np.float32)
graph = nir.NIRGraph.from_list(nir.Affine(weight=weight, bias=bias))
first, second = (nirtorch.nir_to_torch(graph, {}).affine for _ in range(2))
print("weight kept:", np.allclose(first.weight.detach(), weight))
print("bias kept:", np.allclose(first.bias.detach(), bias))
print("two imports alike:", np.allclose(first.bias.detach(), second.bias.detach()))
PYTHON
cat "$folder/output"
diff <(grep -A3 '^# Output seen' "$script" | tail -3 | cut -c5-) "$folder/output"
