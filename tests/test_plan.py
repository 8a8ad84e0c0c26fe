"""The memory plan: bytes counted by hand, against XLA's own plan, and what a user is told."""

import dataclasses

import jax
import numpy as np
import pytest

from zoo.core.errors import ZooError
from zoo.registry.names import parse
from zoo.registry.recipe import make_network_config, make_recipe, make_recipe_task
from zoo.training import Engine, Group, train
from zoo.training.run.plan import Devices, Sizes, advise, count_bytes, sizes_of, smaller_plans, total_bytes

MODEL = Sizes(
    name="m", runs=3, members=8, episodes=2, hidden=10, trained=40, frozen=60, environment_bytes=100
)  # fmt: skip


def test_runs_side_by_side_by_hand():
    assert count_bytes([MODEL], Devices(merged=True)) == {
        "search states": 5 * 3 * 40 * 4,
        "populations": 4 * 3 * 8 * 40 * 4,
        "neuron states": 2 * 3 * 8 * 2 * 10 * 4,
        "environments": 2 * 3 * 8 * 2 * 100,
        "fixed weights": 3 * 60 * 4,
    }


def test_runs_in_turns_need_one_population_of_the_largest_model():
    other = dataclasses.replace(MODEL, name="larger", trained=80, frozen=50)
    assert count_bytes([MODEL, other], Devices()) == {
        "search states": 5 * 3 * (40 + 80) * 4,
        "populations": 4 * 8 * 80 * 4,
        "neuron states": 2 * 8 * 2 * 10 * 4,
        "environments": 2 * 8 * 2 * 100,
        "fixed weights": 3 * (60 + 50) * 4,
    }


def test_members_in_blocks_do_not_all_play_at_once():
    wide = dataclasses.replace(MODEL, members=256, trained=16_384, hidden=4096)
    uses = count_bytes([wide], Devices())
    assert uses["neuron states"] == 2 * 64 * 2 * 4096 * 4  # 64 members of 16,384 numbers are 4 MiB.
    assert uses["environments"] == 2 * 64 * 2 * 100


def test_devices_share_runs_and_members():
    uses = count_bytes([dataclasses.replace(MODEL, runs=4)], Devices(by_run=2, by_member=4, merged=True))
    assert uses == {
        "search states": 5 * 2 * 40 * 4,
        "populations": 2 * (3 * 8 + 2) * 40 * 4,
        "neuron states": 2 * 2 * 2 * 2 * 10 * 4,
        "environments": 2 * 2 * 2 * 2 * 100,
        "fixed weights": 2 * 60 * 4,
    }


@pytest.mark.parametrize(("number", "text"), [(999, "999 bytes"), (1000 * 2**20, "0.977 GiB"), (3 * 2**20, "3 MiB")])
def test_sizes_are_printed_without_powers_of_ten(number, text):
    assert advise([MODEL], Devices(), number).startswith(f"What needs at most {text}:")


def test_cores_of_one_machine_share_its_memory():
    alone = Devices(by_run=1, by_member=4)
    assert total_bytes([MODEL], dataclasses.replace(alone, sharing=4)) == 4 * total_bytes([MODEL], alone)


@pytest.mark.parametrize("merged", [True, False])
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("hetsnn-cartpole50-16384", {"episodes": 1}),
        ("hetsnn-cartpole50-16384", {"episodes": 8}),
        ("homsnn-cartpole50-8192", {"episodes": 4}),
    ],
)
def test_plan_agrees_with_xlas(name, changes, merged):
    recipe = make_recipe(name, seeds=2, population=64, normalise_observations=True, **changes)
    task = make_recipe_task(parse(name), recipe)
    group = Group(config=make_network_config(parse(name), task, recipe), recipe=recipe, seeds=(0, 1))
    engine = Engine(task, [group], runs_per_block="all" if merged else 1, devices=jax.devices()[:1])
    program = engine._advance.lower(engine.init(), engine._constants, engine._arrays, np.int32(1)).compile()
    memory = program.memory_analysis()
    measured = memory.temp_size_in_bytes + memory.argument_size_in_bytes
    planned = total_bytes([sizes_of(name, group, task)], Devices(merged=merged))
    assert 0.85 < planned / measured < 1.3


