#!/usr/bin/env bash
# neurobench 2.3.0 (torch 2.13.0, snntorch 1.0.0, numpy 2.4.6, Python 3.11): a metric that fails is reported as 0.0. For
# MSE and SMAPE that is a perfect score. Benchmark.run catches whatever a metric raises, puts 0.0 in its place and goes
# on; with quiet=True the message is not printed, either. The usual way there: a net that ends in Linear(n, 1) gives
# predictions of shape (batch, 1) for targets of shape (batch,), which the metrics' own check of shapes refuses. Where
# one batch alone fails, what came before it is lost, and the result is the share of the batches after it.
# Guessed: the exception, or nan.
# Helps: look for "Error running" in what run(quiet=False) prints.
#
# Output seen (an untrained linear layer on noise; the second time its last dimension is taken off):
#   predictions (16, 1): MSE 0.0, SMAPE 0.0
#   predictions (16,): MSE 5.5, SMAPE 162.0
#   the last of four batches fails: MSE 0.0
#   the third of four batches fails: MSE 1.1, of all of them but for that 5.6
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q neurobench==2.3.0 torch==2.13.0 snntorch==1.0.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - << 'PYTHON' > "$folder/output"
import torch
from neurobench.benchmarks import Benchmark
from neurobench.metrics.workload import MSE, SMAPE
from neurobench.models import TorchModel
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(64, 3)
targets = inputs.sum(-1)
net = torch.nn.Linear(3, 1)
batches = DataLoader(TensorDataset(inputs, targets), batch_size=16)


def run(after, metrics, data=batches):
    return Benchmark(TorchModel(net), data, [], after, [[], metrics]).run(quiet=True)


def flat(predictions):
    return predictions[:, 0]


def flat_but_for(batch):
    seen = iter(range(4))
    return lambda predictions: predictions if next(seen) == batch else flat(predictions)


def words(result):
    return ", ".join(f"{name} {value:.1f}" for name, value in result.items())


print("predictions (16, 1):", words(run([], [MSE, SMAPE])))
print("predictions (16,):", words(run([flat], [MSE, SMAPE])))
print("the last of four batches fails:", words(run([flat_but_for(3)], [MSE])))
kept = torch.cat([torch.arange(32), torch.arange(48, 64)])
others = DataLoader(TensorDataset(inputs[kept], targets[kept]), batch_size=16)
print(
    "the third of four batches fails:", words(run([flat_but_for(2)], [MSE])) + ", of all of them but for that",
    f"{run([flat], [MSE], others)['MSE']:.1f}",
)
PYTHON
cat "$folder/output"
diff <(grep -A4 '^# Output seen' "$script" | tail -4 | cut -c5-) "$folder/output"
