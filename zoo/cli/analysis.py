"""The command line of the analysis: `zoo analyse`, `plot`, `report`."""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

_FIGURES = Path("docs/figures")


def add_verbs(verb: Callable[..., argparse.ArgumentParser], prepared: Callable[[Callable], Callable]) -> None:
    """Adds the analysis' verbs to the `zoo` command.

    Args:
        verb: makes a sub-parser from a name, what it runs, and its help.
        prepared: makes of what a command runs one that first makes each CPU core a device.
    """
    text = "Analyse trained neurons: numbers as CSV, figures as SVG for light and dark pages."
    sub = verb("analyse", prepared(_analyse), text)
    kinds = sub.add_subparsers(dest="analysis", required=True, metavar="ANALYSIS")
    for name, (_, text) in _ANALYSES.items():
        kind = kinds.add_parser(name, help=text, description=text)
        kind.add_argument("names", nargs="+", metavar="NAME", help="model name, or folder of a checkpoint")
        kind.add_argument("--out", type=Path, default=_FIGURES, help=f"folder of the files (default {_FIGURES})")
        kind.add_argument("--quiet", action="store_true", help="no progress bar")
        kind.add_argument("--json", action="store_true", help="print the numbers as JSON, and all else on stderr")
        _add_options(kind, name)

    sub = verb("plot", prepared(_plot), "Draw one network: its spikes, potentials, f-I curves, neurons, or training.")
    sub.add_argument("what", choices=sorted(_PLOTS))
    sub.add_argument("name", help="model name, or folder of a checkpoint")
    sub.add_argument("-o", "--output", type=Path, required=True, help="FILE.svg or FILE.png; FILE-dark beside it")
    sub.add_argument("--training-seed", type=int, help="which network (default: the first; tau, curve: all)")
    sub.add_argument("--episode", type=int, help="raster, trace: which episode (default 0)")
    sub.add_argument("--null", action="store_true", help="tau: beside their null control, which takes minutes")

    sub = verb("report", prepared(_report), "Write all analyses of one model as a self-contained HTML page.")
    sub.add_argument("name", help="model name, or folder of a checkpoint")
    sub.add_argument("-o", "--output", type=Path, required=True, help="FILE.html")
    sub.add_argument("--shapley", type=Path, metavar="RUNS", help="folder where `zoo analyse shapley` trained")
    sub.add_argument("--no-biology", action="store_true", help="leave out the Allen data")
    sub.add_argument("--quiet", action="store_true", help="no progress bar")


def _add_options(parser: argparse.ArgumentParser, analysis: str) -> None:
    if analysis in ("tau", "interventions"):
        parser.add_argument("--no-biology", action="store_true", help="leave out the Allen data")
    if analysis in ("interventions", "robustness"):
        parser.add_argument("--episodes", type=int, help="per network (default: as published)")
        parser.add_argument("--repeats", type=int, default=5, help="draws of what is random (default 5)")
    if analysis == "shapley":
        parser.add_argument("--runs", type=Path, default=Path("runs/subsets"), help="folder of the 15 trainings")
        parser.add_argument("--generations", type=int, help="of each subset (default: the recipe's)")
        parser.add_argument("--seeds", type=int, help="of each subset (default: the recipe's)")


def _analyse(arguments) -> int:
    from zoo.core.csv_files import check_folder

    check_folder(arguments.out)  # First: an analysis may take hours.
    run, _ = _ANALYSES[arguments.analysis]
    return run(arguments)


def _load(names):
    from zoo.store.loading import load

    models = [load(name) for name in names]
    if len({model.name for model in models}) < len(models):
        twice = next(model.name for model in models if [other.name for other in models].count(model.name) > 1)
        raise ValueError(f"{twice} is given more than once; analyse its checkpoints one by one, with --out apart")
    return models


def _say(arguments, text) -> None:
    """Prints what is not the numbers: where those are asked for as JSON, not in between."""
    print(text, file=sys.stderr if arguments.json else sys.stdout)


def _finish(arguments, stem: str, tables: dict[str, list[dict]], drawings: dict[str, tuple]) -> int:
    """Writes tables and figures and says where they are."""
    return _print_json(arguments, _write(arguments, stem, tables, drawings))


