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
    return f"{number(mean)} ± {number(std, mean)}" if samples > 1 else number(mean)


def interval(ends: tuple[float, float], mean: float) -> str:
    """``low to high``, with the decimals of the mean that it is of."""
    return " to ".join(number(end, mean) for end in ends)


def unbroken(text: str) -> str:
    """A cell that a browser keeps on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def spent(training: dict) -> str:
    """Wall-clock time and hardware of a training."""
    cores = re.sub(r"\b1 CPU cores", "1 CPU core", training["hardware"])
    return f"{training['seconds']:,.0f} s for all seeds, and what was trained beside them, on {cores}"
