"""The `zoo` command: one thin layer over the library."""

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from zoo.cli.analysis import add_verbs as add_analysis_verbs
from zoo.cli.elsewhere import add_verbs as add_elsewhere_verbs
from zoo.cli.hub import add_verbs as add_hub_verbs
from zoo.cli.training import add_verbs as add_training_verbs
from zoo.core.errors import ZooError
from zoo.core.formatting import shown
from zoo.registry.families import families

_EXAMPLES = """examples:
  zoo list 'hetsnn-*'                 what is published, with measured rewards
  zoo card hetsnn-mem25-1024          everything about one model
  zoo eval hetsnn-mem25-1024          measure it again on fresh episodes
  zoo train hetsnn-mem25-1024         train it from scratch; run again to go on
  zoo verify                          does every card's claim hold here?
"""


def main(argv: list[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0 good, 1 a claim does not hold, 2 an error."""
    parser = _make_parser()
    arguments = parser.parse_args(argv)
    try:
        return arguments.run(arguments)
    except (ZooError, ValueError, OSError) as error:
        if arguments.debug:
            raise
        print(shown(f"zoo {arguments.verb}: {error}"), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"zoo {arguments.verb}: interrupted", file=sys.stderr)
        return 130
    except Exception as error:  # Nobody is helped by pages of Python for a file that the zoo does not understand.
        if arguments.debug:
            raise
        print(shown(_unforeseen(arguments, error)), file=sys.stderr)
        return 2


def _unforeseen(arguments: argparse.Namespace, error: Exception) -> str:
    """What is said of an error that nobody thought of: of which input, and how to report it."""
    given = (getattr(arguments, name, None) for name in ("name", "names", "run_folder", "pattern", "out"))
    about = next((str(value) for value in given if value), "what it was given")
    first = next(iter(str(error).splitlines()), "")
    return (
        f"zoo {arguments.verb}: {about}: {type(error).__name__}: {first}\n"
        "This should have been a clearer message. Please report it with the output of the same command after "
        f"`zoo --debug {arguments.verb} ...`, and the files that it reads"
    )


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="zoo",
        description="Pretrained spiking networks with heterogeneous neurons.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--debug", action="store_true", help="show where in the code an error comes from")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name, run, text):
        sub = verbs.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    def as_json(sub):
        sub.add_argument("--json", action="store_true", help="print JSON")

    sub = verb("list", _list, "List the published models with their measured rewards.")
    sub.add_argument("pattern", nargs="?", default="*", help="shell wildcards, quoted: 'hetsnn-*'")
    sub.add_argument("--task", help=f"one task (mem25) or family ({', '.join(family.name for family in families())})")
    sub.add_argument("--kind", choices=["het", "hom"], help="trained neurons, or trained weights")
    sub.add_argument("--where", choices=["folder", "bundled", "cache"], help="cache: pulled from the Hub")
    order = ["name", "parameters", "reward", "size", "task"]
    sub.add_argument("--sort", choices=order, default="name", help="order (default name)")
    sub.add_argument("--reverse", action="store_true", help="turn the order round")
    formats = sub.add_mutually_exclusive_group()
    formats.add_argument("--csv", action="store_true", help="print CSV")
    as_json(formats)

    sub = verb("card", _card, "Show a model's card.")
    sub.add_argument("name", help="model name, folder of a checkpoint, or hf://org/name@revision")
    as_json(sub)

    sub = verb("eval", _eval, "Measure a model on fresh episodes.")
    sub.add_argument("name", help="model name, or folder of a checkpoint")
    sub.add_argument("--episodes", type=int, help="per network (default: as published)")
    sub.add_argument("--seed", type=int, default=0, help="of the initial states (default 0)")
    sub.add_argument("--training-seed", type=int, help="one network alone (default: all)")
    sub.add_argument("--bsuite", action="store_true", help="in DeepMind's bsuite, with its own score")
    as_json(sub)

    sub = verb("verify", _verify, "Measure published models again; exit status 1 if a card's claim fails.")
    sub.add_argument("pattern", nargs="?", default="*", help="shell wildcards, quoted: 'hetsnn-*'")
    as_json(sub)

    add_training_verbs(verb, _prepared)

    sub = verb("cards", _cards, "Write all model cards from the checkpoints, or check them.")
    sub.add_argument("folder", nargs="?", type=Path, help="default model_cards, with pages beside it")
    sub.add_argument("--pages", type=Path, metavar="ROOT", help="also tables in README.md and docs/ of this folder")
    sub.add_argument("--check", action="store_true", help="exit status 1 if a card disagrees")

    sub = verb("figure", _prepared(_figure), "Draw a figure, with its numbers as CSV beside it.")
    figures = ["memory-length", "control", "ablation", "image-firing", *_GRADIENT_FIGURES]
    sub.add_argument("which", choices=figures, metavar="WHICH", help=", ".join(figures))
    _add_ablation(sub)
    sub.add_argument("--out", type=Path, default=Path("docs/figures"), help="folder (default docs/figures)")
    sub.add_argument("--sweep-tau", action="store_true", help="train again what no checkpoint holds")
    sub.add_argument("--seeds", type=int, default=20, help="of that training (default 20)")
    sub.add_argument("--task", default="mnist", help="image-firing: images (default mnist)")
    sub.add_argument("--budget", type=int, default=4096, help="image-firing: of the models (default 4096)")

    sub = verb("table", _table, "Print rewards beside the paper's, as Markdown.")
    sub.add_argument("which", choices=[*_TABLES], help="; ".join(f"{k}: {v}" for k, v in _TABLES.items()))
    _add_ablation(sub)

    sub = verb("render", _render, "Show an episode: the bodies, and the spikes of the hidden layer beside them.")
    sub.add_argument("name", help="model name, or folder of a checkpoint")
    sub.add_argument("-o", "--output", type=Path, required=True, help="FILE.html (Brax's viewer), .gif or .png")
    sub.add_argument("--training-seed", type=int, help="which training seed's network (default: the first)")
    sub.add_argument("--seed", type=int, help="old spelling of --training-seed, which goes in version 2")
    sub.add_argument("--episode-seed", type=int, default=0, help="of the initial state (default 0)")
    sub.add_argument("--steps", type=int, help="at most so many (default: the whole episode)")

    add_hub_verbs(verb, _make_parser)
    add_analysis_verbs(verb, _prepared)
    add_elsewhere_verbs(verb)
    return parser


def _add_ablation(sub: argparse.ArgumentParser) -> None:
    """Which model's subsets of trained properties a table or figure is about."""
    sub.add_argument("name", nargs="?", help="ablation: of which model (hetsnn-hp-16384)")
    sub.add_argument("--runs", type=Path, help="ablation: take the checkpoints of the runs in this folder")


def _check_ablation(arguments) -> None:
    if (arguments.which == "ablation") != (arguments.name is not None):
        raise ValueError(f"a model's name is for `zoo {arguments.verb} ablation NAME`, and needed there")
    if arguments.which != "ablation" and arguments.runs is not None:
        raise ValueError(f"--runs is for `zoo {arguments.verb} ablation NAME`")


def _print_json(value) -> None:
    print(json.dumps(value, indent=1))


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
    from zoo.store.loading import load

    model = load(arguments.name, seed=arguments.training_seed)
    if arguments.bsuite:
        from zoo.evaluation.bsuite import bsuite_score

        result: Any = bsuite_score(model, episodes=arguments.episodes, seed=arguments.seed)
    else:
        from zoo.evaluation.measuring import evaluate

        result = evaluate(model, episodes=arguments.episodes, seed=arguments.seed)
    if arguments.json:
        _print_json(result.to_json())
    else:
        print(result)
    return 0


def _verify(arguments) -> int:
    from zoo.evaluation.measuring import verify
    from zoo.store.loading import list_models

    results = []
    names = list_models(arguments.pattern)
    if not names:
        print(f"no published model matches '{arguments.pattern}'", file=sys.stderr)
        return 2
    for name in names:
        results.append(verify(name))
        if not arguments.json:
            print(results[-1], flush=True)
    if arguments.json:
        _print_json([dataclasses.asdict(result) for result in results])
    return 0 if all(result.holds for result in results) else 1


def _prepared(run):
    """A command that begins with `_use_all_cores`."""

    def start(arguments) -> int:
        _use_all_cores()
        return run(arguments)

    return start


def _use_all_cores() -> None:
    """Makes each core of a machine without accelerator a device of its own, unless told otherwise.

    Where JAX already runs, its devices stay as they are. XLA ends the process when one device waits 40 s for
    another; where other programs hold a core for that long, patience loses nothing.
    """
    import contextlib
    import os

    import jax

    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_cpu_collective" not in flags:
        patience = "--xla_cpu_collective_call_terminate_timeout_seconds=86400"
        os.environ["XLA_FLAGS"] = f"{flags} {patience} --xla_cpu_collective_call_warn_stuck_timeout_seconds=3600"
    if "xla_force_host_platform_device_count" not in flags:
        with contextlib.suppress(RuntimeError):
            jax.config.update("jax_num_cpu_devices", _usable_cores())


def _usable_cores() -> int:
    """Cores that this process may use; where the system does not say, all."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cards(arguments) -> int:
    from zoo.report.card_index import check_cards, write_cards

    # The repository's own cards stand in its pages, too; another folder's neighbours are nobody's business.
    folder = arguments.folder or Path("model_cards")
    pages = Path() if arguments.folder is None and arguments.pages is None else arguments.pages
    if not arguments.check:
        print(f"wrote {len(write_cards(folder, pages))} files to {folder}")
        return 0
    problems = check_cards(folder, pages)
    print("\n".join(problems) or "cards and checkpoints agree")
    return 1 if problems else 0


_GRADIENT_FIGURES = ("cartpole-methods", "membrane-potentials", "jacobians")


def _figure(arguments) -> int:
    _check_ablation(arguments)
    if arguments.which in _GRADIENT_FIGURES:
        from zoo.report.gradient_figures import draw

        files = draw(arguments.which, arguments.out)
    elif arguments.which == "control":
        from zoo.report.card_index import index_rows
        from zoo.report.control_figures import control

        files = control(index_rows(), arguments.out)
    elif arguments.which == "ablation":
        from zoo.report.control_figures import ablation

        files = ablation(arguments.name, arguments.out, arguments.runs)
    elif arguments.which == "image-firing":
        from zoo.report.image_figures import image_firing

        files = image_firing(arguments.out, task=arguments.task, budget=arguments.budget)
    else:
        from zoo.report.memory_figures import memory_length

        files = memory_length(arguments.out, sweep_tau=arguments.sweep_tau, seeds=arguments.seeds)
    for path in files:
        print(path)
    return 0


_TABLES = {
    "control": "Brax's environments by budget (Fig. 3)",
    "differences": "trained weights against trained neurons there, at equal generations",
    "ablation": "one of them by trained properties (Table 1)",
    "images": "image classification by budget (Table 3)",
}


def _table(arguments) -> int:
    from zoo.report.card_index import index_rows
    from zoo.report.control_tables import ablation_table, control_table, difference_table
    from zoo.report.image_tables import image_table

    _check_ablation(arguments)
    if arguments.which == "ablation":
        text = ablation_table(arguments.name, arguments.runs)
    else:
        make = {"control": control_table, "differences": difference_table, "images": image_table}[arguments.which]
        text = make(index_rows())
    print(text, end="")
    return 0


def _render(arguments) -> int:
    from zoo.rendering import render
    from zoo.store.loading import load

    seed = arguments.training_seed
    if arguments.seed is not None:
        print("zoo render: --seed is now --training-seed; --seed goes in version 2", file=sys.stderr)
        seed = arguments.seed if seed is None else seed
    options = {"episode_seed": arguments.episode_seed, "steps": arguments.steps}
    print(render(load(arguments.name), arguments.output, seed, **options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
