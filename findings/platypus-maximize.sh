#!/usr/bin/env bash
# platypus-opt 1.4.1 (Python 3.11): two indicators do not hold for objectives that are maximised. EpsilonIndicator never
# asks for a direction: it takes how far a set lies above the reference set, which for a maximised objective is how
# much better it is. So the worst set there is has 0, as the reference set itself has, and a better set has a larger,
# that is a worse, value. Hypervolume does ask, but leaves out every solution beyond the reference set's maximum, as if
# that were worse than the nadir, and lets values below its minimum count as negative lengths: a set that is better in
# all objectives has a volume of 0, and one dominated solution can make the volume of the others smaller, or negative.
# The algorithms do maximise (or refuse to, as MOEAD and NSGAIII): they are judged by these values with no warning.
# Guessed: what the same sets have with all objectives negated and minimised.
# (Issue 138 of Project-Platypus/Platypus, closed, has a volume of 0 with a maximised objective; on these none found.)
# Helps: return negative objectives and leave them minimised.
#
# Output seen (reference set 0 1, 0.7 0.7, 1 0, its minimum 0 and maximum 1):
#   the reference set: maximised epsilon 0.00 volume 0.49; negated, minimised epsilon 0.00 volume 0.49
#   0.5 0.5: maximised epsilon 0.50 volume 0.25; negated, minimised epsilon 0.50 volume 0.25
#   0 0: maximised epsilon 0.00 volume 0.00; negated, minimised epsilon 1.00 volume 0.00
#   1.1 1.1: maximised epsilon 1.10 volume 0.00; negated, minimised epsilon -0.10 volume 1.00
#   0.5 0.5, -1 0.9: maximised epsilon 0.50 volume -0.15; negated, minimised epsilon 0.50 volume 0.25
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q platypus-opt==1.4.1
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
from platypus import Direction, EpsilonIndicator, Hypervolume, Problem, Solution

REFERENCE = [(0.0, 1.0), (0.7, 0.7), (1.0, 0.0)]
SETS = {
    "the reference set": REFERENCE,
    "0.5 0.5": [(0.5, 0.5)],
    "0 0": [(0.0, 0.0)],
    "1.1 1.1": [(1.1, 1.1)],
    "0.5 0.5, -1 0.9": [(0.5, 0.5), (-1.0, 0.9)],
}


def solutions(points, direction):
    problem = Problem(0, 2)
    problem.directions[:] = direction
    made = []
    for point in points:
        solution = Solution(problem)
        solution.objectives[:] = [value * direction.value for value in point]
        solution.constraint_violation = 0.0
        made.append(solution)
    return made


for title, points in SETS.items():
    values = []
    for name, direction in (("maximised", Direction.MAXIMIZE), ("negated, minimised", Direction.MINIMIZE)):
        indicators = [kind(solutions(REFERENCE, direction)) for kind in (EpsilonIndicator, Hypervolume)]
        epsilon, volume = (indicator.calculate(solutions(points, direction)) for indicator in indicators)
        values.append(f"{name} epsilon {epsilon:.2f} volume {volume:.2f}")
    print(f"{title}: {'; '.join(values)}")
PYTHON
cat "$folder/output"
diff <(grep -A5 '^# Output seen' "$script" | tail -5 | cut -c5-) "$folder/output"
