#!/usr/bin/env bash
# evosax 0.3.2 (jax and jaxlib 0.10.2, flax 0.12.8, optax 0.2.8, ioh 0.4.2, numpy 2.4.6, Python 3.11): two of its BBOB
# functions are not those of the suite. step_ellipsoidal is 100 times as large, by a factor that is not in its
# definition, so that neither values nor a precision reached can be compared with COCO's. And the peaks of
# gallagher_101_me and gallagher_21_hi, drawn for each instance in COCO, are the same for all seeds: their key is folded
# with Q[0, 0], a number between -1 and 1, of which an integer keeps 0. The global optimum moves and the peaks' shapes
# turn, but the traps stay where they are; a mean over seeds is one over nearly the same landscape.
# Guessed: COCO's functions (the docstrings cite its definitions), and by another seed another instance.
# Helps: divide step_ellipsoidal by 100; give x_opt, and count the Gallagher functions as one instance each.
#
# Output seen (1,000 points of the cube, 5 dimensions, 5 instances: the median, in powers of ten of that of ioh, which
# has COCO's functions; then the two lowest local optima in 2 dimensions, by a grid, to whole numbers):
#   sphere: 10^0 of ioh's
#   step_ellipsoidal: 10^2 of ioh's
#   step_ellipsoidal, no rotation, 1 away on the first axis: 10.0, by its definition 0.1
#   gallagher_101_me, seed 0: global optimum at -2 2, the next at -2 1 and 5 0
#   gallagher_101_me, seed 1: global optimum at -2 0, the next at -2 1 and 5 0
#   gallagher_101_me, seed 2: global optimum at -3 1, the next at -2 1 and 5 0
#   gallagher_101_me, seed 3: global optimum at -1 0, the next at -2 1 and 5 0
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q evosax==0.3.2 jax==0.10.2 jaxlib==0.10.2 flax==0.12.8 optax==0.2.8 numpy==2.4.6 \
  ioh==0.4.2
JAX_PLATFORMS=cpu "$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import ioh
import jax
import jax.numpy as jnp
import numpy as np
from evosax.problems import BBOBProblem

KEY = jax.random.key(0)


def values(problem, points):
    found, _, _ = problem.eval(KEY, jnp.asarray(points, jnp.float32), problem.init(KEY))
    return np.asarray(found)


cube = np.random.default_rng(0).uniform(-5, 5, (1000, 5))
for number, name in ((1, "sphere"), (7, "step_ellipsoidal")):
    ours, theirs = [], []
    for seed in range(1, 6):
        ours.append(values(BBOBProblem(name, num_dims=5, seed=seed, f_opt=0.0), cube))
        problem = ioh.get_problem(number, instance=seed, dimension=5, problem_class=ioh.ProblemClass.BBOB)
        theirs.append(np.array(problem(cube.tolist())) - problem.optimum.y)
    print(f"{name}: 10^{round(np.log10(np.median(ours) / np.median(theirs)))} of ioh's")
problem = BBOBProblem("step_ellipsoidal", num_dims=5, x_opt=jnp.zeros(5), f_opt=0.0, sample_rotations=False)
(value,) = values(problem, np.eye(5)[:1])
print(f"step_ellipsoidal, no rotation, 1 away on the first axis: {value:.1f}, by its definition 0.1")

axis = np.linspace(-5, 5, 201)
grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1)


def whole(point):
    return " ".join(str(round(float(coordinate))) for coordinate in point)


for seed in range(4):
    problem = BBOBProblem("gallagher_101_me", num_dims=2, seed=seed, f_opt=0.0)
    height = values(problem, grid.reshape(-1, 2)).reshape(201, 201)
    around = [np.roll(height, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]
    optima = (height < np.min(around, 0))[1:-1, 1:-1]
    points, heights = grid[1:-1, 1:-1][optima], height[1:-1, 1:-1][optima]
    local = np.linalg.norm(points - np.asarray(problem.x_opt), axis=1) > 0.5
    first, second = points[local][np.argsort(heights[local])[:2]]
    print(
        f"gallagher_101_me, seed {seed}: global optimum at {whole(problem.x_opt)},"
        f" the next at {whole(first)} and {whole(second)}"
    )
PYTHON
cat "$folder/output"
diff <(grep -A8 '^# Output seen' "$script" | tail -7 | cut -c5-) "$folder/output"
