"""Settings of the search on images, chosen without the test set.

    python benchmarks/image_recipes.py hetsnn-mnist-4096 --input-gain 6 12 25 --sigma 0.2 0.4 0.8

Each setting is trained on the first 50,000 training images, on seeds that no published model has, and judged by the
other 10,000. The one that is best there, and the recipe as it is where it is among them, are then also judged by the
test images. With `--whole-layer` the search is the paper's: 256 members, which differ in all neurons at once.
"""

import argparse
import dataclasses
import itertools
import time

import numpy as np

from zoo.evaluation.images import evaluate_images
from zoo.registry.names import parse
from zoo.registry.recipe import default_recipe, make_network_config, make_recipe_task, override
from zoo.tasks.image_data import Images, load_images
from zoo.tasks.images import ImageTask
from zoo.training.methods.base import Group
from zoo.training.run.engine import Engine

TRAINED_ON = 50_000


@dataclasses.dataclass(frozen=True, slots=True)
class Shortened(ImageTask):
    """The task without the images that judge."""

    @property
    def arrays(self):
        images = load_images(self.name, "train")
        return Images(images.pixels[:TRAINED_ON], images.labels[:TRAINED_ON])


def held_back(name):
    """The training images that nothing is trained on."""
    images = load_images(name, "train")
    return Images(images.pixels[TRAINED_ON:], images.labels[TRAINED_ON:])


def whole_layer(name):
    """What makes the paper's search of the recipe's: a block as wide as the hidden layer, and its 256 members."""
    model, recipe = parse(name), default_recipe(name)
    config = make_network_config(model, make_recipe_task(model, recipe), recipe)
    return {"population": 256, "block_neurons": config.hidden}


def trained(name, recipe, seeds):
    """Parts of the centres by seed, and their task."""
    model = parse(name)
    whole = make_recipe_task(model, recipe)
    task = Shortened(**{field.name: getattr(whole, field.name) for field in dataclasses.fields(whole)})
    group = Group(config=make_network_config(model, task, recipe), recipe=recipe, seeds=tuple(seeds))
    engine = Engine(task, [group])
    (state,) = engine.train(recipe.generations, lambda done, metrics: None)
    flat, fixed = np.asarray(engine.method.parameters(state)), group.frozen()
    return task, {
        seed: {part: np.asarray(values[run]) for part, values in fixed.items()} | group.config.split(flat[run])
        for run, seed in enumerate(seeds)
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--seeds", type=int, nargs="+", default=[100, 101, 102])
    parser.add_argument("--generations", type=int)
    parser.add_argument("--whole-layer", action="store_true")
    parser.add_argument("--input-gain", type=float, nargs="*", default=[])
    parser.add_argument("--sigma", type=float, nargs="*", default=[])
    parser.add_argument("--centre-lr", type=float, nargs="*", default=[])
    parser.add_argument("--batch", type=int, nargs="*", default=[])
    arguments = parser.parse_args()
    usual = default_recipe(arguments.name)
    if arguments.whole_layer:
        usual = override(usual, **whole_layer(arguments.name))
    fields = ("input_gain", "sigma", "centre_lr", "batch")
    grid = {field: getattr(arguments, field) or [getattr(usual, field)] for field in fields}
    found = {}
    for values in itertools.product(*grid.values()):
        setting, start = dict(zip(grid, values, strict=True)), time.process_time()
        recipe = override(usual, generations=arguments.generations or usual.generations, **setting)
        task, networks = trained(arguments.name, recipe, arguments.seeds)
        judged = evaluate_images(arguments.name, task, networks, held_back(task.name))
        as_it_is = recipe == usual
        found[judged.mean] = (setting, task, networks)
        report(setting, "held back", judged, as_it_is, time.process_time() - start)
        if as_it_is:
            report(setting, "test", evaluate_images(arguments.name, task, networks), as_it_is)
    setting, task, networks = found[max(found)]
    print("best: ", end="")
    report(setting, "test", evaluate_images(arguments.name, task, networks))


def report(setting, which, judged, as_it_is=False, seconds=None):
    """A line."""
    words = ", ".join(f"{field} {value:g}" for field, value in setting.items())
    accuracies = ", ".join(f"{value:.1f}" for value in judged.means)
    took = "" if seconds is None else f", {seconds:.0f} s"
    print(
        f"{words}{' (the recipe)' if as_it_is else ''}: {which} {judged.mean:.2f} % ({accuracies}){took}", flush=True
    )


if __name__ == "__main__":
    main()
