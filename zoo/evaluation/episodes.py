"""Measuring models: fresh episodes, every return kept, intervals over training seeds."""

import dataclasses
import functools
import os

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from zoo.core.errors import ZooError
from zoo.core.seeds import check_seed
from zoo.evaluation.images import ImageEvaluation, evaluate_images
from zoo.evaluation.memory import check_fits
from zoo.evaluation.statistics import OverSeeds, interval_95
from zoo.models import PROPERTIES, WEIGHTS, build
from zoo.store.loading import load
from zoo.store.zoo_model import ZooModel
from zoo.tasks import Task
from zoo.tasks.images import ImageTask
from zoo.tasks.observations import ObservationStats
from zoo.tasks.rollout import Episodes, Policies, rollout

_STREAM = 0x5A00  # Keeps evaluation's initial states apart from training's of the same seed.


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Evaluation(OverSeeds):
    """Returns of a model's networks.

    Attributes:
        name: model name.
        seed: of the episodes' initial states.
        training_seeds: [K].
        returns: [K, N], every episode's return.
        lengths: [K, N], every episode's steps.
        spike_rate: [K], mean hidden spikes per neuron and step.
    """

    name: str
    seed: int
    training_seeds: tuple[int, ...]
    returns: Float[np.ndarray, "K N"]
    lengths: Float[np.ndarray, "K N"]
    spike_rate: Float[np.ndarray, " K"]

    @property
    def means(self) -> Float[np.ndarray, " K"]:
        """Mean return of each training seed."""
        return self.returns.mean(axis=1)

    @property
    def interval_95(self) -> tuple[float, float]:
        """Student's 95 % interval of the mean: over training seeds, or over the episodes of one."""
        return interval_95(self.means if len(self.means) > 1 else self.returns[0])

    def __str__(self) -> str:
        low, high = self.interval_95
        networks, episodes = self.returns.shape
        over = f"{networks} networks" if networks > 1 else f"training seed {self.training_seeds[0]}"
        return (
            f"{self.name}: mean return {self.mean:.4f} (95 % interval {low:.4f} to {high:.4f}) over {over}, "
            f"{episodes} episodes each; {self.spike_rate.mean():.3g} spikes per neuron and step"
        )

    def to_json(self) -> dict:
        """Content of evaluation.json: `std` of the sample of training seeds, and in a seed's row of its episodes."""
        return {
            "command": f"zoo eval {self.name} --episodes {self.returns.shape[1]} --seed {self.seed}",
            "seed": self.seed,
            "episodes": self.returns.shape[1],
            "mean": self.mean,
            "std": self.std,
            "interval_95": list(self.interval_95),
            "seeds": [
                {
                    "training_seed": k,
                    "mean": float(row.mean()),
                    "std": float(row.std()),
                    "spike_rate": float(rate),
                    "returns": row.astype(float).tolist(),
                }
                for k, row, rate in zip(self.training_seeds, self.returns, self.spike_rate, strict=True)
            ],
        }


@functools.partial(jax.jit, static_argnames=("task", "clip", "one_by_one"))
def _play(task: Task, parts: dict, stats, keys, clip: float, one_by_one: bool) -> Episodes:
    """Episodes [K, 1, N] of K networks that start from the same states."""

    def play(parts, stats):
        networks = jax.vmap(build)(parts)
        runs = networks.w_in.shape[0]
        policies = Policies(networks, jnp.broadcast_to(keys, (runs, 1, *keys.shape)), stats, members=1)
        (episodes,) = rollout(task, [policies], clip=clip, count_spikes=True)
        return episodes

    if not one_by_one:
        return play(parts, stats)

    def single(pair):
        return jax.tree.map(lambda x: x[0], play(*jax.tree.map(lambda x: x[None], pair)))

    return jax.lax.map(single, (parts, stats))


def evaluate(
    model: ZooModel | str | os.PathLike, *, episodes: int | None = None, seed: int = 0
) -> Evaluation | ImageEvaluation:
    """Plays fresh episodes with each training seed's network, without exploration noise.

    All networks start from the same `episodes` initial states, drawn from `seed` apart from training's. An image
    model classifies the test images instead, all of them.

    Args:
        model: a loaded model, or what `load` takes.
        episodes: per network; by default as many as the published evaluation has.
        seed: of the initial states.

    Raises:
        ValueError: if `episodes` is below 1; for an image model, if it is not the number of test images, or `seed`
            is not 0.
        DataNotFoundError: if the test images are not on this machine and cannot be downloaded.
        ZooError: if a return is not a number, which no published model's is.
    """
    model = model if isinstance(model, ZooModel) else load(model)
    if isinstance(model.task(), ImageTask):
        return _evaluate_images(model, episodes, seed)
    episodes = model.evaluation["episodes"] if episodes is None else episodes
    parts = [model.parts(k) for k in model.seeds]
    stacked = {name: np.stack([p[name] for p in parts]) for name in PROPERTIES + WEIGHTS}
    stats = model.observations and ObservationStats(**model.observations)
    result = evaluate_parts(model.task(), stacked, stats, model.config["recipe"]["observation_clip"], episodes, seed)
    return Evaluation(model.name, seed, model.seeds, *result)


