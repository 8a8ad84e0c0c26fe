"""Seeds: JAX counts them modulo 2^32, so that two names beyond would be of one run."""

import operator
from typing import Any, SupportsIndex

LIMIT = 2**32


def is_seed(value: Any) -> bool:
    """Whether it is an integer, Python's or NumPy's, that stands for draws of its own."""
    if not isinstance(value, SupportsIndex) or isinstance(value, bool):
        return False
    return 0 <= operator.index(value) < LIMIT


def check_seed(value: Any, name: str = "seed") -> int:
    """The seed, as Python's own integer.

    Raises:
        ValueError: if it is none.
    """
    if not is_seed(value):
        raise ValueError(f"{name} (={value!r}) must be an integer from 0 to {LIMIT - 1:,}")
    return operator.index(value)
