"""A network from elsewhere as a checkpoint that `zoo.load` takes, measured on its task."""

import dataclasses
import platform
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from zoo.core.seeds import is_seed
from zoo.core.version import installed
from zoo.interchange.nir_files import read
from zoo.interchange.parts import Imported, to_parts
from zoo.models import PROPERTIES, WEIGHTS, NetworkConfig, fixed_weights
from zoo.registry.families import family_of
from zoo.registry.names import ModelName, parse
from zoo.registry.recipe import Recipe, default_recipe, make_recipe_task, override, task_options
from zoo.store.checkpoint import write_checkpoint
from zoo.tasks import Task
from zoo.tasks.base import CONTROL
from zoo.tasks.observations import ObservationStats

_NO_CLIP = 1e6
"""Standard deviations: what a normaliser that is a node cannot clip stays as it is."""

_MANY = 1e6
"""Observations that statistics from a node count for, of which the file tells no number."""


def import_nir(
    file: Path,
    target: Path,
    *,
    name: str | None = None,
    origin: str | None = None,
    dt_s: float | None = None,
    episodes: int | None = None,
) -> tuple[Path, tuple[str, ...]]:
    """Reads a NIR file, plays its network's episodes, and writes the checkpoint.

    Args:
        file: by `zoo export-nir`, or by another simulator (`zoo.interchange.parts.ORIGINS`).
        target: folder of the checkpoint.
        name: a model name, which says what the network is for; by default as the file's metadata says.
        origin: who wrote the file; by default as its metadata says, else the zoo.
        dt_s: the step that its time constants are meant for, in seconds.
        episodes: to measure, by default as many as a published evaluation has.

    Returns:
        The folder, and what was assumed, in words.

    Raises:
        ValueError: naming the node, or the metadata, that is not a zoo network's.
        ZooError: if the name is unknown, or the folder is something else.
    """
    graph = read(file)
    found = to_parts(graph, origin, dt_s)
    name = graph.metadata.get("model") if name is None else name
    if not isinstance(name, str):
        raise ValueError(
            f"{file} does not say which model it is; give a name such as hetsnn-hp-4096: it says the task"
        )
    model, seed = parse(name), _seed(graph.metadata)
    recipe = _recipe(model, graph.metadata, found)
    task = make_recipe_task(model, recipe)
    inputs, outputs = found.parts["w_in"].shape[0], found.parts["w_out"].shape[1]
    wanted = _observation_size(task), task.action_size
    if (inputs, outputs) != wanted:
        raise ValueError(
            f"the network has {inputs} inputs and {outputs} outputs; {model.task} has observations of {wanted[0]} "
            f"numbers and {wanted[1]} readouts"
        )
    config = _network_config(found.parts, seed)
    stats, clip = _statistics(graph.metadata, found, inputs), recipe.observation_clip
    stacked = {name: value[None] for name, value in found.parts.items()}
    evaluator = family_of(model.task).metric.load_evaluator()
    evaluation = evaluator.measure(str(model), task, {seed: found.parts}, stats, clip, episodes)
    params = {"trained": {name: stacked[name] for name in config.trained}}
    if stats is not None:
        params["observations"] = stats._asdict()
    document = {
        "name": str(model),
        "imported": "; ".join((file.name, *found.remarks)),
        "task": {"name": model.task, "options": task_options(model, recipe)},
        "network": dataclasses.asdict(config),
        "recipe": dataclasses.asdict(recipe),
        "seeds": [seed],
        "observations": stats is not None,
        "fixed_weights": {str(seed): fixed_weights.sha256(*(config.initial(seed)[name] for name in WEIGHTS))},
        "training": _training(config),
    }
    write_checkpoint(
        target, config=document, params=params, evaluation=evaluation.to_json(), curve="generation,seed,mean\n"
    )
    return target, found.remarks


def _observation_size(task: Task) -> int:
    """Of images, by their number of pixels; of others, by a reset that is only traced: Brax's own takes seconds."""
    if task.kind != CONTROL:
        return task.observation_size
    return jax.eval_shape(task.reset, jax.random.key(0), jnp.int32(0))[1].shape[0]


def _seed(metadata: dict) -> int:
    seed = metadata.get("training_seed", 0)
    if not is_seed(seed):
        raise ValueError(f"metadata says training_seed = {seed!r}; it must be an integer of 0 or more, below 2^32")
    return seed


def _number(metadata: dict, name: str, default: float) -> float:
    value = metadata.get(name, default)
    if not isinstance(value, (int, float)) or not np.isfinite(value):
        raise ValueError(f"metadata says {name} = {value!r}; it must be a finite number")
    return float(value)


def _recipe(model: ModelName, metadata: dict, found: Imported) -> Recipe:
    """The recipe of that name, with what the file says of observations and actions."""
    recipe = default_recipe(model)
    known = recipe.flat()
    changes: dict[str, Any] = {}
    if "observation_clip" in metadata or found.normaliser is not None:
        changes["observation_clip"] = _number(metadata, "observation_clip", _NO_CLIP)
    if "action_map" in known and "action_map" in metadata:
        changes["action_map"] = "tanh" if str(metadata["action_map"]).startswith("tanh") else "clip"
        changes["action_gain"] = _number(metadata, "action_gain", 1.0)
    for name in {"backend", "episode_limit"} & known.keys() & metadata.keys():
        changes[name] = metadata[name]
    if "input_gain" in known:
        changes["input_gain"] = _number(metadata, "input_gain", recipe.input_gain)
    return override(recipe, seeds=1, **changes)


def _network_config(parts: dict[str, np.ndarray], seed: int) -> NetworkConfig:
    """A network whose trained parts are those that neither the seed nor Table 4 stands for."""
    (inputs, hidden), outputs = parts["w_in"].shape, parts["w_out"].shape[1]
    sizes = {"inputs": inputs, "hidden": hidden, "outputs": outputs}
    drawn = NetworkConfig(**sizes, trained=("x_tau",)).initial(seed)
    own = tuple(name for name in PROPERTIES + WEIGHTS if not np.array_equal(parts[name], drawn[name]))
    return NetworkConfig(**sizes, trained=own or ("x_tau",))


def _statistics(metadata: dict, found: Imported, inputs: int) -> ObservationStats | None:
    """Observation statistics out of the metadata, where they are exact, or out of the graph's own normaliser."""
    count = np.float32(_number(metadata, "observation_count", _MANY))
    if "observation_mean" in metadata:
        mean = _vector(metadata, "observation_mean", inputs)
        default = np.square(_vector(metadata, "observation_std", inputs)) * count
        m2 = _vector(metadata, "observation_m2", inputs) if "observation_m2" in metadata else default
    elif found.normaliser is not None:
        mean, std = found.normaliser
        m2 = np.square(std) * count
    else:
        return None
    rows = (np.asarray(value, np.float32)[None] for value in (count, mean, m2))
    return ObservationStats(*rows)


def _vector(metadata: dict, name: str, size: int) -> np.ndarray:
    value = np.asarray(metadata.get(name))
    if value.shape != (size,) or value.dtype.kind not in "fiu" or not np.isfinite(value).all():
        raise ValueError(f"metadata has {name} of shape {list(value.shape)}; it must be {size} finite numbers")
    return value


def _training(config: NetworkConfig) -> dict:
    """What is known of its training: nothing."""
    return {
        "parameters": config.trained_size,
        "generations": 0,
        "env_steps": 0.0,
        "nan_members": 0,
        "population_mean": None,
        "population_std": None,
        "seconds": 0.0,
        "hardware": "elsewhere",
        "python": platform.python_version(),
        "versions": installed(),
    }
