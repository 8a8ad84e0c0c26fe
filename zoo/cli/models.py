"""The command line of published models: `zoo list`, `card`, `eval` and `verify`."""

import contextlib
import dataclasses
import gc
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

from zoo.cli.verbs import Verb
from zoo.core.formatting import shown


def add_verbs(verb: Callable[..., Verb]) -> None:
    """Adds the verbs to the `zoo` command.

    Args:
        verb: makes a sub-parser from a name, what it runs, and its help.
    """
    sub = verb("list", _list, "List the published models with their measured rewards.")
    sub.add_argument("pattern", nargs="?", default="*", help="shell wildcards, quoted: 'hetsnn-*'")
    sub.add_argument("--kind", choices=["het", "hom", "full"], help="trained neurons, weights, or both")
    sub.add_argument("--where", choices=["folder", "bundled", "cache"], help="cache: pulled from the Hub")
    order = ["name", "parameters", "reward", "size", "task"]
    sub.add_argument("--sort", choices=order, default="name", help="order (default name)")
    sub.add_argument("--reverse", action="store_true", help="turn the order round")
    formats = sub.add_mutually_exclusive_group()
    formats.add_argument("--csv", action="store_true", help="print CSV")
    _as_json(formats)
    sub.later = _add_task

    sub = verb("card", _card, "Show a model's card.")
    sub.add_argument("name", help="model name, folder of a checkpoint, or hf://org/name@revision")
    _as_json(sub)

    sub = verb("eval", _eval, "Measure a model on fresh episodes.")
    sub.add_argument("name", help="model name, or folder of a checkpoint or of a run")
    sub.add_argument("--episodes", type=int, help="per network (default: as published)")
    sub.add_argument("--seed", type=int, default=0, help="of the initial states (default 0)")
    sub.add_argument("--training-seed", type=int, help="one network alone (default: all)")
    sub.add_argument("--bsuite", action="store_true", help="in DeepMind's bsuite, with its own score")
    _as_json(sub)

    sub = verb("verify", _verify, "Measure published models again; exit status 1 if a card's claim fails.")
    sub.add_argument("pattern", nargs="?", default="*", help="shell wildcards, quoted: 'hetsnn-*'; or a folder")
    sub.add_argument("--compiled", action="store_true", help="robots by the machine code that trains them: faster")
    _as_json(sub)


def _add_task(sub) -> None:
    from zoo.registry.families import families

    sub.add_argument("--task", help=f"one task (mem25) or family ({', '.join(family.name for family in families())})")


def _as_json(sub) -> None:
    sub.add_argument("--json", action="store_true", help="print JSON")


def _print_json(value) -> None:
    print(json.dumps(value, indent=1))


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """Importing makes no garbage; looking for it would take a seventh of a short command's time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_without_collection()
def _list(arguments) -> int:
    from zoo.report.listing import as_csv, print_table, select

    rows = select(
        arguments.pattern, task=arguments.task, kind=arguments.kind, where=arguments.where,
        sort=arguments.sort, reverse=arguments.reverse,
        report=lambda text: print(shown(f"zoo list: {text}"), file=sys.stderr),
    )  # fmt: skip
    if arguments.json:
        _print_json([dataclasses.asdict(row) for row in rows])
    elif arguments.csv:
        print(as_csv(rows), end="")
    elif rows:
        print_table(rows)
    else:
        tasks = f"; tasks: {', '.join(sorted({row.task for row in select()}))}" if arguments.task else ""
        print(f"no published model matches{tasks and ' this task and'} '{arguments.pattern}'{tasks}", file=sys.stderr)
    return 0


def _card(arguments) -> int:
    from zoo.report.cards import card
    from zoo.store.loading import model_info

    if arguments.json:
        _print_json(dataclasses.asdict(model_info(arguments.name)))
        return 0
    text = card(arguments.name)
    if sys.stdout.isatty():
        import rich.console
        import rich.markdown

        body = text.split("\n---\n", 1)[-1].split("-->", 1)[-1]
        rich.console.Console().print(rich.markdown.Markdown(body))
    else:
        print(text, end="")
    return 0


def _eval(arguments) -> int:
    from zoo.core.progress import working
    from zoo.store.loading import load

    model = load(arguments.name, seed=arguments.training_seed)
    episodes = model.evaluation["episodes"] if arguments.episodes is None else arguments.episodes
    networks = f"{len(model.seeds)} network(s)"
    what = f"{model.name}: compiling, then {episodes:,} episodes of {networks}"
    if arguments.bsuite:
        from zoo.evaluation.bsuite import bsuite_score

        with working(f"{model.name}: bsuite plays {networks}"):
            result: Any = bsuite_score(model, episodes=arguments.episodes, seed=arguments.seed)
    else:
        from zoo.evaluation.measuring import evaluate

        with working(what):
            result = evaluate(model, episodes=arguments.episodes, seed=arguments.seed)
    if arguments.json:
        found = result.to_json()
        if "command" in found and arguments.training_seed is not None:
            found["command"] += f" --training-seed {arguments.training_seed}"
        _print_json(found)
    else:
        print(result)
    return 0


def _verify(arguments) -> int:
    from zoo.core.progress import working
    from zoo.evaluation.measuring import verify
    from zoo.store.catalogue import is_path
    from zoo.store.loading import list_models

    results = []
    names = [arguments.pattern] if is_path(arguments.pattern) else list_models(arguments.pattern)
    if not names:
        print(f"no published model matches '{arguments.pattern}'", file=sys.stderr)
        return 2
    for name in names:
        with working(f"{name}: measuring again"):
            results.append(verify(name, compiled=arguments.compiled))
        if not arguments.json:
            print(results[-1], flush=True)
    if arguments.json:
        _print_json([dataclasses.asdict(result) for result in results])
    return 0 if all(result.holds for result in results) else 1
