#!/usr/bin/env bash
# inspyred 1.0.3 (numpy 2.4.6, Python 3.11): simulated annealing that is stopped by a number of generations heats up.
# simulated_annealing_replacement, SA's way to accept a worse solution, takes the temperature from what is left of the
# run unless it is given one: by its docstring (max - current) / max, "from 1 to 0". For max_evaluations it does so; for
# max_generations it takes that from 1 once more, so that the search begins at 0 as a greedy one, ends at 1 as a random
# walk, and leaves the optimum that it had found. SA keeps no best one, so that what evolve returns is where the walk
# was last. Nothing is said.
# Guessed: the same temperatures whether evaluations or generations are counted; SA has one evaluation a generation.
# (No issue of aarongarrett/inspyred on it was found; git has the same line in April 2026.)
# Helps: evaluation_termination and max_evaluations; or temperature and cooling_rate.
#
# Output seen (the sphere in two dimensions from its minimum, 0, on; 500 steps, mean of 20 seeds):
#   max_evaluations=501: worse steps by fifth 42 36 35 30 20 %, at the end 0.014
#   max_generations=500: worse steps by fifth 20 33 34 39 39 %, at the end 1.605
#   max_generations=500, temperature and cooling_rate: worse steps by fifth 38 29 18 11 4 %, at the end 0.007
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q inspyred==1.0.3 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import random

from inspyred import ec

STEPS, SEEDS = 500, 20


def evaluate(candidates, args):
    return [sum(value**2 for value in candidate) for candidate in candidates]


def anneal(seed, **length):
    fitness = []
    annealing = ec.SA(random.Random(seed))
    annealing.terminator = [ec.terminators.evaluation_termination, ec.terminators.generation_termination][
        "max_generations" in length
    ]
    annealing.observer = lambda population, num_generations, num_evaluations, args: fitness.append(
        population[0].fitness
    )
    annealing.evolve(
        lambda random, args: [0.0, 0.0],
        evaluate,
        maximize=False,
        bounder=ec.Bounder(-5, 5),
        mutation_rate=1.0,
        gaussian_stdev=0.3,
        **length,
    )
    return fitness


for title, length in {
    f"max_evaluations={STEPS + 1}": {"max_evaluations": STEPS + 1},
    f"max_generations={STEPS}": {"max_generations": STEPS},
    f"max_generations={STEPS}, temperature and cooling_rate": {
        "max_generations": STEPS,
        "temperature": 1.0,
        "cooling_rate": 0.99,
    },
}.items():
    worse, last = [0] * 5, 0.0
    for seed in range(SEEDS):
        fitness = anneal(seed, **length)
        assert len(fitness) == STEPS + 1
        for step, (before, after) in enumerate(zip(fitness, fitness[1:])):
            worse[5 * step // STEPS] += after > before
        last += fitness[-1] / SEEDS
    shares = " ".join(f"{500 * count / STEPS / SEEDS:.0f}" for count in worse)
    print(f"{title}: worse steps by fifth {shares} %, at the end {last:.3f}")
PYTHON
cat "$folder/output"
diff <(grep -A3 '^# Output seen' "$script" | tail -3 | cut -c5-) "$folder/output"
