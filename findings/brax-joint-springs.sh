#!/usr/bin/env bash
# brax 0.14.2 (jax and jaxlib 0.10.2, mujoco 3.17.0, Python 3.11): the backends spring and positional leave out what a
# joint of the MJCF file has of its own: stiffness, damping and armature. They read them into System.dof, accept the
# model (they refuse others as not supported) and never look at them. No backend but mjx has frictionloss or springref.
# So HalfCheetah, whose file holds it up with springs of 60 to 240 N m/rad, is another robot on these two backends: with
# all three set to 0 a step of it is the same to the bit; and the motors of Ant and Hopper have no armature (1 kg m2) to
# turn. Returns on a backend say little about another or about MuJoCo, and few policies will transfer.
# Guessed: backends differ in how they solve contacts and constraints; a joint's spring acts in each, or is refused.
#
# Output seen (angle of one hinge after 0.6 s: let go at 0.5 rad with the spring, pushed at 2 rad/s with the others):
#   stiffness: mujoco -0.16, generalized -0.16, spring 0.50, positional 0.50
#   damping: mujoco 0.62, generalized 0.62, spring 1.19, positional 1.20
#   frictionloss: mujoco 0.40, generalized 1.20, spring 1.19, positional 1.20
#   springref: mujoco 0.69, generalized 0.00, spring 0.00, positional 0.00
#   HalfCheetah, spring: largest stiffness 240; same step without stiffness, damping and armature: True
#   HalfCheetah, generalized: largest stiffness 240; same step without stiffness, damping and armature: False
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q brax==0.14.2 jax==0.10.2 jaxlib==0.10.2 mujoco==3.17.0 mujoco-mjx==3.17.0
JAX_PLATFORMS=cpu "$folder/venv/bin/python" -W ignore - << 'PYTHON' | grep -v '^Failed to import' > "$folder/output"
import importlib

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from brax import envs
from brax.io import mjcf

STEPS = 600  # of 1 ms
MODEL = """<mujoco><option timestep="0.001" gravity="0 0 0"/><worldbody><body>
  <joint type="hinge" axis="0 1 0" {}/>
  <geom type="capsule" fromto="0 0 0 0 0 0.5" size="0.05" contype="0" conaffinity="0"/>
</body></worldbody></mujoco>"""
HINGES = (  # name, attributes, angle and speed at the start
    ("stiffness", 'stiffness="20" damping="1"', 0.5, 0.0),
    ("damping", 'damping="1"', 0.0, 2.0),
    ("frictionloss", 'frictionloss="2"', 0.0, 2.0),
    ("springref", 'stiffness="20" damping="1" springref="30"', 0.0, 0.0),
)


def mujoco_angle(model, angle, speed):
    model = mujoco.MjModel.from_xml_string(model)
    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[:] = angle, speed
    for _ in range(STEPS):
        mujoco.mj_step(model, data)
    return data.qpos[0]


def brax_angle(backend, model, angle, speed):
    pipeline = importlib.import_module(f"brax.{backend}.pipeline")
    system = mjcf.loads(model)
    state = pipeline.init(system, jnp.array([angle]), jnp.array([speed]))

    def step(_, state):
        return pipeline.step(system, state, jnp.zeros(0))

    return jax.jit(lambda state: jax.lax.fori_loop(0, STEPS, step, state))(state).q[0]


for name, attributes, *start in HINGES:
    model = MODEL.format(attributes)
    angles = {"mujoco": mujoco_angle(model, *start)}
    for backend in ("generalized", "spring", "positional"):
        angles[backend] = brax_angle(backend, model, *start)
    print(f"{name}:", ", ".join(f"{backend} {float(angle) + 0.0:.2f}" for backend, angle in angles.items()))

for backend in ("spring", "generalized"):
    pipeline = importlib.import_module(f"brax.{backend}.pipeline")
    system = envs.get_environment("halfcheetah", backend=backend).sys
    joints = system.dof
    bare = system.replace(
        dof=joints.replace(
            stiffness=0 * joints.stiffness, damping=0 * joints.damping, armature=0 * joints.armature
        )
    )
    step = jax.jit(lambda system, q, qd: pipeline.step(system, pipeline.init(system, q, qd), jnp.ones(6)).q)
    q, qd = system.init_q + 0.1, jnp.full(9, 0.1)
    same = bool((step(system, q, qd) == step(bare, q, qd)).all())
    print(
        f"HalfCheetah, {backend}: largest stiffness {np.max(joints.stiffness):.0f};"
        f" same step without stiffness, damping and armature: {same}"
    )
PYTHON
cat "$folder/output"
diff <(grep -A6 '^# Output seen' "$script" | tail -6 | cut -c5-) "$folder/output"