def test_smaller_plans_fit_and_twice_their_size_does_not():
    models = [dataclasses.replace(MODEL, members=256, trained=16_384, hidden=4096)] * 3
    devices = Devices(merged=True)
    available = total_bytes(models, devices) // 4
    plans = smaller_plans(models, devices, available)
    assert plans == ["--population 32"]  # 64 would be a quarter if there were nothing but members.
    number = 32
    assert total_bytes([dataclasses.replace(m, members=number) for m in models], devices) <= available
    assert total_bytes([dataclasses.replace(m, members=2 * number) for m in models], devices) > available


def test_one_run_of_a_model_alone_is_offered_first():
    models = [dataclasses.replace(MODEL, name=name) for name in "abc"]
    devices = Devices(merged=True)
    plans = smaller_plans(models, devices, total_bytes(models[:2], devices))
    assert plans[0] == "2 of these 3 models in one call"
    assert "--population 4" in plans


def test_options_are_combined_where_none_is_enough():
    devices = Devices(merged=True)
    least = dataclasses.replace(MODEL, runs=1, episodes=1, members=4)
    assert smaller_plans([MODEL], devices, total_bytes([least], devices)) == ["--seeds 1 --episodes 1 --population 4"]
    assert smaller_plans([MODEL], devices, 10) == []
    assert advise([MODEL], devices, 10) == "What needs at most 10 bytes: only a model of a smaller budget"


def test_episodes_of_memory_length_stay_even():
    recipe = make_recipe("hetsnn-mem5-32", seeds=1, episodes=6)
    task = make_recipe_task(parse("hetsnn-mem5-32"), recipe)
    group = Group(config=make_network_config(parse("hetsnn-mem5-32"), task, recipe), recipe=recipe, seeds=(0,))
    model, devices = sizes_of("hetsnn-mem5-32", group, task), Devices(merged=True)
    fewer = total_bytes([dataclasses.replace(model, episodes=2)], devices)
    assert "--episodes 2" in smaller_plans([model], devices, fewer)
    assert not any("episodes" in plan for plan in smaller_plans([model], devices, fewer - 1))


def test_a_training_that_does_not_fit_is_refused_before_it_compiles(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.training.run.plan.available_bytes", lambda device: 3 * 2**20)
    monkeypatch.setattr(Engine, "advance", lambda *_: pytest.fail("compiled"))
    with pytest.raises(ZooError) as raised:
        train("hetsnn-mem5-4096", out=tmp_path, quiet=True, seeds=2, population=64)
    text = str(raised.value)
    assert "does not fit into memory" in text
    assert "hetsnn-mem5-4096: 2 run(s) x 64 members x 2 episode(s), 1,024 neurons, 4,096 trained" in text
    assert "What needs at most 3 MiB: --population " in text


def test_running_out_of_memory_is_explained_with_the_same_numbers(tmp_path, monkeypatch):
    def fail(*_):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 42 bytes.")

    monkeypatch.setattr(Engine, "advance", fail)
    with pytest.raises(
        ZooError, match=r"out of memory .*42 bytes.*the plan was .*populations .*\n.*2 run.*\nWhat needs at most"
    ):
        train("hetsnn-mem5-32", out=tmp_path, quiet=True, seeds=2, population=8)


def test_other_errors_of_the_device_stay_what_they_are(tmp_path, monkeypatch):
    def fail(*_):
        raise jax.errors.JaxRuntimeError("INTERNAL: something else")

    monkeypatch.setattr(Engine, "advance", fail)
    with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
        train("hetsnn-mem5-32", out=tmp_path, quiet=True, seeds=2, population=8)
