"""Table 3 by the paper's own search: 256 members that differ in all parameters at once.

    python benchmarks/image_paper_search.py [--budgets 4096 8192] [--out runs/paper-search]

The zoo's recipes for images search blocks of neurons. Here one block is as wide as the hidden layer, once with the
paper's rates, once with the best of those that `image_recipes.py --whole-layer` judged by held-back training images.
Input gain, minibatch and fitness, of which the paper says nothing, are the zoo's. Each is trained to the end with
three seeds and judged by all test images; mean ± standard deviation over seeds. An interrupted run goes on where it
stopped.
"""

import argparse
from pathlib import Path

from image_recipes import whole_layer

import zoo
from zoo.registry.names import parse
from zoo.tasks.images import FAMILY

CHOSEN = {"het": {"centre_lr": 0.05, "sigma": 0.4}, "hom": {}}
"""What the grid changed of the recipes: nothing of the weights'."""


def accuracy(name: str, out: Path, **settings) -> str:
    """Test accuracy of a model trained by these settings: a cell of the table."""
    trained = zoo.train(name, out=out, quiet=True, **whole_layer(name) | settings)
    result = zoo.evaluate(trained.folders[0] / "checkpoint")
    return f"{result.mean:.2f} % ± {result.std:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--budgets", type=int, nargs="+", default=[4096, 8192])
    parser.add_argument("--out", type=Path, default=Path("runs/paper-search"))
    asked = parser.parse_args()
    print("| images | budget | trained | paper's rates | chosen | in blocks, published | paper |")
    print("| --- | ---: | --- | ---: | ---: | ---: | ---: |")
    for task in ("mnist", "fmnist"):
        for budget in asked.budgets:
            for kind, what in (("het", "neurons"), ("hom", "weights")):
                name = f"{kind}snn-{task}-{budget}"
                cells = [
                    accuracy(name, asked.out / "rates", centre_lr_final=None, **FAMILY.paper_settings(parse(name))),
                    accuracy(name, asked.out / "chosen", **CHOSEN[kind]),
                    f"{zoo.load(name).evaluation['mean']:.2f} %",
                    FAMILY.paper_reward(parse(name)),
                ]
                print(f"| {FAMILY.label(task)} | {budget:,} | {what} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
