"""The command line of what is published beside models: `zoo cards`, `figure`, `table` and `render`."""

import argparse
import importlib
import sys
from collections.abc import Callable
from pathlib import Path


def add_verbs(verb: Callable[..., argparse.ArgumentParser], prepared: Callable[[Callable], Callable]) -> None:
    """Adds the verbs to the `zoo` command.

    Args:
        verb: makes a sub-parser from a name, what it runs, and its help.
        prepared: makes of what a command runs one that first makes each CPU core a device.
    """
    sub = verb("cards", _cards, "Write all model cards from the checkpoints, or check them.")
    sub.add_argument("folder", nargs="?", type=Path, help="default model_cards, with pages beside it")
    sub.add_argument("--pages", type=Path, metavar="ROOT", help="also tables in docs/ of this folder")
    sub.add_argument("--check", action="store_true", help="exit status 1 if a card disagrees")
    sub.add_argument(
        "--pictures", nargs="?", const="*", metavar="PATTERN",
        help="first draw the pictures of agents that are missing, or show another checkpoint (takes minutes)",
    )  # fmt: skip

    sub = verb("figure", prepared(_figure), "Draw a figure, with its numbers as CSV beside it.")
    sub.add_argument("which", choices=[*_FIGURES], metavar="WHICH", help=", ".join(_FIGURES))
    _add_ablation(sub)
    sub.add_argument("--out", type=Path, default=Path("docs/figures"), help="folder (default docs/figures)")
    sub.add_argument(
        "--sweep-tau", action="store_true", default=None, help="memory-length: train again what no checkpoint holds"
    )
    sub.add_argument("--seeds", type=int, help="memory-length: of that training (default 20)")
    sub.add_argument("--data", type=Path, help="cartpole-methods: of `zoo sweep` (default docs/gradients)")
    sub.add_argument("--task", help="image-firing: images (default mnist)")
    sub.add_argument("--budget", type=int, help="image-firing: of the models (default 4096)")

    sub = verb("table", _table, "Print rewards beside the paper's, as Markdown.")
    explained = "; ".join(f"{which}: {shows}" for which, (shows, *_) in _TABLES.items())
    sub.add_argument("which", choices=[*_TABLES], metavar="WHICH", help=explained)
    _add_ablation(sub)

    sub = verb("render", _render, "Show an episode: the bodies, and the spikes of the hidden layer beside them.")
    sub.add_argument("name", help="model name, or folder of a checkpoint")
    sub.add_argument("-o", "--output", type=Path, required=True, help="FILE.html (Brax's viewer), .gif or .png")
    sub.add_argument("--training-seed", type=int, help="which training seed's network (default: the first)")
    sub.add_argument("--seed", type=int, help="old spelling of --training-seed, which goes in version 2")
    sub.add_argument("--episode-seed", type=int, default=0, help="of the initial state (default 0)")
    sub.add_argument("--steps", type=int, help="at most so many (default: the whole episode)")


def _add_ablation(sub: argparse.ArgumentParser) -> None:
    """Which model's subsets of trained properties a table or figure is about."""
    sub.add_argument("name", nargs="?", help="ablation: of which model (hetsnn-hp-16384)")
    sub.add_argument("--runs", type=Path, help="ablation: take the checkpoints of the runs in this folder")


def _check_ablation(arguments) -> None:
    if (arguments.which == "ablation") != (arguments.name is not None):
        raise ValueError(f"a model's name is for `zoo {arguments.verb} ablation NAME`, and needed there")
    if arguments.which != "ablation" and arguments.runs is not None:
        raise ValueError(f"--runs is for `zoo {arguments.verb} ablation NAME`")


def _cards(arguments) -> int:
    from zoo.report.card_index import check_cards, write_cards

    # The repository's own cards stand in its pages, too; another folder's neighbours are nobody's business.
    folder = arguments.folder or Path("model_cards")
    pages = Path() if arguments.folder is None and arguments.pages is None else arguments.pages
    if arguments.check and not folder.is_dir():
        raise ValueError(
            f"there is no folder {folder} here: go into a clone of the repository, or name the cards' folder"
        )
    if arguments.pictures is not None:
        from zoo.report.card_index import draw_pictures

        draw_pictures(folder, arguments.pictures, report=lambda path: print(path, flush=True))
    if not arguments.check:
        print(f"wrote {len(write_cards(folder, pages))} files to {folder}")
        return 0
    problems = check_cards(folder, pages)
    print("\n".join(problems) or "cards and checkpoints agree")
    return 1 if problems else 0


