"""The command line of training: `zoo train`, `export` and `sweep`."""

import argparse
import dataclasses
import json
import signal
import sys
import time
import typing
from collections.abc import Callable
from pathlib import Path

from zoo.cli.verbs import Verb


def add_verbs(verb: Callable[..., Verb], prepared: Callable[[Callable], Callable]) -> None:
    """Adds the verbs to the `zoo` command.

    Args:
        verb: makes a sub-parser from a name, what it runs, and its help.
        prepared: makes of what a command runs one that first makes each CPU core a device.
    """
    sub = verb("train", prepared(_train), "Train models from scratch, or go on where an earlier call stopped.")
    sub.add_argument("name", help="model name, names separated by commas, or a quoted pattern")
    sub.add_argument("--out", default="runs", help="parent folder of the runs (default runs)")
    sub.add_argument("--max-minutes", type=float, help="stop after this time, with the state saved")
    sub.add_argument("--save-minutes", type=float, default=2.0, help="time between saved states (default 2)")
    sub.add_argument("--fresh", action="store_true", help="discard what an earlier call left")
    sub.add_argument("--continue", dest="continue_published", action="store_true", help="from the published state")
    sub.add_argument(
        "--from", dest="start_from", metavar="MODEL", help="begin with a trained model's networks: its name or folder"
    )
    sub.add_argument("--lockstep", action="store_true", help="all named models of one task in one program")
    sub.add_argument("--quiet", action="store_true", help="no progress bar")
    sub.add_argument("--json", action="store_true", help="print JSON")
    several = sub.add_argument_group("several processes", "the same command on each, with its own --process-id")
    several.add_argument("--coordinator", metavar="HOST:PORT", help="where all can reach process 0")
    several.add_argument("--processes", type=int, help="how many there are")
    several.add_argument("--process-id", type=int, help="which this is, from 0; process 0 writes the files")
    sub.later = _add_recipe_options

    sub = verb("export", _export, "Write the checkpoint of a run as it stands, with its evaluation.")
    sub.add_argument("run_folder", type=Path, help="for example runs/hetsnn-mem25-1024")
    sub.add_argument("--to", type=Path, help="folder of checkpoints, for example checkpoints/")
    sub.add_argument("--with-state", action="store_true", help="add the training state")

    sub = verb("sweep", prepared(_sweep), "Train over methods and settings on CartPole; run again to go on.")
    sub.add_argument("which", choices=["fig7", "fig7-plain", "table5", "table6"], help="which figure or table")
    sub.add_argument("--out", type=Path, default=Path("docs/gradients"), help="folder (default docs/gradients)")
    sub.add_argument("--seeds", type=int, help="training seeds (default: fig7 100, fig7-plain 20, tables 10)")
    sub.add_argument("--quick", action="store_true", help="a twentieth of the training, four seeds: does it run?")
    sub.add_argument("--fresh", action="store_true", help="discard what an earlier call left")
    sub.add_argument("--quiet", action="store_true", help="no progress bar")


def _add_recipe_options(sub) -> None:
    """An option for each setting of recipes, parsed as its type.

    An option that is not given leaves no attribute, so that "none", where a setting may be None, can be told from it.
    """
    from zoo.registry.recipe import all_settings

    group = sub.add_argument_group("recipe", "fields of the recipe; the default is the zoo's for that name")
    for name, (type_, field) in all_settings().items():
        kinds = typing.get_args(type_)
        kind = next((t for t in kinds if t is not type(None)), type_)
        option = f"--{name.replace('_', '-')}"
        shared = {"default": argparse.SUPPRESS, "help": field.metadata["help"].replace("%", "%%")}
        if type_ is bool:
            group.add_argument(option, action=argparse.BooleanOptionalAction, **shared)
        elif typing.get_origin(type_) is tuple:
            group.add_argument(option, type=kind, nargs="+", metavar=kind.__name__.upper(), **shared)
        elif type(None) in kinds:
            group.add_argument(option, type=_or_none(kind), metavar=f"{kind.__name__.upper()}|none", **shared)
        else:
            group.add_argument(option, type=kind, metavar=kind.__name__.upper(), **shared)


def _or_none(kind: type) -> Callable[[str], object]:
    """A parser of that type, or of "none"."""

    def parsed(text: str):
        return None if text == "none" else kind(text)

    parsed.__name__ = kind.__name__  # What argparse calls the type in its messages.
    return parsed


def _train(arguments) -> int:
    from zoo.training.run import hosts

    several = (arguments.coordinator, arguments.processes, arguments.process_id)
    if any(value is not None for value in several):
        if None in several:
            raise ValueError("--coordinator, --processes and --process-id belong together")
        hosts.join(*several)  # Before evosax is imported, which computes.
    from zoo.registry.names import expand
    from zoo.registry.recipe import all_settings
    from zoo.training import train

    changes = {name: getattr(arguments, name) for name in all_settings() if hasattr(arguments, name)}
    names, start, outcomes = expand(arguments.name), time.monotonic(), []
    for batch in [names] if arguments.lockstep else [[name] for name in names]:
        spent = float(hosts.gather((time.monotonic() - start) / 60)[0, 0])  # Process 0's clock counts.
        if arguments.max_minutes is not None and spent >= arguments.max_minutes:
            if hosts.is_main():
                print(f"no time left for {', '.join(batch)}; run the same command to go on", file=sys.stderr)
            break
        outcome = train(
            batch,
            out=arguments.out,
            max_minutes=None if arguments.max_minutes is None else arguments.max_minutes - spent,
            save_minutes=arguments.save_minutes,
            fresh=arguments.fresh,
            continue_published=arguments.continue_published,
            start_from=arguments.start_from,
            quiet=arguments.quiet,
            **changes,
        )
        outcomes.append(outcome)
        if not arguments.json and hosts.is_main():
            _print_outcome(outcome)
        if outcome.interrupted:
            break
    if arguments.json and hosts.is_main():
        found = [
            dataclasses.asdict(o) | {"folders": [str(f) for f in o.folders], "finished": o.finished} for o in outcomes
        ]
        print(json.dumps(found, indent=1))
    # As shells call the end by Ctrl-C; a scheduler's SIGTERM has what it asked for.
    return 130 if any(outcome.signal == signal.SIGINT for outcome in outcomes) else 0


def _print_outcome(outcome) -> None:
    for folder, generation in zip(outcome.folders, outcome.generations, strict=True):
        if generation >= outcome.goal:
            print(f"trained {generation} generations; checkpoint: {folder / 'checkpoint'}", flush=True)
        else:
            print(
                f"{folder.name}: stopped at generation {generation}, state saved; run the same command to go on",
                flush=True,
            )


def _export(arguments) -> int:
    from zoo.training import export_run

    target = arguments.to and arguments.to / arguments.run_folder.name
    print(export_run(arguments.run_folder, target, with_state=arguments.with_state))
    return 0


def _sweep(arguments) -> int:
    from zoo.report.gradient_tables import write_report
    from zoo.training.run.sweep import sweep

    options = {name: getattr(arguments, name) for name in ("seeds", "quick", "fresh", "quiet")}
    files = sweep(arguments.which, arguments.out, **options)
    for path in [*files, *write_report(arguments.out)]:
        print(path)
    return 0
