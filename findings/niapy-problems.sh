#!/usr/bin/env bash
# niapy 2.7.1 (numpy 2.4.6, pandas 3.1.1, matplotlib 3.11.2, Python 3.11): five of its benchmark problems have another
# minimum than their documentation says. Discus does not square its first variable and falls to -1e8 at the lower
# bound. Levy does not square its inner sine and goes below 0. Katsuura rounds where it should take the distance to the
# rounded, and negative values make it negative. HappyCat takes |x_i^2 - D| by the variable, not of the sum. Expanded
# Griewank plus Rosenbrock leaves out the 1 that each of its terms adds. DixonPrice leaves out its first term: of two
# variables the second counts for nothing. Alpine1 leaves out a factor x. Nothing is said; a search that ends below the
# documented minimum, or never reaches it, looks like a property of the algorithm.
# Two more: convergence_data("evals") of a maximisation has its sign turned, convergence_data("iters") has not; and the
# repair reflect does not reflect: 1.1 between -1 and 1 becomes 0.1.
# Guessed: the formula that stands above each problem, and nothing below its minimum; the fitness that run returns, on
# both axes; and 0.9.
# (NiaOrg/NiaPy pull request 418, of 2023, changed formulas and documented minima, also of Katsuura and Discus; this is
# after it. No issue on the rest was found.)
# Helps: write these problems yourself, as levy below.
#
# Output seen (four variables unless shown; at the documented place of the minimum and elsewhere within the bounds):
#   Discus: documented 0, at (0, 0, 0, 0) 0.00, at (-100, 0, 0, 0) -100000000.00
#   Levy: documented 0, at (1, 1, 1, 1) 0.00, at (9, 9, 9, 1) -88.98
#   Katsuura: documented 1, at (0, 0, 0, 0) 1.00, at (-0.5, 0, 0, 0) -15.00
#   HappyCat: documented 0, at (-1, -1, -1, -1) 5.26, at (-2, -2, -2, -2) 0.50
#   ExpandedGriewankPlusRosenbrock: documented 0, at (0, 0, 0, 0) -2.14, at (1, 1, 1, 1) -3.00
#   DixonPrice of (1, -5), (1, 0), (1, 5): 0.00, 0.00, 0.00, by its formula 4802.00, 2.00, 4802.00
#   Alpine1 of (8, 8, 8, 8): 7.16, by its formula 34.86
#   search for the minimum of levy by DifferentialEvolution: niapy's -132.7, by its formula 0.0
#   search for the maximum of -x^2 - 3: run -3, convergence_data by iterations -3, by evaluations 3
#   reflect between -1 and 1: 1.1 becomes 0.1, 1.5 becomes 0.5, -1.1 becomes -0.1
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q niapy==2.7.1 numpy==2.4.6 pandas==3.1.1 matplotlib==3.11.2 openpyxl==3.1.5
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import numpy as np
from niapy import problems
from niapy.algorithms.basic import DifferentialEvolution
from niapy.task import OptimizationType, Task
from niapy.util.repair import reflect


def levy(x):
    w = 1 + (x - 1) / 4
    inner = (w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2)
    return np.sin(np.pi * w[0]) ** 2 + np.sum(inner) + (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2)


def dixon_price(x):
    return (x[0] - 1) ** 2 + sum(i * (2 * x[i - 1] ** 2 - x[i - 2]) ** 2 for i in range(2, len(x) + 1))


def alpine1(x):
    return np.sum(np.abs(x * np.sin(x) + 0.1 * x))


class Own(problems.Problem):
    def __init__(self, function, bound):
        super().__init__(4, -bound, bound)
        self.function = function

    def _evaluate(self, x):
        return self.function(x)


def value(name, x):
    return f"{getattr(problems, name)(dimension=len(x)).evaluate(np.array(x, float)):.2f}"


def search(problem, kind=OptimizationType.MINIMIZATION):
    task = Task(problem, max_evals=5000, optimization_type=kind)
    return DifferentialEvolution(population_size=50, seed=0).run(task)[1], task


for name, least, place, other in (
    ("Discus", 0, (0, 0, 0, 0), (-100, 0, 0, 0)),
    ("Levy", 0, (1, 1, 1, 1), (9, 9, 9, 1)),
    ("Katsuura", 1, (0, 0, 0, 0), (-0.5, 0, 0, 0)),
    ("HappyCat", 0, (-1, -1, -1, -1), (-2, -2, -2, -2)),
    ("ExpandedGriewankPlusRosenbrock", 0, (0, 0, 0, 0), (1, 1, 1, 1)),
):
    print(f"{name}: documented {least}, at {place} {value(name, place)}, at {other} {value(name, other)}")
places = (1, -5), (1, 0), (1, 5)
found = ", ".join(value("DixonPrice", place) for place in places)
formula = ", ".join(f"{dixon_price(place):.2f}" for place in places)
print(f"DixonPrice of {', '.join(map(str, places))}: {found}, by its formula {formula}")
place = (8, 8, 8, 8)
print(f"Alpine1 of {place}: {value('Alpine1', place)}, by its formula {alpine1(np.array(place)):.2f}")
theirs, formula = search(problems.Levy(4))[0], search(Own(levy, 10))[0]
print(f"search for the minimum of levy by DifferentialEvolution: niapy's {theirs:.1f}, by its formula {formula:.1f}")
best, task = search(Own(lambda x: -np.sum(x**2) - 3, 5), OptimizationType.MAXIMIZATION)
iterations, evaluations = (task.convergence_data(axis)[1][-1] for axis in ("iters", "evals"))
print(
    f"search for the maximum of -x^2 - 3: run {best:.0f}, convergence_data by iterations {iterations:.0f},"
    f" by evaluations {evaluations:.0f}"
)
repaired = [f"{x} becomes {reflect(np.array([x]), np.array([-1.0]), np.array([1.0]))[0]:.1f}" for x in (1.1, 1.5, -1.1)]
print("reflect between -1 and 1:", ", ".join(repaired))
PYTHON
cat "$folder/output"
diff <(grep -A10 '^# Output seen' "$script" | tail -10 | cut -c5-) "$folder/output"
