"""Computing as published numbers were computed, whatever JAX has been told for a user's own code."""

import contextlib
from collections.abc import Iterator

import jax


@contextlib.contextmanager
def in_single_precision() -> Iterator[None]:
    """A block, or a function that it decorates, that counts in 32 bits by JAX's defaults.

    ``jax_enable_x64``, another generator of random numbers and ``jax_threefry_partitionable`` would draw other random
    numbers and initial states than those of the published evaluations. ``jax_debug_nans`` would end what is right:
    evosax begins with NaN, and trainings count what is not finite and go on. Libraries that are called here rely on
    the promotion of types and ranks.
    """
    with contextlib.ExitStack() as settings:
        for setting in (
            jax.enable_x64(False),
            jax.debug_nans(False),
            jax.default_prng_impl("threefry2x32"),
            jax.threefry_partitionable(True),
            jax.numpy_dtype_promotion("standard"),
            jax.numpy_rank_promotion("allow"),
        ):
            settings.enter_context(setting)
        yield
