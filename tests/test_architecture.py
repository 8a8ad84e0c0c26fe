"""The house has floors: a module imports from its own floor or from below, and never in a circle."""

import ast
import sys
import warnings
from importlib import import_module
from pathlib import Path

import pytest

from zoo.moved import MOVED

ROOT = Path(__file__).parent.parent
SOURCES = {"zoo": ROOT / "zoo", "zoo.models": ROOT / "models", "zoo.training": ROOT / "training"}
FLOORS = (
    ("zoo.core", "zoo.models"),
    ("zoo.registry", "zoo.kernels"),
    ("zoo.tasks",),
    ("zoo.store",),
    ("zoo.evaluation",),
    ("zoo.training",),
    ("zoo.analysis", "zoo.drawing", "zoo.gymnasium_tasks", "zoo.interchange", "zoo.rendering"),
    ("zoo.report",),
    ("zoo.cli", "zoo"),
)
"""From the ground up. Packages of one floor may use each other, as long as no circle of files comes of it."""


def modules():
    """Source files by module name."""
    found = {}
    for package, folder in SOURCES.items():
        for path in folder.rglob("*.py"):
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join((package, *(part for part in parts if part != "__init__")))] = path
    return found


MODULES = modules()


def imported(path):
    """Modules of this package that a file imports, at its top or inside of functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in names}
    return {name for name in found if name.split(".")[0] == "zoo"}


GRAPH = {name: imported(path) - {name} for name, path in MODULES.items()}


def floor(module):
    """Which one a module stands on: that of the longest package named."""
    numbers = {package: number for number, packages in enumerate(FLOORS) for package in packages}
    while module not in numbers:
        module = module.rpartition(".")[0]
    return numbers[module]


def test_every_import_is_of_a_module_that_exists():
    assert not {(name, other) for name, others in GRAPH.items() for other in others if other not in MODULES}


def test_no_module_imports_from_a_higher_floor():
    assert len(FLOORS) <= 9
    upward = [(name, other) for name, others in GRAPH.items() for other in others if floor(other) > floor(name)]
    assert not upward


def test_no_circle_of_modules():
    left = {name: set(others) for name, others in GRAPH.items()}
    while free := {name for name, others in left.items() if not others}:
        left = {name: others - free for name, others in left.items() if name not in free}
    assert not left


@pytest.mark.parametrize("old", sorted(MOVED))
def test_modules_that_moved_import_under_their_old_names_with_a_warning(old, monkeypatch):
    monkeypatch.delitem(sys.modules, old, raising=False)
    with pytest.warns(DeprecationWarning, match=f"'{old}' is now '{MOVED[old]}'"):
        module = import_module(old)
    assert module is import_module(MOVED[old])


@pytest.mark.parametrize(
    "package", ["zoo", "zoo.analysis", "zoo.evaluation", "zoo.models", "zoo.tasks", "zoo.training"]
)
def test_public_names_are_there(package):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Of names that have moved.
        module = import_module(package)
        assert all(getattr(module, name) is not None for name in module.__all__)


def test_a_loaded_models_class_is_where_it_was():
    from zoo.store import loading, zoo_model

    assert loading.ZooModel is zoo_model.ZooModel


LONG = {
    "zoo.tasks.lanes": "one rule for each of JAX's primitives",
    "zoo.kernels.primitives": "one rule for each of JAX's primitives",
    "zoo.kernels.programs": "one pass over a program after another",
    "zoo.kernels.scalars": "one rule for each operation",
    "zoo.tasks.rollout.rollout": "the loop's parts share its groups",
    "zoo.training.methods.ppo_collect.collect": "one step, part by part",
    "zoo.interchange.importing.import_nir": "one checkpoint, part by part",
}
"""What may be longer than others, and why."""


def test_modules_and_functions_are_short():
    long = {name for name, path in MODULES.items() if len(path.read_text(encoding="utf-8").splitlines()) > 300}
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 60:
                long.add(f"{name}.{node.name}")
    assert long <= set(LONG)
