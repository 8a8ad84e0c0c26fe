"""What stands around a network and decides its return: statistics, clip, gain, action map, time step."""

from typing import Any

import numpy as np

from zoo.interchange.graph import DT_S
from zoo.store.zoo_model import ZooModel
from zoo.tasks import Task
from zoo.tasks.actions import is_choice
from zoo.tasks.brax import ENVIRONMENTS, BraxTask
from zoo.tasks.cartpole import CartPole
from zoo.tasks.images import ImageTask
from zoo.tasks.memory import MemoryLength
from zoo.tasks.observations import std

FORMAT = 1
UNITS = "seconds, volts; resistances are multiples of 5e7 ohm, currents of 20 nA, so that r times current is in volts"

_ROOT = ("x", "z", "pitch")
_JOINTS = {
    "hp": ("thigh", "leg", "foot"),
    "wal": ("thigh", "leg", "foot", "left thigh", "left leg", "left foot"),
    "hc": ("back thigh", "back shin", "back foot", "front thigh", "front shin", "front foot"),
    "ant": ("hip 1", "ankle 1", "hip 2", "ankle 2", "hip 3", "ankle 3", "hip 4", "ankle 4"),
}
_ANT_PLACES = ("z", "orientation w", "orientation x", "orientation y", "orientation z")
_ANT_RATES = (
    "velocity x",
    "velocity y",
    "velocity z",
    "angular velocity x",
    "angular velocity y",
    "angular velocity z",
)


_FREE = {"ant": (_ANT_PLACES, _ANT_RATES)}
"""Places and rates of the root, where it is not planar."""


def observation_order(task: Task) -> tuple[str, ...]:
    """What each number of an observation is; of a task that is not the zoo's, its place."""
    if isinstance(task, ImageTask):
        return tuple(f"pixel {row},{column}" for row in range(28) for column in range(28))
    if task.name in _JOINTS:
        joints = _JOINTS[task.name]
        places, rates = _FREE.get(task.name, (_ROOT[1:], tuple(f"rate of {place}" for place in _ROOT)))
        return (*places, *joints, *rates, *(f"rate of {joint}" for joint in joints))
    if isinstance(task, CartPole):
        return ("cart position", "cart velocity", "pole angle", "pole angular velocity")
    if isinstance(task, MemoryLength):
        return ("time left", "query", "context")
    return tuple(f"observation {place}" for place in range(task.observation_size))


def environment(task: Task) -> str:
    """The environment in words."""
    if isinstance(task, BraxTask):
        name = task.environment_name or ENVIRONMENTS[task.name]
        return f"Brax {name}, backend {task.backend}, at most {task.limit} steps"
    if isinstance(task, ImageTask):
        return f"{task.name}: images of 28x28 pixels, each a constant current for {task.steps} steps"
    return f"{task.name}: at most {task.episode_limit} steps"


def describe(model: ZooModel, seed: int | None = None) -> dict[str, Any]:
    """Everything that a policy needs beside its network, in types that NIR, safetensors and ONNX can hold.

    Args:
        model: a loaded model.
        seed: training seed, by default the first.
    """
    task, stats = model.task(), model.observation_stats(seed)
    entries = {
        "format": FORMAT,
        "model": model.name,
        "training_seed": model.seeds[0] if seed is None else seed,
        "dt_s": DT_S,
        "units": UNITS,
        "task": task.name,
        "environment": environment(task),
        "observation_order": ", ".join(observation_order(task)),
        "licence": "Apache-2.0",
    } | _actions(task)
    if stats is None:
        return entries | {"normaliser": "none: observations as they are"}
    return entries | {
        "normaliser": "outside: clip((observation - observation_mean) / observation_std, +-observation_clip)",
        "observation_mean": np.asarray(stats.mean, np.float32),
        "observation_std": np.asarray(std(stats), np.float32),
        "observation_count": float(stats.count),
        "observation_m2": np.asarray(stats.m2, np.float32),
        "observation_clip": model.recipe.observation_clip,
    }


def _actions(task: Task) -> dict[str, Any]:
    """How the readout becomes an action."""
    if isinstance(task, BraxTask):
        inner = "clip(action_gain * readout, -1, 1)" if task.action_map == "clip" else "tanh(action_gain * readout)"
        played = {"backend": task.backend, "episode_limit": task.limit}
        return {"action_map": inner, "action_gain": float(task.action_gain)} | played
    if isinstance(task, ImageTask):
        return {
            "action_map": f"argmax of the readout's mean over {task.steps} steps",
            "steps": task.steps,
            "input_gain": float(task.input_gain),
        }
    if is_choice(task):
        return {"action_map": "argmax(readout)"}
    return {"action_map": f"{task.name}'s own, which this file does not hold"}
