"""Figures of single networks: spike raster, membrane traces, f-I curves, learning curve."""

import csv
import io

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from zoo.analysis.firing import Recording, Response
from zoo.drawing.style import BLUE, COLOURS, PURPLE, VERMILION, Draw, zero_line
from zoo.registry.families import family_of
from zoo.registry.methods import method_of
from zoo.registry.names import parse
from zoo.store.curves import population_means

_TRACES = 6
_ROWS = 128  # Neurons of a raster: two pixels for each.
_VECTOR_MARKS = 4000  # More spikes are drawn as one picture: a file of vectors would hold about 60 bytes for each.
_FI_LINES = 24
_TAU_TICKS = (6, 8, 10, 15, 20, 30, 40, 60, 100, 200, 500, 1000)
_TIME = "time of the network (ms; 5 ms for each step of the environment)"


def raster(recording: Recording, tau_ms: np.ndarray) -> tuple[Draw, tuple[float, float]]:
    """Spikes of hidden neurons, sorted by time constant; the population's rate below. With its size.

    Of more than 128 neurons as many are shown, evenly spaced in that order; the rate is that of all.
    """
    order = np.argsort(tau_ms, kind="stable")
    shown = order[np.linspace(0, len(order) - 1, min(_ROWS, len(order))).round().astype(int)]
    step, row = np.nonzero(recording.spikes[:, shown])
    rate = recording.spikes.mean(1) * 1000.0 / recording.dt_ms
    which = "all neurons" if len(shown) == len(order) else f"{len(shown)} of {len(order):,} neurons"

    def draw(figure: Figure) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        _marks(upper, recording.times_ms[step], row, 0.8, color=BLUE, linewidth=0.9)
        upper.set_ylabel(f"{which},\nby time constant")
        names = [f"{tau_ms[shown[place]]:.3g} ms" for place in (0, len(shown) // 2, len(shown) - 1)]
        upper.set_yticks([0, len(shown) // 2, len(shown) - 1], names)
        upper.set(ylim=(-1, len(shown)), title=f"{recording.name}, training seed {recording.seed}: spikes")
        lower.plot(recording.times_ms, rate, color=VERMILION, linewidth=1.2)
        lower.set(ylabel="mean rate\nof all (Hz)", xlabel=_TIME, ylim=(0, None))
        figure.align_ylabels()

    return draw, (7.0, 4.6)


def _marks(axes, x: np.ndarray, y: np.ndarray, height: float, **style) -> None:
    """Upright strokes as a single line with gaps; as a picture inside the figure where they are many."""
    gaps = np.full(len(x), np.nan)
    across, up = np.stack([x, x, gaps], 1).ravel(), np.stack([y - height / 2, y + height / 2, gaps], 1).ravel()
    axes.plot(across, up, rasterized=len(x) > _VECTOR_MARKS, solid_capstyle="butt", **style)


def _firing(spikes: np.ndarray, tau_ms: np.ndarray) -> np.ndarray:
    """Neurons for the traces: evenly spaced by time constant among those that tell most.

    These are neurons that fire, but not at more than half of the steps; where they are too few, all that fire; in a
    silent network all.
    """
    share = spikes.mean(0)
    found = np.flatnonzero((share > 0) & (share <= 0.5))
    if len(found) < _TRACES:
        found = np.flatnonzero(share > 0) if share.any() else np.arange(len(share))
    order = found[np.argsort(tau_ms[found], kind="stable")]
    return order[np.unique(np.linspace(0, len(order) - 1, _TRACES).round().astype(int))]


def traces(recording: Recording, tau_ms: np.ndarray, v_th: np.ndarray) -> tuple[Draw, tuple[float, float]]:
    """Potentials of neurons that fire, by time constant from the shortest on, and the readouts. With its size."""
    chosen = _firing(recording.spikes, tau_ms)

    def draw(figure: Figure) -> None:
        axes = figure.subplots(len(chosen) + 1, 1, sharex=True)
        for panel, neuron in zip(axes, chosen, strict=False):
            panel.plot(recording.times_ms, recording.v[:, neuron], color=BLUE, linewidth=0.9)
            panel.axhline(v_th[neuron], color=VERMILION, linewidth=0.9, linestyle="--")
            spikes = recording.times_ms[recording.spikes[:, neuron] > 0]
            height = 0.2 * max(np.ptp(recording.v[:, neuron]), 1e-3)
            _marks(panel, spikes, np.full(len(spikes), v_th[neuron]), height, color=VERMILION, linewidth=0.9)
            rate = recording.spikes[:, neuron].mean() * 1000.0 / recording.dt_ms
            _small_title(panel, f"neuron {neuron}: time constant {tau_ms[neuron]:.3g} ms, {rate:.3g} spikes a second")
        for i, readout in enumerate(recording.readout.T):
            colour, style = COLOURS[i % 4], "-" if i < 4 else "--"
            axes[-1].plot(recording.times_ms, readout, style, color=colour, linewidth=1.2, label=f"readout {i}")
        axes[-1].legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=4, borderaxespad=0)
        axes[-1].set_xlabel(_TIME)
        figure.supylabel("membrane potential (V)", fontsize=9)
        title = f"{recording.name}, training seed {recording.seed} (dashed: threshold, ticks: spikes)"
        figure.suptitle(title, fontsize=10)

    return draw, (7.0, 8.0)


def fi(response: Response, tau_ms: np.ndarray, title: str) -> tuple[Draw, tuple[float, float]]:
    """f-I curves of neurons across the range of time constants, and the distribution's quartiles. With its size."""
    order = np.argsort(tau_ms)
    chosen = order[np.linspace(0, len(order) - 1, min(_FI_LINES, len(order))).round().astype(int)]
    rates = response.rates_hz

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, sharey=True)
        blend = matplotlib.colors.LinearSegmentedColormap.from_list("tau", [BLUE, PURPLE, VERMILION])
        colours = blend(np.linspace(0.0, 1.0, len(chosen)))
        for neuron, colour in zip(chosen, colours, strict=True):
            left.plot(response.currents_na, rates[:, neuron], color=colour, linewidth=0.9)
        shortest = float(tau_ms[chosen[0]])
        longest = max(float(tau_ms[chosen[-1]]), 1.01 * shortest)
        scale = matplotlib.colors.LogNorm(shortest, longest)
        palette = matplotlib.colors.ListedColormap(colours)
        mappable = matplotlib.cm.ScalarMappable(scale, palette)
        bar = figure.colorbar(mappable, ax=left, location="top", shrink=0.9, label="membrane time constant (ms)")
        ticks = _apart([t for t in _TAU_TICKS if shortest <= t <= longest], (longest / shortest) ** 0.12)
        bar.set_ticks(ticks, labels=[str(t) for t in ticks])
        bar.ax.minorticks_off()
        low, middle, high = np.quantile(rates, [0.25, 0.5, 0.75], axis=1)
        right.plot(response.currents_na, high, "--", color=VERMILION, label="upper quartile")
        right.plot(response.currents_na, middle, color=PURPLE, label="median")
        right.plot(response.currents_na, low, "--", color=BLUE, label="lower quartile")
        right.legend(loc="lower right", bbox_to_anchor=(1.0, 1.02), ncols=3)
        left.set_ylabel("firing rate (Hz)")
        for axes in (left, right):
            axes.set_xlabel("constant current (nA)")
        figure.suptitle(title, fontsize=10)

    return draw, (7.4, 3.9)


def constant_current(response: Response, tau_ms: np.ndarray, title: str) -> tuple[Draw, tuple[float, float]]:
    """Fig. 1, right: different neurons under the same constant current. With its size.

    Args:
        response: to a single current.
        tau_ms: [H].
        title: of the figure.
    """
    rate = response.rates_hz[0]
    _, distinct = np.unique(rate, return_index=True)  # One neuron for each rate, from silent to fastest.
    chosen = distinct[np.unique(np.linspace(0, len(distinct) - 1, _TRACES).round().astype(int))]
    times = response.dt_ms * (1.0 + np.arange(response.v.shape[1]))

    def draw(figure: Figure) -> None:
        axes = figure.subplots(len(chosen), 1, sharex=True, squeeze=False)[:, 0]
        for panel, neuron in zip(axes, chosen, strict=True):
            panel.plot(times, response.v[0, :, neuron], color=BLUE, linewidth=1)
            for spike in times[response.spikes[0, :, neuron] > 0]:
                panel.axvline(spike, ymin=0.86, color=VERMILION, linewidth=0.9)
            _small_title(panel, f"time constant {tau_ms[neuron]:.3g} ms, {rate[neuron]:.3g} Hz")
        axes[-1].set_xlabel(f"time (ms) under a constant {response.currents_na[0]:g} nA; bars on top: spikes")
        figure.supylabel("membrane potential (V)", fontsize=9)
        figure.suptitle(title, fontsize=10)

    return draw, (7.0, 6.6)


def _apart(values: list[float], factor: float) -> list[float]:
    """Of rising values those that are at least `factor` times the one kept before."""
    kept = values[:1]
    for value in values[1:]:
        if value >= factor * kept[-1]:
            kept.append(value)
    return kept


def _small_title(axes, text: str) -> None:
    axes.set_title(text, fontsize=8, fontweight="normal", loc="left", pad=2)


def learning_curve(text: str, name: str) -> tuple[Draw, tuple[float, float]]:
    """What training.csv calls the mean against generation, of every training seed and their mean. With its size.

    Args:
        text: content of a checkpoint's training.csv.
        name: of the model.

    Raises:
        ValueError: if no generation has a mean: no episode ended, or it was not trained here.
    """
    if not population_means(text):
        raise ValueError(f"{name} has no learning curve: its training.csv has no generation with a finite mean")
    seeds: dict[int, list[tuple[int, float]]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        seeds.setdefault(int(row["seed"]), []).append((int(row["generation"]), float(row["mean"])))
    curves = np.array([sorted(points) for points in seeds.values()])  # [K, G, 2]
    metric, method = family_of(parse(name).task).metric, method_of(parse(name))
    what, whose = metric.axis, method.population.format(samples=metric.samples)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for i, curve in enumerate(curves):
            axes.plot(*curve.T, color=BLUE, alpha=0.45, linewidth=0.7, label=None if i else "one training seed")
        axes.plot(curves[0, :, 0], curves[:, :, 1].mean(0), color=VERMILION, linewidth=1.6, label="mean of all")
        if curves[:, :, 1].min() < 0:
            zero_line(axes)
        axes.set(xlabel=method.step, ylabel=f"mean {what} of {whose}", title=name)
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.12))

    return draw, (6.0, 3.4)
