"""What every family and every method that is registered must do; and that nothing else knows them by name."""

import ast
import inspect
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from image_files import tiny_sets
from test_loop import state_bytes

import zoo
from zoo.registry.families import families
from zoo.registry.methods import find_method, method_names, tags
from zoo.registry.names import known_names, parse
from zoo.registry.recipe import all_settings, default_recipe, make_recipe, override, read_recipe
from zoo.registry.settings import settings_of
from zoo.training import train
from zoo.training.methods.base import RunsMethod
from zoo.training.run.engine import Engine

ROOT = Path(__file__).parent.parent
SMALL = {"mem": "mem5", "cartpole": "cartpole9", "brax": "hp", "image": "mnist"}
TINY = {"seeds": 1, "generations": 2, "population": 4, "batch": 4, "episode_limit": 3, "block_neurons": 2}
TINY |= {"environments": 4, "steps": 4, "minibatches": 2, "epochs": 1, "critic_layers": (4,)}
PAIRS = [
    ("full" if (family.name, trainer) == ("brax", "bp") else "het", family.name, trainer)
    for family in families()
    for trainer in ("pgpe", *tags())
    if family.kind in find_method(family.methods.get(trainer, trainer)).implementations
]
"""Kinds, families, and the trainers that a name can ask for."""


def tiny_recipe(model):
    """Settings of a training that takes a moment."""
    own = default_recipe(model).flat()
    return {name: value for name, value in TINY.items() if name in own}


def assert_same_bits_after_a_stop(name, whole, out, monkeypatch):
    """A training that stops after its first generation and goes on ends where one without a stop did."""
    tiny = tiny_recipe(parse(name))
    with monkeypatch.context() as patch:
        patch.setattr("zoo.training.run.export.export_run", lambda folder: folder)  # What it measures is not new.
        assert train(name, out=out, quiet=True, max_minutes=1e-9, **tiny).generations == (1,)
        assert train(name, out=out, quiet=True, **tiny).finished
    assert state_bytes(out / name) == state_bytes(whole)
    assert (out / name / "training.csv").read_bytes() == (whole / "training.csv").read_bytes()


@pytest.mark.parametrize(("kind", "family", "method"), PAIRS)
def test_every_method_trains_every_family_and_what_comes_is_a_model(kind, family, method, tmp_path, monkeypatch):
    tiny_sets(monkeypatch, tmp_path / "data")
    trainer = parse("hetsnn-mem5-32").trainer
    name = f"{kind}snn-{SMALL[family]}-32" + ("" if method == trainer else f"-{method}")
    outcome = train(name, out=tmp_path, quiet=True, **tiny_recipe(parse(name)))
    assert outcome.finished
    assert_same_bits_after_a_stop(name, outcome.folders[0], tmp_path / "stopped", monkeypatch)
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(tmp_path / "checkpoints"))
    zoo.training.export_run(outcome.folders[0], tmp_path / "checkpoints" / name)
    assert name in zoo.list_models()
    assert zoo.verify(name, compiled=True).holds
    model = zoo.load(name)
    asked, found = override(default_recipe(name), **tiny_recipe(parse(name))).flat(), model.recipe.flat()
    asked["physics"] = found["physics"] if "physics" in asked else None  # What computes it is found when it runs.
    assert {key: found.get(key) for key in asked} == asked
    text = zoo.card(name)
    assert text == zoo.card(model)
    for part in (name, *find_method(model.recipe.method).story(model), f"zoo train {name}"):
        assert part in text


@pytest.mark.parametrize("family", families(), ids=lambda family: family.name)
def test_a_family_says_what_it_is(family):
    for task in family.tasks:
        made = family.make_task(task)
        assert (made.name, made.kind) == (task, family.kind)
        assert family.label(task)
        assert family.describe(task)
    for name in (name for name in known_names() if parse(name).family == family.name):
        recipe = default_recipe(name)
        parts = {"task": vars_of(recipe.task), "settings": vars_of(recipe.settings)}
        assert read_recipe({**vars(recipe), **parts}, name, "") == recipe
        assert family.paper_text(parse(name))


def vars_of(settings):
    return {name: getattr(settings, name) for name in settings_of(settings)}


@pytest.mark.parametrize("method", [find_method(name) for name in method_names()], ids=method_names())
def test_a_method_says_what_it_is(method):
    assert method.title
    for kind in method.implementations:
        assert issubclass(method.implementation(kind), RunsMethod)
    for kind in method.implementations:
        assert set(settings_of(method.settings[kind])) <= set(all_settings())
    assert all(field.metadata["help"] for _, field in all_settings().values())


def test_settings_of_the_unknown_are_refused():
    with pytest.raises(ValueError, match="has no `momentum`"):
        make_recipe("hetsnn-mem5-32", momentum=0.9)


def own_files():
    """Those of families and methods, which may know themselves."""
    entries = [*families(), *map(find_method, method_names())]
    return {Path(inspect.getfile(type(entry))) for entry in entries}


def names():
    """Of families, of their known tasks, and of methods."""
    return {n for f in families() for n in (f.name, *f.tasks)} | set(method_names())


_MATCHES = ("startswith", "endswith", "removeprefix")


def decisions(tree):
    """Text constants in what a branch or a comparison decides by."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare | ast.MatchValue):
            yield from (c for c in ast.walk(node) if isinstance(c, ast.Constant))
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in (
            "startswith",
            "endswith",
            "removeprefix",
        ):
            yield from (c for c in ast.walk(node) if isinstance(c, ast.Constant))


def test_nothing_decides_by_a_familys_or_a_methods_name():
    known, found, own = names(), {}, own_files()
    for folder in ("zoo", "training", "models"):
        for path in (ROOT / folder).rglob("*.py"):
            if path in own:
                continue
            constants = decisions(ast.parse(path.read_text(encoding="utf-8")))
            if values := sorted({str(c.value) for c in constants if c.value in known}):
                found[path.relative_to(ROOT).as_posix()] = values
    assert not found


def test_a_subclass_keeps_its_compiler_options(monkeypatch):
    class Mine(find_method("pgpe").implementation("control")):
        pass

    engine = object.__new__(Engine)
    engine.method, engine.task = object.__new__(Mine), SimpleNamespace(cpu_options={"an": "option"})
    engine.mesh = jax.sharding.Mesh(np.array(jax.devices("cpu")[:1]), ("runs",))
    monkeypatch.setattr("jax.jit", lambda _, **options: options)
    assert engine._compile()["compiler_options"] == {"an": "option"}


def test_segments_are_no_setting_of_images():
    with pytest.raises(ValueError, match="has no `segment_steps`"):
        make_recipe("hetsnn-mnist-32768-bp", segment_steps=2)
