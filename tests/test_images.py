"""Image tasks: the closed form of a constant input, streamed scores, training and classification."""

import csv
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from image_files import tiny_sets

import zoo
from zoo.models import PROPERTIES, WEIGHTS, NetworkConfig, Neuron, Surrogate, build, initial_state, network_step
from zoo.registry.recipe import default_recipe
from zoo.tasks import make_task
from zoo.tasks.classification import (
    Staircase,
    block_scores,
    classify,
    cross_entropy,
    population_scores,
    respond,
    step_weights,
    supervised_loss,
)
from zoo.tasks.image_data import load_images
from zoo.training import train

TINY = {"seeds": 2, "population": 8, "generations": 4, "batch": 20}


@pytest.fixture
def data(monkeypatch, tmp_path):
    return tiny_sets(monkeypatch, tmp_path / "data")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Checkpoint of a small training of hetsnn-mnist-32, its data, and the folder of its runs."""
    folder = tmp_path_factory.mktemp("images")
    with pytest.MonkeyPatch.context() as patch:
        tiny_sets(patch, folder / "data")
        run = train("hetsnn-mnist-32", out=folder, quiet=True, **TINY).folders[0]
    return run / "checkpoint"


def network(hidden=16, seed=0, trained=PROPERTIES):
    config = NetworkConfig(inputs=784, hidden=hidden, outputs=10, trained=trained, v_th=0.1)
    return config, {name: jnp.asarray(value) for name, value in config.initial(seed).items()}


def images(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((count, 784), np.float32) * 2, rng.integers(0, 10, count).astype(np.int32)


def stepped(net, inputs, steps):
    """Mean readout and spike counts by `network_step`."""
    state, readouts, spikes = initial_state(net, inputs.shape[:-1]), [], []
    for _ in range(steps):
        output, state = network_step(net, state, inputs)
        readouts.append(output.readout)
        spikes.append(output.spikes)
    return sum(readouts) / steps, sum(spikes)


def test_step_weights_of_two_steps():
    # k = 1/4: a spike of the first step leaves 1/4 and 3/16, of the second 1/4; half of each sum.
    np.testing.assert_allclose(step_weights(2), [(1 / 4 + 3 / 16) / 2, 1 / 8], rtol=1e-12)


@pytest.mark.parametrize("steps", [1, 4, 7])
def test_classify_equals_network_steps(steps):
    _, parts = network()
    inputs, _ = images(6)
    logits, activity = classify(build(parts), inputs, steps)
    expected, spikes = stepped(build(parts), inputs, steps)
    np.testing.assert_allclose(logits, expected, atol=1e-6)
    np.testing.assert_array_equal(activity.count, spikes)
    assert 0 < activity.count.mean() < steps  # Neither silent nor saturated.


@pytest.mark.parametrize("steps", [1, 2, 4, 7])
def test_staircase_equals_simulation_for_any_signs(steps):
    rng = np.random.default_rng(1)
    with jax.enable_x64(True):
        k = 1 / (1 + np.exp(-2 * rng.normal(size=5000)))
        neuron = Neuron(*(jnp.asarray(x) for x in (k, *rng.normal(size=(3, 5000)))))
        current = jnp.asarray(3 * rng.normal(size=5000))
        simulated = respond(neuron, current, steps).weighted
        closed = Staircase.of(neuron, steps)(current)
    np.testing.assert_allclose(closed, simulated, atol=1e-12)
    assert len(np.unique(np.round(closed, 9))) == steps + 1  # All stairs were there.


def test_cross_entropy_of_equal_logits_is_the_log_of_their_number():
    np.testing.assert_allclose(cross_entropy(jnp.ones((3, 10)), jnp.arange(3), 0.1), np.log(10), rtol=1e-6)


def test_cross_entropy_by_hand():
    # Logits 0 V and 0.1 V at a temperature of 0.1 V: ln(1 + e) - 1 for the second.
    value = cross_entropy(jnp.array([0.0, 0.1]), jnp.array(1), 0.1)
    np.testing.assert_allclose(value, np.log(1 + np.e) - 1, rtol=1e-6)


@pytest.mark.parametrize("trained", [PROPERTIES, WEIGHTS, ("v_th", "w_out")])
@pytest.mark.parametrize("most_numbers", [1, 200, 2**20])
def test_streamed_scores_equal_network_steps(trained, most_numbers):
    config, parts = network(trained=trained)
    inputs, labels = images(6)
    rng = np.random.default_rng(2)
    flat = jnp.asarray(config.flatten(parts) + 0.1 * rng.normal(size=(4, config.trained_size)), jnp.float32)
    frozen = {name: value for name, value in parts.items() if name not in trained}
    score = functools.partial(population_scores, config, steps=4, temperature_v=0.1, most_numbers=most_numbers)
    scores = jax.jit(score)(frozen, flat, inputs, labels)
    for i, member in enumerate(flat):
        logits, _ = stepped(build(frozen | config.split(member)), inputs, 4)
        np.testing.assert_allclose(scores.loss[i], cross_entropy(logits, labels, 0.1).mean(), rtol=1e-4)
        np.testing.assert_allclose(scores.accuracy[i], (logits.argmax(-1) == labels).mean(), atol=1e-6)


@pytest.mark.parametrize("trained", [PROPERTIES, ("x_tau", "v_rest"), WEIGHTS, ("v_th", "w_out")])
@pytest.mark.parametrize("most_numbers", [1, 2**20])
def test_block_scores_are_those_of_the_centre_with_a_members_block(trained, most_numbers):
    config, parts = network(trained=trained)
    inputs, labels = images(6)
    rng = np.random.default_rng(2)
    centre, *flat = config.flatten(parts) + 0.1 * rng.normal(size=(4, config.trained_size)).astype(np.float32)
    frozen = {name: value for name, value in parts.items() if name not in trained}
    how = {"steps": 4, "temperature_v": 0.1, "most_numbers": most_numbers}
    scores = jax.jit(functools.partial(block_scores, config, neurons=4, **how))(
        frozen, centre, np.array(flat), inputs, labels
    )
    assert scores.loss.shape == (3, 4)
    mixed = np.tile(centre, (3, 4, 1))
    for j, index in enumerate(config.blocks(4)):
        mixed[:, j, index] = np.array(flat)[:, index]
    expected = population_scores(config, frozen, jnp.asarray(mixed.reshape(12, -1)), inputs, labels, **how)
    np.testing.assert_allclose(scores.loss.ravel(), expected.loss, rtol=1e-5)
    np.testing.assert_allclose(scores.accuracy.ravel(), expected.accuracy, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hetsnn-mnist-32", r"block_neurons \(=3\) must divide the 8 hidden neurons"),
        ("hetsnn-cartpole5-32", "block_neurons, batch: of no effect on hetsnn-cartpole5-32"),
    ],
)
def test_blocks_that_cannot_be_are_refused(data, tmp_path, name, message):
    with pytest.raises(ValueError, match=message):
        train(name, out=tmp_path, quiet=True, block_neurons=3, **TINY)


def test_surrogate_gradient_reaches_all_properties():
    _, parts = network()
    inputs, labels = images(6)

    def loss(properties):
        own = build(parts | properties)
        return supervised_loss(own, inputs, labels, steps=4, temperature_v=0.1, surrogate=Surrogate())[0]

    gradient = jax.grad(loss)({name: parts[name] for name in PROPERTIES})
    for name, value in gradient.items():
        assert np.isfinite(value).all() and (value != 0).any(), name


def test_minibatch_is_the_same_for_the_same_key(data):
    task = make_task("mnist", input_gain=2.0)
    key = jax.random.key(3)
    first, again = (task.minibatch(key, task.arrays, 8) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    other, _ = task.minibatch(jax.random.key(4), task.arrays, 8)
    assert (np.asarray(other) != np.asarray(first[0])).any()
    assert 1 < first[0].max() <= 2


def test_unknown_fitness_and_set_are_refused():
    with pytest.raises(ValueError, match="cross-entropy, accuracy"):
        make_task("mnist", fitness="luck")
    with pytest.raises(ValueError, match="unknown task 'cifar'"):
        make_task("cifar")


def test_devices_change_no_result(data, tmp_path):
    """A run's members on eight devices, and all on one: the same curve."""
    from zoo.registry.names import parse
    from zoo.registry.recipe import make_network_config, make_recipe_task, override
    from zoo.training.methods.base import Group
    from zoo.training.run.engine import Engine

    model = parse("hetsnn-mnist-32")
    recipe = override(default_recipe(model), seeds=1, population=16, batch=20)
    task = make_recipe_task(model, recipe)
    group = Group(config=make_network_config(model, task, recipe), recipe=recipe, seeds=(0,))
    losses = []
    for devices in (jax.devices()[:1], jax.devices()):
        engine = Engine(task, [group], devices=devices)
        _, (metrics,) = engine.advance(engine.init(), 3)
        losses.append(metrics.loss)
    np.testing.assert_allclose(*losses, rtol=1e-5)


