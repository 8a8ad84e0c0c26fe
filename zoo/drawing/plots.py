"""A card's plots as small SVG documents: the same bytes from the same numbers, on every machine.

Written by hand rather than with matplotlib, whose output differs between versions: `zoo cards --check`
compares bytes. Text and lines are mid-grey and there is no background, so that both a light and a dark page
leave them readable.
"""

from collections.abc import Sequence

import numpy as np

from zoo.registry.families import family_of
from zoo.registry.methods import method_of
from zoo.registry.names import parse
from zoo.store.curves import population_means
from zoo.store.zoo_model import ZooModel

_WIDTH, _HEIGHT = 560, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 26, 34, 46  # Right: half of a tick's "100,000".
_INK = "#787878"  # At least 4.2:1 against both white and #0d1117.
_BLUE, _ORANGE = "#3987c9", "#D55E00"
_POINTS = 120
_BINS_PER_DECADE = 16


def plots(model: ZooModel, curve: str) -> dict[str, str]:
    """SVG documents by file name; without a learning curve where no episode has ended, or nothing was trained here.

    Args:
        model: whose trained values are drawn.
        curve: content of its training.csv.
    """
    found = {}
    if population_means(curve):
        found[f"{model.name}-curve.svg"] = learning_curve(model.name, curve)
    if "x_tau" in model.network_config.trained:
        tau_ms = [model.neurons(seed)["tau_ms"] for seed in model.seeds]
        start = tuple(model.network_config.tau_ms)
        found[f"{model.name}-tau.svg"] = time_constants(model.name, np.stack(tau_ms), start)
    return found


