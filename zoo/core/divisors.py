"""How much of a batch is computed at a time: equal parts, as large as fits a cache."""

import functools


@functools.lru_cache(maxsize=256)
def largest_divisor(number: int, most: int) -> int:
    """Largest divisor of a number that is not above `most`; at least 1."""
    return next(n for n in range(min(number, max(most, 1)), 0, -1) if number % n == 0)
