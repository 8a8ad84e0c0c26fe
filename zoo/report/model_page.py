"""One model in one self-contained HTML page: every figure inline as SVG, every caption with its numbers."""

import dataclasses
import html
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from zoo.analysis.biology import load_biology
from zoo.analysis.disturbances import robustness
from zoo.analysis.firing import NANOAMPERE, fi_curves, record, respond
from zoo.analysis.fitted_tau import TimeConstants, time_constants
from zoo.analysis.interventions import Interventions, intervene
from zoo.analysis.shapley import Contributions
from zoo.analysis.subsets import read_subsets
from zoo.core.csv_files import check_folder
from zoo.drawing import analyses as draw
from zoo.drawing import firing as draw_firing
from zoo.drawing.style import NAMES, Draw, in_words, inline_svg
from zoo.registry.families import family_of
from zoo.registry.names import parse
from zoo.store.curves import population_means
from zoo.store.zoo_model import ZooModel
from zoo.tasks.base import CONTROL

_CURRENT_NA = 15.0
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #24292f; background: #fff; }
figure { margin: 1.5rem 0; } svg { max-width: 100%; height: auto; }
figcaption { font-size: .9rem; } table { border-collapse: collapse; font-size: .85rem; }
.wide { overflow-x: auto; }
th, td { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid #8886; }
th:first-child, td:first-child { text-align: left; }
@media (prefers-color-scheme: dark) { body { color: #d8dee4; background: #0d1117; } }
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of the page.

    Attributes:
        title: its heading.
        text: plain text under the figure: what it shows, in numbers.
        drawing: drawing and size in inches, or None.
        rows: a table, or nothing.
    """

    title: str
    text: str
    drawing: tuple[Draw, tuple[float, float]] | None = None
    rows: Sequence[dict] = ()

    def html(self, prefix: str) -> str:
        """As an HTML section; `prefix` keeps the ids of its SVG apart from others'."""
        figure = inline_svg(*self.drawing, prefix) if self.drawing else ""
        figure = figure.replace("<svg", f'<svg role="img" aria-label="{html.escape(self.title)}"', 1)
        caption = f"<figcaption>{html.escape(self.text)}</figcaption>"
        table = f'<div class="wide">{_table(self.rows)}</div>' if self.rows else ""
        return f"<section><h2>{html.escape(self.title)}</h2><figure>{figure}{caption}</figure>{table}</section>"


def _table(rows: Sequence[dict]) -> str:
    head = "".join(f"<th>{html.escape(str(key).replace('_', ' '))}</th>" for key in rows[0])
    lines = ("".join(f"<td>{html.escape(_cell(value))}</td>" for value in row.values()) for row in rows)
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(f'<tr>{line}</tr>' for line in lines)}</tbody></table>"
    )


def _cell(value) -> str:
    if value is None or value != value:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)


def write_report(
    model: ZooModel,
    path: Path,
    *,
    biology: bool = True,
    shapley_runs: Path | None = None,
    quiet: bool = False,
) -> Path:
    """Runs the analyses of one heterogeneous model and writes the page.

    Args:
        model: with all of Table 4's properties trained or some; of one training seed, what is tested over seeds is
            left out.
        path: of the page.
        biology: whether to show the Allen data beside it.
        shapley_runs: folder in which `train_subsets` left finished runs; without it, no Shapley values.
        quiet: no progress bars.

    Raises:
        ValueError: if the model does not train time constants, `path` does not end in .html, or the runs are of
            another recipe.
        FileNotFoundError: if `shapley_runs` lacks runs; the message has the command that trains them.
        DataNotFoundError: if `biology` is asked for and not to be had.
        ZooError: if the page's folder is a file.
    """
    if path.suffix != ".html":
        raise ValueError(f"a report is a page: {path} must end in .html")
    check_folder(path.parent)
    real = load_biology() if biology else {}  # What may be refused comes first; the analyses take minutes.
    worth = None if shapley_runs is None else read_subsets(model.name, shapley_runs)
    sections = list(_sections(model, real, worth, quiet))
    body = "\n".join(section.html(f"s{i}") for i, section in enumerate(sections))
    title = html.escape(f"{model.name}: what its neurons look like")
    page = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><h1>{title}</h1><p>{html.escape(_summary(model))}</p>\n{body}\n</body></html>\n"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(page, encoding="utf-8")
    os.replace(partial, path)
    return path


def _summary(model: ZooModel) -> str:
    config, measured = model.network_config, model.evaluation
    metric = family_of(parse(model.name).task).metric
    seeds, ends = len(model.seeds), measured["interval_95"]
    within = "" if ends is None else f" (95 % interval {ends[0]:.4g} to {ends[1]:.4g})"
    return (
        f"{config.inputs} inputs, {config.hidden} spiking neurons, {config.outputs} readouts; trained: "
        f"{', '.join(NAMES.get(name, name) for name in config.trained)}; {seeds} training seed{'s' * (seeds > 1)}. "
        f"Mean {metric.axis} {measured['mean']:.4g}{within} over "
        f"{measured['episodes']:,} {'fresh ' * (model.task().kind == CONTROL)}{metric.samples} each."
    )