@pytest.mark.parametrize("name", ["hetsnn-fmnist-32", "homsnn-fmnist-1588"])
def test_training_lowers_the_loss(data, tmp_path, name):
    recipe = TINY | {"seeds": 1, "population": 32, "generations": 30, "batch": 40, "input_gain": 0.5}
    (folder,) = train(name, out=tmp_path, quiet=True, **recipe).folders
    rows = (folder / "training.csv").read_text().splitlines()
    loss = [float(row.split(",")[rows[0].split(",").index("loss")]) for row in rows[1:]]
    assert np.mean(loss[-5:]) < np.mean(loss[:5])


def activity(folder):
    """Rates of a run or a checkpoint, by generation, seed, neuron and class."""
    with (folder / "activity.csv").open() as file:
        rows = list(csv.DictReader(file))
    rates = {
        tuple(int(row[k]) for k in ("generation", "seed", "neuron", "class")): float(row["rate"]) for row in rows
    }
    assert len(rates) == len(rows)  # No row twice.
    return rates


def test_milestones_are_shares_of_the_training():
    from zoo.training.methods.activity import ActivityRecord

    assert ActivityRecord().milestones(2000) == (0, 20, 200, 1000, 2000)
    assert ActivityRecord().milestones(3) == (0, 2, 3)


