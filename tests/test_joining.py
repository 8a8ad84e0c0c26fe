"""Checkpoints of one model, trained on seeds of their own, as one."""

import shutil
import types

import numpy as np
import pytest

import zoo
from zoo.cli.main import main
from zoo.core.errors import ZooError
from zoo.core.json_files import read_json
from zoo.training import join_checkpoints, make_recipe, override, train
from zoo.training.run.joining import _check_same, _training

NAME = "hetsnn-mem5-32"


@pytest.fixture(scope="module")
def parts(tiny_run, tiny, tmp_path_factory):
    """Checkpoints of seeds 0 and 1, of seed 2, and of all three."""
    out = tmp_path_factory.mktemp("parts")
    alone = train(NAME, out=out / "alone", quiet=True, **tiny | {"seeds": 1, "first_seed": 2})
    whole = train(NAME, out=out / "whole", quiet=True, **tiny | {"seeds": 3})
    return [folder / "checkpoint" for folder in (tiny_run, *alone.folders, *whole.folders)]


def test_seeds_trained_apart_are_the_model_that_they_would_have_been_together(parts, tmp_path):
    two, one, three = parts
    folder = join_checkpoints([one, two], tmp_path / NAME)
    joined, whole = zoo.load(folder), zoo.load(three)
    assert (joined.seeds, joined.recipe) == (whole.seeds, whole.recipe) == ((0, 1, 2), whole.recipe)
    for name, values in whole.trained.items():
        np.testing.assert_allclose(joined.trained[name], values, rtol=1e-5)
    assert (folder / "training.csv").read_text() == (three / "training.csv").read_text()
    assert joined.evaluation == whole.evaluation
    told, expected = (dict(model.config["training"]) for model in (joined, whole))
    expected["seconds"] = sum(zoo.load(part).config["training"]["seconds"] for part in (one, two))
    assert told == {k: pytest.approx(v) if isinstance(v, float) else v for k, v in expected.items()}
    assert {k: v for k, v in joined.config.items() if k != "training"} == {
        k: v for k, v in whole.config.items() if k != "training"
    }
    assert zoo.verify(folder).holds


def test_what_a_training_was_computed_on_and_with_is_told_of_all_parts():
    of = {"generations": 3, "python": "3.11.7", "population_mean": None, "population_std": None, "nan_gradients": 2}
    first = of | {"hardware": "1 CPU core, 1 x H200", "seconds": 2.0, "versions": {"jax": "0.10.2"}, "env_steps": 4.0}
    second = of | {"hardware": "1 CPU core", "seconds": 3.0, "versions": {"jax": "0.11.2"}, "env_steps": 1.0}
    assert _training([first, second], [2, 1]) == of | {
        "hardware": "1 CPU core, 1 x H200", "seconds": 5.0, "versions": {"jax": "0.10.2, 0.11.2"}, "env_steps": 3.0,
        "nan_gradients": 4,
    }  # fmt: skip


def test_parts_may_differ_in_what_computed_the_physics_alone():
    lanes, kernel = (make_recipe("hetsnn-hp-1024", physics=physics) for physics in ("lanes", "kernel"))
    alike = {
        "name": "hetsnn-hp-1024", "config": {"training": {"generations": 1}, "task": {}}, "network_config": None,
        "observations": None, "evaluation": {"episodes": 128},
    }  # fmt: skip
    parts = [
        types.SimpleNamespace(path=path, recipe=recipe, **alike)
        for path, recipe in (("a", lanes), ("b", kernel), ("c", override(kernel, sigma=0.3)))
    ]
    _check_same(parts[0], parts[1])
    with pytest.raises(ValueError, match=r"a and c were not trained alike \(sigma: 0.1 and 0.3\)"):
        _check_same(parts[0], parts[2])


def test_of_a_population_that_a_part_does_not_have_nothing_is_told():
    of = {"seconds": 1.0, "hardware": "", "python": "", "versions": {}, "population_std": 2.0}
    for means in ((10.0, None), (None, 10.0)):
        told = _training([of | {"population_mean": mean} for mean in means], [2, 3])
        assert (told["population_mean"], told["population_std"]) == (None, None)


