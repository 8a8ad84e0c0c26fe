#!/usr/bin/env bash
# qdax 0.5.0 (jax and jaxlib 0.10.2, flax 0.12.8, brax 0.14.2, mujoco 3.17.0, deap 1.4.4, numpy 2.4.6, Python 3.11):
# polynomial_mutation drives parameters onto minval and maxval, and one that is there never leaves. Steps down have to
# shrink with the distance from minval, steps up with that from maxval; here it is the other way round. So near a bound
# the large steps are those towards it, clipped to it, and on it every step is either 0 or clipped. Nothing is said, and
# a search whose optimum is near a bound ends on the bound. QDax's examples for NSGA-II, SPEA2 and MOME use it.
# Of each array it changes int(proportion_to_mutate * rows) rows: with 0.2, a bias of 4 keeps its values for ever.
# polynomial_crossover draws its positions with replacement: of proportion_var_to_change 1.0 comes 0.63.
# Guessed: what DEAP's operator of that name, mutPolynomialBounded, does with the same eta and bounds, the clipping
# being for "floating point issues", as the source has it; all arrays change; and the proportions are those asked for.
# Helps: isoline_variation in place of both (it moves a gene on its bound in half of all cases).
#
# Output seen (genes between 0 and 1, eta 10; a gene mutated once; 30 times without selection; and a search, keeping the
# best 64 of parents and offspring, for 0.9 in each of 16 genes: the squared distance after 1,000 generations):
#   genes of 1.0: qdax moved 0 %, deap moved 50 %
#   genes of 0.95: qdax on the bound 28 %, deap on the bound 0 %
#   genes spread evenly, 30 times: qdax on a bound 88 %, deap on a bound 0 %
#   search: qdax 0.08 with 8 of 16 genes on the bound, deap 0.00 with 0 of 16
#   a network, proportion_to_mutate 0.2: changed of the kernel of 10 x 4 20 %, of the bias of 4 0 %
#   polynomial_crossover, proportion_var_to_change 1.0: changed 63 %
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q qdax==0.5.0 deap==1.4.4 jax==0.10.2 jaxlib==0.10.2 flax==0.12.8 numpy==2.4.6 \
  brax==0.14.2 mujoco==3.17.0 mujoco-mjx==3.17.0
JAX_PLATFORMS=cpu "$folder/venv/bin/python" -W ignore - << 'PYTHON' | grep -v '^Failed to import' > "$folder/output"
import random
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from deap import tools
from qdax.baselines.genetic_algorithm import GeneticAlgorithm
from qdax.core.emitters.mutation_operators import polynomial_crossover, polynomial_mutation
from qdax.core.emitters.standard_emitters import MixingEmitter
from qdax.utils.metrics import default_ga_metrics

ETA, GENES, MEMBERS, TARGET = 10.0, 16, 64, 0.9
random.seed(0)


def qdax(genes, times=1):
    genes = jnp.asarray(genes)[:, None]
    for seed in range(times):
        genes = polynomial_mutation(
            genes, jax.random.key(seed), proportion_to_mutate=1.0, eta=ETA, minval=0.0, maxval=1.0
        )
    return np.asarray(genes)[:, 0]


def deap(genes, times=1):
    genes = [[float(gene)] for gene in genes]
    for _ in range(times):
        for gene in genes:
            tools.mutPolynomialBounded(gene, ETA, 0.0, 1.0, 1.0)
    return np.array(genes)[:, 0]


def bounded(genes):
    genes = np.asarray(genes)
    return (genes == 0) | (genes == 1)


def percent(shares):
    return f"{100 * float(np.mean(shares)):.0f} %"


ones, near, even = np.ones(10000), np.full(10000, 0.95, np.float32), np.linspace(0, 1, 10000, dtype=np.float32)
found = [f"{one.__name__} moved {percent(one(ones) != ones)}" for one in (qdax, deap)]
print("genes of 1.0:", ", ".join(found))
found = [f"{one.__name__} on the bound {percent(bounded(one(near)))}" for one in (qdax, deap)]
print("genes of 0.95:", ", ".join(found))
found = [f"{one.__name__} on a bound {percent(bounded(one(even, 30)))}" for one in (qdax, deap)]
print("genes spread evenly, 30 times:", ", ".join(found))

mutation = partial(polynomial_mutation, proportion_to_mutate=0.5, eta=ETA, minval=0.0, maxval=1.0)
start = jax.random.uniform(jax.random.key(1), (MEMBERS, GENES))
search = GeneticAlgorithm(
    scoring_function=lambda genes, key: (-jnp.sum((genes - TARGET) ** 2, axis=-1, keepdims=True), {}),
    emitter=MixingEmitter(mutation_fn=mutation, variation_fn=None, variation_percentage=0.0, batch_size=MEMBERS),
    metrics_function=default_ga_metrics,
)
repertoire, state, _ = search.init(start, MEMBERS, jax.random.key(2))
update = jax.jit(search.update)
for generation in range(1000):
    repertoire, state, _ = update(repertoire, state, jax.random.key(generation))
theirs = np.asarray(repertoire.genotypes)[np.argmax(repertoire.fitnesses)]


def distance(genes):
    return sum((gene - TARGET) ** 2 for gene in genes)


population = np.asarray(start).tolist()
for _ in range(1000):
    offspring = [list(random.choice(population)) for _ in range(MEMBERS)]
    for genes in offspring:
        tools.mutPolynomialBounded(genes, ETA, 0.0, 1.0, 0.5)
    population = sorted(population + offspring, key=distance)[:MEMBERS]
print(
    f"search: qdax {distance(theirs):.2f} with {bounded(theirs).sum()} of {GENES} genes on the bound,"
    f" deap {distance(population[0]):.2f} with {bounded(population[0]).sum()} of {GENES}"
)

network = {"kernel": jnp.full((1000, 10, 4), 0.5), "bias": jnp.full((1000, 4), 0.5)}
mutated = polynomial_mutation(network, jax.random.key(0), proportion_to_mutate=0.2, eta=ETA, minval=-1.0, maxval=1.0)
kernel, bias = (percent(mutated[name] != network[name]) for name in ("kernel", "bias"))
print(f"a network, proportion_to_mutate 0.2: changed of the kernel of 10 x 4 {kernel}, of the bias of 4 {bias}")
crossed = polynomial_crossover(
    jnp.zeros((1000, 100)), jnp.ones((1000, 100)), jax.random.key(0), proportion_var_to_change=1.0
)
print(f"polynomial_crossover, proportion_var_to_change 1.0: changed {percent(crossed == 1)}")
PYTHON
cat "$folder/output"
diff <(grep -A7 '^# Output seen' "$script" | tail -6 | cut -c5-) "$folder/output"
