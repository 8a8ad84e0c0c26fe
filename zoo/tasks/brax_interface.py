"""What Brax's robots observe and are driven by, number by number; tests compare it with Brax itself.

A robot's coordinates are those of its MuJoCo file, joint by joint, without the horizontal position; then come all
velocities. Legs of the ant are told by where they stand when x is forward; the file's `front_right_leg` is at -x.
"""

from typing import Any

from zoo.registry.interface import Interface, Quantity

_METRE, _RADIAN, _SPEED, _TURN = "m", "rad", "m/s", "rad/s"


def _planar(joints: dict[str, str], height: str, clipped: str) -> tuple[Quantity, ...]:
    """Of a robot in the plane: height and pitch of the torso, then joints; then velocities."""
    return (
        Quantity(height, _METRE, "rootz"),
        Quantity("pitch of the torso", _RADIAN, "rooty"),
        *(Quantity(f"angle of the {what}", _RADIAN, joint) for joint, what in joints.items()),
        Quantity(f"forward velocity of the torso{clipped}", _SPEED, "rootx"),
        Quantity(f"upward velocity of the torso{clipped}", _SPEED, "rootz"),
        Quantity(f"angular velocity of the torso{clipped}", _TURN, "rooty"),
        *(Quantity(f"angular velocity of the {what}{clipped}", _TURN, joint) for joint, what in joints.items()),
    )


_HOPPER = {"thigh_joint": "hip", "leg_joint": "knee", "foot_joint": "ankle"}
_WALKER = {joint: f"right {what}" for joint, what in _HOPPER.items()} | {
    joint.replace("_joint", "_left_joint"): f"left {what}" for joint, what in _HOPPER.items()
}
_CHEETAH = {
    "bthigh": "back thigh", "bshin": "back shin", "bfoot": "back foot",
    "fthigh": "front thigh", "fshin": "front shin", "ffoot": "front foot",
}  # fmt: skip
_LEGS = {1: "front left", 2: "back left", 3: "back right", 4: "front right"}
_ANT = {f"{part}_{n}": f"{part} of the {leg} leg" for n, leg in _LEGS.items() for part in ("hip", "ankle")}
_HEIGHT, _CLIPPED = "height of the torso above the ground", ", clipped at ±10"
OBSERVATIONS = {
    "hopper": _planar(_HOPPER, _HEIGHT, _CLIPPED),
    "walker2d": _planar(_WALKER, _HEIGHT, _CLIPPED),
    "halfcheetah": _planar(_CHEETAH, "height of the torso above where it starts (0.7 m)", ""),
    "ant": (
        Quantity(_HEIGHT, _METRE, "root"),
        *(Quantity(f"orientation of the torso, {part} of its quaternion", "", "root") for part in "wxyz"),
        *(Quantity(f"angle of the {what}", _RADIAN, joint) for joint, what in _ANT.items()),
        *(Quantity(f"velocity of the torso along {axis}", _SPEED, "root") for axis in "xyz"),
        *(Quantity(f"angular velocity of the torso about its own {axis}", _TURN, "root") for axis in "xyz"),
        *(Quantity(f"angular velocity of the {what}", _TURN, joint) for joint, what in _ANT.items()),
    ),
}
GEARS = {
    "hopper": dict.fromkeys(_HOPPER, 200),
    "walker2d": dict.fromkeys(_WALKER, 100),
    "halfcheetah": dict(zip(_CHEETAH, (120, 90, 60, 120, 100, 100), strict=True)),
    "ant": {f"{part}_{n}": 150 for n in (4, 1, 2, 3) for part in ("hip", "ankle")},
}
"""Torques in N m that an action of 1 stands for, in the order of actions, with the backend `spring`."""
_REWARDS = {
    "hopper": "forward velocity (m/s) + 1 - 0.001 times the sum of squared actions; an episode ends when the torso "
    "is below 0.7 m or leans by more than 0.2 rad, or",
    "walker2d": "forward velocity (m/s) + 1 - 0.001 times the sum of squared actions; an episode ends when the torso "
    "is outside 0.8 to 2 m or leans by more than 1 rad, or",
    "halfcheetah": "forward velocity (m/s) - 0.1 times the sum of squared actions; an episode ends",
    "ant": "forward velocity (m/s) + 1 - 0.5 times the sum of squared actions; an episode ends when the torso is "
    "outside 0.2 to 1 m, or",
}
_STEP_S = {"hopper": 0.008, "walker2d": 0.008, "halfcheetah": 0.05, "ant": 0.05}
_EXAMPLE = """\
import jax
from brax import envs

import zoo

environment = envs.get_environment("{environment}", backend="{backend}")
reset, step = jax.jit(environment.reset), jax.jit(environment.step)
policy = zoo.policy("{model}", seed=0)  # of training seed 0
policy.reset()                                  # all neurons at rest, at the beginning of each episode
state, total = reset(jax.random.key(1)), 0.0
for _ in range({limit}):
    action = policy.act(state.obs)              # {actions} torques in [-1, 1]
    state = step(state, action)
    total += float(state.reward)
    if state.done:
        break
print(f"return {{total:.0f}}")
"""


def interface(environment: str, title: str, model: str, task: Any) -> Interface:
    """Of a robot of Brax.

    Args:
        environment: as Brax calls it.
        title: as everyone does.
        model: name of a model.
        task: its `zoo.tasks.brax.BraxTask`.
    """
    unit = "1 is {} N m" if task.backend == "spring" else "-1 to 1"
    names = _HOPPER if environment == "hopper" else _WALKER | _CHEETAH | _ANT
    actions = tuple(
        Quantity(f"torque at the {names[joint]}", unit.format(torque), joint)
        for joint, torque in GEARS[environment].items()
    )
    readout = "readout" if task.action_gain == 1 else f"{task.action_gain:g} x readout"
    mapped = f"clip({readout}, -1, 1)" if task.action_map == "clip" else f"tanh({readout})"
    return Interface(
        environment=f"{title}, Brax's `{environment}` with the backend `{task.backend}`",
        observations=OBSERVATIONS[environment],
        actions=actions,
        seen="Brax's own observation",
        done=f"`action = {mapped}`, the readouts in volts",
        reward=f"A step of the environment is {_STEP_S[environment]:g} s and earns {_REWARDS[environment]} after "
        f"{task.limit:,} steps.",
        example=_EXAMPLE.format(
            environment=environment, backend=task.backend, model=model, limit=task.limit, actions=len(actions)
        ),
    )
