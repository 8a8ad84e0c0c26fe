"""Settings that explain and check themselves: frozen dataclasses whose fields say what they are and may be."""

import dataclasses
import math
import numbers
from collections.abc import Callable
from typing import Any, NamedTuple


class Rule(NamedTuple):
    """What a value must be; None is left to the field's type."""

    holds: Callable[[Any], bool]
    text: str


def as_float32(x: float) -> float:
    """The number that networks compute with: it may be infinite, or 0, where the float64 is not."""
    import numpy as np  # Later than at the start: names and help need none.

    with np.errstate(over="ignore", under="ignore"):
        return float(np.float32(x))


_COUNTS = 2**31
"""Where JAX's integers end."""

POSITIVE = Rule(lambda x: 0 < as_float32(x) < math.inf, "positive and finite as float32")
NOT_NEGATIVE = Rule(lambda x: 0 <= as_float32(x) < math.inf, "finite as float32 and not negative")
EVEN = Rule(lambda x: 2 <= x < _COUNTS and x % 2 == 0, "even, at least 2 and below 2^31")


def at_least(least: int) -> Rule:
    """A count, no less than that."""
    return Rule(lambda x: least <= x < _COUNTS, f"at least {least} and below 2^31")


def between(low: float, high: float) -> Rule:
    """From one to the other."""
    return Rule(lambda x: low <= x <= high, f"between {low:g} and {high:g}")


def one_of(*allowed: str) -> Rule:
    """One of these."""
    return Rule(lambda x: x in allowed, f"one of {', '.join(allowed)}")


def setting(default: Any, text: str, rule: Rule | None = None, *, name: str | None = None, unit: str = "") -> Any:
    """A field of settings.

    Args:
        default: its value where nothing is said.
        text: what it is, for `zoo train --help`.
        rule: what it must be.
        name: what recipes and command lines call it, where that is not the field's name.
        unit: of the value.
    """
    return dataclasses.field(default=default, metadata={"help": text, "rule": rule, "name": name, "unit": unit})


def settings_of(kind: Any) -> dict[str, dataclasses.Field]:
    """Fields of a dataclass that are settings, by what recipes call them; empty for None."""
    fields = () if kind is None else dataclasses.fields(kind)
    return {field.metadata["name"] or field.name: field for field in fields if "help" in field.metadata}


def check(settings: Any) -> None:
    """Checks every setting of a dataclass against its rule.

    Raises:
        ValueError: naming the setting, its value and the rule.
    """
    for name, field in settings_of(settings).items():
        value, rule = getattr(settings, field.name), field.metadata["rule"]
        require(name, value, rule is None or value is None or rule.holds(value), rule and rule.text)


def check_minutes(**times: float | None) -> None:
    """Raises `ValueError` unless each is a time, or None."""
    for name, minutes in times.items():
        holds = minutes is None or (isinstance(minutes, numbers.Real) and minutes >= 0)
        require(name, minutes, holds, "a number of minutes, not negative")


def require(name: str, value: Any, holds: bool, text: str | None) -> None:
    """Raises `ValueError` unless a rule holds."""
    if not holds:
        raise ValueError(f"{name} (={value}) must be {text}")
