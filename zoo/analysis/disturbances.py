"""How return falls with noise in observations, weights and properties, and with lesioned neurons."""

import dataclasses
from collections.abc import Mapping, Sequence

import jax
import numpy as np
from jaxtyping import Float

from zoo.analysis.firing import played_task
from zoo.analysis.interventions import stacked_parts
from zoo.core.progress import track
from zoo.evaluation.episodes import evaluate_parts
from zoo.evaluation.statistics import interval_95
from zoo.models import PROPERTIES, WEIGHTS
from zoo.store.zoo_model import ZooModel
from zoo.tasks import Task
from zoo.tasks.base import Step
from zoo.tasks.observations import ObservationStats, std

LEVELS = {
    "observations": (0.0, 0.05, 0.1, 0.2, 0.4, 0.8),
    "weights": (0.0, 0.05, 0.1, 0.2, 0.4, 0.8),
    "properties": (0.0, 0.02, 0.05, 0.1, 0.2, 0.4),
    "lesions": (0.0, 0.05, 0.1, 0.2, 0.4, 0.8),
}
UNITS = {
    "observations": "noise (units of the network's input)",
    "weights": "noise (std of the weights)",
    "properties": "noise (V; x_tau and r: no unit)",
    "lesions": "share of neurons removed",
}


