#!/usr/bin/env bash
# brax 0.14.2 (jax and jaxlib 0.10.2, mujoco 3.17.0, Python 3.11): none of its own trainers for single agents begins to
# train. It asks for jax>=0.4.6 without an upper bound, so that pip brings a JAX from which jax.device_put_replicated
# is gone, and ppo, sac and apg call it before their first step. envs, and evolution strategies without it, work.
# Guessed: a trainer runs under any JAX that the package's own requirements allow, or warns.
#
# Output seen:
#   brax 0.14.2 asks for jax>=0.4.6
#   ppo: AttributeError: jax.device_put_replicated
#   sac: AttributeError: jax.device_put_replicated
#   apg: AttributeError: jax.device_put_replicated
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q brax==0.14.2 jax==0.10.2 jaxlib==0.10.2 mujoco==3.17.0 mujoco-mjx==3.17.0
JAX_PLATFORMS=cpu "$folder/venv/bin/python" -W ignore - > "$folder/all" <<'PYTHON'
import importlib.metadata

from brax import envs
from brax.training.agents.apg import train as apg
from brax.training.agents.ppo import train as ppo
from brax.training.agents.sac import train as sac

(needed,) = (r for r in importlib.metadata.requires("brax") if r.startswith("jax>"))
print(f"brax {importlib.metadata.version('brax')} asks for {needed}")
environment = envs.get_environment("fast")
trainers = {
    "ppo": lambda: ppo.train(
        environment, num_timesteps=64, episode_length=8, num_envs=4, batch_size=4, num_minibatches=1, unroll_length=4
    ),
    "sac": lambda: sac.train(
        environment, num_timesteps=64, episode_length=8, num_envs=4, batch_size=4, min_replay_size=8
    ),
    "apg": lambda: apg.train(environment, episode_length=8, policy_updates=1, num_envs=4, horizon_length=4),
}
for name, train in trainers.items():
    try:
        train()
        print(f"{name}: trains")
    except Exception as error:  # Whatever stops a user, in one line.
        print(f"{name}: {type(error).__name__}: {str(error).split(' ')[0]}")
PYTHON
grep -v '^Failed to import' "$folder/all" > "$folder/output"  # Optional packages of mujoco-mjx.
cat "$folder/output"
diff <(grep -A4 '^# Output seen' "$script" | tail -4 | cut -c5-) "$folder/output"
