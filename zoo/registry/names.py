"""The grammar of model names: ``{het|hom}snn-{task}-{budget}[-{properties}][-bp]``.

A name is an interface: everything else about a model (shapes, recipe, files) follows from it.
"""

import dataclasses
import difflib
import fnmatch
import itertools
import re
import reprlib

from zoo.core.errors import UnknownModelError
from zoo.models.neuron import PROPERTIES

BRAX_TASKS = ("ant", "hc", "hp", "wal")
IMAGE_TASKS = ("mnist", "fmnist")
IMAGE_HIDDEN = {4096: 5, 8192: 10, 16384: 21, 32768: 42}  # Table 3's counts, homogeneous networks.

LARGEST_NUMBER = 100_000
"""In a task's name, and of an option of a task: a hundred times the longest episode of the paper's."""
_LARGEST_BUDGET = 2**24
_LONGEST = 96

_TASK = rf"mem[1-9]\d*|cartpole[1-9]\d*|{'|'.join(BRAX_TASKS + IMAGE_TASKS)}"
_TAGS = dict(zip(("tau", "vth", "rest", "r"), PROPERTIES, strict=True))
_NAME = re.compile(rf"(het|hom)snn-({_TASK})-([1-9]\d*)((?:-(?:tau|vth|rest|r))*)(-bp)?")
_SUBSETS = tuple(
    "".join(f"-{tag}" for tag in chosen) for n in (1, 2, 3) for chosen in itertools.combinations(_TAGS, n)
)
_GRADIENTS = (*((f"cartpole{limit}", 1024) for limit in (100, 200, 500, 1000)), *((t, 32768) for t in IMAGE_TASKS))
KNOWN = tuple(
    f"{kind}snn-{task}-{budget}"
    for tasks, budgets in (
        (("mem5", "mem10", "mem15", "mem20", "mem25", "mem50", "mem100"), (1024,)),
        (("cartpole100", "cartpole200", "cartpole500", "cartpole1000"), (1024,)),
        (BRAX_TASKS, (1024, 2048, 4096, 8192, 16384, 32768)),
        (IMAGE_TASKS, tuple(IMAGE_HIDDEN)),
    )
    for kind in ("het", "hom")
    for task in tasks
    for budget in budgets
)
KNOWN += tuple(f"hetsnn-{task}-16384{subset}" for task in BRAX_TASKS for subset in _SUBSETS)
KNOWN += tuple(f"{kind}snn-{task}-{budget}-bp" for kind in ("het", "hom") for task, budget in _GRADIENTS)
"""The names of the paper's tables and figures; the grammar allows many more."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelName:
    """A parsed model name.

    Attributes:
        kind: ``het`` trains neuron properties, ``hom`` trains weights.
        task: ``mem25``, ``cartpole500``, ``ant``, …
        budget: number of trainable parameters asked for.
        properties: the neuron properties that a heterogeneous network trains (Table 1).
        trainer: ``pgpe`` or ``bp``.
    """

    kind: str
    task: str
    budget: int
    properties: tuple[str, ...] = PROPERTIES
    trainer: str = "pgpe"

    def __str__(self) -> str:
        tags = [] if self.properties == PROPERTIES else [t for t, p in _TAGS.items() if p in self.properties]
        parts = [f"{self.kind}snn", self.task, str(self.budget), *tags]
        return "-".join(parts + (["bp"] if self.trainer == "bp" else []))

    @property
    def family(self) -> str:
        """``mem``, ``cartpole``, ``brax`` or ``image``."""
        if self.task in BRAX_TASKS:
            return "brax"
        return "image" if self.task in IMAGE_TASKS else self.task.rstrip("0123456789")

    def hidden(self, inputs: int, outputs: int) -> int:
        """Width of the hidden layer that spends the budget (section 4.3, Table 3)."""
        if self.kind == "het":
            return self.budget // len(self.properties)
        if self.task in IMAGE_TASKS and self.budget in IMAGE_HIDDEN:
            return IMAGE_HIDDEN[self.budget]
        return max(1, round(self.budget / (inputs + outputs)))


def parse(name: str) -> ModelName:
    """Reads a model name.

    Raises:
        UnknownModelError: naming the closest known models.
    """
    match = _NAME.fullmatch(name) if name.isascii() and len(name) <= _LONGEST else None
    if match is None:
        name = reprlib.repr(name)[1:-1]  # It may be anything.
        close = difflib.get_close_matches(name, KNOWN, n=3, cutoff=0.4)
        raise UnknownModelError(
            f"unknown model name '{name}'; "
            + (f"did you mean {', '.join(close)}? " if close else "")
            + "Names read {het|hom}snn-{task}-{budget}[-{tau,vth,rest,r}][-bp], "
            "for example hetsnn-mem25-1024; `zoo list` shows the published ones."
        )
    kind, task, budget, tags, bp = match.groups()
    if int(budget) > _LARGEST_BUDGET or int(re.sub(r"\D", "", task) or 0) > LARGEST_NUMBER:
        raise UnknownModelError(
            f"'{name}' is larger than any model of the zoo: the number in a task's name is at most "
            f"{LARGEST_NUMBER:,}, a budget at most {_LARGEST_BUDGET:,}"
        )
    properties = PROPERTIES
    if tags:
        named = tags[1:].split("-")
        properties = tuple(prop for tag, prop in _TAGS.items() if tag in named)
        parsed_tags = [tag for tag in _TAGS if tag in named]
        if kind == "hom" or named != parsed_tags or properties == PROPERTIES:
            fix = str(ModelName(kind="het", task=task, budget=int(budget), properties=properties)) + (bp or "")
            raise UnknownModelError(f"unknown model name '{name}'; did you mean {fix}?")
    if kind == "het" and int(budget) < len(properties):
        raise UnknownModelError(
            f"'{name}': a budget of {budget} is less than one neuron's {len(properties)} trained properties"
        )
    return ModelName(kind=kind, task=task, budget=int(budget), properties=properties, trainer="bp" if bp else "pgpe")


def expand(pattern: str) -> list[str]:
    """Names for the training of a pattern: comma-separated names, or shell wildcards over `KNOWN`.

    Raises:
        UnknownModelError: if a name is not one, or a pattern matches nothing.
    """
    names = []
    for part in pattern.split(","):
        if any(sign in part for sign in "*?["):
            matches = [name for name in KNOWN if fnmatch.fnmatchcase(name, part)]
            if not matches:
                raise UnknownModelError(f"no model of the paper's tables matches '{part}'; name it in full")
            names += matches
        else:
            names.append(str(parse(part)))
    return list(dict.fromkeys(names))