def _sections(
    model: ZooModel, biology: dict[str, np.ndarray], worth: Contributions | None, quiet: bool
) -> Iterator[Section]:
    times = time_constants([model], biology=bool(biology), quiet=quiet)
    yield _tau_section(times)
    if times.nulls:
        yield _null_section(times)
    if worth is not None:
        yield _shapley_section(worth)
    if model.task().kind == CONTROL:
        yield from _episode_sections(model, biology, quiet)
    yield from _current_sections(model)
    curve = (model.path / "training.csv").read_text(encoding="utf-8")
    if not population_means(curve):
        return
    text = "The learning curve of every training seed, and their mean."
    yield Section(title="Training", text=text, drawing=draw_firing.learning_curve(curve, model.name))


def _episode_sections(model: ZooModel, biology: dict[str, np.ndarray], quiet: bool) -> Iterator[Section]:
    """What only networks that play episodes can show."""
    several = len(model.seeds) > 1
    if several:
        changed = intervene(model, biology, quiet=quiet)
        yield _interventions_section(changed, model)
    else:
        yield Section(title="Interventions", text="One training seed: they are tested over two or more.")
    disturbed = robustness([model], quiet=quiet)
    text = "Mean return of all networks under growing disturbances; " + (
        "bands: 95 % intervals over training seeds." if several else "one training seed, so there are no intervals."
    )
    yield Section(title="Robustness", text=text, drawing=draw.robustness(disturbed), rows=disturbed.rows())
    seed = model.seeds[0]
    neurons, played = model.neurons(seed), record(model, seed)
    rate = played.spikes.mean() * 1000.0 / played.dt_ms
    text = f"One episode of {len(played.rewards)} steps, return {played.rewards.sum():g}, mean rate {rate:.3g} Hz."
    yield Section(title="Spikes", text=text, drawing=draw_firing.raster(played, neurons["tau_ms"]))
    drawing = draw_firing.traces(played, neurons["tau_ms"], neurons["v_th"])
    yield Section(title="Membrane potentials", text="The same episode.", drawing=drawing)


def _tau_section(times: TimeConstants) -> Section:
    trained = times.series[0].fits["lognormal"]
    low, high = trained.shape_interval
    papers = any(one.paper for one in times.series)
    text = (
        f"Trained membrane time constants: log-normal fit with median {trained.scale:.3g} ms and shape "
        f"{trained.shape:.3g} (95 % interval {low:.3g} to {high:.3g}), Kolmogorov-Smirnov distance {trained.ks:.3g} "
        f"(p = {trained.ks_p:.2g}, with the correction for fitted parameters). "
        + ("The null control is the same search on pure noise. " if times.nulls else "")
        + ("The paper's gamma columns stand here with shape and scale exchanged, as they must be." if papers else "")
    )
    return Section(title="Time constants", text=text, drawing=draw.time_constants(times), rows=times.rows())


def _null_section(times: TimeConstants) -> Section:
    (null,) = times.nulls
    text = (
        f"Spread (standard deviation of ln tau) of each training seed's network, trained against the null control: "
        f"{null.spread}. The search alone makes {100 * null.explained:.0f} % of the trained spread."
    )
    return Section(title="How much of it is drift?", text=text, drawing=draw.null_control(times.nulls))


def _shapley_section(result: Contributions) -> Section:
    title, rows, gained = "What each property is worth", result.rows(), result.gain > 0
    text = f"Shapley values after {result.generations} generations, "
    if gained:
        shares = (f"{NAMES[name]} {100 * share:.0f} %" for name, (share, _, _) in result.shares.items())
        text += f"as shares of the gain over the untrained network: {', '.join(shares)}. "
    else:
        text += f"in units of return: together they gained {result.gain:.3g}, of which there are no shares. "
    text += "Intervals: 95 % over training seeds." if rows[0]["seeds"] > 1 else "One training seed: no intervals."
    return Section(title=title, text=text, drawing=draw.shapley([result]) if gained else None, rows=rows)


def _interventions_section(result: Interventions, model: ZooModel) -> Section:
    worst = min(result.outcomes[1:], key=lambda outcome: outcome.means.mean())
    text = (
        f"Return of trained networks after a change to one property ({result.episodes} episodes per network, "
        f"{result.repeats} draws of what is random; intervals: 95 % over training seeds). Lowest: "
        f"{in_words(worst.target, [o.target for o in result.outcomes])} {worst.kind}, {worst.means.mean():.3g} "
        f"instead of {result.outcomes[0].means.mean():.4g}."
    )
    drawing = draw.interventions(result, model.task().max_return)
    return Section(title="Interventions", text=text, drawing=drawing, rows=result.rows())


def _current_sections(model: ZooModel) -> Iterator[Section]:
    seed = model.seeds[0]
    parts, neurons = model.parts(seed), model.neurons(seed)
    response = respond(parts, [_CURRENT_NA], 500.0)
    rates = response.rates_hz[0]
    text = (
        f"{(rates > 0).mean():.0%} of the neurons fire under a constant {_CURRENT_NA:g} nA "
        f"({_CURRENT_NA / NANOAMPERE:g} V across the initial resistance); "
        f"rates from {rates.min():.3g} to {rates.max():.3g} Hz."
    )
    drawing = draw_firing.constant_current(response, neurons["tau_ms"], model.name)
    yield Section(title="Under constant current", text=text, drawing=drawing)
    text = "Rates in the second half of 4 s; at most one spike per step of 5 ms, 200 Hz."
    drawing = draw_firing.fi(fi_curves(parts), neurons["tau_ms"], model.name)
    yield Section(title="f-I curves", text=text, drawing=drawing)
