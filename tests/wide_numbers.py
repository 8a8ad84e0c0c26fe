"""Every family evaluates and trains a step in a process whose JAX counts in 64 bits, and looks for NaN.

Run by `test_wide_numbers`; prints what each evaluation and training came to.
"""

import json
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from image_files import tiny_sets
from test_ppo import Line, group

import zoo
from zoo.gymnasium_tasks import TaskEnv
from zoo.models import PROPERTIES, NetworkConfig
from zoo.registry.names import parse
from zoo.registry.recipe import make_recipe
from zoo.tasks import make_task
from zoo.tasks.brax import BraxTask, make_environment
from zoo.training.methods.base import Group
from zoo.training.run.engine import Engine
from zoo.training.run.runs import Run

NAMES = {
    "hetsnn-mem5-32": {"population": 4},
    "hetsnn-cartpole20-32": {"population": 4, "normalise_observations": True},
    "homsnn-cartpole20-60-bp": {"batch": 4},
    "hetsnn-mnist-32": {"population": 4, "block_neurons": 4, "batch": 10},
    "homsnn-mnist-2000-bp": {"batch": 10},
}


def finite(tree) -> bool:
    """Whether all floats are numbers of 32 bits, as whoever goes on from them expects."""
    leaves = [np.asarray(x) for x in jax.tree.leaves(tree)]
    assert all(x.dtype in (np.float32, np.int32, np.uint32, bool) for x in leaves), [x.dtype for x in leaves]
    return all(np.isfinite(x).all() for x in leaves if x.dtype == np.float32 and "inf" not in str(x))


def by_name(folder: Path) -> dict:
    """Trains, evaluates, plays step by step."""
    found = {}
    for name, changes in NAMES.items():
        run = zoo.train(name, out=folder, seeds=1, generations=1, quiet=True, **changes).folders[0]
        model = zoo.load(run / "checkpoint")
        found[name] = [zoo.evaluate(model).mean, float(sum(value.sum() for value in model.trained.values()))]
        if "mnist" not in name:
            recording = zoo.analysis.record(model)
            policy = zoo.policy(model)
            first = policy.act(np.zeros(policy.observation_size, np.float32))
            found[name] += [float(recording.readout.sum()), float(first), float(policy.readout.sum())]
    return found


def environments() -> dict:
    """A robot's physics are kept for all who come later, however whoever asks first counts."""
    first = TaskEnv("hp").observation_space
    physics = [make_environment("hp", "spring", near_frames=near) for near in (False, True)]
    leaves = [np.asarray(x) for robot in physics for x in jax.tree.leaves(robot.sys)]
    assert all(x.dtype in (np.float32, np.int32, bool) for x in leaves), {x.dtype for x in leaves}
    run = Run(model=parse("hetsnn-hp-32"), recipe=make_recipe("hetsnn-hp-32"), folder=Path())
    return {"physics": [*first.shape, run.group(make_task("hp")).config.inputs]}


def robots() -> dict:
    """Brax's smallest robot, and PPO on a point of its own."""
    task = BraxTask("pendulum", environment_name="inverted_pendulum", limit=4)
    config = NetworkConfig(inputs=4, hidden=8, outputs=1, trained=PROPERTIES, v_th=0.1)
    recipe = make_recipe("hetsnn-hp-32", seeds=1, population=4, normalise_observations=True, physics="lanes")
    found = {}
    for name, where, runs in (
        ("pgpe", task, Group(config=config, recipe=recipe, seeds=(0,))),
        ("ppo", Line(), group(0, normalise=True)),
    ):
        engine = Engine(where, [runs], devices=jax.devices()[:1])
        (state,), (metrics,) = engine.advance(engine.init(), 1)
        assert finite(engine.method.parameters(state))
        found[name] = [float(np.asarray(engine.method.parameters(state)).sum()), float(np.asarray(metrics[0]).sum())]
    return found


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patch:
        tiny_sets(patch, Path(sys.argv[1]) / "data")
        print(json.dumps(by_name(Path(sys.argv[1])) | environments() | robots()))
