#!/usr/bin/env bash
# spyx 1.0.0 (nir 1.0.8, jax 0.10.2, Python 3.11): to_nir writes a convolution's weights and a neuron layer's parameters
# channels first, as NIR has them, but leaves the weights after a Flatten in spyx's own order, channels last. In the
# graph they multiply other pixels than in the model, and nothing says so. from_nir makes the same omission, so that
# spyx's way to NIR and back looks right; a graph that another tool wrote comes out wrong.
# Guessed: the graph, computed as NIR defines its nodes, has the model's outputs. (It has once the columns are
# permuted from height, width, channel to channel, height, width.)
#
# Output seen (3 channels of 4 x 5 pixels; largest difference from the model, whose outputs are of about 1):
#   the graph as exported: above 0.1
#   with its columns permuted: below 1e-5
#   exported and imported by spyx: below 1e-5
#   the permuted graph imported by spyx: above 0.1
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q spyx==1.0.0 nir==1.0.8 jax==0.10.2 flax==0.12.8 scipy==1.17.0
JAX_PLATFORMS=cpu "$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import jax.numpy as jnp
import nir
import numpy as np
import spyx.nir
import spyx.nn as snn
from flax import nnx
from scipy.signal import correlate

channels, height, width = 3, 4, 5
rngs = nnx.Rngs(0)
model = snn.Sequential(
    nnx.Conv(2, channels, (3, 3), padding="SAME", rngs=rngs),
    snn.Flatten(),
    nnx.Linear(channels * height * width, 6, rngs=rngs),
)
image = np.random.default_rng(0).normal(size=(2, height, width)).astype(np.float32)
last = jnp.asarray(image.transpose(1, 2, 0))[None]  # A batch of one, channels last.
truth = np.asarray(snn.run(model, last[None])[0])[0, 0]


def computed(graph):
    """Output of convolution, flattening and affine map as NIR defines them, channels first."""
    conv, _, affine = (graph.nodes[f"layer_{i}"] for i in range(3))
    maps = [
        sum(correlate(plane, kernel, "same") for plane, kernel in zip(image, kernels, strict=True)) + bias
        for kernels, bias in zip(conv.weight, conv.bias, strict=True)
    ]
    return affine.weight @ np.ravel(maps) + affine.bias


def say(what, output):
    error = np.abs(output - truth).max()
    print(f"{what}:", "below 1e-5" if error < 1e-5 else "above 0.1" if error > 0.1 else error)


shapes = {"input": np.array(image.shape)}, {"output": np.array([6])}
graph = spyx.nir.to_nir(model, *shapes)
say("the graph as exported", computed(graph))
permuted = spyx.nir.to_nir(model, *shapes)
affine = permuted.nodes["layer_2"]
columns = affine.weight.reshape(6, height, width, channels).transpose(0, 3, 1, 2).reshape(6, -1)
permuted.nodes["layer_2"] = nir.Affine(columns, affine.bias)
say("with its columns permuted", computed(permuted))
for what, one in (("exported and imported by spyx", graph), ("the permuted graph imported by spyx", permuted)):
    say(what, np.asarray(spyx.nir.from_nir(one, last[None])[1])[0, 0])
PYTHON
cat "$folder/output"
diff <(grep -A4 '^# Output seen' "$script" | tail -4 | cut -c5-) "$folder/output"