def _evaluate_images(model: ZooModel, episodes: int | None, seed: int) -> ImageEvaluation:
    if episodes not in (None, model.evaluation["episodes"]) or seed != 0:
        raise ValueError(
            f"{model.name} is measured on all {model.evaluation['episodes']:,} test images; "
            f"episodes (={episodes}) and seed (={seed}) do not apply"
        )
    return evaluate_images(model.name, model.task(), {k: model.parts(k) for k in model.seeds})


def initial_keys(seed: int, episodes: int) -> PRNGKeyArray:
    """Keys of the initial states that an evaluation of this seed starts from."""
    key = jax.random.key(check_seed(seed))
    return jax.random.split(jax.random.fold_in(key, _STREAM), episodes)


def evaluate_parts(
    task: Task, parts: dict, stats: ObservationStats | None, clip: float, episodes: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns [K, N], lengths [K, N] and spike rates [K] of networks stacked along a first axis K."""
    on_cpu = jax.default_backend() == "cpu"
    check_fits(task, parts, episodes, at_once=1 if on_cpu else len(parts["w_in"]))
    result = _play(task, parts, stats, initial_keys(seed, episodes), clip, one_by_one=on_cpu)
    returns, lengths, spikes = (np.asarray(x[:, 0]) for x in (result.returns, result.lengths, result.spikes))
    if not np.isfinite(returns).all():
        raise ZooError(f"{(~np.isfinite(returns)).sum()} of {returns.size} returns are not finite numbers")
    return returns, lengths, (spikes * lengths).sum(1) / lengths.sum(1)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether a model still does what its card says.

    Attributes:
        name: model name.
        claimed, measured: mean over training seeds.
        holds: whether every training seed's network reaches again what is published of it.
        problem: why not, or an empty string.
    """

    name: str
    claimed: float | None
    measured: float | None
    holds: bool
    problem: str = ""

    def __str__(self) -> str:
        if not self.holds:
            return f"FAILS  {self.name}: {self.problem}"
        return f"holds  {self.name}: measured {self.measured:.6g}, claimed {self.claimed:.6g}"


def verify(name: str) -> Verification:
    """Loads a published model and measures again, with the command that its card names.

    Each network is compared with what is published of itself (`agrees`); images are compared by number.
    """
    try:
        model = load(name)
        claim = model.evaluation
        result = evaluate(model, episodes=claim["episodes"], seed=claim["seed"])
        problem = _image_problem(claim, result) if isinstance(model.task(), ImageTask) else _problem(claim, result)
        claimed = claim["mean"]
    except (ZooError, KeyError, TypeError, ValueError) as error:
        return Verification(name=name, claimed=None, measured=None, holds=False, problem=str(error))
    return Verification(name=model.name, claimed=claimed, measured=result.mean, holds=not problem, problem=problem)


_ROUNDING = 1e-3
_FEW = 10


def agrees(measured: Float[np.ndarray, " N"], published: Float[np.ndarray, " N"]) -> bool:
    """Whether one network's returns can be the published ones, from the same initial states.

    Chaotic physics takes other turns on other machines, which differ in the last bits. So the means may differ
    by four standard errors, and by a thousandth for what standard errors do not see. Of fewer than ten episodes
    there is no standard error to speak of, and only the thousandth is granted.
    """
    measured, published = np.asarray(measured, np.float64), np.asarray(published, np.float64)
    if measured.shape != published.shape:
        return False
    error = np.sqrt((measured.var() + published.var()) / len(published)) if len(published) >= _FEW else 0.0
    slack = _ROUNDING * max(1.0, abs(published.mean()))
    return abs(measured.mean() - published.mean()) <= 4 * error + slack


def _problem(claim: dict, result: Evaluation) -> str:
    """Which networks do not reach what is published of them."""
    if not np.isclose(claim["mean"], np.mean([row["mean"] for row in claim["seeds"]])):
        return f"a mean of {claim['mean']:.6g} is claimed, which its training seeds' means do not have"
    failing = [
        f"training seed {row['training_seed']} measured {returns.mean():.6g}, claimed {np.mean(row['returns']):.6g}"
        for row, returns in zip(claim["seeds"], result.returns, strict=True)
        if not agrees(returns, row["returns"]) or not np.isclose(row["mean"], np.mean(row["returns"]))
    ]
    return "; ".join(failing)


def _image_problem(claim: dict, result: ImageEvaluation) -> str:
    """An image model's right answers must be the published ones, class by class, and its means theirs."""
    if [row["correct_per_class"] for row in claim["seeds"]] != result.correct.tolist():
        published = sum(sum(row["correct_per_class"]) for row in claim["seeds"])
        return f"{result.correct.sum():,} right answers; {published:,} are published"
    if not np.isclose(claim["mean"], result.mean) or not np.allclose(
        [row["mean"] for row in claim["seeds"]], result.means
    ):
        return f"a mean of {claim['mean']:.6g} is claimed; its right answers are {result.mean:.6g} %"
    return ""
