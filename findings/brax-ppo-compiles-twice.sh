#!/usr/bin/env bash
# brax 0.14.2 (jax and jaxlib 0.9.2, mujoco 3.17.0, Python 3.11): PPO compiles its training epoch and its evaluation
# twice, the same shapes both times (why was not looked into). So the wait before a training of a robot doubles, and
# `training/sps` of the second epoch, which includes the compilation as the first one's does, is a fraction of what all
# later ones have: with num_evals=3 no figure of speed is one.
# Guessed: one compilation, in the first epoch, and steps per second from the second on.
#
# Output seen:
#   compilations of the training epoch: 2, of the evaluation: 2
#   epochs whose steps per second are under a tenth of the last one's: 1, 2
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q brax==0.14.2 jax==0.9.2 jaxlib==0.9.2 mujoco==3.17.0 mujoco-mjx==3.17.0
JAX_PLATFORMS=cpu "$folder/venv/bin/python" -W ignore - > "$folder/all" <<'PYTHON'
import logging
import re

import jax

from brax import envs
from brax.training.agents.ppo import train

compiled, speeds = [], []


class Keep(logging.Handler):
    def emit(self, record):
        found = re.match(r"Finished XLA compilation of (\S+) in ([\d.]+)", record.getMessage())
        if found:
            compiled.append((found[1], float(found[2])))


jax.config.update("jax_log_compiles", True)
logger = logging.getLogger("jax")
logger.addHandler(Keep())
logger.propagate = False
train.train(
    environment=envs.get_environment("fast"), num_timesteps=2048, episode_length=20, num_envs=16, unroll_length=8,
    batch_size=4, num_minibatches=4, num_updates_per_batch=1, num_evals=5, num_eval_envs=4,
    progress_fn=lambda steps, metrics: speeds.append(metrics.get("training/sps")),
)  # fmt: skip
longest = max(compiled, key=lambda pair: pair[1])[0]
epochs = sum(name == longest for name, seconds in compiled if seconds > 1)
evaluations = sum("generate_eval_unroll" in name for name, _ in compiled)
print(f"compilations of the training epoch: {epochs}, of the evaluation: {evaluations}")
speeds = [float(speed) for speed in speeds if speed is not None]
slow = [str(number) for number, speed in enumerate(speeds, 1) if speed < speeds[-1] / 10]
print(f"epochs whose steps per second are under a tenth of the last one's: {', '.join(slow)}")
PYTHON
grep -v '^Failed to import' "$folder/all" > "$folder/output"  # Optional packages of mujoco-mjx.
cat "$folder/output"
diff <(grep -A2 '^# Output seen' "$script" | tail -2 | cut -c5-) "$folder/output"