def learning_curve(name: str, curve: str) -> str:
    """Mean return or accuracy of what plays in training, step by step: mean over training seeds, and their range."""
    metric, method = family_of(parse(name).task).metric, method_of(parse(name))
    caption = f"{metric.curve[0].upper()}{metric.curve[1:]} of {method.population.format(samples=metric.samples)}"
    seeds = population_means(curve)
    generations = sorted(seeds)
    every = max(1, len(generations) // _POINTS)
    generations = [g for k, g in enumerate(generations) if k % every == 0 or g == generations[-1]]
    low, mean, high = ([float(f(seeds[g])) for g in generations] for f in (np.min, np.mean, np.max))
    frame = _Frame(x=(0, max(generations[-1], 1)), y=_padded(min(low), max(high)))
    band = frame.points(generations + generations[::-1], high + low[::-1])
    body = [
        f'<polygon points="{band}" fill="{_BLUE}" fill-opacity="0.22"/>',
        f'<polyline points="{frame.points(generations, mean)}" fill="none" stroke="{_BLUE}" stroke-width="2"/>',
    ]
    count = max(map(len, seeds.values()))
    return frame.document(
        f"{name}: learning curve",
        f"{caption}: mean and range of {count} training seeds" if count > 1 else caption,
        body,
        ticks_x=[(g, f"{g:,.0f}") for g in _ticks(*frame.x)],
        ticks_y=[(v, f"{v:g}") for v in _ticks(*frame.y)],
        labels=(method.step, metric.curve),
    )  # fmt: skip


def time_constants(name: str, tau_ms: np.ndarray, start_ms: Sequence[float]) -> str:
    """Histogram of the trained membrane time constants of all seeds, on a logarithmic axis.

    Args:
        name: of the model.
        tau_ms: [K, hidden].
        start_ms: where they started: one value, or the ends of a log-uniform spread.
    """
    logs = np.log10(tau_ms.ravel())
    first, last = (int(f(v * _BINS_PER_DECADE)) for f, v in ((np.floor, logs.min()), (np.ceil, logs.max())))
    last = max(last, first + 1)
    edges = np.arange(first, last + 1) / _BINS_PER_DECADE
    share = 100 * np.histogram(logs, edges)[0] / logs.size
    frame = _Frame(x=(float(edges[0]), float(edges[-1])), y=(0.0, float(share.max()) * 1.08))
    body = []
    for left, right, value in zip(edges[:-1], edges[1:], share, strict=True):
        (x0, y0), (x1, y1) = frame.place(left, value), frame.place(right, 0)
        box = f'x="{x0 + 0.5:.1f}" y="{y0:.1f}" width="{x1 - x0 - 1:.1f}" height="{y1 - y0:.1f}"'
        body.append(f'<rect {box} fill="{_BLUE}"/>')
    for start in start_ms:
        if frame.x[0] <= (where := float(np.log10(start))) <= frame.x[1]:
            (x, y0), (_, y1) = frame.place(where, frame.y[0]), frame.place(where, frame.y[1])
            line = f'x1="{x:.1f}" x2="{x:.1f}" y1="{y0:.1f}" y2="{y1:.1f}"'
            body.append(f'<line {line} stroke="{_ORANGE}" stroke-width="2" stroke-dasharray="5 4"/>')
    started = " to ".join(f"{value:g}" for value in start_ms)
    return frame.document(
        f"{name}: membrane time constants",
        f"Trained membrane time constants of {tau_ms.size:,} neurons (dashed: start at {started} ms)",
        body,
        ticks_x=[(float(np.log10(t)), f"{t:g}") for t in _log_ticks(10 ** frame.x[0], 10 ** frame.x[1])],
        ticks_y=[(v, f"{v:g}") for v in _ticks(*frame.y)],
        labels=("membrane time constant (ms)", "% of neurons"),
    )


class _Frame:
    """Axes of one plot: from numbers to places on the page."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float]):
        self.x, self.y = x, y

    def place(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return _LEFT + across * (_WIDTH - _LEFT - _RIGHT), _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM)

    def points(self, xs: Sequence[float], ys: Sequence[float]) -> str:
        return " ".join("{:.1f},{:.1f}".format(*self.place(x, y)) for x, y in zip(xs, ys, strict=True))

    def document(self, title, caption, body, *, ticks_x, ticks_y, labels) -> str:
        """The whole SVG; `caption` is drawn above, `title` is read by screen readers."""
        (left, bottom), (right, top) = self.place(self.x[0], self.y[0]), self.place(self.x[1], self.y[1])
        lines, texts = [], [f'<text x="{left}" y="{_TOP - 14}">{caption}</text>']
        for value, text in ticks_y:
            y = self.place(self.x[0], value)[1]
            lines.append(f"M{left},{y:.1f}H{right:.1f}")
            texts.append(f'<text x="{left - 7}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
        for value, text in ticks_x:
            x = self.place(value, self.y[0])[0]
            lines.append(f"M{x:.1f},{bottom}v5")
            texts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{text}</text>')
        middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
        texts.append(f'<text x="{middle_x:.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{labels[0]}</text>')
        turned = f'transform="translate(15,{middle_y:.1f}) rotate(-90)" text-anchor="middle"'
        texts.append(f"<text {turned}>{labels[1]}</text>")
        grid = f'<path d="{"".join(lines)}" stroke="{_INK}" stroke-opacity="0.45" fill="none"/>'
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
            f'height="{_HEIGHT}" role="img" font-family="system-ui, sans-serif" font-size="12">'
        )
        words = f'<g fill="{_INK}">\n' + "\n".join(texts) + "\n</g>"
        return "\n".join([head, f"<title>{title}</title>", grid, *body, words, "</svg>"]) + "\n"


def _padded(low: float, high: float) -> tuple[float, float]:
    room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return low - room, high + room


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers within an interval."""
    step = 10.0 ** np.floor(np.log10((high - low) / 4))
    step *= max(k for k in (1, 2, 2.5, 5) if k * step <= (high - low) / 4 * 1.0001)
    return [round(float(k * step), 10) + 0.0 for k in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, … within an interval; whole decades alone where it is wide."""
    steps = (1, 2, 5) if high / low < 2000 else (1,)
    every = [k * 10.0**e for e in range(-3, 9) for k in steps]
    return [value for value in every if low <= value <= high]
