"""What a family of tasks is to the zoo, and which families there are.

A family is one object. Names, listings, evaluation, cards, tables and figures ask it; nothing outside its own file
knows it by name. Those of the zoo are imported when first asked for; an installed package adds its own by the entry
point ``hetsnn_zoo.families``, a script by `zoo.register`.
"""

import dataclasses
import functools
import importlib
import importlib.metadata
import re
import typing
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from zoo.models.constants import PROPERTIES, WEIGHTS
from zoo.registry.interface import Interface
from zoo.registry.metrics import RETURN, Metric
from zoo.registry.settings import check, setting, settings_of

_BUILT_IN = ("zoo.tasks.memory", "zoo.tasks.cartpole", "zoo.tasks.brax", "zoo.tasks.images")
_ENTRY_POINTS = "hetsnn_zoo.families"
TAGS = MappingProxyType(dict(zip(("tau", "vth", "rest", "r"), PROPERTIES, strict=True)))
"""What names call the neurons' properties."""
KINDS = MappingProxyType({"het": "neurons", "hom": "weights", "full": "neurons and weights"})
"""What is trained, by the beginning of a name."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelName:
    """A parsed model name.

    Attributes:
        kind: ``het`` trains neuron properties, ``hom`` trains weights, ``full`` both.
        task: ``mem25``, ``cartpole500``, ``ant``, …
        budget: number of trainable parameters asked for.
        properties: the neuron properties that a heterogeneous network trains (Table 1).
        trainer: ``pgpe``, or the method that the end of the name tells: ``bp``, ….
    """

    kind: str
    task: str
    budget: int
    properties: tuple[str, ...] = PROPERTIES
    trainer: str = "pgpe"

    def __str__(self) -> str:
        tags = [] if self.properties == PROPERTIES else [t for t, p in TAGS.items() if p in self.properties]
        parts = [f"{self.kind}snn", self.task, str(self.budget), *tags]
        return "-".join(parts + ([] if self.trainer == DEFAULT_TRAINER else [self.trainer]))

    @property
    def trained(self) -> tuple[str, ...]:
        """Parts of the network that are trained."""
        return {"het": self.properties, "hom": WEIGHTS, "full": PROPERTIES + WEIGHTS}[self.kind]

    @property
    def family(self) -> str:
        """Name of the family that the task belongs to."""
        return family_of(self.task).name

    def hidden(self, inputs: int, outputs: int) -> int:
        """Width of the hidden layer that spends the budget (section 4.3, Table 3)."""
        return family_of(self.task).hidden(self, inputs, outputs)


DEFAULT_TRAINER = ModelName(kind="", task="", budget=0).trainer
"""The method of names that tell none."""


class Family:
    """Tasks of one kind: what they are called, made of, measured by, and trained with.

    To add one, inherit, fill in the attributes, write `make_task`, and `zoo.register` an object.

    Attributes:
        name: one word.
        pattern: regular expression of its tasks' names, the part of a model's name between kind and budget; no
            hyphens.
        spelling: the same for people: ``mem{N}``.
        title: what the tasks are, in two or three words.
        description: what one task asks for; ``{n}`` stands for the number in its name, ``{label}`` for `label`.
        limits: what a card warns of.
        labels: tasks as their users know them.
        metric: what models are measured by.
        kind: of its tasks, ``control`` or ``classification``.
        task_class: dataclass of its tasks; fields made by `zoo.registry.settings.setting` are options of recipes.
        tasks, budgets: those of the paper's tables and figures; other ones are as good.
        subset_budgets: those at which subsets of the trained properties are known.
        tagged: known tasks and budgets by trainer, beside the usual one.
        recipes: by trainer, a function from a name to what differs from the method's own settings.
        methods: by trainer, the method that trains it, where that is another one.
        idle: settings of methods that say nothing of its trainings.
        even_episodes: whether episodes come in pairs, which all averages need whole.
        scene: module that shows its episodes (``watch`` and ``make``), or None.
    """

    name: str
    pattern: str
    spelling: str
    title: str
    description: str = "{label}"
    limits: str = "Trained from the task's own initial states alone."
    labels: Mapping[str, str] = MappingProxyType({})
    metric: Metric = RETURN
    kind: str = "control"
    task_class: Any = None
    tasks: tuple[str, ...] = ()
    budgets: tuple[int, ...] = ()
    subset_budgets: tuple[int, ...] = ()
    tagged: Mapping[str, tuple[tuple[str, int], ...]] = MappingProxyType({})
    recipes: Mapping[str, Callable[[ModelName], dict[str, Any]]] = MappingProxyType({})
    methods: Mapping[str, str] = MappingProxyType({})
    idle: tuple[str, ...] = ("expected_reward_weight", "physics", "short_limit", "short_generations")
    even_episodes: bool = False
    scene: str | None = None

    def make_task(self, task: str, **options) -> Any:
        """The `zoo.tasks.Task` of that name.

        Args:
            task: as in a model's name.
            **options: fields of the task's dataclass.
        """
        raise NotImplementedError(f"{type(self).__name__}.make_task")

    def sizes(self, task: Any) -> tuple[int, int]:
        """Numbers of an observation and of a readout: what a network for the task has as inputs and outputs.

        Args:
            task: of `make_task`.
        """
        return task.observation_size, task.action_size

    @functools.cached_property
    def options(self) -> Any:
        """Dataclass of what a recipe decides of a task, or None where that is nothing."""
        fields, hints = settings_of(self.task_class), typing.get_type_hints(self.task_class or object)
        if not fields:
            return None
        # The same settings by the names that recipes use.
        own = [
            (name, hints[f.name], setting(f.default, f.metadata["help"], f.metadata["rule"], unit=f.metadata["unit"]))
            for name, f in fields.items()
        ]
        own_methods = {"__post_init__": check, "__reduce__": functools.partialmethod(_reduce_options, self.name)}
        return dataclasses.make_dataclass(
            f"{self.name.title()}Options", own, frozen=True, kw_only=True, namespace=own_methods
        )

    def number(self, task: str) -> int:
        """The number at the end of a task's name, or 0."""
        return int(task[len(task.rstrip("0123456789")) :] or 0)

    def label(self, task: str) -> str:
        """The task as its users know it."""
        return self.labels.get(task, task)

    def tags(self, task: str) -> tuple[str, ...]:
        """What a task is looked for by, beside its name here."""
        return ()

    def describe(self, task: str) -> str:
        """What one task asks for."""
        return self.description.format(n=self.number(task), task=task, label=self.label(task))

    def hidden(self, model: ModelName, inputs: int, outputs: int) -> int:
        """Width of the hidden layer that spends a name's budget."""
        if model.kind == "het":
            return model.budget // len(model.properties)
        of_each = inputs + outputs + (len(PROPERTIES) if model.kind == "full" else 0)
        return max(1, round(model.budget / of_each))

    def method(self, model: ModelName) -> str:
        """The method that trains a model."""
        return self.methods.get(model.trainer, model.trainer)

    def recipe(self, model: ModelName) -> dict[str, Any]:
        """Settings that differ from the method's own."""
        recipe = self.recipes.get(model.trainer)
        return {} if recipe is None else recipe(model)

    def paper_reward(self, model: ModelName) -> str | None:
        """The paper's value for a model, or None where it prints none."""
        return None

    def paper_text(self, model: ModelName) -> str:
        """What a card says that the paper has: a number, or where a curve is."""
        return self.paper_reward(model) or "not reported"

    def paper_settings(self, model: ModelName) -> dict[str, float]:
        """Numbers of a recipe that the paper names for a model."""
        return {}

    def departures(self, recipe: Any) -> list[str]:
        """Where its options are not the paper's."""
        return []

    def interface(self, model: ModelName, task: Any) -> Interface | None:
        """What observations and actions mean, and how a model is used; None where a family does not say.

        Args:
            model: name of a model.
            task: as `make_task` makes it with the options of its config.json.
        """
        return None

    def simulator(self, config: dict) -> list[str]:
        """Lines of a card on what the metric depends on besides the network, from a config.json."""
        return []


