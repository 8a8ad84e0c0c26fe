"""What a method of training is to the zoo, and which methods there are.

A method is one object: names, recipes, the engine and cards ask it; nothing outside its own files knows it by name.
Those of the zoo are imported when first asked for; an installed package adds its own by the entry point
``hetsnn_zoo.methods``, a script by `zoo.register`. Its name at the end of a model's name asks for it.
"""

import functools
import importlib
import importlib.metadata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from zoo.registry.families import TAGS, Family, ModelName, family_of, register_family

_BUILT_IN = {
    "pgpe": "zoo.training.methods.pgpe_method",
    "bp": "zoo.training.methods.gradient_method",
    "ppo": "zoo.training.methods.ppo_method",
}
_TAGS = ("bp",)
"""What the ends of names call the zoo's own; without one, the first trains."""
_ENTRY_POINTS = "hetsnn_zoo.methods"


class Method:
    """A way to train networks: its settings, what computes it, and how a card tells of it.

    Attributes:
        name: in recipes, and at the end of names.
        title: as tables call it.
        implementations: by kind of task, ``module:class`` of a `zoo.training.methods.base.RunsMethod`.
        settings: by kind of task, a frozen dataclass of its settings (`zoo.registry.settings.setting`).
        defaults: settings of a recipe, where a family has no others.
        trained: what is published of a run: the search's centre, the policy, ….
        population: what a learning curve averages over; ``{samples}`` stands for episodes or images.
        step: one of its steps: ``generation`` or ``update``.
        last: what is known of the end of a training besides the published network's own metric.
        papers: what of the paper's stands beside that.
        episodes: the setting that says how many episodes are averaged over.
        drifts: whether it moves parameters that no reward selects.
    """

    name: str
    title: str
    implementations: Mapping[str, str]
    settings: Mapping[str, type] = MappingProxyType({})
    defaults: Mapping[str, Any] = MappingProxyType({})
    trained: str = "the trained network"
    population: str = "the update's {samples}"
    step: str = "generation"
    last: str = "last update's mean return"
    papers: str = "return in training"
    episodes: str = "episodes"
    drifts: bool = False

    def implementation(self, kind: str) -> type:
        """What computes it for tasks of a kind.

        Raises:
            ValueError: if nothing does.
        """
        if kind not in self.implementations:
            known = ", ".join(self.implementations)
            raise ValueError(f"method '{self.name}' is for tasks of the kind {known}; this one is of the kind {kind}")
        module, _, name = self.implementations[kind].partition(":")
        return getattr(importlib.import_module(module), name)

    def check(self, recipe: Any) -> None:
        """Raises `ValueError` where its settings and the others of a recipe do not go together."""

    def open_ended(self, recipe: Any) -> bool:
        """Whether the beginning of a longer training is a shorter one: no rate falls towards the last generation."""
        return True

    def story(self, model: Any) -> list[str]:
        """Lines of a card on how it trained a `zoo.ZooModel`."""
        done, goal = model.config["training"]["generations"], model.recipe.generations
        return [f"{self.title}, {done:,} of {goal:,} generations."]

    def curve(self, model: Any) -> str:
        """Caption of a learning curve, with ``{}`` for the last value."""
        return f"Learning curve over {model.config['training']['generations']} {self.step}s, at {{}} in the last"

    def departures(self, recipe: Any, model: ModelName) -> tuple[list[str], list[str]]:
        """Where its settings are not the paper's: what a card says first, and what last."""
        return [], []


_registered: dict[str, Method] = {}


def register(entry: Family | Method) -> None:
    """Makes a family of tasks, or a method of training, known to this process.

    Raises:
        TypeError: if it is neither.
        ValueError: if its name is taken.
    """
    if isinstance(entry, Family):
        register_family(entry)
    elif not isinstance(entry, Method):
        raise TypeError(f"{entry!r} must be an object of a class that inherits from zoo.Family or zoo.Method")
    elif entry.name in (*_BUILT_IN, *TAGS) or _registered.setdefault(entry.name, entry) is not entry:
        raise ValueError(f"a method or a property is called '{entry.name}' already; choose another name")


@functools.cache
def _installed() -> dict[str, importlib.metadata.EntryPoint]:
    return {entry.name: entry for entry in importlib.metadata.entry_points(group=_ENTRY_POINTS)}


def tags() -> tuple[str, ...]:
    """What the end of a name may be."""
    return tuple(dict.fromkeys((*_TAGS, *_registered, *_installed())))


def method_names() -> tuple[str, ...]:
    """All methods that are known, the zoo's own first."""
    return tuple(dict.fromkeys((*_BUILT_IN, *_registered, *_installed())))


def find_method(name: str) -> Method:
    """A method by its name in recipes.

    Raises:
        ValueError: if there is none.
    """
    if name in _BUILT_IN:
        return importlib.import_module(_BUILT_IN[name]).METHOD
    if name in _registered:
        return _registered[name]
    if name in _installed():
        return _installed()[name].load()
    raise ValueError(f"method (={name}) must be one of {', '.join(method_names())}")


def method_of(model: ModelName) -> Method:
    """The method that trains the model of a name."""
    return find_method(family_of(model.task).method(model))
