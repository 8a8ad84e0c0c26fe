"""How numbers are printed in cards and tables."""

import re
from typing import Any

_MARKUP = re.compile(r"[^\w .,:;()+=/@%-]")


def plain(value: Any) -> Any:
    """JSON from elsewhere whose texts a document may hold: what Markdown or HTML take for markup becomes ``?``."""
    if isinstance(value, str):
        return _MARKUP.sub("?", value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def shown(text: str) -> str:
    """A message for a terminal: control characters, which could move its cursor, become ``?``; lines stay."""
    return "\n".join("".join(c if c.isprintable() else "?" for c in line) for line in text.splitlines())


def number(value: float | None, beside: float | None = None) -> str:
    """A return as cards and tables print it.

    Args:
        value: what is printed.
        beside: the return that it belongs to, such as the mean of a deviation or of an interval's end: it gets as
            many decimals as that.
    """
    if value is None:
        return "none"
    size = abs(value if beside is None else beside)
    return f"{value:.{0 if size >= 1000 else 1 if size >= 100 else 3}f}"


def deviation(mean: float | None, std: float | None, samples: int) -> str:
    """``mean ± std``, both with the mean's decimals; of one sample the mean alone."""
    return f"{number(mean)} ± {number(std, mean)}" if samples > 1 and mean is not None else number(mean)


def interval(ends: tuple[float, float], mean: float) -> str:
    """``low to high``, with the decimals of the mean that it is of."""
    return " to ".join(number(end, mean) for end in ends)


def unbroken(text: str) -> str:
    """A cell that a browser keeps on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def spent(training: dict) -> str:
    """Wall-clock time and hardware of a training."""
    return (
        f"{training['seconds']:,.0f} s for all seeds, and what was trained beside them, on "
        f"{machines(training['hardware'])}"
    )


def machines(hardware: str) -> str:
    """What a training was computed on, one machine after the other: ``1 and 2 CPU cores, 1 x NVIDIA H200``."""
    counts: dict[str, list[int]] = {}  # Of cores, by what else is said of them; an empty list for other hardware.
    for part in hardware.split(", "):
        match = re.fullmatch(r"(\d+) (CPU core)s?( without a kernel)?", part)
        what = f"{match[2]}{match[3] or ''}" if match else part
        counts.setdefault(what, []).extend([int(match[1])] if match else [])
    return ", ".join(_counted(what, sorted(set(own))) for what, own in counts.items())


def _counted(what: str, counts: list[int]) -> str:
    if not counts:
        return what
    numbers = [str(count) for count in counts]
    before = f"{', '.join(numbers[:-1])} and " if numbers[1:] else ""
    return f"{before}{numbers[-1]} {what.replace('CPU core', 'CPU cores') if counts[-1] > 1 else what}"