def _write(arguments, stem: str, tables: dict[str, list[dict]], drawings: dict[str, tuple]) -> dict[str, list[dict]]:
    """The same, without JSON; gives the tables by the names of their files."""
    from zoo.core.csv_files import write_table
    from zoo.drawing.style import save

    for suffix, rows in tables.items():
        _say(arguments, write_table(arguments.out / f"{stem}{suffix}.csv", rows))
    for suffix, (draw, size) in drawings.items():
        for path in save(draw, size, arguments.out / f"{stem}{suffix}.svg"):
            _say(arguments, path)
    return {f"{stem}{suffix}": rows for suffix, rows in tables.items()}


def _print_json(arguments, tables: dict[str, list[dict]]) -> int:
    if arguments.json:
        plain = {name: [_without_nan(row) for row in rows] for name, rows in tables.items()}
        print(json.dumps(plain, indent=1, allow_nan=False))
    return 0


def _without_nan(row: dict) -> dict:
    """JSON has no NaN: what is not there is null."""
    return {key: None if value != value else value for key, value in row.items()}


def _stem(analysis: str, names) -> str:
    """Beginning of the files' names: the models, of many the first and a hash that stands for all."""
    stem = f"{analysis}-{'+'.join(names)}"
    if len(stem) <= _MOST_CHARACTERS:
        return stem
    return f"{analysis}-{names[0]}+{len(names) - 1}-more-{hashlib.sha256(stem.encode()).hexdigest()[:8]}"


_MOST_CHARACTERS = 150
"""Of a file's name, before what is appended; file systems take 255 bytes."""


def _tau(arguments) -> int:
    from zoo.analysis.fitted_tau import time_constants
    from zoo.analysis.null import why_no_null
    from zoo.drawing import analyses as draw

    models = _load(arguments.names)
    for why in filter(None, map(why_no_null, models)):
        print(f"zoo analyse tau: no null control: {why}", file=sys.stderr)
    result = time_constants(models, biology=not arguments.no_biology, quiet=arguments.quiet)
    drawing = draw.time_constants(result)
    tables = _write(arguments, _stem("tau", [model.name for model in models]), {"": result.rows()}, {"": drawing})
    return _print_json(arguments, tables | (_write_nulls(arguments, result.nulls) if result.nulls else {}))


def _null(arguments) -> int:
    from zoo.analysis.null import null_control

    nulls = [null_control(model, quiet=arguments.quiet) for model in _load(arguments.names)]
    return _print_json(arguments, _write_nulls(arguments, nulls))


def _write_nulls(arguments, nulls) -> dict[str, list[dict]]:
    from zoo.analysis.fitted_tau import null_row
    from zoo.drawing import analyses as draw

    for null in nulls:
        _say(arguments, f"{null.name}, std of ln tau, trained against null: {null.spread}")
    tables = {"": [null_row(null) for null in nulls]}
    return _write(arguments, _stem("null", [null.name for null in nulls]), tables, {"": draw.null_control(nulls)})


def _shapley(arguments) -> int:
    from zoo.analysis.subsets import train_subsets
    from zoo.drawing import analyses as draw

    settings = {"generations": arguments.generations, "seeds": arguments.seeds, "quiet": arguments.quiet}
    results = [train_subsets(name, out=arguments.runs, **settings) for name in arguments.names]
    tables = {
        "": [row for result in results for row in result.rows()],
        "-subsets": [row for result in results for row in result.subset_rows()],
    }
    gained = [result for result in results if result.gain > 0]
    drawings = {"": draw.shapley(gained)} if gained else {}
    for result in results:
        if result not in gained:
            text = f"{result.name}: all properties together gained {result.gain:g}, of which there are no shares"
            _say(arguments, text)
    return _finish(arguments, _stem("shapley", arguments.names), tables, drawings)


def _interventions(arguments) -> int:
    from zoo.analysis.biology import load_biology
    from zoo.analysis.interventions import intervene
    from zoo.drawing import analyses as draw

    models, tables = _load(arguments.names), dict[str, list[dict]]()
    compared = any("x_tau" in model.trained for model in models) and not arguments.no_biology
    biology = load_biology() if compared else {}
    settings = {"repeats": arguments.repeats, "episodes": arguments.episodes, "quiet": arguments.quiet}
    for model in models:
        result = intervene(model, biology, **settings)
        drawing = draw.interventions(result, model.task().max_return)
        tables |= _write(arguments, _stem("interventions", [model.name]), {"": result.rows()}, {"": drawing})
    return _print_json(arguments, tables)


