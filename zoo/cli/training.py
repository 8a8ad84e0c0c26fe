"""The command line of training: `zoo train`, `export`, `join` and `sweep`."""

import contextlib
import dataclasses
import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from zoo.cli.recipe_options import add_recipe_options
from zoo.cli.tuning import add_verb as add_tuning
from zoo.cli.verbs import Verb
from zoo.core.errors import ZooError


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
    sub.add_argument(
        "--log-dir", type=Path, metavar="DIR", help="curves for TensorBoard, too ('hetsnn-zoo[tensorboard]')"
    )
    sub.add_argument("--wandb", metavar="PROJECT", help="curves in Weights & Biases ('hetsnn-zoo[wandb]')")
    several = sub.add_argument_group("several processes", "the same command on each, with its own --process-id")
    several.add_argument("--coordinator", metavar="HOST:PORT", help="where all can reach process 0")
    several.add_argument("--processes", type=int, help="how many there are")
    several.add_argument("--process-id", type=int, help="which this is, from 0; process 0 writes the files")
    sub.later = add_recipe_options

    add_tuning(verb, prepared)

    sub = verb("export", _export, "Write the checkpoint of a run as it stands, with its evaluation.")
    sub.add_argument("run_folder", type=Path, help="for example runs/hetsnn-mem25-1024")
    sub.add_argument("--to", type=Path, help="folder of checkpoints, for example checkpoints/")
    sub.add_argument("--with-state", action="store_true", help="add the training state")
    sub.add_argument("--replace", action="store_true", help="also a checkpoint there that was trained for longer")

    sub = verb("join", _join, "Write the networks of several checkpoints of a model, each of its own seeds, as one.")
    sub.add_argument("sources", nargs="+", metavar="CHECKPOINT", help="folder, name or run folder; two or more")
    sub.add_argument("--to", type=Path, required=True, help="folder of checkpoints, for example checkpoints/")
    sub.add_argument("--replace", action="store_true", help="also a checkpoint there that is none of these")

    sub = verb("sweep", prepared(_sweep), "Train over methods and settings on CartPole; run again to go on.")
    sub.add_argument("which", choices=["fig7", "fig7-plain", "table5", "table6"], help="which figure or table")
    sub.add_argument("--out", type=Path, default=Path("docs/gradients"), help="folder (default docs/gradients)")
    sub.add_argument("--seeds", type=int, help="training seeds (default: fig7 100, fig7-plain 20, tables 10)")
    sub.add_argument("--quick", action="store_true", help="a twentieth of the training, four seeds: does it run?")
    sub.add_argument("--fresh", action="store_true", help="discard what an earlier call left")
    sub.add_argument("--quiet", action="store_true", help="no progress bar")


def _train(arguments) -> int:
    from zoo.training.run import hosts

    several = (arguments.coordinator, arguments.processes, arguments.process_id)
    if any(value is not None for value in several):
        if None in several:
            raise ValueError("--coordinator, --processes and --process-id belong together")
        hosts.join(*several)  # Before evosax is imported, which computes.
    from zoo.training.run.logs import Log, make_log

    with contextlib.closing(make_log(arguments.log_dir, arguments.wandb) if hosts.is_main() else Log()) as log:
        outcomes = _train_all(arguments, log)
    if arguments.json and hosts.is_main():
        found = [
            dataclasses.asdict(o) | {"folders": [str(f) for f in o.folders], "finished": o.finished} for o in outcomes
        ]
        print(json.dumps(found, indent=1))
    # As shells call the end by Ctrl-C; a scheduler's SIGTERM has what it asked for.
    return 130 if any(outcome.signal == signal.SIGINT for outcome in outcomes) else 0


def _train_all(arguments, log) -> list:
    """Trains what is asked for, batch by batch, until time or a signal stops it; the outcomes."""
    from zoo.registry.names import expand
    from zoo.registry.recipe import all_settings
    from zoo.registry.settings import check_minutes
    from zoo.training import train
    from zoo.training.run import hosts

    check_minutes(save_minutes=arguments.save_minutes, max_minutes=arguments.max_minutes)
    changes = {name: getattr(arguments, name) for name in all_settings() if hasattr(arguments, name)}
    names, start, outcomes = expand(arguments.name), time.monotonic(), []
    command = "the same command without --fresh" if arguments.fresh else "the same command"
    for batch in [names] if arguments.lockstep else [[name] for name in names]:
        spent = float(hosts.gather((time.monotonic() - start) / 60)[0, 0])  # Process 0's clock counts.
        if arguments.max_minutes is not None and spent >= arguments.max_minutes:
            if hosts.is_main():
                print(f"no time left for {', '.join(batch)}; run {command} to go on", file=sys.stderr)
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
            log=log,
            **changes,
        )
        outcomes.append(outcome)
        if not arguments.json and hosts.is_main():
            _print_outcome(outcome, command)
        if outcome.interrupted:
            break
    return outcomes


def _print_outcome(outcome, command: str) -> None:
    for folder, generation in zip(outcome.folders, outcome.generations, strict=True):
        if generation >= outcome.goal:
            print(f"trained {generation} generations; checkpoint: {folder / 'checkpoint'}", flush=True)
        else:
            print(
                f"{folder.name}: stopped at generation {generation}, state saved; run {command} to go on",
                flush=True,
            )


def _export(arguments) -> int:
    from zoo.training import export_run

    target = arguments.to and arguments.to / arguments.run_folder.resolve().name
    if target is not None and not arguments.replace:
        _refuse_to_go_back(arguments.run_folder, target)
    print(export_run(arguments.run_folder, target, with_state=arguments.with_state))
    return 0


def _join(arguments) -> int:
    from zoo.core.progress import working
    from zoo.store.loading import model_info
    from zoo.training import join_checkpoints

    target = arguments.to / model_info(arguments.sources[0]).name
    with working(f"{target.name}: measuring all networks"):
        print(join_checkpoints(arguments.sources, target, replace=arguments.replace))
    return 0


def _refuse_to_go_back(run_folder, target) -> None:
    """Raises if a checkpoint is there that was trained for more generations than the run has had."""
    from zoo.store.records import read_config
    from zoo.training.run.state import saved_states

    if not (target / "config.json").is_file() or not (states := saved_states(run_folder / "state")):
        return
    there, here = read_config(target)["training"]["generations"], int(states[-1].name)
    if there > here:
        raise ZooError(
            f"{target} was trained for {there:,} generations, {run_folder} for {here:,}; name another folder with "
            "--to, or say --replace"
        )


def _sweep(arguments) -> int:
    from zoo.report.gradient_tables import write_report
    from zoo.training.run.sweep import sweep

    options = {name: getattr(arguments, name) for name in ("seeds", "quick", "fresh", "quiet")}
    files = sweep(arguments.which, arguments.out, **options)
    for path in [*files, *write_report(arguments.out)]:
        print(path)
    return 0
