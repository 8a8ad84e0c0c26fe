#!/usr/bin/env bash
# neurobench 2.3.0 (torch 2.13.0, snntorch 1.0.0, numpy 2.4.6, Python 3.11): the Footprint of a spiking network depends
# on the batch that it saw last. Footprint adds up all buffers, and snnTorch keeps the neurons' potentials in buffers, a
# potential for each sample: so a network has as many footprints as there are batch sizes. Benchmark.run measures it
# before it starts, so that what counts is the last batch of the training, or of the run before this one, and a network
# just loaded has the least, without any state. Parameters and state_dict, which leaves these buffers out, are the same.
# Guessed: one number for one network, or one for each batch size of the benchmark.
# Helps: pass one sample through the network before Benchmark.run: then it is the parameters and one sample's state.
#
# Output seen (a convolution to 8 x 26 x 26 neurons and a linear layer to 10; bytes):
#   parameters 216,680, state_dict 216,720
#   never used: 216,720
#   after a batch of 128: 2,990,736
#   after a batch of 1: 238,392
#   after a run with batches of 64: 1,603,728
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q neurobench==2.3.0 torch==2.13.0 snntorch==1.0.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import snntorch
import torch
from neurobench.benchmarks import Benchmark
from neurobench.metrics.static import Footprint
from neurobench.metrics.workload import ClassificationAccuracy
from neurobench.models import SNNTorchModel
from neurobench.processors.postprocessors import ChooseMaxCount
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
network = torch.nn.Sequential(
    torch.nn.Conv2d(1, 8, 3),
    snntorch.Leaky(beta=0.9, init_hidden=True),
    torch.nn.Flatten(),
    torch.nn.Linear(8 * 26 * 26, 10),
    snntorch.Leaky(beta=0.9, init_hidden=True, output=True),
)
samples = TensorDataset(torch.rand(128, 2, 1, 28, 28), torch.zeros(128, dtype=torch.long))


def footprint(batch):
    metrics = [[Footprint], [ClassificationAccuracy]]
    benchmark = Benchmark(SNNTorchModel(network), DataLoader(samples, batch), [], [ChooseMaxCount()], metrics)
    return benchmark.run(quiet=True)["Footprint"]


def use(batch):
    """As each step of a training does."""
    snntorch.utils.reset(network)
    network(torch.rand(batch, 1, 28, 28))


def size(tensors):
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


print(f"parameters {size(network.parameters()):,}, state_dict {size(network.state_dict().values()):,}")
print(f"never used: {footprint(64):,}")
for batch in (128, 1):
    use(batch)
    print(f"after a batch of {batch}: {footprint(64):,}")
print(f"after a run with batches of 64: {footprint(64):,}")
PYTHON
cat "$folder/output"
diff <(grep -A5 '^# Output seen' "$script" | tail -5 | cut -c5-) "$folder/output"
