"""The look of the analysis' figures: one drawing, readable on light and on dark pages.

Colours are Okabe and Ito's (2008, Color universal design), reduced to those that keep a contrast of at
least 3:1 on white as on near-black. Backgrounds are transparent.
"""

import dataclasses
import io
import re
from collections.abc import Callable, Collection
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoo.core.csv_files import check_folder
from zoo.models.constants import IN_WORDS, PROPERTIES

BLUE, VERMILION, GREEN, PURPLE = "#2F86C1", "#D55E00", "#009E73", "#CC79A7"
COLOURS = (BLUE, VERMILION, GREEN, PURPLE)
MARKERS = ("o", "s", "^", "D")
NAMES = IN_WORDS | {"all": "all four"}
"""The trained properties in words."""


def in_words(target: str, targets: Collection[str]) -> str:
    """A property in words, or all: those of `targets`, which may be fewer than four."""
    return NAMES[target] if target != "all" or set(PROPERTIES) <= set(targets) else "all trained"


Draw = Callable[[Figure], None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """Colours that depend on the page.

    Attributes:
        ink: of text, axes and everything that is neutral.
        page: background of PNG files; SVG files have none.
    """

    ink: str
    page: str


LIGHT = Theme(ink="#24292f", page="#ffffff")
DARK = Theme(ink="#d8dee4", page="#0d1117")
_PLACEHOLDER = "#123456"  # Becomes `currentColor` in SVG that is put inside a page.


def _settings(ink: str) -> dict:
    coloured = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    return dict.fromkeys(coloured, ink) | {
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "font.size": 9,
        "legend.fontsize": 8,
        "legend.frameon": False,
        "lines.color": ink,
        "svg.fonttype": "none",
        "svg.hashsalt": "zoo",
    }


def render(draw: Draw, size: tuple[float, float], ink: str, kind: str, page: str = "none") -> bytes:
    """A drawing as ``svg`` or ``png`` bytes.

    Args:
        draw: draws on an empty figure.
        size: in inches.
        ink: of neutral elements.
        kind: file format.
        page: background.
    """
    with matplotlib.rc_context(_settings(ink)):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        figure.draw_without_rendering()  # Ticks are chosen anew where the layout moved axes; the next one fits these.
        buffer = io.BytesIO()
        metadata = {"Date": None} if kind == "svg" else None
        figure.savefig(buffer, format=kind, dpi=150, metadata=metadata, facecolor=page)
    return buffer.getvalue()


def inline_svg(draw: Draw, size: tuple[float, float], prefix: str) -> str:
    """A drawing as an ``<svg>`` element that takes its ink from the page around it.

    Args:
        draw: draws on an empty figure.
        size: in inches.
        prefix: put before every id, so that two drawings in one page do not share any.
    """
    text = render(draw, size, _PLACEHOLDER, "svg").decode()
    text = text[text.index("<svg") :].replace(_PLACEHOLDER, "currentColor")
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    return re.sub(r"(url\(#|href=\"#)", rf"\g<1>{prefix}-", text)


def check_drawing(path: Path) -> str:
    """The kind of drawing, ``svg`` or ``png``, that `save` writes to a path; asked before a drawing that takes long.

    Raises:
        ValueError: if the file name ends in anything else.
        ZooError: if its folder is a file.
    """
    kind = path.suffix.lstrip(".")
    if kind not in ("svg", "png"):
        raise ValueError(f"{path} must end in .svg or .png")
    check_folder(path.parent)
    return kind


def save(draw: Draw, size: tuple[float, float], path: Path) -> list[Path]:
    """Writes a drawing; for ``NAME.svg`` (or ``.png``) also ``NAME-dark.svg`` for dark pages.

    Raises:
        ValueError, ZooError: as `check_drawing`.
    """
    kind = check_drawing(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    paths = [path, path.with_stem(f"{path.stem}-dark")]
    for target, theme in zip(paths, (LIGHT, DARK), strict=True):
        page = theme.page if kind == "png" else "none"
        target.write_bytes(render(draw, size, theme.ink, kind, page))
    return paths


def zero_line(axes: Axes) -> None:
    """A thin neutral line at 0."""
    axes.axhline(0.0, color=matplotlib.rcParams["axes.edgecolor"], linewidth=0.8)
