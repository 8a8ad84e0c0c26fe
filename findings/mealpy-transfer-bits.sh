#!/usr/bin/env bash
# mealpy 3.0.3 (numpy 1.26.0, scipy 1.16.3, pandas 2.3.3, matplotlib 3.11.2, opfunu 1.0.4, Python 3.11): the solution
# that it returns for TransferBinaryVar or TransferBoolVar is not the one whose fitness it reports. Their correct draws
# each bit with the probability that tf_func gives, and decode_solution, which an objective of variables other than
# FloatVar calls, corrects once more: the bits that are there, 0 or 1, go through tf_func and are drawn again. Of a 1
# vstf_01 makes a 1 in 79 % of all calls, sstf_02 in 73 %, and of a 0 in 50 %. So the fitness is the best of many draws,
# and the bits that gave it are gone: decoded again they score like anything near. BinaryVar has none of this. And lb is
# multiplied by zeros: whatever is asked for, -8 unless told, the lower bound is 0, where an S-shaped tf_func is 0.5, so
# that a search for few bits has no way to get them. Both are meant for feature selection, where few are wanted.
# PermutationVar is turned round: encode_solution gives places, decode_solution sorts by them, and what comes back is
# the inverse permutation. A good tour as a starting solution is another tour.
# Guessed: objective(g_best.solution) is g_best.target.fitness; lb as given; decode_solution(encode_solution(x)) is x.
# (Issues 120 and 191 of thieu1995/mealpy are near, solutions not corrected or not decoded; neither has these.)
# Helps: BinaryVar; argsort a permutation before it is encoded.
#
# Output seen (20 bits, count of ones, GA.BaseGA with 50 individuals and 50 epochs; then 1,000 more evaluations of it):
#   BinaryVar, fewest ones: reported 0, its solution again 0.0
#   BinaryVar, most ones: reported 20, its solution again 20.0
#   TransferBinaryVar vstf_01, lower bound 0, fewest ones: reported 0, its solution again 1.6
#   TransferBinaryVar vstf_01, lower bound 0, most ones: reported 13, its solution again 10.3
#   TransferBinaryVar sstf_02, lower bound 0, fewest ones: reported 6, its solution again 12.6
#   TransferBinaryVar sstf_02, lower bound 0, most ones: reported 19, its solution again 12.8
#   the permutation [1, 2, 3, 4, 0], encoded and decoded: [4, 0, 1, 2, 3]
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q mealpy==3.0.3 numpy==1.26.0 scipy==1.16.3 pandas==2.3.3 matplotlib==3.11.2 \
  opfunu==1.0.4
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import numpy as np
from mealpy import GA, BinaryVar, PermutationVar, Problem, TransferBinaryVar


class Ones(Problem):
    def obj_func(self, x):
        return int(np.sum(self.decode_solution(x)["bits"]))


def show(title, variable):
    for wanted, minmax in (("fewest", "min"), ("most", "max")):
        problem = Ones(variable(), minmax=minmax, log_to=None)
        best = GA.BaseGA(epoch=50, pop_size=50).solve(problem, seed=0)
        again = np.mean([problem.obj_func(best.solution) for _ in range(1000)])
        print(f"{title}, {wanted} ones: reported {best.target.fitness:.0f}, its solution again {again:.1f}")


show("BinaryVar", lambda: BinaryVar(n_vars=20, name="bits"))
for function in ("vstf_01", "sstf_02"):
    low = abs(TransferBinaryVar(n_vars=20, tf_func=function, lb=-8.0).lb[0])
    show(
        f"TransferBinaryVar {function}, lower bound {low:.0f}",
        lambda: TransferBinaryVar(n_vars=20, name="bits", tf_func=function, lb=-8.0),
    )
tour = [1, 2, 3, 4, 0]
problem = Problem(PermutationVar(valid_set=list(range(5)), name="tour"), log_to=None)
back = problem.decode_solution(problem.encode_solution([tour]))["tour"]
print(f"the permutation {tour}, encoded and decoded: {[int(city) for city in back]}")
PYTHON
cat "$folder/output"
diff <(grep -A7 '^# Output seen' "$script" | tail -7 | cut -c5-) "$folder/output"
