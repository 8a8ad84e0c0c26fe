#!/usr/bin/env bash
# evotorch 0.6.1 (torch 2.13.0, numpy 2.4.6, Python 3.11): two of the bins that make_feature_grid makes for each feature
# of MAPElites are outside of the bounds: from -inf to the lower one and from the upper one to inf. Of n bins n - 2 are
# left, each wider than it should be; with 3 the whole range is one bin, and with 2 the upper bound is of no use at all.
# Features that keep within their bounds never fill the others: the archive is smaller than was asked for, by more the
# more features there are, and its coverage (filled.mean()) stays below 1, however long the search. Values that were to
# have a bin each share one, and the worse of two is dropped. The docstring speaks of "n bins for each feature", of
# "the same interval", and upper_bounds of "the upper bound of the i-th feature". (The one of the class has a grid with
# such outer cells, written by hand and not connected with this function.)
# Guessed: n bins of equal width from the lower to the upper bound, all of which are filled after a long search.
# Helps: num_bins=n + 2 and grid[grid.isfinite().all(dim=(-2, -1))].
#
# Output seen (bounds 0 and 1; then searches for 30 generations, all features strictly within the bounds):
#   num_bins=2: -inf to 0.00, 0.00 to inf
#   num_bins=3: -inf to 0.00, 0.00 to 1.00, 1.00 to inf
#   num_bins=5: -inf to 0.00, 0.00 to 0.33, 0.33 to 0.67, 0.67 to 1.00, 1.00 to inf
#   1 feature, num_bins=10: filled 8 of 10 cells
#   2 features, num_bins=10: filled 64 of 100 cells
#   4 features, num_bins=5: filled 81 of 625 cells
#   2 features, num_bins=12 without the infinite cells: filled 100 of 100 cells
#   the numbers 0 to 8, num_bins=9 from -0.5 to 8.5: 7 of 9 cells, with 0 1 3 4 5 6 8
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q evotorch==0.6.1 torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import logging

import torch
from evotorch import Problem
from evotorch.algorithms import MAPElites
from evotorch.operators import GaussianMutation

logging.disable(logging.WARNING)


def make_grid(features, bins, lower=0.0, upper=1.0):
    return MAPElites.make_feature_grid([lower] * features, [upper] * features, bins, dtype="float32")


def search(grid, feature=lambda values: values):
    def evaluate(values):
        return torch.cat([-(values**2).sum(-1, keepdim=True), feature(values)], -1)

    features = grid.shape[1]
    problem = Problem(
        "max",
        evaluate,
        solution_length=features,
        eval_data_length=features,
        bounds=(0.001, 0.999),
        vectorized=True,
        seed=0,
    )
    found = MAPElites(
        problem, operators=[GaussianMutation(problem, stdev=0.3)], feature_grid=grid, re_evaluate=False
    )
    found.run(30)
    return found


def filled(found):
    return f"filled {int(found.filled.sum())} of {len(found.filled)} cells"


for bins in (2, 3, 5):
    cells = make_grid(1, bins)[:, 0].tolist()
    print(f"num_bins={bins}:", ", ".join(f"{low:.2f} to {high:.2f}" for low, high in cells))
for features, bins in ((1, 10), (2, 10), (4, 5)):
    found = search(make_grid(features, bins))
    print(f"{features} feature{'s' if features > 1 else ''}, num_bins={bins}: {filled(found)}")
grid = make_grid(2, 12)
found = search(grid[grid.isfinite().all(dim=(-2, -1))])
print(f"2 features, num_bins=12 without the infinite cells: {filled(found)}")
found = search(make_grid(1, 9, -0.5, 8.5), lambda values: torch.round(8 * values))
kept = found.population.evals[found.filled][:, 1].int().tolist()
print(f"the numbers 0 to 8, num_bins=9 from -0.5 to 8.5: {filled(found)[7:]}, with", *kept)
PYTHON
cat "$folder/output"
diff <(grep -A8 '^# Output seen' "$script" | tail -8 | cut -c5-) "$folder/output"
