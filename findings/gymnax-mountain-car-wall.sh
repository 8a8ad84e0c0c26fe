#!/usr/bin/env bash
# gymnax 1.0.1 (jax and jaxlib 0.10.2, flax 0.12.8, gymnasium 1.3.0, numpy 2.4.6, Python 3.11): MountainCarContinuous-v0
# has no left wall. Gymnasium's car that reaches position -1.2 stands still there; gymnax's keeps its speed, held at
# -1.2, until slope and engine have used it up: the line that stops the car asks for the goal instead of the left end.
# The usual rule, full force in the direction of the velocity, pushes at the end of the track for 63 steps. So returns
# and lengths of the two are not comparable. gymnax's MountainCar-v0, with discrete actions, has the wall.
# Guessed: the same episode in both, but for float32.
# Helps: after each step, velocity = 0 in the state where position is min_position and velocity is under 0.
#
# Output seen (1: one step to the left from -1.19 at speed 0.05; 2: from -0.5, force by the sign of the velocity):
#   MountainCar-v0: velocity at the left end: gymnasium 0.000, gymnax 0.000
#   MountainCarContinuous-v0: velocity at the left end: gymnasium 0.000, gymnax -0.049
#   gymnasium: 106 steps, 1 at the left end, return 89.4
#   gymnax: 169 steps, 63 at the left end, return 83.1
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q gymnax==1.0.1 jax==0.10.2 jaxlib==0.10.2 flax==0.12.8 gymnasium==1.3.0 \
  numpy==2.4.6 six==1.17.0  # gymnax imports six without asking for it.
JAX_PLATFORMS=cpu "$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import gymnasium
import gymnax
import jax
import numpy as np

KEY = jax.random.key(0)


def theirs(name, position, velocity):
    environment = gymnasium.make(name)
    environment.reset(seed=0)
    environment.unwrapped.state = np.array([position, velocity])

    def step(action):
        observation, reward, terminated, truncated, _ = environment.step(action)
        return observation, float(reward), terminated or truncated

    return step


def ours(name, position, velocity):
    environment, parameters = gymnax.make(name)
    compiled = jax.jit(environment.step_env)
    _, state = environment.reset(KEY, parameters)
    state = state.replace(position=np.float32(position), velocity=np.float32(velocity))

    def step(action):
        nonlocal state
        observation, state, reward, over, _ = compiled(KEY, state, action, parameters)
        return np.asarray(observation), float(reward), bool(over)

    return step


packages = {"gymnasium": theirs, "gymnax": ours}
for name, left in (("MountainCar-v0", 0), ("MountainCarContinuous-v0", np.full(1, -1, np.float32))):
    found = [f"{package} {make(name, -1.19, -0.05)(left)[0][1] + 0.0:.3f}" for package, make in packages.items()]
    print(f"{name}: velocity at the left end:", ", ".join(found))
for package, make in packages.items():
    step, velocity, total, steps, wall, over = make(name, -0.5, 0.0), 0.0, 0.0, 0, 0, False
    while not over:
        observation, reward, over = step(np.full(1, 1 if velocity >= 0 else -1, np.float32))
        velocity, total, steps = float(observation[1]), total + reward, steps + 1
        wall += observation[0] <= np.float32(-1.2)
    print(f"{package}: {steps} steps, {wall} at the left end, return {total:.1f}")
PYTHON
cat "$folder/output"
diff <(grep -A4 '^# Output seen' "$script" | tail -4 | cut -c5-) "$folder/output"
