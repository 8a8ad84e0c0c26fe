#!/usr/bin/env bash
# inspyred 1.0.3 (numpy 2.4.6, Python 3.11): fitness_proportionate_selection does not select by fitness where a fitness
# is below 0. If all are, it divides each by their sum, both negative, and the worst individual has the largest share.
# If some are and some are not, it never sets up its wheel: the numbers 0, 1, 2 that it has been filled with stay, and
# every draw takes the second individual of the population, whatever it is. For minimisation it raises ValueError;
# here nothing is said, and a search goes away from the optimum, or stands still, as if the problem were hard. Many
# fitness functions are negative (minus a distance, a cost or a loss), and a constant added to one changes everything.
# Guessed: the better, the more probable, for all values; or the ValueError here as well.
# (No issue of aarongarrett/inspyred on it was found.)
# Helps: rank_selection or tournament_selection; or a constant that keeps the fitness above 0.
#
# Output seen (share of the draws by fitness, in the order of the population; then searches for the maximum at 0 with
# gaussian_mutation and generational_replacement, 50 individuals between -10 and 10, mean distance from it, five seeds):
#   positive: 4 40 %, 3 30 %, 2 20 %, 1 10 %
#   negative: -1 10 %, -2 19 %, -3 30 %, -4 40 %
#   both: 2 0 %, -1 100 %, 1 0 %, -2 0 %
#   both, in another order: -1 0 %, -2 100 %, 2 0 %, 1 0 %
#   100 - x^2 after 50 generations: the population is 1.6 from the optimum
#   50 - x^2 after 50 generations: the population is 1.3 from the optimum
#   0 - x^2 after 50 generations: the population is 9.4 from the optimum
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q inspyred==1.0.3 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import random
from collections import Counter

from inspyred import ec

DRAWS = 10_000


def chosen(*fitness):
    population = []
    for value in fitness:
        individual = ec.Individual(candidate=[value], maximize=True)
        individual.fitness = value
        population.append(individual)
    drawn = ec.selectors.fitness_proportionate_selection(random.Random(0), population, {"num_selected": DRAWS})
    counts = Counter(individual.fitness for individual in drawn)
    return ", ".join(f"{value} {100 * counts[value] / DRAWS:.0f} %" for value in fitness)


def search(offset, seed):
    algorithm = ec.EvolutionaryComputation(random.Random(seed))
    algorithm.selector = ec.selectors.fitness_proportionate_selection
    algorithm.variator = ec.variators.gaussian_mutation
    algorithm.replacer = ec.replacers.generational_replacement
    algorithm.terminator = ec.terminators.generation_termination
    population = algorithm.evolve(
        lambda random, args: [random.uniform(-10, 10)],
        lambda candidates, args: [offset - x**2 for x, in candidates],
        pop_size=50,
        num_selected=50,
        bounder=ec.Bounder(-10, 10),
        mutation_rate=1.0,
        gaussian_stdev=0.5,
        max_generations=50,
    )
    return sum(abs(individual.candidate[0]) for individual in population) / len(population)


print("positive:", chosen(4, 3, 2, 1))
print("negative:", chosen(-1, -2, -3, -4))
print("both:", chosen(2, -1, 1, -2))
print("both, in another order:", chosen(-1, -2, 2, 1))
for offset in (100, 50, 0):
    distance = sum(search(offset, seed) for seed in range(5)) / 5
    print(f"{offset} - x^2 after 50 generations: the population is {distance:.1f} from the optimum")
PYTHON
cat "$folder/output"
diff <(grep -A8 '^# Output seen' "$script" | tail -7 | cut -c5-) "$folder/output"
