"""Trainings that begin with a trained model's networks: by every method, and refused where they would not be."""

import dataclasses
import json
import shutil

import jax
import numpy as np
import pytest
from image_files import tiny_sets
from test_ppo import Line
from test_ppo import group as ppo_group

import zoo
from zoo.core.errors import DamagedCheckpointError, ZooError
from zoo.models import PROPERTIES
from zoo.registry.names import parse
from zoo.registry.recipe import make_network_config, make_recipe, make_recipe_task
from zoo.report.cards import make_card
from zoo.tasks.observations import ObservationStats
from zoo.training import Group, train
from zoo.training.methods.base import Start
from zoo.training.run.engine import Engine
from zoo.training.run.loop import to_host

STILL = {"generations": 2, "seeds": 2, "population": 8, "sigma": 1e-6, "centre_lr": 1e-9, "centre_lr_final": 0.0}
"""A search that does not leave where it began."""


def start_of(config, seeds, statistics=True):
    """Networks unlike fresh ones, and statistics."""
    rng = np.random.default_rng(0)
    shapes = config.trained_shapes.items()
    trained = {name: rng.normal(size=(len(seeds), *shape)).astype(np.float32) for name, shape in shapes}
    seen = rng.random((2, len(seeds), config.inputs), np.float32)
    stats = ObservationStats(np.full(len(seeds), 9.0, np.float32), *seen)
    return Start(trained=trained, observations=stats if statistics else None)


def groups():
    """A task and a group of each method."""
    for name, changes in {
        "hetsnn-mem5-32": {"population": 8, "normalise_observations": True},
        "hetsnn-mnist-32": {"population": 8, "block_neurons": 4},
        "homsnn-mem5-32-bp": {"batch": 4, "normalise_observations": True},
        "homsnn-mnist-100-bp": {},
    }.items():
        model, recipe = parse(name), make_recipe(name, seeds=2, **changes)
        task = make_recipe_task(model, recipe)
        yield task, Group(config=make_network_config(model, task, recipe), recipe=recipe, seeds=(0, 1))
    yield Line(), ppo_group(0, 1, trained=PROPERTIES, normalise=True)


def test_every_method_begins_where_it_is_told(monkeypatch, tmp_path):
    tiny_sets(monkeypatch, tmp_path / "data")
    for task, group in groups():
        start = start_of(group.config, group.seeds)
        engine = Engine(task, [dataclasses.replace(group, start=start)], devices=jax.devices()[:1])
        (state,) = to_host(engine.init())
        for name, value in group.config.split(np.asarray(engine.method.parameters(state))).items():
            np.testing.assert_array_equal(value, start.trained[name])
        jax.tree.map(np.testing.assert_array_equal, engine.method.stats(state), start.observations)
        # Parts that are not trained are those of the seeds, as without a start.
        jax.tree.map(np.testing.assert_array_equal, dataclasses.replace(group, start=start).frozen(), group.frozen())


def test_a_training_begins_with_a_models_networks_and_says_so(tiny_run, tmp_path):
    origin = zoo.load(tiny_run / "checkpoint")
    outcome = train("hetsnn-mem10-32", out=tmp_path, quiet=True, start_from=tiny_run / "checkpoint", **STILL)
    model = zoo.load(outcome.folders[0] / "checkpoint")
    for name in PROPERTIES:
        np.testing.assert_allclose(model.trained[name], origin.trained[name], atol=1e-4)
        assert np.any(model.trained[name] != model.network_config.initial(0)[name])
    said = model.config["origin"]
    assert (said["name"], said["generations"]) == ("hetsnn-mem5-32", 4)
    assert said["manifest"].startswith("sha256:")
    card = make_card(model)
    assert "Began with the networks of `hetsnn-mem5-32` after 4 of its own generations" in card
    assert "zoo train hetsnn-mem10-32 --from hetsnn-mem5-32" in card
    with pytest.raises(ValueError, match="no control"):
        zoo.analysis.null_control(model)
    fitted = zoo.analysis.time_constants([model], biology=False, quiet=True)
    assert [series.origin for series in fitted.series] == ["trained"] and not fitted.nulls


