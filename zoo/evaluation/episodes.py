"""Measuring networks that play: fresh episodes, every return kept, intervals over training seeds."""

import dataclasses
import functools
import warnings
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from zoo.core.errors import ZooError
from zoo.core.forks import check_not_forked
from zoo.core.programs import make_room_for_programs
from zoo.core.seeds import check_seed
from zoo.core.single import in_single_precision
from zoo.evaluation.memory import check_episodes, check_fits
from zoo.evaluation.statistics import OverSeeds, interval_95
from zoo.models import PROPERTIES, WEIGHTS, build
from zoo.registry.families import find_family
from zoo.registry.names import parse
from zoo.tasks import Task
from zoo.tasks.compiled import begin, compiled_rollout, find_kernel
from zoo.tasks.observations import ObservationStats
from zoo.tasks.rollout import Episodes, Policies, rollout

if TYPE_CHECKING:
    from zoo.kernels.gpu import GpuStepKernel
    from zoo.kernels.play import StepKernel

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
        spike_rate: [K], mean hidden spikes per neuron and step; NaN where a kernel played, which counts none.
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
    def interval_95(self) -> tuple[float, float] | None:
        """Student's 95 % interval of the mean: over training seeds, or over the episodes of one.

        There is none of a single episode, and none over episodes that are no sample but all there are.
        """
        if len(self.means) > 1:
            return interval_95(self.means)
        if self.returns.size == 1 or _alternate(parse(self.name).task):
            return None
        return interval_95(self.returns[0])

    def __str__(self) -> str:
        networks, episodes = self.returns.shape
        ends = self.interval_95
        spread = "" if ends is None else f" (95 % interval {ends[0]:.4f} to {ends[1]:.4f})"
        rate = self.spike_rate.mean()
        spikes = f"; {rate:.3g} spikes per neuron and step" if np.isfinite(rate) else ""
        over = f"{networks} networks" if networks > 1 else f"training seed {self.training_seeds[0]}"
        return (
            f"{self.name}: mean return {self.mean:.4f}{spread} over {over}, {episodes} "
            f"episode{'s' * (episodes > 1)} each" + spikes
        )

    def to_json(self) -> dict:
        """Content of evaluation.json: `std` of the sample of training seeds, and in a seed's row of its episodes."""
        return {
            "command": f"zoo eval {self.name} --episodes {self.returns.shape[1]} --seed {self.seed}",
            "seed": self.seed,
            "episodes": self.returns.shape[1],
            "mean": self.mean,
            "std": self.std,
            "interval_95": None if (ends := self.interval_95) is None else list(ends),
            "seeds": [
                {
                    "training_seed": k,
                    "mean": float(row.mean()),
                    "std": float(row.std()),
                    "spike_rate": float(rate) if np.isfinite(rate) else None,
                    "returns": row.astype(float).tolist(),
                }
                for k, row, rate in zip(self.training_seeds, self.returns, self.spike_rate, strict=True)
            ],
        }


def _alternate(task: str) -> bool:
    """Whether a task's episodes come in pairs, by turns of either context."""
    family = find_family(task)
    return family is not None and family.even_episodes


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


_begin = jax.jit(begin, static_argnames=("kernel", "members"))
"""Apart from the episodes, as its compilation, which is the longer one, is the same for all networks."""


@functools.partial(jax.jit, static_argnames=("kernel", "clip"))
def _play_compiled(kernel: "StepKernel | GpuStepKernel", parts: dict, stats, keys, begun, clip: float) -> Episodes:
    """The same in machine code, without spikes: to a kernel, a network is a population of one."""
    networks = jax.vmap(build)({name: x[:, None] if name in PROPERTIES else x for name, x in parts.items()})
    keys = jnp.broadcast_to(keys, (len(parts["w_in"]), *keys.shape))
    return compiled_rollout(kernel, Policies(networks, keys, stats, members=1), clip=clip, begun=begun)