_registered: dict[str, Family] = {}


def _reduce_options(options: Any, family: str) -> tuple:
    """How another process gets them: their class is made when it is asked for, and found by its family's name."""
    return _make_options, (family, dataclasses.asdict(options))


def _make_options(family: str, fields: dict) -> Any:
    (own,) = (known for known in families() if known.name == family)
    return own.options(**fields)


def register_family(family: Family) -> Family:
    """Makes a family known to this process.

    Raises:
        ValueError: if another one has its name, or its pattern is no regular expression.
    """
    try:
        re.compile(family.pattern)
    except re.error as error:
        what = f"pattern (={family.pattern!r}) of family '{family.name}'"
        raise ValueError(f"{what} is no regular expression: {error}") from error
    if _registered.setdefault(family.name, family) is not family:
        raise ValueError(f"a family '{family.name}' is registered already; choose another name")
    return family


@functools.cache
def _built_in() -> tuple[Family, ...]:
    return tuple(importlib.import_module(module).FAMILY for module in _BUILT_IN)


@functools.cache
def _installed() -> tuple[Family, ...]:
    """Families of other packages: entry points that name a `Family`."""
    return tuple(entry.load() for entry in importlib.metadata.entry_points(group=_ENTRY_POINTS))


def families() -> tuple[Family, ...]:
    """All that are known, the zoo's own first."""
    return tuple({family.name: family for family in (*_built_in(), *_registered.values(), *_installed())}.values())


def find_family(task: str) -> Family | None:
    """The family that a task's name belongs to; other packages are asked last, when the zoo knows no such task."""
    for known in (_built_in, _registered.values, _installed):
        for family in known():
            if re.fullmatch(family.pattern, task):
                return family
    return None


def family_of(task: str) -> Family:
    """The family that a task's name belongs to.

    Raises:
        ValueError: if there is none.
    """
    family = find_family(task)
    if family is None:
        spellings = ", ".join(family.spelling for family in families())
        raise ValueError(f"unknown task '{task}'; known: {spellings}")
    return family
