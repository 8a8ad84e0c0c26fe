"""The grammar of model names: ``{het|hom|full}snn-{task}-{budget}[-{properties}][-{method}]``.

A name is an interface: everything else about a model (shapes, recipe, files) follows from it.
"""

import difflib
import fnmatch
import functools
import itertools
import re
import reprlib
from collections.abc import Sequence

from zoo.core.errors import UnknownModelError
from zoo.models.constants import PROPERTIES
from zoo.registry.families import DEFAULT_TRAINER, KINDS, TAGS, ModelName, families, find_family
from zoo.registry.methods import tags

__all__ = ["ModelName", "expand", "known_names", "nearest", "parse"]

LARGEST_NUMBER = 100_000
"""In a task's name, and of an option of a task: a hundred times the longest episode of the paper's."""
_LARGEST_BUDGET = 2**24
_LONGEST = 96

_NAME = re.compile(rf"({'|'.join(KINDS)})snn-([a-z0-9_]+)-([1-9]\d*)((?:-(?:{'|'.join(TAGS)}))*)(?:-([a-z0-9_]+))?")
_SUBSETS = tuple(
    "".join(f"-{tag}" for tag in chosen) for n in (1, 2, 3) for chosen in itertools.combinations(TAGS, n)
)


@functools.cache
def _known(count: int) -> tuple[str, ...]:
    every, kinds = families(), ("het", "hom")
    names = [f"{k}snn-{t}-{b}" for family in every for k in kinds for t in family.tasks for b in family.budgets]
    names += [
        f"hetsnn-{task}-{budget}{subset}"
        for family in every
        for task in family.tasks
        for budget in family.subset_budgets
        for subset in _SUBSETS
    ]
    return (
        *names,
        *(
            f"{kind}snn-{task}-{budget}-{tag}"
            for kind in kinds
            for family in every
            for tag, cells in family.tagged.items()
            for task, budget in cells
        ),
    )


def known_names() -> tuple[str, ...]:
    """The names of the paper's tables and figures, and of other families' own; the grammar allows many more."""
    return _known(len(families()))


def parse(name: str) -> ModelName:
    """Reads a model name.

    Raises:
        UnknownModelError: naming the closest known models.
    """
    match = _NAME.fullmatch(name) if name.isascii() and len(name) <= _LONGEST else None
    if match is None or find_family(match[2]) is None or not _is_method(match[5]):
        name = reprlib.repr(name)[1:-1]  # It may be anything.
        both = (known.replace("hom", "full", 1) for known in known_names() if known.startswith("hom"))
        close = nearest(name, [*known_names(), *both])
        raise UnknownModelError(
            f"unknown model name '{name}'; "
            + (f"did you mean {', '.join(close)}? " if close else "")
            + f"Names read {{{'|'.join(KINDS)}}}snn-{{task}}-{{budget}}"
            f"[-{{{','.join(TAGS)}}}][-{{{','.join(tags())}}}], for example hetsnn-mem25-1024; "
            "`zoo list` shows the published ones."
        )
    kind, task, budget, marks, method = match.groups()
    if int(budget) > _LARGEST_BUDGET or int(re.sub(r"\D", "", task) or 0) > LARGEST_NUMBER:
        raise UnknownModelError(
            f"'{name}' is larger than any model of the zoo: the number in a task's name is at most "
            f"{LARGEST_NUMBER:,}, a budget at most {_LARGEST_BUDGET:,}"
        )
    properties: tuple[str, ...] = PROPERTIES
    trainer = method or DEFAULT_TRAINER
    if marks:
        named = marks[1:].split("-")
        properties = tuple(prop for tag, prop in TAGS.items() if tag in named)
        in_order = [tag for tag in TAGS if tag in named]
        if kind != "het" or named != in_order or properties == PROPERTIES:
            fix = ModelName(kind="het", task=task, budget=int(budget), properties=properties, trainer=trainer)
            raise UnknownModelError(f"unknown model name '{name}'; did you mean {fix}?")
    if kind == "het" and int(budget) < len(properties):
        raise UnknownModelError(
            f"'{name}': a budget of {budget} is less than one neuron's {len(properties)} trained properties"
        )
    return ModelName(kind=kind, task=task, budget=int(budget), properties=properties, trainer=trainer)


def nearest(name: str, names: Sequence[str], cutoff: float = 0.4) -> list[str]:
    """At most three names that may be meant by a wrong one, those of the same task first.

    Args:
        name: the wrong one; its task may be told as others tell it (``halfcheetah``).
        names: those that there are.
        cutoff: how alike others must be, from 0 to 1.
    """
    called, same = _called(name.lower()), []
    if called is not None:
        text, task = called
        own = [other for other in names if other.split("-")[1] == task]
        same = difflib.get_close_matches(name.lower().replace(text, task), own, n=3, cutoff=0.0)
    return list(dict.fromkeys([*same, *difflib.get_close_matches(name, names, n=3, cutoff=cutoff)]))[:3]


def _called(name: str) -> tuple[str, str] | None:
    """The longest part of a name that someone calls a task by, and that task."""
    found = [
        (text, task)
        for family in families()
        for task in family.tasks
        for text in (task, family.label(task).lower(), *family.tags(task))
        if f"-{text}-" in f"-{name}-"
    ]
    return max(found, key=lambda pair: len(pair[0]), default=None)


def _is_method(tag: str | None) -> bool:
    return tag is None or tag in tags()


def expand(pattern: str) -> list[str]:
    """Names for the training of a pattern: comma-separated names, or shell wildcards over `known_names`.

    Raises:
        UnknownModelError: if a name is not one, or a pattern matches nothing.
    """
    names = []
    for part in pattern.split(","):
        if any(sign in part for sign in "*?["):
            matches = [name for name in known_names() if fnmatch.fnmatchcase(name, part)]
            if not matches:
                raise UnknownModelError(f"no model of the paper's tables matches '{part}'; name it in full")
            names += matches
        else:
            names.append(str(parse(part)))
    return list(dict.fromkeys(names))