def _robustness(arguments) -> int:
    from zoo.analysis.disturbances import robustness
    from zoo.drawing import analyses as draw

    settings = {"repeats": arguments.repeats, "episodes": arguments.episodes, "quiet": arguments.quiet}
    models = _load(_with_counterpart(arguments.names))
    result, asked = robustness(models, **settings), [model.name for model in models[: len(arguments.names)]]
    return _finish(arguments, _stem("robustness", asked), {"": result.rows()}, {"": draw.robustness(result)})


def _with_counterpart(names: list[str]) -> list[str]:
    """One heterogeneous name alone gets its homogeneous counterpart beside it, where that is published."""
    from zoo.store.loading import list_models

    other = "hom" + names[0].removeprefix("het")
    return [*names, other] if len(names) == 1 and names[0].startswith("het") and other in list_models() else names


def _plot(arguments) -> int:
    from zoo.core.progress import working
    from zoo.drawing.style import check_drawing, save

    check_drawing(arguments.output)
    if arguments.null and arguments.what != "tau":
        raise ValueError(f"--null is for `zoo plot tau`; {arguments.what} has no null control")
    if arguments.training_seed is not None and arguments.what in ("tau", "curve"):
        raise ValueError(f"`zoo plot {arguments.what}` draws all training seeds; leave --training-seed out")
    if arguments.episode is not None and arguments.what not in ("raster", "trace"):
        raise ValueError(f"--episode is for `zoo plot raster` and `zoo plot trace`; {arguments.what} plays none")
    (model,) = _load([arguments.name])
    seed = model.seeds[0] if arguments.training_seed is None else arguments.training_seed
    episode = arguments.episode or 0
    if arguments.null:
        draw, size = _tau_plot(model, seed, episode, nulls=True)
    else:
        with working(f"{model.name}: compiling, playing and drawing"):
            draw, size = _PLOTS[arguments.what](model, seed, episode)
    for path in save(draw, size, arguments.output):
        print(path)
    return 0


def _raster(model, seed, episode):
    from zoo.analysis.firing import record
    from zoo.drawing import firing as draw_firing

    return draw_firing.raster(record(model, seed, episode=episode), model.neurons(seed)["tau_ms"])


def _trace(model, seed, episode):
    from zoo.analysis.firing import record
    from zoo.drawing import firing as draw_firing

    neurons = model.neurons(seed)
    return draw_firing.traces(record(model, seed, episode=episode), neurons["tau_ms"], neurons["v_th"])


def _fi(model, seed, episode):
    from zoo.analysis.firing import fi_curves
    from zoo.drawing import firing as draw_firing

    title = f"{model.name}, training seed {seed}: firing rate against constant current"
    return draw_firing.fi(fi_curves(model.parts(seed)), model.neurons(seed)["tau_ms"], title)


def _current(model, seed, episode):
    from zoo.analysis.firing import respond
    from zoo.drawing import firing as draw_firing

    title = f"{model.name}, training seed {seed}: neurons under one constant current"
    return draw_firing.constant_current(
        respond(model.parts(seed), [15.0], 500.0), model.neurons(seed)["tau_ms"], title
    )


def _tau_plot(model, seed, episode, nulls=False):
    from zoo.analysis.fitted_tau import time_constants
    from zoo.analysis.null import why_no_null
    from zoo.drawing import analyses as draw

    if nulls and (why := why_no_null(model)):
        raise ValueError(why)
    return draw.time_constants(time_constants([model], biology=False, nulls=nulls))


def _curve(model, seed, episode):
    from zoo.drawing import firing as draw_firing

    text = (model.path / "training.csv").read_text(encoding="utf-8")
    return draw_firing.learning_curve(text, model.name)


def _report(arguments) -> int:
    from zoo.report.model_page import write_report

    (model,) = _load([arguments.name])
    settings = {"biology": not arguments.no_biology, "shapley_runs": arguments.shapley, "quiet": arguments.quiet}
    print(write_report(model, arguments.output, **settings))
    return 0


_ANALYSES = {
    "tau": (_tau, "Fit time constants (gamma, log-normal), beside their null control and real neurons."),
    "null": (_null, "How much of the spread of time constants is drift of the search alone?"),
    "shapley": (_shapley, "Train all subsets of the four properties and compute their Shapley values."),
    "interventions": (_interventions, "Reset, shuffle or replace properties of trained networks and evaluate them."),
    "robustness": (_robustness, "Return against noise and lesions, heterogeneous against homogeneous."),
}
_PLOTS = {"raster": _raster, "trace": _trace, "fi": _fi, "current": _current, "tau": _tau_plot, "curve": _curve}
