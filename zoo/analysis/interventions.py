"""Interventions on trained networks: which matters, the distribution or which neuron has which value?"""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float

from zoo.analysis.firing import played_task
from zoo.analysis.paired import PairedTest, paired_test
from zoo.core.errors import ZooError
from zoo.core.progress import track
from zoo.evaluation.episodes import evaluate_parts
from zoo.models import DT_MS, PROPERTIES, TAU_MS, V_TH, WEIGHTS, tau_ms_from_x, x_tau_from_ms
from zoo.store.zoo_model import ZooModel
from zoo.tasks.observations import ObservationStats

_Parts = dict[str, np.ndarray]
_Change = Callable[[_Parts, np.random.Generator], _Parts]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """Networks after one intervention.

    Attributes:
        kind: what was done: ``trained`` (nothing), ``reset``, ``shuffled``, ``drawn``, ``mouse``, ``human``.
        target: the property that it was done to, or ``all``.
        means: [K] mean return of each training seed, over repeats.
        against_trained: paired test, this - trained; None for ``trained`` itself.
    """

    kind: str
    target: str
    means: Float[np.ndarray, " K"]
    against_trained: PairedTest | None

    def row(self, name: str) -> dict:
        """One line of the table."""
        test = self.against_trained
        return {
            "name": name,
            "kind": self.kind,
            "target": self.target,
            "seeds": len(self.means),
            "mean": float(self.means.mean()),
            "worst": float(self.means.min()),
            "difference": test.difference if test else None,
            "difference_low": test.interval[0] if test else None,
            "difference_high": test.interval[1] if test else None,
            "wilcoxon_p": test.p if test else None,
        }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Interventions:
    """All interventions on one model.

    Attributes:
        name: of the model.
        episodes, repeats: per network and intervention; episodes are the same for all interventions.
        outcomes: the first one is the network as trained.
        start: what a reset puts properties back to.
    """

    name: str
    episodes: int
    repeats: int
    outcomes: tuple[Outcome, ...]
    start: str

    def rows(self) -> list[dict]:
        """One line per intervention."""
        return [outcome.row(self.name) for outcome in self.outcomes]


def stacked_parts(model: ZooModel) -> _Parts:
    """All parts of a model's networks, [K, …]."""
    parts = [model.parts(seed) for seed in model.seeds]
    return {name: np.stack([one[name] for one in parts]) for name in PROPERTIES + WEIGHTS}


def reset(name: str, default: Float[np.ndarray, " hidden"]) -> _Change:
    """Puts a property back to what fresh networks begin with (`NetworkConfig.initial`)."""

    def change(parts, rng):
        return parts | {name: np.broadcast_to(default, parts[name].shape).astype(np.float32)}

    return change


def shuffled(*names: str) -> _Change:
    """Permutes properties across the neurons of each network; several of them by one permutation.

    The distributions stay exactly as they were (jointly, for several); which neuron has which value does not.
    """

    def change(parts, rng):
        order = np.stack([rng.permutation(row) for row in np.tile(np.arange(_hidden(parts)), (_seeds(parts), 1))])
        return parts | {name: np.take_along_axis(parts[name], order, 1) for name in names}

    return change


_REDRAWS = 1000
"""After as many what is still too short gets the least value: of a fit at the time step itself there is no other."""


def drawn(name: str) -> _Change:
    """Replaces a property by draws from the distribution fitted to each network.

    Log-normal for time constants (redrawn where not above the time step), normal for the others.
    """

    def change(parts, rng):
        values = np.asarray(parts[name], np.float64)
        values = np.log(tau_ms_from_x(values)) if name == "x_tau" else values
        centre, spread = values.mean(1, keepdims=True), values.std(1, keepdims=True)
        sample = centre + spread * rng.standard_normal(values.shape)
        if name == "x_tau":
            least = DT_MS * (1 + 1e-6)
            for _ in range(_REDRAWS):
                if not (short := np.exp(sample) <= least).any():
                    break
                sample = np.where(short, centre + spread * rng.standard_normal(values.shape), sample)
            sample = x_tau_from_ms(np.maximum(np.exp(sample), np.nextafter(least, np.inf)))
        return parts | {name: sample.astype(np.float32)}

    return change


