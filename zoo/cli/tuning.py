"""The command line of `zoo tune`."""

import dataclasses
import json
from collections.abc import Callable

from zoo.cli.recipe_options import add_recipe_options
from zoo.cli.verbs import Verb


def add_verb(verb: Callable[..., Verb], prepared: Callable[[Callable], Callable]) -> None:
    """Adds the verb, as `zoo.cli.training.add_verbs` adds its own."""
    sub = verb("tune", prepared(_tune), "Look for better settings of a recipe with Optuna; run again to go on.")
    sub.add_argument("name", help="model name")
    sub.add_argument("--trials", type=int, default=20, help="in all, those of earlier calls included (default 20)")
    sub.add_argument("--out", default="runs/tune", help="parent folder of studies (default runs/tune)")
    sub.add_argument(
        "--over", nargs=3, action="append", metavar=("FIELD", "LOW", "HIGH"),
        help="tune this setting between two numbers; may be given again (default: a third to three times the rates)",
    )  # fmt: skip
    sub.add_argument("--sampler-seed", type=int, default=0, help="of Optuna's draws (default 0)")
    sub.add_argument("--quiet", action="store_true", help="no progress bars")
    sub.add_argument("--json", action="store_true", help="print JSON")
    sub.later = add_recipe_options  # They hold for all trials.


def _range(field: str, low: str, high: str) -> tuple[float, float]:
    try:
        return float(low), float(high)
    except ValueError:
        what = f"--over {field} {low} {high}"
        raise ValueError(f"{what}: LOW and HIGH must be numbers, as in --over {field} 0.01 0.1") from None


def _tune(arguments) -> int:
    from zoo.registry.recipe import all_settings
    from zoo.training.run.tune import tune

    over = {field: _range(field, low, high) for field, low, high in arguments.over or ()}
    changes = {name: getattr(arguments, name) for name in all_settings() if hasattr(arguments, name)}
    found = tune(
        arguments.name, arguments.trials, out=arguments.out, over=over, seed=arguments.sampler_seed,
        quiet=arguments.quiet, **changes,
    )  # fmt: skip
    if arguments.json:
        print(json.dumps(dataclasses.asdict(found) | {"database": str(found.database)}, indent=1))
        return 0
    print(f"{found.trials} trials, of which {found.pruned} ended early; the study is {found.database}")
    if found.best:
        from zoo.registry.commands import training_command
        from zoo.registry.names import parse
        from zoo.registry.recipe import default_recipe, override

        recipe = override(default_recipe(parse(found.name)), **changes, **found.best)
        print(f"best: {found.value:.6g} with {training_command(found.name, recipe)}")
    if found.interrupted:
        print("stopped; run the same command to go on")
    return 0
