"""Whose search was the paper's? What each optimiser of PGPE's centre does to time constants on pure noise.

    python benchmarks/optimiser_nulls.py [--seeds 5] [--budget 16384]

The paper names its rates (0.15, 0.1, 0.1) and no optimiser; its Table 2 has log-normal shapes of 0.26 to 0.30 in four
environments that have little in common. Printed for as many neurons, with four properties each, as the budget has
(4,096 of 16,384), 256 members and 1,000 generations: shape and scale of the time constants that drift alone leaves,
mean and 95 % interval over seeds, the fit's Kolmogorov-Smirnov distance.
"""

import argparse

import numpy as np
import scipy.stats

from zoo.analysis.null import drift
from zoo.analysis.paper_tables import TABLE_2
from zoo.evaluation.statistics import interval_95
from zoo.models import TAU_MS, V_TH, tau_ms_from_x
from zoo.registry.names import parse
from zoo.registry.recipe import make_network_config, make_recipe_task
from zoo.tasks.brax import FAMILY as BRAX
from zoo.training import default_recipe, override
from zoo.training.methods.optimisers import OPTIMISERS

PAPER = {
    "centre_lr": 0.15, "centre_lr_final": None, "centre_lr_drop": None, "sigma": 0.1, "sigma_final": None,
    "sigma_lr": 0.1, "generations": 1000, "tau_ms": (TAU_MS,), "v_th": V_TH,
}  # fmt: skip


def fitted(tau_ms: np.ndarray) -> tuple[float, float, float]:
    """Shape and scale of a log-normal fit, and its Kolmogorov-Smirnov distance."""
    shape, _, scale = scipy.stats.lognorm.fit(tau_ms, floc=0)
    return shape, scale, scipy.stats.kstest(tau_ms, "lognorm", (shape, 0, scale)).statistic


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", default=5, type=int)
    parser.add_argument("--budget", default=16384, type=int)
    parser.add_argument("--optimisers", nargs="+", choices=OPTIMISERS, default=list(OPTIMISERS))
    asked = parser.parse_args()
    model = parse(f"hetsnn-hp-{asked.budget}")
    paper = [f"{task} {TABLE_2[task].lognormal_shape}, {TABLE_2[task].lognormal_scale}" for task in BRAX.tasks]
    print(f"Table 2, shape and scale (ms): {'; '.join(paper)}")
    print("| optimiser | shape (95 %) | scale, ms (95 %) | distance |\n| --- | ---: | ---: | ---: |")
    for optimiser in asked.optimisers:
        recipe = override(default_recipe(str(model)), optimiser=optimiser, **PAPER)
        config = make_network_config(model, make_recipe_task(model, recipe), recipe)
        seeds = tuple(range(asked.seeds))
        tau_ms = tau_ms_from_x(config.split(drift(config, recipe, seeds, recipe.generations, quiet=True))["x_tau"])
        found = np.array([fitted(row) for row in np.asarray(tau_ms)])
        cells = []
        for column in found.T[:2]:
            low, high = interval_95(column)
            cells.append(f"{column.mean():.3f} ({low:.3f} to {high:.3f})")
        print(f"| {optimiser} | {cells[0]} | {cells[1]} | {found[:, 2].mean():.3f} |", flush=True)


if __name__ == "__main__":
    main()