def biological(tau_ms: Float[np.ndarray, " n"]) -> _Change:
    """Replaces time constants by draws, with replacement, from measured cells (those above the time step)."""
    usable = tau_ms[tau_ms > DT_MS]

    def change(parts, rng):
        return parts | {"x_tau": x_tau_from_ms(rng.choice(usable, parts["x_tau"].shape)).astype(np.float32)}

    return change


def _hidden(parts: _Parts) -> int:
    return parts["x_tau"].shape[1]


def _seeds(parts: _Parts) -> int:
    return parts["x_tau"].shape[0]


def _plan(model: ZooModel, biology: dict[str, np.ndarray]) -> Iterator[tuple[str, str, _Change]]:
    """Kind, target and change of each intervention."""
    default = model.network_config.initial(model.seeds[0])
    trained = [name for name in PROPERTIES if name in model.network_config.trained]
    for name in trained:
        yield "reset", name, reset(name, default[name])
    for name in trained:
        yield "shuffled", name, shuffled(name)
    if len(trained) > 1:
        yield "shuffled", "all", shuffled(*trained)
    for name in trained:
        yield "drawn", name, drawn(name)
    if "x_tau" in trained:
        for key, tau_ms in biology.items():
            yield key, "x_tau", biological(tau_ms)


def _start(model: ZooModel) -> str:
    """What a fresh network of a model begins with; of a model with an origin, that is not where training began."""
    config = model.network_config
    if "origin" in model.config:
        return "a fresh network's"
    usual = config.tau_ms == (TAU_MS,) and config.v_th == V_TH
    return "Table 4" if usual else "where training began"


def intervene(
    model: ZooModel,
    biology: dict[str, Float[np.ndarray, " n"]] | None = None,
    *,
    repeats: int = 5,
    episodes: int | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> Interventions:
    """Evaluates a model's networks after each intervention, on the same episodes as untouched ones.

    Args:
        model: a heterogeneous model with two training seeds or more.
        biology: time constants in ms of real cells, by key (`load_biology`); none by default.
        repeats: independent draws of each random intervention.
        episodes: per network; by default as published.
        seed: of initial states and draws.
        quiet: no progress bar.

    Raises:
        ZooError: if the model trains no neuron property.
        ValueError: if it has a single training seed, or classifies images, a count is below 1, or the number of
            episodes is odd where contexts alternate.
    """
    plan = list(_plan(model, biology or {}))
    if not plan:
        raise ZooError(f"{model.name} trains no neuron property; interventions need a heterogeneous model")
    if len(model.seeds) < 2:
        raise ValueError(f"{model.name} has one training seed; interventions are tested over two or more")
    parts, task, clip = stacked_parts(model), played_task(model), model.recipe.observation_clip
    stats = ObservationStats(**model.observations) if model.observations else None
    episodes = model.evaluation["episodes"] if episodes is None else episodes
    if repeats < 1 or episodes < 1:
        raise ValueError(f"repeats (={repeats}) and episodes (={episodes}) must be at least 1")

    def means(changed):
        return evaluate_parts(task, changed, stats, clip, episodes, seed)[0].mean(1)

    trained = means(parts)
    outcomes = [Outcome(kind="trained", target="all", means=trained, against_trained=None)]
    for row, (kind, target, change) in enumerate(track(plan, "interventions", quiet=quiet)):
        draws = 1 if kind == "reset" else repeats
        rngs = [np.random.default_rng([seed, row, draw]) for draw in range(draws)]
        result = np.mean([means(change(parts, rng)) for rng in rngs], axis=0)
        outcomes.append(Outcome(kind=kind, target=target, means=result, against_trained=paired_test(result, trained)))
    return Interventions(
        name=model.name, episodes=episodes, repeats=repeats, outcomes=tuple(outcomes), start=_start(model)
    )
