"""Everything that decides how a model is trained, and the zoo's choice for each name."""

import dataclasses
import math
import typing
from typing import Any

from zoo.core.errors import DamagedCheckpointError
from zoo.core.json_files import coerce
from zoo.models import DT_MS, TAU_MS, V_TH, NetworkConfig
from zoo.registry.families import ModelName, families, family_of
from zoo.registry.methods import find_method, method_names, method_of
from zoo.registry.names import parse
from zoo.registry.settings import POSITIVE, Rule, as_float32, at_least, check, setting, settings_of

_TAU_MS = Rule(
    lambda taus: len(taus) in (1, 2) and all(DT_MS < as_float32(tau) < math.inf for tau in taus),
    f"1 or 2 values over {DT_MS:g}, and finite, as float32",
)
_FIRST_SEED = Rule(lambda seed: 0 <= seed <= 2**31, "from 0 to 2^31")  # Draws know 2^32 of them.
_SEEDS = Rule(lambda seeds: 1 <= seeds <= 2**20, "from 1 to 2^20")  # A list is made of them.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings of one training: those that all methods share, the task's, and the method's own.

    The task's and the method's may be read as if they were the recipe's: ``recipe.population``.

    Attributes:
        method: how it is trained.
        task: options of the task, or None where it has none.
        settings: the method's own, or None.
    """

    method: str = "pgpe"
    seeds: int = setting(5, "number of training seeds; each has random weights of its own.", _SEEDS)
    first_seed: int = setting(0, "the first training seed; the others follow it.", _FIRST_SEED)
    generations: int = setting(1000, "updates of what is searched or learned.", at_least(1))
    tau_ms: tuple[float, ...] = setting(
        (TAU_MS,),
        "initial membrane time constant in ms: one value, or two ends of a log-uniform spread.",
        _TAU_MS,
        unit="ms",
    )
    v_th: float = setting(V_TH, "initial threshold, in volts.", POSITIVE, unit="V")
    normalise_observations: bool = setting(False, "by the running statistics of the population's live steps.")
    observation_clip: float = setting(5.0, "bound of normalised observations, in standard deviations.", POSITIVE)
    task: Any = None
    settings: Any = None

    def __post_init__(self):
        check(self)
        find_method(self.method).check(self)

    def __getattr__(self, name: str) -> Any:
        """Settings of the task and of the method, by the names that recipes give them."""
        for part in (self.__dict__.get("settings"), self.__dict__.get("task")):
            if name in settings_of(part):
                return getattr(part, name)
        raise AttributeError(f"a recipe by {self.__dict__.get('method')} has no `{name}`")

    @property
    def training_seeds(self) -> tuple[int, ...]:
        """All of them; what becomes of one does not depend on which others are trained with it."""
        return tuple(range(self.first_seed, self.first_seed + self.seeds))

    @property
    def open_ended(self) -> bool:
        """Whether the beginning of a longer training is a shorter one: no rate falls towards the last generation."""
        return find_method(self.method).open_ended(self)

    def flat(self) -> dict[str, Any]:
        """All settings by name, the method first."""
        parts = ((self, ("seeds", "generations")), (self.settings, None), (self, None), (self.task, None))
        named = [(part, name) for part, names in parts for name in names or settings_of(part)]
        return {"method": self.method} | {name: getattr(part, name) for part, name in named}


def override(recipe: Recipe, **changes: Any) -> Recipe:
    """A recipe with some settings changed, whosever they are.

    Raises:
        ValueError: if a setting does not exist, or its value has another type or is out of range.
    """
    parts = {"settings": recipe.settings, "task": recipe.task}
    for part, value in parts.items():
        own = {name: changes.pop(name) for name in settings_of(value) if name in changes}
        if own:
            changes[part] = dataclasses.replace(value, **_coerced(type(value), own))
    if unknown := sorted(set(changes) - set(_COMMON) - set(parts)):
        raise ValueError(f"a recipe by {recipe.method} has no `{unknown[0]}`; it has {', '.join(recipe.flat())}")
    common = {name: changes.pop(name) for name in _COMMON if name in changes}
    return dataclasses.replace(recipe, **_coerced(Recipe, common), **changes)


_COMMON = ("method", *settings_of(Recipe))


def _coerced(kind: type, values: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {name: coerce(hints[name], value, name) for name, value in values.items()}


def make_recipe(name: str | ModelName, **values: Any) -> Recipe:
    """A recipe for the model of that name, with the defaults of its method and task but for these values.

    Raises:
        ValueError: if a setting does not exist there, or its value has another type or is out of range.
    """
    model = parse(name) if isinstance(name, str) else name
    family = family_of(model.task)
    method = find_method(values.pop("method", family.method(model)))
    settings, options = method.settings.get(family.kind), family.options
    blank = Recipe(method=method.name, settings=settings and settings(), task=options and options())
    return override(blank, **values)


def default_recipe(name: str | ModelName) -> Recipe:
    """The recipe with which the zoo trains the model of that name: its method's defaults, as its family changes them.

    docs/memory.md, docs/recipes-cartpole.md, docs/brax-trials.md, docs/gradients.md and docs/images.md tell what was
    tried.
    """
    model = parse(name) if isinstance(name, str) else name
    return make_recipe(model, **{**method_of(model).defaults, **family_of(model.task).recipe(model)})


def all_settings() -> dict[str, tuple[Any, dataclasses.Field]]:
    """Type and field of every setting that some recipe has, by name: what `zoo train` takes."""
    kinds: list[Any] = [Recipe]
    for method in map(find_method, method_names()):
        kinds += method.settings.values()
    kinds += [family.options for family in families()]
    found: dict[str, tuple[Any, dataclasses.Field]] = {}
    for kind in kinds:
        hints = {} if kind is None else typing.get_type_hints(kind)
        for name, field in settings_of(kind).items():
            found.setdefault(name, (hints[field.name], field))
    return found


def read_recipe(value: dict, name: str | ModelName, where: str) -> Recipe:
    """A recipe from JSON.

    Raises:
        DamagedCheckpointError: naming the field that is missing, unknown, of another type or out of range.
    """
    model = parse(name) if isinstance(name, str) else name
    value = dict(value)
    parts = {part: value.pop(part, None) or {} for part in ("settings", "task")}
    if not all(isinstance(part, dict) for part in parts.values()):
        raise DamagedCheckpointError(f"{where}: `settings` and `task` must be JSON objects")
    if missing := [field for field in ("seeds", "generations", "observation_clip") if field not in value]:
        raise DamagedCheckpointError(f"{where}: `recipe` lacks {', '.join(missing)}")
    try:
        return make_recipe(model, **{**value, **parts["settings"], **parts["task"]})
    except (TypeError, ValueError) as error:
        raise DamagedCheckpointError(f"{where}: {error}") from error


def upgraded(flat: dict, model: ModelName) -> dict:
    """A recipe of schema 1, in which all methods' and tasks' settings stood side by side, as one of schema 2.

    Settings of other methods and tasks said nothing, and go; those that a version did not have yet are the defaults.
    """
    family = family_of(model.task)
    method = find_method(flat.get("method", family.method(model)))
    kinds = {"settings": method.settings.get(family.kind), "task": family.options}
    parts = {part: {n: flat[n] for n in settings_of(kind) if n in flat} for part, kind in kinds.items()}
    return {n: flat[n] for n in _COMMON if n in flat} | {"method": method.name} | parts


def make_network_config(model: ModelName, task: Any, recipe: Recipe) -> NetworkConfig:
    """Shape and trained parts of the network that the name asks for, on that task."""
    return NetworkConfig(
        inputs=task.observation_size,
        hidden=model.hidden(task.observation_size, task.action_size),
        outputs=task.action_size,
        trained=model.trained,
        tau_ms=recipe.tau_ms,
        v_th=recipe.v_th,
    )


def task_options(model: ModelName, recipe: Recipe) -> dict[str, Any]:
    """Fields of the task's dataclass that the recipe decides."""
    fields = settings_of(family_of(model.task).task_class)
    return {field.name: getattr(recipe, name) for name, field in fields.items()}


def make_recipe_task(model: ModelName, recipe: Recipe) -> Any:
    """The task as the recipe trains it."""
    return family_of(model.task).make_task(model.task, **task_options(model, recipe))
