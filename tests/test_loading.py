import os
import shutil
from pathlib import Path

import jax
import numpy as np
import pooch
import pytest
from flax import nnx

import zoo
from zoo.models import Trained
from zoo.registry.names import parse
from zoo.store.loading import checkpoint_folders, find
from zoo.tasks.image_data import SETS

PUBLISHED = zoo.list_models()


def test_unpublished_but_valid_name_says_how_to_train_it():
    with pytest.raises(zoo.UnknownModelError, match="train it: zoo train hetsnn-mem7-64"):
        zoo.load("hetsnn-mem7-64")


def test_unknown_name_suggests_close_ones():
    with pytest.raises(zoo.UnknownModelError, match="did you mean hetsnn-mem25-1024"):
        zoo.load("hetsn-mem25-1024")


def test_missing_folder():
    with pytest.raises(zoo.UnknownModelError, match="there is no folder"):
        zoo.load("./nowhere")


@pytest.mark.parametrize("kind", ["text", "path object"])
def test_a_folder_here_is_not_the_published_model_of_its_name(checkpoint, monkeypatch, kind):
    here = shutil.copytree(checkpoint, checkpoint.parent / "elsewhere" / checkpoint.name)
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(checkpoint.parent))
    monkeypatch.chdir(here.parent)
    model = zoo.load(f"./{here.name}" if kind == "text" else here.relative_to(here.parent))
    assert model.source == str(model.path) == str(here)
    monkeypatch.chdir(here)
    assert zoo.load(model.source).path == here


def test_environment_variable_comes_before_the_bundled(checkpoint, monkeypatch):
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(checkpoint.parent))
    assert find("hetsnn-mem5-32") == checkpoint
    assert "hetsnn-mem5-32" in zoo.list_models()
    assert checkpoint_folders()[0] == checkpoint.parent


def test_wildcards_and_tasks(checkpoint, monkeypatch):
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(checkpoint.parent))
    assert zoo.list_models("hetsnn-*-32") == ["hetsnn-mem5-32"]
    assert zoo.list_models("hetsnn-*-32", task="mem") == ["hetsnn-mem5-32"]
    assert zoo.list_models("hetsnn-*-32", task="mem25") == []
    assert zoo.list_models("homsnn-*-32") == []


def test_folders_that_are_no_models_are_not_listed(checkpoint, monkeypatch):
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(checkpoint.parent))
    before = zoo.list_models()
    shutil.copytree(checkpoint, checkpoint.with_name("hetsnn-mem5-32.bak"))
    assert zoo.list_models() == before
    with pytest.raises(zoo.UnknownModelError, match="train it"):
        zoo.load("hetsnn-mem6-32")


def test_one_seed(checkpoint):
    model, one = zoo.load(str(checkpoint)), zoo.load(str(checkpoint), seed=1)
    assert (model.seeds, one.seeds) == ((0, 1), (1,))
    np.testing.assert_array_equal(one.trained["r"], model.trained["r"][1:])
    np.testing.assert_array_equal(one.parts()["w_in"], model.parts(1)["w_in"])
    with pytest.raises(ValueError, match="training seed 7"):
        zoo.load(str(checkpoint), seed=7)


def test_what_a_network_observes_is_what_it_saw_in_its_episode(checkpoint):
    model = zoo.load("hetsnn-cartpole500-1024")
    seen = zoo.analysis.record(model, 3, episode=1, steps=2).inputs
    _, observation = model.task().reset(jax.random.fold_in(jax.random.key(0), 1), 1)
    np.testing.assert_allclose(model.observe(observation, seed=3), seen[0], rtol=1e-5)
    assert not np.allclose(model.observe(observation, seed=4), seen[0])
    assert model.observe(np.full((2, 5, 4), 1e9)).max() == model.config["recipe"]["observation_clip"]
    np.testing.assert_array_equal(zoo.load(str(checkpoint)).observe([0.5, 2.0, 3.0]), [0.5, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"shape \(3,\); its last axis must be 4"):
        model.observe(observation[:3])


def test_network_is_an_nnx_module_with_the_trained_values(checkpoint):
    model = zoo.load(str(checkpoint))
    _, trained, _ = nnx.split(model.network(1), Trained, ...)
    for name, value in nnx.to_pure_dict(trained).items():
        np.testing.assert_array_equal(value, model.trained[name][1])
    assert model.neurons(0)["tau_ms"].shape == (8,)
    assert "hetsnn-mem5-32" in repr(model)


IN_BRAX = ("hetsnn-ant-4096", "homsnn-hp-1024")
"""Models of robots, in space and in the plane, that are measured in Brax's own step: a minute to compile for each."""


def has_images(task):
    """Whether the test images are on this machine: these tests download none."""
    data, named = SETS[task], os.environ.get("ZOO_DATA_DIR")
    places = [*([Path(named)] if named else []), pooch.os_cache("hetsnn-zoo")]
    files = [data.folder + "/" + kind["test"].name for kind in (data.images, data.labels)]
    return all(any((place / file).is_file() for place in places) for file in files)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_model_loads_and_does_what_it_claims(name):
    if parse(name).family == "image" and not has_images(parse(name).task):
        zoo.load(name)
        pytest.skip("loaded; its accuracy needs the images, in $ZOO_DATA_DIR or where they are downloaded to")
    result = zoo.verify(name, compiled=name not in IN_BRAX)
    assert result.holds, result.problem


def test_something_is_published():
    assert {"hetsnn-mem25-1024", "homsnn-mem25-1024"} <= set(PUBLISHED)


def test_a_folder_of_a_name_that_is_none_is_pointed_at(checkpoint, monkeypatch):
    monkeypatch.chdir(checkpoint.parent)
    checkpoint.rename("mine")
    with pytest.raises(zoo.UnknownModelError, match=r"'mine'.*here is \.[/\\\\]mine"):
        zoo.load("mine")
    assert zoo.load("./mine").name == "hetsnn-mem5-32"


def test_a_surrogate_is_one(checkpoint):
    with pytest.raises(TypeError, match=r"such as Surrogate\('arctan'\)"):
        zoo.load(checkpoint).network(surrogate="arctan")


def test_a_seed_is_a_whole_number_of_any_kind(checkpoint):
    model = zoo.load(str(checkpoint))
    alone = model.select(np.int64(1))
    assert type(alone.seeds[0]) is int and alone.seeds == (1,)
    with pytest.raises(ValueError, match=r"training seed 1\.0 is not among"):
        model.select(1.0)
    state = model.network(1).initial_state(np.int64(3))
    assert state.v.shape == (3, model.network_config.hidden)
