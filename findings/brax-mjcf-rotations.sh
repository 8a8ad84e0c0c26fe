#!/usr/bin/env bash
# brax 0.14.2 (jax and jaxlib 0.10.2, mujoco 3.17.0, Python 3.11): mjcf.loads turns parts of a model the wrong way. It
# dissolves a body without a joint into its parent and moves what was in it along by pos and quat. It knows no other
# orientation (euler, axisangle, xyaxes, zaxis), and applies quat only where pos is not 0. Otherwise the body's geoms
# and bodies keep the position and lose the rotation: no error, no warning, and masses, inertias and joint axes follow.
# Guessed: what MuJoCo makes of the same file (brax hands the rest of it to MuJoCo's own compiler).
# Helps: write orientations as quat, and for a body that stays in place a pos of 1e-9 in one of its coordinates.
#
# Output seen (axis and centre of a rod that a jointless body turns by 90 degrees, to lie along x):
#   pos and quat: mujoco along 1 0 0 at 0.3 0 0.1, brax along 1 0 0 at 0.3 0 0.1
#   quat alone: mujoco along 1 0 0 at 0.3 0 0, brax along 0 0 1 at 0 0 0.3
#   pos and euler: mujoco along 1 0 0 at 0.3 0 0.1, brax along 0 0 1 at 0 0 0.4
#   pos and axisangle: mujoco along 1 0 0 at 0.3 0 0.1, brax along 0 0 1 at 0 0 0.4
#   pos and zaxis: mujoco along 1 0 0 at 0.3 0 0.1, brax along 0 0 1 at 0 0 0.4
#   tiny pos and quat: mujoco along 1 0 0 at 0.3 0 0, brax along 1 0 0 at 0.3 0 0
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q brax==0.14.2 jax==0.10.2 jaxlib==0.10.2 mujoco==3.17.0 mujoco-mjx==3.17.0
JAX_PLATFORMS=cpu "$folder/venv/bin/python" -W ignore - << 'PYTHON' | grep -v '^Failed to import' > "$folder/output"
import mujoco
import numpy as np
from brax.io import mjcf

MODEL = """<mujoco><worldbody><body>
  <joint type="hinge" axis="0 1 0"/>
  <geom type="sphere" size="0.05"/>
  <body {}><geom name="rod" type="capsule" size="0.05 0.3" pos="0 0 0.3"/></body>
</body></worldbody></mujoco>"""
BODIES = {
    "pos and quat": 'pos="0 0 0.1" quat="0.7071068 0 0.7071068 0"',
    "quat alone": 'quat="0.7071068 0 0.7071068 0"',
    "pos and euler": 'pos="0 0 0.1" euler="0 90 0"',
    "pos and axisangle": 'pos="0 0 0.1" axisangle="0 1 0 90"',
    "pos and zaxis": 'pos="0 0 0.1" zaxis="1 0 0"',
    "tiny pos and quat": 'pos="0 0 1e-9" quat="0.7071068 0 0.7071068 0"',
}


def rod(model):
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    index = model.geom("rod").id
    axis, centre = data.geom_xmat[index].reshape(3, 3)[:, 2], data.geom_xpos[index]
    along, at = (" ".join(f"{x:g}" for x in np.round(v, 3) + 0.0) for v in (axis, centre))
    return f"along {along} at {at}"


for name, attributes in BODIES.items():
    model = MODEL.format(attributes)
    print(f"{name}: mujoco {rod(mujoco.MjModel.from_xml_string(model))}, brax {rod(mjcf.loads(model).mj_model)}")
PYTHON
cat "$folder/output"
diff <(grep -A6 '^# Output seen' "$script" | tail -6 | cut -c5-) "$folder/output"
