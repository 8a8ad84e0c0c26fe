"""How much memory a training by evolution will need, before anything is compiled; and a smaller plan that fits.

Counted per device, in numbers of 4 bytes, for R runs of P members, E episodes, D trained parameters and H neurons:

    search state    5 R D          centre, sigma, two moments of Adam, best member
    populations     (3 + 1/s) R P D    s devices share the members
    neuron states   2 R P E H
    environments    2 R P E S      S: of one environment's state
    fixed weights   R (inputs + outputs) H, and the properties that are not trained

Where runs take turns (on a CPU), R is 1 in the populations, and neurons and environments are those of a
block of members. The factors were read off XLA's own plan of the compiled program (`memory_analysis`), which
a test compares.
"""

import contextlib
import dataclasses
import math
from collections.abc import Iterator, Sequence

import jax

from zoo.core.errors import ZooError
from zoo.core.memory import available_bytes, item_bytes, size_text
from zoo.core.single import in_single_precision
from zoo.registry.families import family_of
from zoo.registry.names import parse
from zoo.tasks import Task
from zoo.tasks.base import CONTROL
from zoo.training.methods.base import Group
from zoo.training.methods.evolution import Evolution, block_count
from zoo.training.run import hosts

_BYTES = 4
_SEARCH_VECTORS = 5
_VECTORS = 4
_POTENTIALS = 2
_ENVIRONMENTS = 2
_OPTIONS = {"runs": "--seeds", "episodes": "--episodes", "members": "--population"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Of the runs of one model.

    Attributes:
        name: of the model.
        runs: training seeds.
        members: population.
        episodes: per member.
        hidden: neurons of a network.
        trained: trained parameters of a network.
        frozen: its other numbers.
        environment_bytes: state of one environment.
        least_episodes: fewest that the task allows, of which any number is a multiple: 2 where contexts alternate.
    """

    name: str
    runs: int
    members: int
    episodes: int
    hidden: int
    trained: int
    frozen: int
    environment_bytes: int
    least_episodes: int = 1

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.runs} run(s) x {self.members} members x {self.episodes} episode(s), "
            f"{self.hidden:,} neurons, {self.trained:,} trained parameters"
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """How an engine spreads its work.

    Attributes:
        by_run, by_member: devices along the two axes of its mesh.
        merged: whether all runs advance side by side, or take turns.
        sharing: how many of the devices share one memory (CPU cores), else 1.
    """

    by_run: int = 1
    by_member: int = 1
    merged: bool = False
    sharing: int = 1


def count_bytes(models: Sequence[Sizes], devices: Devices) -> dict[str, int]:
    """Bytes by use, in each memory; see the module's table."""
    lasting, passing = [], []
    for model in models:
        runs = math.ceil(model.runs / devices.by_run)
        at_once = runs if devices.merged else 1
        own = math.ceil(model.members / devices.by_member)
        turns = 1 if devices.merged else block_count(own, at_once * model.trained)
        playing = at_once * own // turns * model.episodes
        members = (_VECTORS - 1) * model.members + own
        lasting.append((_SEARCH_VECTORS * runs * model.trained, runs * model.frozen))
        passing.append(
            (
                _BYTES * at_once * members * model.trained,
                _BYTES * _POTENTIALS * playing * model.hidden,
                _ENVIRONMENTS * playing * model.environment_bytes,
            )
        )
    if not devices.merged:
        passing = [max(passing, key=sum)]
    search, frozen = (_BYTES * sum(column) for column in zip(*lasting, strict=True))
    populations, neurons, environments = (sum(column) for column in zip(*passing, strict=True))
    uses = {
        "search states": search,
        "populations": populations,
        "neuron states": neurons,
        "environments": environments,
        "fixed weights": frozen,
    }
    return {use: number * devices.sharing for use, number in uses.items()}


def total_bytes(models: Sequence[Sizes], devices: Devices) -> int:
    """All of `count_bytes`."""
    return sum(count_bytes(models, devices).values())


def smaller_plans(models: Sequence[Sizes], devices: Devices, available: int) -> list[str]:
    """Changes that make a plan fit: several that each do alone, or else one of several options together."""

    def fits(changed):
        return total_bytes(changed, devices) <= available

    largest_first = sorted(models, key=lambda model: total_bytes([model], devices), reverse=True)
    together = [n for n in range(1, len(models)) if fits(largest_first[:n])]
    found = [f"{together[-1]} of these {len(models)} models in one call"] if together else []
    for field, option in _OPTIONS.items():
        values = [value for value in _halves(models, field) if fits(_with(models, {field: value}))]
        found += [f"{option} {value}" for value in values[:1]]
    return found or _all_together(models, fits)


def _all_together(models, fits) -> list[str]:
    """One option after the other at its least, until the plan fits."""
    changes = {}
    for field in _OPTIONS:
        for value in _halves(models, field):
            changes[field] = value
            if fits(_with(models, changes)):
                return [" ".join(f"{_OPTIONS[name]} {number}" for name, number in changes.items())]
    return []


def _halves(models, field: str) -> list[int]:
    """The largest value of a field halved again and again, down to its least, of which all are multiples."""
    least = {"members": 2, "episodes": max(model.least_episodes for model in models)}.get(field, 1)
    values, now = [], max(getattr(model, field) for model in models)
    while now > least:
        now = max(least, now // 2 // least * least)
        values.append(now)
    return values


def _with(models, changes):
    return [
        dataclasses.replace(model, **{name: min(value, getattr(model, name)) for name, value in changes.items()})
        for model in models
    ]


def describe(models: Sequence[Sizes], devices: Devices) -> str:
    """The plan's numbers."""
    uses = count_bytes(models, devices)
    where = "this machine" if devices.sharing > 1 else "each device"
    total = f"{size_text(sum(uses.values()))} on {where}: " + ", ".join(
        f"{use} {size_text(n)}" for use, n in uses.items()
    )
    return "\n".join([total, *(f"  {model}" for model in models)])


def advise(models: Sequence[Sizes], devices: Devices, available: int) -> str:
    """What would need no more than `available` bytes."""
    plans = smaller_plans(models, devices, available)
    return f"What needs at most {size_text(available)}: " + (
        "; or ".join(plans) or "only a model of a smaller budget"
    )


@in_single_precision()
def sizes_of(name: str, group: Group, task: Task) -> Sizes:
    """Sizes of a model's runs on a control task."""
    state = jax.eval_shape(task.reset, jax.random.key(0), 0)
    config = group.config
    parts = 4 * config.hidden + (config.inputs + config.outputs) * config.hidden
    return Sizes(
        name=name,
        runs=len(group.seeds),
        members=group.recipe.population,
        episodes=group.recipe.episodes,
        hidden=config.hidden,
        trained=config.trained_size,
        frozen=parts - config.trained_size,
        environment_bytes=sum(math.prod(x.shape) * item_bytes(x.dtype) for x in jax.tree.leaves(state)),
        least_episodes=2 if family_of(parse(name).task).even_episodes else 1,
    )


def _least(available: int | None) -> int | None:
    """The least of all processes' free memory, so that all come to the same plan."""
    least = hosts.gather(math.inf if available is None else available).min()
    return None if math.isinf(least) else int(least)


@contextlib.contextmanager
def within_memory(names: Sequence[str], engine) -> Iterator[None]:
    """Refuses a training that does not fit, and explains one that ran out of memory after all.

    Args:
        names: of the engine's groups.
        engine: `zoo.training.Engine` that will advance them in the block.

    Raises:
        ZooError: with the plan's numbers, and smaller ones that fit.
    """
    device = engine.mesh.local_devices[0]
    available, explained = _least(available_bytes(device)), "choose a smaller batch, or fewer seeds"
    if isinstance(engine.method, Evolution) and engine.task.kind == CONTROL:
        models = [sizes_of(name, group, engine.task) for name, group in zip(names, engine.groups, strict=True)]
        devices = Devices(
            by_run=engine.mesh.shape["runs"],
            by_member=engine.mesh.shape["members"],
            merged=engine.runs_per_block == "all",
            sharing=len(engine.mesh.local_devices) if device.platform == "cpu" else 1,
        )
        needed, explained = total_bytes(models, devices), describe(models, devices)
        if available is not None and needed > available:
            advice = advise(models, devices, available)
            raise ZooError(f"this training does not fit into memory; it needs about {explained}\n{advice}")
        explained = f"the plan was {explained}\n{advise(models, devices, needed // 2)}"
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise ZooError(f"out of memory ({str(error).splitlines()[0]}); {explained}") from error
