"""What cards say of inputs and outputs, held against the environments themselves; and their examples, run."""

import re
import types
from pathlib import Path

import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from image_files import tiny_sets

import zoo
from zoo.registry.families import Family, families, family_of
from zoo.registry.names import parse
from zoo.report.cards import make_card
from zoo.report.interface_cards import interface_of
from zoo.tasks.brax import ENVIRONMENTS, make_environment
from zoo.tasks.brax_interface import GEARS, OBSERVATIONS

CARDS = Path(__file__).parent.parent / "model_cards"
pytestmark = pytest.mark.filterwarnings("ignore:(Accessing|Brax System|JAXopt)")  # Brax's own.
KINDS = {"m": "position", "rad": "position", "": "position", "m/s": "velocity", "rad/s": "velocity"}


def joints(robot) -> tuple[list[str], list[str]]:
    """Names of the joints that each number of q and of qd belongs to, by the robot's own file."""
    model, widths = robot.mj_model, {mujoco.mjtJoint.mjJNT_FREE: (7, 6)}
    q, qd = [], []
    for number in range(model.njnt):
        name = mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_JOINT, number)
        own = widths.get(mujoco.mjtJoint(model.jnt_type[number]), (1, 1))
        q += [name] * own[0]
        qd += [name] * own[1]
    return q, qd


@pytest.mark.parametrize("name", ENVIRONMENTS.values())
def test_each_number_of_a_robot_is_of_the_joint_that_is_told(name):
    environment = make_environment(name, "spring")
    robot, told = environment.sys, OBSERVATIONS[name]
    q, qd = joints(robot)
    assert (len(q), len(qd)) == (robot.q_size(), robot.qd_size())
    # A state whose numbers say where they stand, too small to be clipped.
    state = types.SimpleNamespace(
        q=jnp.arange(len(q)) / 100,
        qd=-(1 + jnp.arange(len(qd))) / 100,
        x=types.SimpleNamespace(pos=jnp.full((robot.num_links(), 3), 5.0)),
    )
    seen = np.asarray(environment._get_obs(state))
    assert len(seen) == len(told)
    for value, quantity in zip(seen, told, strict=True):
        if value == 5:  # Height in the world in place of the joint's.
            assert (quantity.what, quantity.joint) == ("height of the torso above the ground", "rootz")
            continue
        place = round(100 * value) if value >= 0 else round(-100 * value) - 1
        assert (quantity.joint, KINDS[quantity.unit]) == (
            (q[place], "position") if value >= 0 else (qd[place], "velocity")
        )
    clipped = np.abs(environment._get_obs(types.SimpleNamespace(**vars(state) | {"qd": 99 + state.qd}))) <= 10
    assert [bool(c) and KINDS[t.unit] == "velocity" for c, t in zip(clipped, told, strict=True)] == [
        "clipped at ±10" in t.what for t in told
    ]


@pytest.mark.parametrize("name", ENVIRONMENTS.values())
def test_each_action_of_a_robot_drives_the_joint_that_is_told(name):
    robot = make_environment(name, "spring").sys
    _, qd = joints(robot)
    assert [qd[place] for place in robot.actuator.qd_id] == list(GEARS[name])
    np.testing.assert_array_equal(robot.actuator.gear, list(GEARS[name].values()))
    np.testing.assert_array_equal(robot.actuator.ctrl_range, [[-1, 1]] * len(GEARS[name]))


def test_angular_velocities_and_heights_are_in_the_frames_that_are_told():
    """The ant's torso turns about its own axes; HalfCheetah's height counts from where it starts."""
    half = make_environment("halfcheetah", "spring").sys
    assert half.link.transform.pos[0, 2] == pytest.approx(0.7)
    ant = make_environment("ant", "spring").sys
    legs = {f"aux_{n}": ant.link.transform.pos[ant.link_names.index(f"aux_{n}")] for n in (1, 2, 3, 4)}
    where = {1: "front left", 2: "back left", 3: "back right", 4: "front right"}
    for number, word in where.items():
        x, y, _ = legs[f"aux_{number}"]
        assert word == f"{'front' if x > 0 else 'back'} {'left' if y > 0 else 'right'}"
        assert any(q.joint == f"hip_{number}" and word in q.what for q in OBSERVATIONS["ant"])


@pytest.mark.parametrize(
    "name", ["hetsnn-hp-4096", "hetsnn-mem5-1024", "hetsnn-cartpole100-1024", "hetsnn-mnist-4096"]
)
def test_a_cards_example_runs_to_its_end(name, monkeypatch, tmp_path, capsys):
    if family_of(parse(name).task).name == "image":
        tiny_sets(monkeypatch, tmp_path / "data")
    (example,) = re.findall(r"^```python\n(.*?)^```", (CARDS / f"{name}.md").read_text(), re.MULTILINE | re.DOTALL)
    example = example.replace("range(1000)", "range(3)")
    exec(compile(example, f"{name}.md", "exec"), {})
    said = capsys.readouterr().out
    if name == "hetsnn-mem5-1024":
        assert said == "reward +1\n"
    elif name == "hetsnn-cartpole100-1024":
        assert said == "return 100\n"
    else:
        assert re.fullmatch(r"return \d+\n|\d+ of 100 right\n", said)


@pytest.mark.parametrize("name", zoo.list_models())
def test_each_card_has_the_example_and_the_interface_of_its_model(name):
    text, model = (CARDS / f"{name}.md").read_text(), zoo.load(name)
    interface = interface_of(model)
    network = model.network_config
    assert f"```python\n{interface.example}```" in text
    assert len(interface.actions) == network.outputs
    assert len(interface.observations) in (0, network.inputs)
    example = interface.example
    assert name in example
    # Other names of a family change nothing but themselves.
    first = next(n for n in zoo.list_models() if parse(n).family == parse(name).family)
    other = interface_of(zoo.load(first)).example
    assert [len(line.split()) for line in example.splitlines()] == [len(line.split()) for line in other.splitlines()]


def test_every_family_of_the_zoo_says_what_its_numbers_are():
    for family in families():
        if type(family).__module__.startswith("zoo."):
            assert type(family).interface is not Family.interface


def test_a_card_of_a_robot_says_what_acts_and_by_which_statistics():
    text = make_card(zoo.load("hetsnn-hc-4096"))
    assert "`action = clip(3 x readout, -1, 1)`" in text and "clipped at ±5" in text
    model = zoo.load("hetsnn-hc-4096")
    stats = model.observation_stats(0)
    row = f"| 8 | forward velocity of the torso (`rootx`) | m/s | {stats.mean[8]:.3g} |"
    assert row in text
    assert "halfcheetah" in text.split("\n---\n")[0]