def test_it_goes_on_without_the_model_and_from_no_other(tiny_run, tmp_path):
    origin = tmp_path / "origin"
    shutil.copytree(tiny_run / "checkpoint", origin)
    settings = {"out": tmp_path / "runs", "quiet": True, "seeds": 2, "population": 8, "generations": 40}
    whole = train("hetsnn-mem5-32", **settings | {"out": tmp_path / "whole"}, start_from=origin)
    stopped = train("hetsnn-mem5-32", **settings, start_from=origin, max_minutes=0)
    assert 0 < stopped.generations[0] < 40
    for other in (None, "hetsnn-mem5-1024"):
        with pytest.raises(ZooError, match=rf"began with those of hetsnn-mem5-32.*--from {origin}"):
            train("hetsnn-mem5-32", **settings, start_from=other)
    shutil.rmtree(origin)
    assert train("hetsnn-mem5-32", **settings, start_from=str(origin)).finished
    curves = [folder / "hetsnn-mem5-32" / "training.csv" for folder in (tmp_path / "whole", tmp_path / "runs")]
    assert curves[0].read_bytes() == curves[1].read_bytes()
    assert whole.finished


def test_a_run_of_fresh_networks_stays_one(tiny_run, tmp_path):
    shutil.copytree(tiny_run, tmp_path / "hetsnn-mem5-32")
    settings = {"out": tmp_path, "quiet": True, "seeds": 2, "population": 8, "generations": 4}
    with pytest.raises(ZooError, match="began with fresh networks"):
        train("hetsnn-mem5-32", **settings, start_from=tiny_run / "checkpoint")


def test_what_does_not_fit_is_refused_with_what_to_do(tiny_run, tmp_path):
    origin = tiny_run / "checkpoint"

    def begin(name, **changes):
        train(name, out=tmp_path, quiet=True, start_from=origin, **{"seeds": 2, "population": 8} | changes)

    with pytest.raises(ZooError, match=r"3 inputs, 8 hidden neurons and 2 outputs; hetsnn-mem5-64 has .* 16 hidden"):
        begin("hetsnn-mem5-64")
    with pytest.raises(ZooError, match=r"no network of training seed 2; its seeds are 0, 1\..*--seeds 2"):
        begin("hetsnn-mem5-32", seeds=3)
    with pytest.raises(ZooError, match=r"homsnn-mem5-40 trains w_in, w_out and leaves .*v_th.* which hetsnn-mem5-32"):
        begin("homsnn-mem5-40")
    with pytest.raises(ZooError, match="no checkpoint of 'hetsnn-mem7-64' is published"):
        train("hetsnn-mem5-64", out=tmp_path, start_from="hetsnn-mem7-64")
    assert not list(tmp_path.glob("*/state"))


def test_settings_of_what_a_network_is_are_taken_over(tmp_path):
    """The published hoppers' statistics go on; another robot of the same shape sees by its own."""
    from zoo.training.run.starts import Origin, make_start

    half = zoo.load("hetsnn-hc-4096")
    for task, gives in (("hc", True), ("wal", False)):
        name = parse(f"hetsnn-{task}-4096")
        origin = Origin.of(half, half.name, name)
        recipe = origin.recipe(make_recipe(name, seeds=3))
        assert (recipe.action_gain, recipe.normalise_observations) == (3.0, True)
        start = make_start(half, origin, name, recipe)
        assert (start.observations is not None) == gives == origin.gives_statistics(recipe)
        np.testing.assert_array_equal(start.trained["v_th"], half.trained["v_th"])
    np.testing.assert_array_equal(make_start(half, Origin.of(half, "", parse("hetsnn-hc-4096")),
                                             parse("hetsnn-hc-4096"), recipe).observations.mean,
                                  half.observations["mean"])  # fmt: skip


@pytest.mark.parametrize("origin", ["x", {"name": "hetsnn-mem5-32"}, {"name": "x", "manifest": "sha256:" + "0" * 64,
                                                                       "generations": 1}])  # fmt: skip
def test_a_checkpoint_says_of_its_origin_what_it_must(checkpoint, origin):
    from zoo.store.manifest import write_manifest

    config = json.loads((checkpoint / "config.json").read_text())
    (checkpoint / "config.json").write_text(json.dumps(config | {"origin": origin}))
    write_manifest(checkpoint)
    with pytest.raises(DamagedCheckpointError, match="`origin`"):
        zoo.load(checkpoint)
