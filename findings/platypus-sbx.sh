#!/usr/bin/env bash
# platypus-opt 1.4.1 (Python 3.11): SBX, the default crossover of its algorithms for real numbers, crosses half
# of what it should. Before it crosses two values it asks whether they differ, but takes x2 - x1 without the sign off:
# where the second parent has the smaller value nothing happens. So of the variables a quarter is crossed with
# probability=1.0, where simulated binary crossover has one half, and which ones depends on which parent comes first. A
# problem of one variable gets its parents back, as they are, in three of four crossovers. Nothing is said, and bounds
# and distribution of what is crossed are right.
# UM, uniform mutation, divides its default probability of 1 by the number of variables, as PM and BitFlip do, and
# then uses the one that it has not divided: it draws all variables anew, and of the parent nothing is left.
# Guessed: half of the variables by SBX(1.0), whatever the order of the parents; one of n by UM() as by PM().
# (No issue of Project-Platypus/Platypus on either was found.)
# Helps: hand sbx_crossover the smaller value first, as in Both below; UM(1.0 / n).
#
# Output seen (2,000 pairs of parents of 10 variables, 20,000 of one: share of variables that have another value):
#   SBX, all values of the first parent smaller: 50 %
#   SBX, all values of the second parent smaller: 0 %
#   SBX, random parents: 25 %
#   Both, all values of the second parent smaller: 50 %
#   Both, random parents: 49 %
#   SBX, random parents of one variable: 25 %
#   PM(): 10 %
#   UM(): 100 %
#   UM(1.0 / 10): 10 %
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q platypus-opt==1.4.1
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import random

from platypus import PM, SBX, UM, Problem, Real, Solution


class Both(SBX):
    def sbx_crossover(self, x1, x2, lb, ub):
        return super().sbx_crossover(min(x1, x2), max(x1, x2), lb, ub)


def parent(low, high, variables):
    problem = Problem(variables, 1)
    problem.types[:] = Real(0, 1)
    solution = Solution(problem)
    solution.variables[:] = [random.uniform(low, high) for _ in range(variables)]
    return solution


def show(title, operator, *ranges, variables=10, pairs=2000):
    changed = 0
    for _ in range(pairs):
        parents = [parent(low, high, variables) for low, high in ranges]
        child = operator.evolve(parents)[0] if len(parents) > 1 else operator.mutate(parents[0])
        values = {value for one in parents for value in one.variables}
        changed += sum(value not in values for value in child.variables)
    print(f"{title}: {100 * changed / variables / pairs:.0f} %")


random.seed(0)
low, high, whole = (0.1, 0.4), (0.6, 0.9), (0.0, 1.0)
show("SBX, all values of the first parent smaller", SBX(1.0), low, high)
show("SBX, all values of the second parent smaller", SBX(1.0), high, low)
show("SBX, random parents", SBX(1.0), whole, whole)
show("Both, all values of the second parent smaller", Both(1.0), high, low)
show("Both, random parents", Both(1.0), whole, whole)
show("SBX, random parents of one variable", SBX(1.0), whole, whole, variables=1, pairs=20000)
show("PM()", PM(), whole)
show("UM()", UM(), whole)
show("UM(1.0 / 10)", UM(1.0 / 10), whole)
PYTHON
cat "$folder/output"
diff <(grep -A9 '^# Output seen' "$script" | tail -9 | cut -c5-) "$folder/output"
