#!/usr/bin/env bash
# rliable 1.2.0 (arch 7.2.0, numpy 2.4.6, pandas 2.3.3, scipy 1.17.1, Python 3.11): get_interval_estimates has an
# argument random_state which, says its docstring, makes the estimates reproducible. It does not: both kinds of
# bootstrap hand it on and then draw with the global np.random.choice. Two calls with the same state give two
# intervals, and confidence intervals move the global stream under whatever else of the program draws from it.
# Guessed: the same state, the same interval, and numpy's global stream left alone.
# np.random.seed before each call helps; random_state then changes nothing.
# (pandas is held back: arch 7.2.0, the newest that rliable allows, cannot be imported beside pandas 3.)
#
# Output seen (10 runs of 3 tasks, 500 resamples):
#   RandomState(0) twice, IQM: same interval: False
#   RandomState(0) twice, probability of improvement: same interval: False
#   np.random.seed(0), then RandomState(0) or RandomState(1), IQM: same interval: True
#   np.random.seed(0), then RandomState(0) or RandomState(1), probability of improvement: same interval: True
#   next number of np.random after seed 0: 0.549, after seed 0 and an interval: another
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q rliable==1.2.0 arch==7.2.0 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import numpy as np
from rliable import library, metrics

data = np.random.default_rng(0)
ours, theirs = data.random((10, 3)), data.random((10, 3))
tasks = {
    "IQM": ({"ours": ours}, lambda scores: np.array([metrics.aggregate_iqm(scores)])),
    "probability of improvement": (
        {"pair": (ours, theirs)}, lambda *pair: np.array([metrics.probability_of_improvement(*pair)])
    ),
}  # fmt: skip


def interval(name, seed):
    scores, function = tasks[name]
    _, intervals = library.get_interval_estimates(scores, function, reps=500, random_state=np.random.RandomState(seed))
    (limits,) = intervals.values()
    return limits


for name in tasks:
    alike = np.array_equal(interval(name, 0), interval(name, 0))
    print(f"RandomState(0) twice, {name}: same interval: {alike}")
for name in tasks:
    limits = []
    for seed in (0, 1):
        np.random.seed(0)
        limits.append(interval(name, seed))
    alike = np.array_equal(*limits)
    print(f"np.random.seed(0), then RandomState(0) or RandomState(1), {name}: same interval: {alike}")
np.random.seed(0)
before = np.random.rand()
np.random.seed(0)
interval("IQM", 0)
after = "the same" if np.random.rand() == before else "another"
print(f"next number of np.random after seed 0: {before:.3f}, after seed 0 and an interval: {after}")
PYTHON
cat "$folder/output"
diff <(grep -A5 '^# Output seen' "$script" | tail -5 | cut -c5-) "$folder/output"
