#!/usr/bin/env bash
# supersuit 3.11.0 (pettingzoo 1.27.0, gymnasium 1.4.0, numpy 2.4.6, Python 3.11): two faults of frame_stack_v2, and of
# frame_stack_v1. With stack_dim=0, the order that PyTorch's convolutions want, a stack of two-dimensional frames has
# no past: the newest frame is written over all places but the last, and the last keeps its 0. Shape and type are right;
# the agent sees a still picture, in which nothing that moves has a velocity. Frames with three dimensions are right,
# and so are two-dimensional ones with stack_dim=-1.
# And in all orders it is one array that reset and step return and that the next step changes in place. What was kept of
# an episode without a copy is its last stack, as often as there were steps: in a replay buffer that is filled with
# references observation and next observation are equal, and no error says so.
# Guessed: the last n frames, oldest first; an observation stays what it was, as with Gymnasium's FrameStackObservation.
# (No issue of Farama-Foundation/SuperSuit on either was found.)
# Helps: stack_dim=-1 and np.moveaxis; a copy of each observation. pettingzoo_env_to_vec_env_v1 makes copies.
#
# Output seen (frames full of the number of the step, 0 at reset, after step 6; then, of all that was kept, the
# observations that the next one is equal to):
#   gymnasium: stack 3 4 5 6; 0 of 6 kept equal to the next
#   frame_stack_v2, stack_dim=-1, 2-D: stack 3 4 5 6; 6 of 6 kept equal to the next
#   frame_stack_v2, stack_dim=0, 2-D: stack 6 6 6 0; 6 of 6 kept equal to the next
#   frame_stack_v2, stack_dim=0, 3-D: stack 3 4 5 6; 6 of 6 kept equal to the next
#   frame_stack_v1, stack_dim=0, 2-D: stack 6 6 6 0; 6 of 6 kept equal to the next
#   two agents, frame_stack_v2, stack_dim=0, 2-D: stack 6 6 6 0; 6 of 6 kept equal to the next
#   two agents, as vectors of environments: 0 of 6 kept equal to the next
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q supersuit==3.11.0 pettingzoo==1.27.0 gymnasium==1.4.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import gymnasium
import numpy as np
import supersuit
from gymnasium.spaces import Box, Discrete
from pettingzoo import ParallelEnv

STEPS = 6


class Counter(gymnasium.Env):
    """Its frames are full of the number of the step."""

    action_space = Discrete(1)

    def __init__(self, shape):
        self.observation_space = Box(0, 255, shape, np.uint8)

    def frame(self):
        return np.full(self.observation_space.shape, self.time, np.uint8)

    def reset(self, *, seed=None, options=None):
        self.time = 0
        return self.frame(), {}

    def step(self, action):
        self.time += 1
        return self.frame(), 0.0, False, False, {}


class Counters(ParallelEnv):
    metadata = {"name": "counters"}
    render_mode = None
    possible_agents = ["one", "two"]

    def __init__(self, shape):
        self.one = Counter(shape)

    def observation_space(self, agent):
        return self.one.observation_space

    def action_space(self, agent):
        return self.one.action_space

    def every(self, value):
        return {agent: value for agent in self.agents}

    def reset(self, seed=None, options=None):
        self.agents = list(self.possible_agents)
        return self.every(self.one.reset()[0]), self.every({})

    def step(self, actions):
        frame, reward, *ended = self.one.step(0)
        return self.every(frame), self.every(reward), self.every(False), self.every(False), self.every({})


def show(title, env, agent=None, axis=0, stack=True):
    def seen(answer):
        return answer[0] if agent is None else answer[0][agent]

    kept, act = [seen(env.reset())], 0
    for _ in range(STEPS):
        if isinstance(env, ParallelEnv):
            act = {agent: 0 for agent in env.agents}
        elif hasattr(env, "num_envs"):
            act = np.zeros(env.num_envs, int)
        kept.append(seen(env.step(act)))
    equal = sum(np.array_equal(*pair) for pair in zip(kept, kept[1:]))
    frames = "stack " + " ".join(str(frame.max()) for frame in np.moveaxis(kept[-1], axis, 0)) + "; " if stack else ""
    print(f"{title}: {frames}{equal} of {STEPS} kept equal to the next")


flat, deep = (3, 3), (1, 3, 3)
show("gymnasium", gymnasium.wrappers.FrameStackObservation(Counter(flat), 4))
show("frame_stack_v2, stack_dim=-1, 2-D", supersuit.frame_stack_v2(Counter(flat), 4), axis=-1)
show("frame_stack_v2, stack_dim=0, 2-D", supersuit.frame_stack_v2(Counter(flat), 4, stack_dim=0))
show("frame_stack_v2, stack_dim=0, 3-D", supersuit.frame_stack_v2(Counter(deep), 4, stack_dim=0))
show("frame_stack_v1, stack_dim=0, 2-D", supersuit.frame_stack_v1(Counter(flat), 4, stack_dim=0))
agents = supersuit.frame_stack_v2(Counters(flat), 4, stack_dim=0)
show("two agents, frame_stack_v2, stack_dim=0, 2-D", agents, agent="one")
vectors = supersuit.pettingzoo_env_to_vec_env_v1(supersuit.frame_stack_v2(Counters(flat), 4))
show("two agents, as vectors of environments", vectors, stack=False)
PYTHON
cat "$folder/output"
diff <(grep -A8 '^# Output seen' "$script" | tail -7 | cut -c5-) "$folder/output"
