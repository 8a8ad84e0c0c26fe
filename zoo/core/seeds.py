"""Seeds: JAX counts them modulo 2^32, so that two names beyond would be of one run."""

LIMIT = 2**32


def is_seed(value) -> bool:
    """Whether it is an integer that stands for draws of its own."""
    return type(value) is int and 0 <= value < LIMIT


def check_seed(value, name: str = "seed") -> int:
    """The seed.

    Raises:
        ValueError: if it is none.
    """
    if not is_seed(value):
        raise ValueError(f"{name} (={value!r}) must be an integer from 0 to {LIMIT - 1:,}")
    return value
