"""Computing as published numbers were computed, whatever JAX has been told for a user's own code."""

import contextlib
from collections.abc import Iterator

import jax


@contextlib.contextmanager
def in_single_precision() -> Iterator[None]:
    """A block, or a function that it decorates, that counts in 32 bits and may hold numbers that are none.

    ``jax_enable_x64`` would draw other random numbers and initial states than those of the published evaluations.
    ``jax_debug_nans`` would end what is right: evosax begins with NaN, and trainings count what is not finite and go
    on.
    """
    with jax.enable_x64(False), jax.debug_nans(False):
        yield
