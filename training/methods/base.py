"""What the engine asks of a training method: PGPE (`evolution`) or gradients (`gradients`)."""

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float

from zoo.core.seeds import check_seed
from zoo.models import PROPERTIES, WEIGHTS, NetworkConfig
from zoo.registry.recipe import Recipe
from zoo.tasks.observations import ObservationStats, empty


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Start:
    """What runs begin with, in place of fresh networks. Leading axis R.

    Attributes:
        trained: the trained parts, by name.
        observations: observation statistics, or None to begin without any.
    """

    trained: Mapping[str, Float[np.ndarray, "R ..."]]
    observations: ObservationStats | None = None

    @property
    def kind(self) -> str:
        """What it has, in words."""
        return "parameters" if self.observations is None else "parameters and statistics"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Runs of one shape: the network, the recipe and the seeds.

    Attributes:
        config: of all networks.
        recipe: of all runs, but for `varying`.
        seeds: one a run.
        varying: names of numbers of the recipe that differ between the runs, with a value for each run.
        readout_gain: factor on readouts before the task's own, for evolution: groups of other gains can share a task.
        start: what the runs begin with, by default Table 4's properties or LeCun weights.
    """

    config: NetworkConfig
    recipe: Recipe
    seeds: tuple[int, ...]
    varying: tuple[tuple[str, tuple[float, ...]], ...] = ()
    readout_gain: float = 1.0
    start: Start | None = None

    def __post_init__(self):
        for seed in self.seeds:
            check_seed(seed, "training seed")
        for name, values in self.varying:
            if len(values) != len(self.seeds):
                raise ValueError(f"`{name}` varies over {len(values)} values; there are {len(self.seeds)} runs")

    def numbers(self, name: str) -> Float[np.ndarray, " R"]:
        """A number of the recipe, for each run; NaN where the recipe has None, or no such number."""
        values = dict(self.varying).get(name, (getattr(self.recipe, name, None),) * len(self.seeds))
        return np.asarray(values, np.float32)

    @property
    def frozen_names(self) -> tuple[str, ...]:
        """Parts of the network that are not trained."""
        return tuple(n for n in PROPERTIES + WEIGHTS if n not in self.config.trained)

    def initial_parts(self) -> dict[str, Float[np.ndarray, "R ..."]]:
        """All parts of the networks before training, stacked over the runs."""
        drawn = [self.config.initial(seed) for seed in self.seeds]
        parts = {name: np.stack([parts[name] for parts in drawn]) for name in drawn[0]}
        return parts if self.start is None else parts | dict(self.start.trained)

    def frozen(self) -> dict[str, Float[np.ndarray, "R ..."]]:
        """The parts that are not trained, stacked over the runs."""
        parts = self.initial_parts()
        return {name: parts[name] for name in self.frozen_names}

    def initial(self) -> Float[np.ndarray, "R D"]:
        """Flat trained parameters before training."""
        parts, runs = self.initial_parts(), range(len(self.seeds))
        return np.stack(
            [self.config.flatten({name: parts[name][run] for name in self.config.trained}) for run in runs]
        )

    def initial_stats(self) -> ObservationStats:
        """Observation statistics [R] before training."""
        if self.start is not None and self.start.observations is not None:
            return self.start.observations
        runs = (len(self.seeds),)
        return jax.tree.map(lambda x: np.zeros(runs + x.shape, x.dtype), empty(self.config.inputs))


def make_hyper(kind: Any, group: Group, absent: dict[str, np.ndarray | float]) -> Any:
    """A method's settings: a NamedTuple of arrays [R] from the fields of the same names of the recipe.

    Args:
        kind: of the NamedTuple.
        group: whose runs these are.
        absent: values for fields that the recipe leaves at None.

    Raises:
        ValueError: if the runs vary in something else.
    """
    if unknown := [name for name, _ in group.varying if name not in kind._fields]:
        raise ValueError(f"runs can vary in {', '.join(kind._fields)}; not in {', '.join(unknown)}")
    values = {name: group.numbers(name) for name in kind._fields}
    for name, value in absent.items():
        values[name] = np.where(np.isnan(values[name]), np.float32(value), values[name])
    return kind(**values)


class RunsMethod(abc.ABC):
    """How runs learn. Arrays of a group's states, constants and metrics have a leading axis R of runs.

    Attributes:
        metrics: NamedTuple of arrays [R]; its fields are the columns of training.csv. `mean` and `best`
            are the returns that the progress bar shows, fields that begin with ``nan_`` count what was not finite.
        in_lanes: whether its programs profit from `Task.cpu_options`.
    """

    metrics: type
    in_lanes: bool = False

    def __init__(self, task: Any, shards: int):
        """For what all runs train on; `shards` devices share a run."""
        self.task, self._shards = task, shards

    @staticmethod
    @abc.abstractmethod
    def splits(group: Group) -> int:
        """What the number of devices that share a run must divide: members, episodes or images."""

    def notes(self, groups: Sequence[Group]) -> list[str]:
        """What a user should know of how these groups are computed here, where it is not as their recipes say."""
        return []

    @abc.abstractmethod
    def constants(self, group: Group) -> Any:
        """Host arrays that training does not change."""

    @abc.abstractmethod
    def init(self, group: Group) -> Any:
        """Host arrays of everything that changes, before the first generation."""

    def generation(
        self, groups: list[Group], states: list, constants: list, arrays: Any, *, merged: bool
    ) -> tuple[list, list]:
        """One generation of some groups side by side, traced inside a mesh (runs, members).

        By default each group's `_update`.

        Args:
            groups: whose runs these are; R is the number of this device's.
            states: of the groups.
            constants: of the groups.
            arrays: the task's data.
            merged: whether the groups should share one large batch, which an accelerator wants, or be kept
                in blocks that suit a CPU's cache.

        Returns:
            The next states, and `metrics` of each group.
        """
        results = [self._update(*args, arrays, merged) for args in zip(groups, states, constants, strict=True)]
        updated, metrics = zip(*results, strict=True)
        return list(updated), list(metrics)

    def _update(self, group: Group, state: Any, constants: Any, arrays: Any, merged: bool) -> tuple[Any, Any]:
        """One generation of one group: its next state, and its `metrics`."""
        raise NotImplementedError

    def _own(self, values: Array, axis: int) -> Array:
        """This device's part along an axis."""
        if self._shards == 1:
            return values
        axis = axis % values.ndim
        size = values.shape[axis] // self._shards
        return jax.lax.dynamic_slice_in_dim(values, jax.lax.axis_index("members") * size, size, axis)

    def _gather(self, values: Array, axis: int) -> Array:
        """All devices' parts along an axis."""
        return jax.lax.all_gather(values, "members", axis=axis % values.ndim, tiled=True)

    @abc.abstractmethod
    def parameters(self, state: Any) -> Float[Array, "R D"]:
        """The trained parameters that are published."""

    def stats(self, state: Any) -> ObservationStats:
        """Observation statistics; by default the state's ``stats``."""
        return ObservationStats(*state.stats)

    def milestones(self, generations: int) -> tuple[int, ...]:
        """Generations of a whole training, in order, at which the loop records `activity`; most methods name none."""
        return ()

    def activity(self, group: Group, parameters: Float[np.ndarray, "R D"]) -> list[tuple]:
        """Rows of activity.csv but for their generation; asked only of a method that names milestones.

        Args:
            group: whose runs these are.
            parameters: what `parameters` gives, on the host.
        """
        return []

    @abc.abstractmethod
    def totals(self, state: Any) -> dict:
        """Numbers of a whole training for config.json: ``env_steps`` a run, counts of NaN."""

    def population(self, group: Group, state: Any, last: list[float]) -> list[float]:
        """What is published of the population that a run ended with, for each seed; by default the curve's last mean.

        Args:
            group: whose runs these are.
            state: of the group, on the host.
            last: what the curve says of the last generation.
        """
        return last
