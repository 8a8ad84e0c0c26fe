"""Trained neurons and trained weights on Brax at equal settings: each kind by its own recipe, and by the other's.

    python benchmarks/equal_settings.py [--tasks ant hc] [--budgets 4096 16384] [--by het] [--out runs/equal-settings]

The recipes of the two kinds differ in the actions' gain, in rate and sigma, or in the length of episodes, each chosen
for its kind (docs/brax-trials.md). A row is one recipe, and both kinds trained by it: the population's mean ±
standard deviation over seeds, and the centre's on fresh episodes. Published models stand where their recipe is the
row's; the others are trained here. An interrupted run goes on where it stopped.
"""

import argparse
from pathlib import Path

import zoo
from zoo.registry.recipe import default_recipe
from zoo.report.control_tables import recipe_of
from zoo.report.tested_tables import KINDS
from zoo.tasks.brax import FAMILY

FREE = ("seeds", "physics")
"""Settings that may differ."""


def trained(name: str, by: str, out: Path, seeds: int, **told) -> zoo.ModelInfo:
    """The model of a name, trained by another name's recipe."""
    published, wanted, own = zoo.model_info(name), default_recipe(by).flat(), default_recipe(name).flat()
    found = recipe_of(published).flat()
    if not told and all(found[field] == value for field, value in wanted.items() if field not in FREE):
        return published
    changes = {field: value for field, value in wanted.items() if field not in FREE and own[field] != value}
    run = zoo.train(name, out=out / by, quiet=True, seeds=seeds, **changes | told)
    return zoo.model_info(run.folders[0] / "checkpoint")


def cell(model: zoo.ModelInfo) -> str:
    """Population, centre, and of how many seeds."""
    return f"{model.population_mean:.0f} ± {model.population_std:.0f}; {model.mean:.0f} ({model.seeds} seeds)"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", nargs="+", default=["ant", "hc", "hp", "wal"])
    parser.add_argument("--budgets", type=int, nargs="+", default=[4096, 16384])
    parser.add_argument(
        "--by", nargs="+", choices=KINDS, default=list(KINDS), help="whose recipe both are trained by"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--generations", type=int, help="fewer, to try this program; nothing published is taken then")
    parser.add_argument("--out", type=Path, default=Path("runs/equal-settings"))
    asked = parser.parse_args()
    told = {"generations": asked.generations} if asked.generations else {}
    print("| environment | parameters | recipe of | neurons: population; centre | weights: population; centre |")
    print("| --- | ---: | --- | ---: | ---: |")
    for task in asked.tasks:
        for budget in asked.budgets:
            names = {kind: f"{kind}snn-{task}-{budget}" for kind in KINDS}
            own = {kind: default_recipe(name).flat() for kind, name in names.items()}
            alike = own["het"] == own["hom"]
            for kind in asked.by[:1] if alike else asked.by:
                cells = [cell(trained(name, names[kind], asked.out, asked.seeds, **told)) for name in names.values()]
                row = [FAMILY.label(task), f"{budget:,}", "both" if alike else KINDS[kind], *cells]
                print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
