"""Exact Shapley values of the neuron properties (section 4.3, Fig. 4), seed by seed."""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from zoo.evaluation.statistics import interval_95
from zoo.models import PROPERTIES
from zoo.registry.names import parse

Subset = frozenset[str]


def subsets(players: Sequence[str]) -> list[Subset]:
    """All subsets, from the empty one to the full one, in a stable order."""
    return [frozenset(chosen) for size in range(len(players) + 1) for chosen in itertools.combinations(players, size)]


def shapley_values(players: Sequence[str], values: Mapping[Subset, Float[np.ndarray, "*b"]]) -> dict[str, np.ndarray]:
    """Shapley's value of each player in a cooperative game (Shapley, 1953).

        phi_i = sum over S without i of  |S|! (n - |S| - 1)! / n!  (v(S + i) - v(S))

    Exact: all ``2^n`` coalitions enter, nothing is sampled. The values add up to v(all) - v(none).

    Args:
        players: names.
        values: worth of every coalition; arrays (for example one number per training seed) of one shape.

    Returns:
        A value, shaped as the worths, for each player.

    Raises:
        ValueError: if a coalition is missing.
    """
    missing = [sorted(subset) for subset in subsets(players) if subset not in values]
    if missing:
        raise ValueError(f"values lacks {len(missing)} of {2 ** len(players)} coalitions, for example {missing[0]}")
    n = len(players)
    results: dict[str, np.ndarray] = {}
    for player in players:
        others = [other for other in players if other != player]
        results[player] = sum(
            math.factorial(len(rest)) * math.factorial(n - len(rest) - 1) / math.factorial(n)
            * (np.asarray(values[rest | {player}], np.float64) - np.asarray(values[rest], np.float64))
            for rest in subsets(others)
        ) + np.zeros(())  # fmt: skip
    return results


DISTANCE = "v_th, v_rest"
"""Threshold and resting potential as one player: only their distance acts on spikes."""


def with_distance(values: Mapping[Subset, np.ndarray]) -> dict[Subset, np.ndarray]:
    """The game of three players in which threshold and resting potential enter together or not at all."""
    pair = {"v_th", "v_rest"}
    return {
        coalition - pair | ({DISTANCE} if pair <= coalition else set()): worth
        for coalition, worth in values.items()
        if len(pair & coalition) != 1
    }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contributions:
    """What each property is worth to a task.

    Attributes:
        name: of the model that trains all properties.
        generations: that each subset was trained.
        rewards: [K] mean return by subset.
        values: [K] Shapley value by property, in units of return.
        joined: the same with threshold and resting potential as one player (`DISTANCE`).
    """

    name: str
    generations: int
    rewards: Mapping[Subset, Float[np.ndarray, " K"]]
    values: dict[str, Float[np.ndarray, " K"]]
    joined: dict[str, Float[np.ndarray, " K"]]

    @property
    def task(self) -> str:
        """As in model names."""
        return parse(self.name).task

    @property
    def gain(self) -> float:
        """Mean return of the full set above that of the empty one."""
        return float(sum(self.values.values()).mean())

    @property
    def shares(self) -> dict[str, tuple[float, float, float]]:
        """Each property's share of the gain with its 95 % interval over seeds; the shares add up to 1.

        Raises:
            ValueError: if training all properties gained nothing.
        """
        if not self.gain > 0:
            raise ValueError(
                f"{self.name}: all properties together gained {self.gain:g}; shares of that mean nothing"
            )
        return {name: self._share(value) for name, value in self.values.items()}

    def _share(self, value: Float[np.ndarray, " K"]) -> tuple[float, float, float]:
        """Share of the gain, and Student's interval of it.

        The gain is measured on the same seeds, so the ratio is linearised: it errs as the mean over seeds k of
        ``(value_k - share * gain_k) / gain`` does.
        """
        share = float(value.mean() / self.gain)
        low, high = interval_95((value - share * sum(self.values.values())) / self.gain)
        return share, share + low, share + high

    def rows(self) -> list[dict]:
        """One line per player of either game: value and share of the gain with 95 % intervals over seeds.

        There are no shares (None) of a gain that is not positive.
        """
        rows = []
        for game in (self.values, self.joined):
            for name, value in game.items():
                low, high = interval_95(value)
                share = share_low = share_high = None
                if self.gain > 0:
                    share, share_low, share_high = self._share(value)
                rows.append(
                    {"name": self.name, "task": self.task, "players": len(game), "property": name,
                     "seeds": len(value), "value": float(value.mean()), "low": low, "high": high,
                     "share": share, "share_low": share_low, "share_high": share_high}
                )  # fmt: skip
        return rows

    def subset_rows(self) -> list[dict]:
        """One line per subset, as in the paper's Table 1."""
        rows = []
        for subset in subsets(PROPERTIES):
            means = self.rewards[subset]
            low, high = interval_95(means)
            rows.append(
                {"name": self.name, "task": self.task} | {name: int(name in subset) for name in PROPERTIES}
                | {"seeds": len(means), "generations": self.generations if subset else 0, "mean": float(means.mean()),
                   "std": float(means.std(ddof=1)) if len(means) > 1 else math.nan, "low": low, "high": high}
            )  # fmt: skip
        return rows


def contributions(name: str, generations: int, rewards: Mapping[Subset, Float[np.ndarray, " K"]]) -> Contributions:
    """Shapley values of the four properties from the rewards of all their subsets, seed by seed.

    Raises:
        ValueError: if a subset is missing, or the subsets have different numbers of seeds.
    """
    values = shapley_values(PROPERTIES, rewards)
    sizes = {np.shape(reward) for reward in rewards.values()}
    if len(sizes) != 1 or len(next(iter(sizes))) != 1:
        raise ValueError(f"every subset needs the same seeds; the rewards have the shapes {sorted(sizes)}")
    joined = shapley_values(("x_tau", DISTANCE, "r"), with_distance(rewards))
    return Contributions(name=name, generations=generations, rewards=dict(rewards), values=values, joined=joined)