def _rows(_) -> dict:
    from zoo.report.card_index import index_rows

    return {"rows": index_rows()}


def _which(arguments) -> dict:
    return {"which": arguments.which}


def _ablation(arguments) -> dict:
    return {"name": arguments.name, "runs": arguments.runs}


def _given(arguments, which: str) -> dict:
    """Options of one figure alone that were given."""
    return {name: getattr(arguments, name) for name in _OWN[which] if getattr(arguments, name) is not None}


_OWN = {
    "memory-length": ("sweep_tau", "seeds"),
    "image-firing": ("task", "budget"),
    "cartpole-methods": ("data",),
}
"""Options of one figure alone."""

_FIGURES: dict[str, tuple[str, Callable[[argparse.Namespace], dict]]] = {
    "memory-length": ("memory_figures:memory_length", lambda a: _given(a, "memory-length")),
    "control": ("control_figures:control", _rows),
    "widths": ("width_figures:widths", _rows),
    "robot-gradients": ("robot_figures:evolution_and_gradients", _rows),
    "ablation": ("control_figures:ablation", _ablation),
    "shapley": ("shapley_figures:shapley", lambda _: {}),
    "image-firing": ("image_figures:image_firing", lambda a: _given(a, "image-firing")),
    "cartpole-methods": ("gradient_figures:draw", lambda a: _which(a) | _given(a, "cartpole-methods")),
    "membrane-potentials": ("gradient_figures:draw", _which),
    "jacobians": ("gradient_figures:draw", _which),
}
"""What of `zoo.report` draws a figure, and what it is given besides a folder."""
_TABLES: dict[str, tuple[str, str, Callable[[argparse.Namespace], dict]]] = {
    "control": ("Brax's environments by budget (Fig. 3)", "control_tables:control_table", _rows),
    "differences": (
        "trained weights against trained neurons there, at equal generations",
        "width_tables:difference_table", _rows,
    ),
    "trends": ("what twice the parameters bring there", "width_tables:trend_table", _rows),
    "methods": ("gradients against evolution there, the same networks by both", "method_tables:method_table", _rows),
    "ablation": ("one of them by trained properties (Table 1)", "control_tables:ablation_table", _ablation),
    "properties": (
        "which of those tell, on robots of which all subsets are published", "property_tables:property_table",
        lambda _: {},
    ),
    "shapley": (
        "what each of them is worth there (Fig. 4)", "shapley_tables:shapley_table", lambda _: {},
    ),
    "images": ("image classification by budget (Table 3)", "image_tables:image_table", _rows),
    "missing": (
        "what is still to be trained of Fig. 3 and Table 1, first things first",
        "missing:missing_table", _rows,
    ),
}  # fmt: skip
"""What a table shows, what of `zoo.report` makes it, and what that is given."""


def _find(what: str) -> Callable:
    module, _, name = what.partition(":")
    return getattr(importlib.import_module(f"zoo.report.{module}"), name)


def _figure(arguments) -> int:
    _check_ablation(arguments)
    for which in _OWN.keys() - {arguments.which}:
        for name in _given(arguments, which):
            raise ValueError(f"--{name.replace('_', '-')} is for `zoo figure {which}`, not for {arguments.which}")
    if arguments.seeds is not None and not arguments.sweep_tau:
        raise ValueError("--seeds is of the training that --sweep-tau asks for")
    what, given = _FIGURES[arguments.which]
    for path in _find(what)(out=arguments.out, **given(arguments)):
        print(path)
    return 0


def _table(arguments) -> int:
    _check_ablation(arguments)
    _, what, given = _TABLES[arguments.which]
    print(_find(what)(**given(arguments)), end="")
    return 0


def _render(arguments) -> int:
    from zoo.core.progress import working
    from zoo.rendering import render
    from zoo.store.loading import load

    seed = arguments.training_seed
    if arguments.seed is not None:
        print("zoo render: --seed is now --training-seed; --seed goes in version 2", file=sys.stderr)
        seed = arguments.seed if seed is None else seed
    options = {"episode_seed": arguments.episode_seed, "steps": arguments.steps}
    with working(f"{arguments.name}: compiling, playing and drawing"):
        path = render(load(arguments.name), arguments.output, seed, **options)
    print(path)
    return 0