@dataclasses.dataclass(frozen=True, slots=True)
class NoisyObservations:
    """A task whose sensors are noisy: normal noise, fresh at every step, that the physics never sees.

    Attributes:
        task: the undisturbed one.
        scale: standard deviation of the noise by component of the observation.
    """

    task: Task
    scale: tuple[float, ...]

    def __getattr__(self, name: str):
        """Everything else is the task's."""
        return getattr(object.__getattribute__(self, "task"), name)

    def _disturb(self, key, observation):
        noise = jax.random.normal(key, observation.shape, observation.dtype)
        return observation + noise * np.asarray(self.scale, observation.dtype)

    def reset(self, key, episode):
        """As the task's, with a key of its own for the noise."""
        state, observation = self.task.reset(key, episode)
        key, now = jax.random.split(jax.random.fold_in(key, episode))
        return (state, key), self._disturb(now, observation)

    def step(self, state, readout) -> Step:
        """As the task's."""
        inner, key = state
        step = self.task.step(inner, readout)
        key, now = jax.random.split(key)
        return step._replace(state=(step.state, key), observation=self._disturb(now, step.observation))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Point:
    """Networks of one model under one disturbance.

    Attributes:
        name: of the model.
        kind: key of `LEVELS`.
        level: in the unit of `UNITS`.
        means: [K] mean return of each training seed.
    """

    name: str
    kind: str
    level: float
    means: Float[np.ndarray, " K"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Robustness:
    """Points of all models, kinds and levels.

    Attributes:
        points: in order of kind, model, level.
        units: of the levels, by kind.
    """

    points: tuple[Point, ...]
    units: dict[str, str]

    def rows(self) -> list[dict]:
        """One line per point, with its 95 % interval over seeds; of one seed that is NaN."""
        rows = []
        for point in self.points:
            low, high = interval_95(point.means)
            rows.append(
                {
                    "name": point.name,
                    "disturbance": point.kind,
                    "level": point.level,
                    "seeds": len(point.means),
                    "mean": float(point.means.mean()),
                    "low": low,
                    "high": high,
                }
            )
        return rows


def disturb(parts: dict[str, np.ndarray], kind: str, level: float, rng: np.random.Generator) -> dict:
    """Networks [K, …] with noise in their weights or properties, or with lesioned neurons.

    Weights: normal noise of `level` times each matrix's own standard deviation. Properties: normal noise of
    standard deviation `level` in the units that are trained (x_tau without unit; threshold and rest in V;
    resistance in multiples of 5e7 ohm). Lesions: that share of hidden neurons loses its output.

    Raises:
        ValueError: if `kind` is none of these.
    """
    changed = dict(parts)
    if kind == "weights":
        for name in WEIGHTS:
            noise = rng.standard_normal(parts[name].shape) * parts[name].std((1, 2), keepdims=True)
            changed[name] = (parts[name] + level * noise).astype(np.float32)
    elif kind == "properties":
        for name in PROPERTIES:
            noise = level * rng.standard_normal(parts[name].shape)
            changed[name] = (parts[name] + noise).astype(np.float32)
    elif kind == "lesions":
        rank = rng.random(parts["w_out"].shape[:2]).argsort(1)
        alive = rank >= round(level * rank.shape[1])
        changed["w_out"] = parts["w_out"] * alive[..., None].astype(np.float32)
    else:
        raise ValueError(f"kind (='{kind}') must be one of weights, properties, lesions")
    return changed


def _observation_scale(model: ZooModel) -> np.ndarray:
    """Standard deviation of each component: as observed in training, or 1 where that was not recorded."""
    if model.observations is None:
        return np.ones(model.network_config.inputs)
    return np.asarray(jax.vmap(std)(ObservationStats(**model.observations))).mean(0)


def robustness(
    models: Sequence[ZooModel],
    *,
    levels: dict[str, Sequence[float]] | None = None,
    repeats: int = 3,
    episodes: int | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> Robustness:
    """Evaluates models of one task under growing disturbances.

    Args:
        models: for example a heterogeneous one and its homogeneous counterpart.
        levels: by kind; by default `LEVELS`.
        repeats: independent disturbances of each network; those of its levels are the same draws, scaled.
        episodes: per network and repeat; by default as published.
        seed: of initial states and disturbances.
        quiet: no progress bar.

    Raises:
        ValueError: if a kind is unknown, a count is below 1, the number of episodes is odd where contexts alternate,
            or the models play different tasks, or with other limits or physics, or classify images.
    """
    chosen: Mapping[str, Sequence[float]] = LEVELS if levels is None else levels
    if repeats < 1 or (episodes is not None and episodes < 1):
        raise ValueError(f"repeats (={repeats}) and episodes (={episodes}) must be at least 1")
    if unknown := sorted(set(chosen) - set(LEVELS)):
        raise ValueError(f"unknown disturbances {unknown}; known: {', '.join(LEVELS)}")
    if len(played := {_played(model) for model in models}) != 1:
        raise ValueError(f"models must share one task; these have {sorted(played)}")
    plan = [(model, kind, level) for kind in chosen for model in models for level in chosen[kind]]
    points = []
    for model, kind, level in track(plan, "robustness", quiet=quiet):
        means = [_means(model, kind, level, [seed, repeat], episodes) for repeat in range(repeats if level else 1)]
        points.append(Point(name=model.name, kind=kind, level=level, means=np.mean(means, axis=0)))
    return Robustness(points=tuple(points), units={kind: UNITS[kind] for kind in chosen})


def _played(model: ZooModel) -> str:
    """A model's task, its longest episode, and the physics where there is a choice: what its returns depend on."""
    task = played_task(model)
    backend = f", {task.backend}" if hasattr(task, "backend") else ""
    return f"{task.name} of {task.episode_limit} steps{backend}"


def _means(model: ZooModel, kind: str, level: float, seeds: list[int], episodes: int | None) -> np.ndarray:
    """Mean returns [K] of a model's networks under one disturbance."""
    task, parts = model.task(), stacked_parts(model)
    stats = ObservationStats(**model.observations) if model.observations else None
    episodes = model.evaluation["episodes"] if episodes is None else episodes
    clip = model.recipe.observation_clip
    if kind == "observations" and level:
        noisy = NoisyObservations(task, tuple(float(s) for s in level * _observation_scale(model)))
        means = []
        for k in range(len(parts["w_in"])):  # Each with noise of its own, so that networks are independent samples.
            own, own_stats = jax.tree.map(lambda values, k=k: values[k : k + 1], (parts, stats))
            own_seed = int(np.random.SeedSequence([*seeds, k]).generate_state(1)[0])
            means.append(evaluate_parts(noisy, own, own_stats, clip, episodes, own_seed)[0].mean())
        return np.array(means)
    if kind != "observations":
        parts = disturb(parts, kind, level, np.random.default_rng([*seeds, list(LEVELS).index(kind)]))
    return evaluate_parts(task, parts, stats, clip, episodes, seeds[0] + seeds[1])[0].mean(1)