def test_neurons_are_drawn_once_for_a_seed():
    from zoo.training.methods.activity import chosen_neurons

    first, again, other = (chosen_neurons(100, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert len(set(first)) == 32 and set(first) < set(range(100)) and set(first) != set(other)
    np.testing.assert_array_equal(chosen_neurons(5, 3), np.arange(5))


def test_activity_equals_network_steps_before_and_after_training(data, trained):
    rates, model = activity(trained), zoo.load(str(trained))
    hidden = model.network_config.hidden
    assert set(rates) == set(itertools.product((0, 2, 4), (0, 1), range(-1, hidden), range(10)))
    assert rates == activity(trained.parent)
    pixels, labels = load_images("mnist", "test")
    for generation, parts in ((0, model.network_config.initial(1)), (4, model.parts(1))):
        with jax.enable_x64(True):
            net = build({name: jnp.asarray(value, jnp.float64) for name, value in parts.items()})
            _, spikes = stepped(net, model.task().currents(pixels[labels == 3], jnp.float64), 4)
        expected = np.asarray(spikes).mean(0) / 4
        found = [rates[generation, 1, neuron, 3] for neuron in range(hidden)]
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        assert rates[generation, 1, -1, 3] == pytest.approx(expected.mean(), rel=1e-5)
        assert expected.std() > 0


@pytest.mark.parametrize("name", ["hetsnn-mnist-32", "homsnn-mnist-1588-bp"])
def test_interrupted_training_leaves_the_same_activity(data, tmp_path, name):
    settings = {"seeds": 1, "generations": 12, "batch": 16} | ({} if name.endswith("bp") else {"population": 8})
    (whole,) = train(name, out=tmp_path / "whole", quiet=True, **settings).folders
    torn = tmp_path / "torn" / name / "activity.csv"
    torn.parent.mkdir(parents=True)
    torn.write_text("".join((whole / "activity.csv").read_text().splitlines(keepends=True)[:4])[:-3])
    stopped = train(name, out=tmp_path / "torn", quiet=True, max_minutes=1e-9, **settings)
    assert stopped.generations == (1,)
    with torn.open("a") as file:  # As if the next milestone had been reached, and no state saved.
        file.write("6,0,-1,0,0.5\n6,0,-1,1,0.")
    train(name, out=tmp_path / "torn", quiet=True, **settings)
    assert torn.read_bytes() == (whole / "activity.csv").read_bytes()
    assert {key[0] for key in activity(whole)} == {0, 1, 6, 12}


def test_checkpoint_is_measured_again_exactly(data, trained):
    result = zoo.evaluate(str(trained))
    published = zoo.load(str(trained)).evaluation
    assert [row["correct_per_class"] for row in published["seeds"]] == result.correct.tolist()
    assert published["mean"] == result.mean
    assert zoo.verify(str(trained)).holds
    np.testing.assert_allclose(result.synaptic_operations, 10 * result.spikes)


def test_claim_that_does_not_hold_fails(data, trained, monkeypatch):
    model = zoo.load(str(trained))
    model.evaluation["seeds"][0]["correct_per_class"][0] += 1
    monkeypatch.setattr("zoo.evaluation.measuring.load", lambda name: model)
    verification = zoo.verify("hetsnn-mnist-32")
    assert not verification.holds and "right answers" in verification.problem


@pytest.mark.parametrize("place", ["model", "seed"])
def test_a_mean_that_its_right_answers_do_not_have_fails(data, trained, monkeypatch, place):
    model = zoo.load(str(trained))
    (model.evaluation if place == "model" else model.evaluation["seeds"][0])["mean"] = 99.9
    monkeypatch.setattr("zoo.evaluation.measuring.load", lambda name: model)
    verification = zoo.verify("hetsnn-mnist-32")
    assert not verification.holds and "its right answers are" in verification.problem


def test_evaluation_takes_the_whole_test_set(data, trained):
    with pytest.raises(ValueError, match="do not apply"):
        zoo.evaluate(str(trained), episodes=3)


def test_classify_takes_bytes_and_floats(data, trained):
    model = zoo.load(str(trained))
    pixels = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    labels = model.classify(pixels)
    assert labels.shape == (5,) and set(labels) <= set(range(10))
    np.testing.assert_array_equal(model.classify(pixels.reshape(5, 784)), labels)
    np.testing.assert_array_equal(model.classify(pixels / 255), labels)
    assert model.classify(pixels[0]) == labels[0]
    net = build({name: jnp.asarray(value) for name, value in model.parts().items()})
    logits, _ = stepped(net, model.task().currents(pixels.reshape(5, 784)), 4)
    np.testing.assert_array_equal(logits.argmax(-1), labels)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((3, 27, 28), np.uint8), "shape"),
        (np.zeros((0, 784), np.uint8), "at least 1"),
        (np.zeros((2, 784), bool), "type"),
        (np.full((2, 784), -1), "between 0 and 255"),
        (np.full((2, 784), 255.0), "between 0 and 1"),
        (np.full((2, 784), np.nan), "between 0 and 1"),
    ],
)
def test_classify_refuses(data, trained, wrong, message):
    with pytest.raises(ValueError, match=message):
        zoo.load(str(trained)).classify(wrong)


def test_other_models_do_not_classify(tiny_run):
    with pytest.raises(ValueError, match="only image models"):
        zoo.load(str(tiny_run / "checkpoint")).classify(np.zeros((1, 784), np.uint8))


def test_paper_counts():
    from zoo.registry.names import parse
    from zoo.registry.recipe import make_network_config, make_recipe_task

    counts = {"het": (4096, 8192, 16384, 32768), "hom": (3970, 7940, 16674, 33348)}  # Table 3.
    for kind, expected in counts.items():
        for budget, count in zip(counts["het"], expected, strict=True):
            model = parse(f"{kind}snn-mnist-{budget}")
            recipe = default_recipe(model)
            assert make_network_config(model, make_recipe_task(model, recipe), recipe).trained_size == count
