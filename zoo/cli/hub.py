"""Command line of the Hub, the site and shell completion."""

import argparse
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

_SHELLS = ("bash", "zsh", "tcsh")


def add_verbs(verb: Callable, make_parser: Callable[[], argparse.ArgumentParser]) -> None:
    """Adds the verbs ``pull``, ``publish``, ``site`` and ``completion``.

    Args:
        verb: adds one verb, given its name, function and help, and returns its parser.
        make_parser: makes the whole command's parser, which completion describes.
    """
    sub = verb("pull", _pull, "Fetch models from the Hub into its cache, for loading without network later.")
    sub.add_argument("names", nargs="+", metavar="NAME", help="model name, or hf://org/name@revision")
    sub.add_argument("--revision", help="branch, tag or commit (default: the newest on main)")
    sub.add_argument("--with-state", action="store_true", help="also the state to go on training from")
    sub.add_argument("--cache-dir", type=Path, help="the client's cache (default: $HF_HUB_CACHE)")
    sub.add_argument("--timeout", type=float, metavar="SECONDS", help="for each (default $ZOO_HUB_TIMEOUT or 300)")
    sub.add_argument("--json", action="store_true", help="print JSON")

    sub = verb("publish", _publish, "Verify a model and upload it with its card to the Hub, in one commit.")
    sub.add_argument("name", nargs="?", help="model name, or folder of a checkpoint; with --all, a quoted pattern")
    sub.add_argument("--all", action="store_true", help="all models of this machine, a repository each")
    sub.add_argument("--org", metavar="ORG", help="--all: of the repositories (default $ZOO_HUB_ORG, or hetsnn-zoo)")
    sub.add_argument("--repo", metavar="ORG/NAME", help="repository (default: the name in $ZOO_HUB_ORG)")
    sub.add_argument("--private", action="store_true", help="make a new repository private")
    sub.add_argument("--revision", help="branch (default main); created if need be")
    sub.add_argument("--evaluate", action="store_true", help="measure first; refuse if the claim fails")
    sub.add_argument("--dry-run", action="store_true", help="say what would be sent; use no network")
    sub.add_argument("--json", action="store_true", help="print JSON")

    sub = verb("site", _site, "Write a static site of the models: a table, and a page with plots for each.")
    sub.add_argument("out", type=Path, help="folder; a site there is replaced")
    sub.add_argument("--pattern", default="*", help="shell wildcards, quoted: 'hetsnn-*'")

    sub = verb("completion", _completion, "Print a completion script for a shell.")
    sub.add_argument("shell", choices=_SHELLS, help='for example: eval "$(zoo completion bash)"')
    sub.set_defaults(make_parser=make_parser)


def _pull(arguments) -> int:
    from zoo.store.loading import pull
    from zoo.store.pins import manifest_hash

    rows = []
    for name in arguments.names:
        snapshot = pull(
            name, revision=arguments.revision, cache_dir=arguments.cache_dir, with_state=arguments.with_state,
            timeout=arguments.timeout,
        )  # fmt: skip
        pin = manifest_hash(snapshot.path)
        rows.append({"name": name, "source": snapshot.source, "path": str(snapshot.path), "manifest": pin})
        if not arguments.json:
            print(f"{name}: {snapshot.source}, verified, {pin}, in {snapshot.path}", flush=True)
    if arguments.json:
        print(json.dumps(rows, indent=1))
    return 0


def _publish(arguments) -> int:
    from zoo.report.publishing import publish, publish_all, total

    options = {name: getattr(arguments, name) for name in ("private", "revision", "dry_run", "evaluate")}
    if arguments.all:
        if arguments.repo:
            raise ValueError("--repo names one repository; with --all, --org says where they go")
        report = None if arguments.json else lambda one: print(one, flush=True)
        every = publish_all(arguments.org, pattern=arguments.name or "*", report=report, **options)
        found = [dataclasses.asdict(one) for one in every]
        print(json.dumps(found, indent=1) if arguments.json else total(every))
        return 0
    if arguments.name is None or arguments.org:
        raise ValueError("name a model, or say --all; --org goes with --all")
    done = publish(arguments.name, arguments.repo, **options)
    print(json.dumps(dataclasses.asdict(done), indent=1) if arguments.json else done)
    return 0


def _site(arguments) -> int:
    from zoo.report.site import make_pages, write_site

    pages = make_pages(arguments.pattern)
    write_site(arguments.out, pages)
    print(f"wrote {len(pages)} models; open {arguments.out / 'index.html'}")
    return 0


def _completion(arguments) -> int:
    import shtab

    from zoo.store.loading import list_models

    parser, names = arguments.make_parser(), list_models(cached=True)
    _complete_names(parser, names)
    preamble: Any = {
        "bash": f'_zoo_models() {{ compgen -W "{" ".join(names)}" -- "$1"; }}\n',
        "zsh": f"_zoo_models() {{ compadd {' '.join(names)} }}\n",
        "tcsh": "",
    }
    print(shtab.complete(parser, shell=arguments.shell, preamble=preamble))
    return 0


def _complete_names(parser: argparse.ArgumentParser, names: list[str]) -> None:
    """Marks every argument that is a model's name, in all verbs, as completed by the models' names."""
    how = {"bash": "_zoo_models", "zsh": "_zoo_models", "tcsh": f"({' '.join(names)})"}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                sub.complete()
                _complete_names(sub, names)
        elif action.dest in ("name", "names", "pattern") and not action.option_strings:
            setattr(action, "complete", how)  # noqa: B010 - what shtab looks for.