def initial_keys(seed: int, episodes: int) -> PRNGKeyArray:
    """Keys of the initial states that an evaluation of this seed starts from."""
    key = jax.random.key(check_seed(seed))
    return jax.random.split(jax.random.fold_in(key, _STREAM), episodes)


@in_single_precision()
def evaluate_parts(
    task: Task,
    parts: dict,
    stats: ObservationStats | None,
    clip: float,
    episodes: int,
    seed: int,
    compiled: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns [K, N], lengths [K, N] and spike rates [K] of networks stacked along a first axis K.

    Spike rates are NaN where the episodes are `compiled` and there is a kernel for the task.

    Raises:
        ValueError: if `episodes` is below 1, or odd where contexts alternate.
        ZooError: if a return is not a number.
    """
    check_not_forked()
    make_room_for_programs()
    check_episodes(episodes)
    if episodes % 2 and _alternate(task.name):
        raise ValueError(f"episodes (={episodes}) must be even on {task.name}: contexts alternate")
    on_cpu = jax.default_backend() == "cpu"
    check_fits(task, parts, episodes, at_once=1 if on_cpu else len(parts["w_in"]))
    keys = initial_keys(seed, episodes)
    kernel = _kernel(task) if compiled else None
    if kernel is not None:
        keys = keys[None]
        result = _play_compiled(kernel, parts, stats, keys, _begin(kernel, keys, 1), clip)
    else:
        result = _play(task, parts, stats, keys, clip, one_by_one=on_cpu)
    returns, lengths = (np.asarray(x[:, 0]) for x in (result.returns, result.lengths))
    if not np.isfinite(returns).all():
        raise ZooError(f"{(~np.isfinite(returns)).sum()} of {returns.size} returns are not finite numbers")
    if result.spikes is None:
        return returns, lengths, np.full(len(returns), np.nan)
    return returns, lengths, (np.asarray(result.spikes[:, 0]) * lengths).sum(1) / lengths.sum(1)


def _kernel(task: Task):
    """The compiled step of a task, or None; of a robot it is told why there is none."""
    found = find_kernel(task)
    if found.step is None and task.kernel_task is not None:
        warnings.warn(f"played by Brax's own step, not in machine code: {found.reason}", stacklevel=3)
    return found.step


def measure(
    name: str,
    task: Task,
    networks: dict[int, dict[str, np.ndarray]],
    stats: ObservationStats | None,
    clip: float,
    episodes: int | None = None,
    seed: int = 0,
    compiled: bool = False,
) -> Evaluation:
    """Plays fresh episodes with each network.

    Args:
        name: model name.
        task: what to play.
        networks: parts by name, for each training seed.
        stats: observation statistics with a leading axis of networks, or None.
        clip: bound of normalised observations.
        episodes: per network; by default as many as the task asks for.
        seed: of the initial states.
        compiled: whether physics and networks are to be machine code, where there is a kernel for the task.

    Raises:
        ValueError: if `episodes` is below 1, or odd where contexts alternate.
        ZooError: if a return is not a number.
    """
    episodes = task.evaluation_episodes if episodes is None else episodes
    stacked = {part: np.stack([parts[part] for parts in networks.values()]) for part in PROPERTIES + WEIGHTS}
    played = evaluate_parts(task, stacked, stats, clip, episodes, seed, compiled)
    return Evaluation(name, seed, tuple(networks), *played)


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


def problem(claim: dict, result: Evaluation) -> str:
    """Which networks do not reach what is published of them, as `agrees` compares; or an empty string."""
    if not np.isclose(claim["mean"], np.mean([row["mean"] for row in claim["seeds"]])):
        return f"a mean of {claim['mean']:.6g} is claimed, which its training seeds' means do not have"
    failing = [
        f"training seed {row['training_seed']} measured {returns.mean():.6g}, claimed {np.mean(row['returns']):.6g}"
        for row, returns in zip(claim["seeds"], result.returns, strict=True)
        if not agrees(returns, row["returns"]) or not np.isclose(row["mean"], np.mean(row["returns"]))
    ]
    return "; ".join(failing)