def test_what_does_not_belong_together_is_not_joined(parts, tiny, tmp_path):
    two, _, three = parts
    for sources, problem in (
        ([two], "two checkpoints or more"),
        ([two, three], "training seed 0 is both in .* and in .*; a network counts once"),
        ([two, "hetsnn-mem5-1024"], "is hetsnn-mem5-32, .* is hetsnn-mem5-1024"),
    ):
        with pytest.raises(ValueError, match=problem):
            join_checkpoints(sources, tmp_path / NAME)
    far = train(NAME, out=tmp_path / "far", quiet=True, **tiny | {"seeds": 1, "first_seed": 4}).folders[0]
    with pytest.raises(ValueError, match=r"has training seed 2, and one has 4; .*: --first-seed 2 --seeds 2"):
        join_checkpoints([two, far], tmp_path / NAME)
    longer = train(NAME, out=tmp_path / "longer", quiet=True, **tiny | {"seeds": 1, "first_seed": 2, "sigma": 0.3})
    with pytest.raises(ValueError, match=r"not trained alike \(sigma: 0.1 and 0.3\)"):
        join_checkpoints([two, *longer.folders], tmp_path / NAME)
    other = train("homsnn-mem5-32", out=tmp_path, quiet=True, **tiny | {"seeds": 1, "first_seed": 2}).folders[0]
    with pytest.raises(ValueError, match=r"is hetsnn-mem5-32, .* is homsnn-mem5-32"):
        join_checkpoints([two, other], tmp_path / NAME)
    assert not (tmp_path / NAME).exists()


def test_a_joined_checkpoint_replaces_its_own_parts_alone(parts, tmp_path, capsys):
    two, one, three = parts
    target = tmp_path / NAME
    shutil.copytree(three, target)
    join = ["join", str(two.parent), str(one), "--to", str(tmp_path)]
    (target / "config.json").unlink()  # Damaged: it might have been anything.
    for _ in range(2):
        assert main(join) == 2
        assert "is none of what is joined" in capsys.readouterr().err
        shutil.rmtree(target)
        shutil.copytree(one, target)
    assert main([*join, "--replace"]) == 0
    assert read_json(target / "config.json")["seeds"] == [0, 1, 2]
    shutil.rmtree(target)
    shutil.copytree(one, target)
    assert main(["join", str(target), str(two), "--to", str(tmp_path)]) == 0
    assert read_json(target / "config.json")["seeds"] == [0, 1, 2]
    (tmp_path / "file").write_text("")
    with pytest.raises(ZooError, match="is a file; name a folder"):
        join_checkpoints([two, one], tmp_path / "file")


def test_no_weights_but_those_of_a_seed_pass_for_them(parts, tmp_path, capsys):
    two, one, _ = parts
    assert main(["join", str(two), str(_renumbered(one, tmp_path, 2)), "--to", str(tmp_path)]) == 0
    assert main(["join", str(tmp_path / NAME), str(_renumbered(one, tmp_path, 3)), "--to", str(tmp_path)]) == 2
    assert "have SHA-256" in capsys.readouterr().err


def _renumbered(checkpoint, folder, seed):
    """A copy that claims to be of another training seed."""
    from zoo.core.json_files import write_json
    from zoo.store.manifest import write_manifest

    copy = folder / "renumbered" / NAME
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(checkpoint, copy)
    config, evaluation = read_json(copy / "config.json"), read_json(copy / "evaluation.json")
    config["recipe"]["first_seed"] = evaluation["seeds"][0]["training_seed"] = seed
    config |= {"seeds": [seed], "fixed_weights": {str(seed): next(iter(config["fixed_weights"].values()))}}
    write_json(copy / "config.json", config)
    write_json(copy / "evaluation.json", evaluation)
    write_manifest(copy)
    return copy
