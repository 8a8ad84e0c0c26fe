#!/usr/bin/env bash
# orbax-checkpoint 0.12.8 (jax and jaxlib 0.10.2, numpy 2.4.6, Python 3.11): with one NaN among the metrics a manager no
# longer knows which checkpoint is the best. It sorts them as Python sorts floats, where a NaN is neither smaller nor
# larger than anything, so that what lies before it and what lies after it may never be compared. With best_fn and
# max_to_keep the best checkpoint is then deleted, and a later and worse one kept, or that of the NaN itself; where all
# are kept, best_step() names a wrong one. Nothing is said. BestN of the new interface does the same. One evaluation
# that diverged, or the mean over no episodes, and the files of the best policy are gone.
# Guessed: a NaN is worse than any number, or is refused, or makes it a checkpoint without metrics.
# Helps: a best_fn that returns -inf for a NaN (inf with best_mode="min").
#
# Output seen (rewards of the steps 0 to 4, the largest is the best):
#   CheckpointManager, rewards 1 5 4 3 2: keep 1: kept 1, keep 2: kept 1 2, keep all: best_step 1
#   CheckpointManager, rewards 1 5 nan 3 2: keep 1: kept 3, keep 2: kept 3 4, keep all: best_step 3
#   CheckpointManager, rewards 1 5 3 2 nan: keep 1: kept 4, keep 2: kept 1 4, keep all: best_step 4
#   v1 with BestN, rewards 1 5 4 3 2: keep 1: kept 1, keep 2: kept 1 2
#   v1 with BestN, rewards 1 5 nan 3 2: keep 1: kept 3, keep 2: kept 3 4
#   v1 with BestN, rewards 1 5 3 2 nan: keep 1: kept 4, keep 2: kept 1 4
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q orbax-checkpoint==0.12.8 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
JAX_PLATFORMS=cpu "$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import tempfile

import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint import v1

NAN = float("nan")


def reward(metrics):
    return metrics["reward"]


def manager(rewards, keep):
    options = ocp.CheckpointManagerOptions(
        max_to_keep=keep, best_fn=reward, best_mode="max", enable_async_checkpointing=False
    )
    with ocp.CheckpointManager(tempfile.mkdtemp(), options=options) as checkpoints:
        for step, value in enumerate(rewards):
            tree = {"weights": np.full(2, step, np.float32)}
            checkpoints.save(step, args=ocp.args.StandardSave(tree), metrics={"reward": value})
        return sorted(checkpoints.all_steps()), checkpoints.best_step()


def first_version(rewards, keep):
    policy = v1.training.preservation_policies.BestN(get_metric_fn=reward, n=keep)
    with v1.training.Checkpointer(tempfile.mkdtemp(), preservation_policy=policy) as checkpoints:
        for step, value in enumerate(rewards):
            checkpoints.save(step, {"weights": np.full(2, step, np.float32)}, metrics={"reward": value})
        return sorted(checkpoint.step for checkpoint in checkpoints.checkpoints), None


for name, make in (("CheckpointManager", manager), ("v1 with BestN", first_version)):
    for rewards in ([1.0, 5.0, 4.0, 3.0, 2.0], [1.0, 5.0, NAN, 3.0, 2.0], [1.0, 5.0, 3.0, 2.0, NAN]):
        found = [f"keep {keep}: kept {' '.join(map(str, make(rewards, keep)[0]))}" for keep in (1, 2)]
        if make is manager:
            found.append(f"keep all: best_step {make(rewards, None)[1]}")
        print(f"{name}, rewards {' '.join(f'{value:g}' for value in rewards)}: {', '.join(found)}")
PYTHON
cat "$folder/output"
diff <(grep -A6 '^# Output seen' "$script" | tail -6 | cut -c5-) "$folder/output"
