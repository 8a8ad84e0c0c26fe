#!/usr/bin/env bash
# evojax 0.2.17 (jax and jaxlib 0.10.2, flax 0.12.8, numpy 2.4.6, Python 3.11): once all cells of MAPElites' lattice are
# taken, they fill up with parameters of other cells. To find the best newcomer of a cell, tell gives all others the
# lowest fitness of the lattice and takes the largest; where all of the cell's newcomers are below that, as they are in
# the worst cell unless they improve on it, "the largest" is the first individual of any other cell, which then takes
# the place if its own fitness is higher than the cell's. So the worst cells are lost one after the other. Fitness and
# parameters of a cell belong together and no fitness ever falls, so that the map looks full and better than it can be:
# QD score and best fitness by cell say what no solution in that cell reaches, and what is bred for a behaviour has
# another. While one cell is empty, nothing is wrong (the lowest is then -inf), which hides it in large maps.
# Guessed: parameters in a cell have that cell's descriptor. (No issue of google/evojax on it was found; main has it.)
# Helps: a tell of one's own, as in Masked below, where individuals of other cells count as -inf.
#
# Output seen (10 cells by x from -1 to 1; fitness 1 + x - y^2, at best 0.2, 0.4 to 2.0 by cell, 11.0 in sum):
#   MAPElites, generation 0: 7 cells taken, 7 by parameters of that cell, QD score 6.3
#   MAPElites, generation 5: 10 cells taken, 8 by parameters of that cell, QD score 13.9
#   MAPElites, generation 50: 10 cells taken, 2 by parameters of that cell, QD score 18.9
#   MAPElites, generation 50: in cells 9 9 9 9 8 9 9 9 8 9
#   Masked, generation 50: 10 cells taken, 10 by parameters of that cell, QD score 11.0
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q evojax==0.2.17 jax==0.10.2 jaxlib==0.10.2 flax==0.12.8 numpy==2.4.6
JAX_PLATFORMS=cpu "$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import jax.numpy as jnp
import numpy as np
from evojax.algo import MAPElites
from evojax.task.base import BDExtractor, TaskState
from flax.struct import dataclass

CELLS = 10


@dataclass
class State(TaskState):
    obs: jnp.ndarray


@dataclass
class Described(TaskState):
    obs: jnp.ndarray
    cell: jnp.ndarray


class Masked(MAPElites):
    """A newcomer takes its own cell only, and only with a higher fitness."""

    def tell(self, fitness):
        for cell in np.unique(self.bin_idx):
            best = jnp.where(self.bin_idx == cell, fitness, -jnp.inf).argmax()
            if fitness[best] > self.fitness_lattice[cell]:
                self.fitness_lattice = self.fitness_lattice.at[cell].set(fitness[best])
                self.params_lattice = self.params_lattice.at[cell].set(self.population[best])
                self.occupancy_lattice = self.occupancy_lattice.at[cell].set(1)


def cells(parameters):
    return np.clip((np.asarray(parameters)[:, 0] + 1) / 2 * CELLS, 0, CELLS - 1).astype(int)


def fitness(parameters):
    x, y = parameters.T
    return 1 + jnp.clip(x, -1, 1) - y**2


for kind, shown in ((MAPElites, (0, 5, 50)), (Masked, (50,))):
    algorithm = kind(
        pop_size=64,
        param_size=2,
        bd_extractor=BDExtractor([("cell", CELLS)], [], State),
        iso_sigma=0.2,
        line_sigma=0.2,
        seed=0,
    )
    for generation in range(max(shown) + 1):
        parameters = algorithm.ask()
        algorithm.observe_bd(Described(obs=parameters, cell=jnp.array(cells(parameters))))
        algorithm.tell(fitness(parameters))
        if generation in shown:
            taken = np.flatnonzero(algorithm.occupancy_lattice)
            own = (cells(algorithm.params_lattice)[taken] == taken).sum()
            score = np.asarray(algorithm.fitness_lattice)[taken].sum()
            print(
                f"{kind.__name__}, generation {generation}: {len(taken)} cells taken, {own} by parameters of that cell,"
                f" QD score {score:.1f}"
            )
    if kind is MAPElites:
        print(f"{kind.__name__}, generation {generation}: in cells", *cells(algorithm.params_lattice))
PYTHON
cat "$folder/output"
diff <(grep -A5 '^# Output seen' "$script" | tail -5 | cut -c5-) "$folder/output"
