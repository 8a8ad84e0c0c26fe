"""Computing as published numbers were computed, whatever JAX has been told for a user's own code."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax

_FLAGS: dict[str, tuple[Callable[[Any], contextlib.AbstractContextManager], Any]] = {
    "jax_enable_x64": (jax.enable_x64, False),
    "jax_debug_nans": (jax.debug_nans, False),
    "jax_debug_infs": (jax.debug_infs, False),
    "jax_default_prng_impl": (jax.default_prng_impl, "threefry2x32"),
    "jax_threefry_partitionable": (jax.threefry_partitionable, True),
    "jax_numpy_dtype_promotion": (jax.numpy_dtype_promotion, "standard"),
    "jax_numpy_rank_promotion": (jax.numpy_rank_promotion, "allow"),
}
"""What sets each of JAX's flags, and as what."""
_PROMOTION = ("jax_numpy_dtype_promotion", "jax_numpy_rank_promotion")


@contextlib.contextmanager
def in_single_precision() -> Iterator[None]:
    """A block, or a function that it decorates, that counts in 32 bits by JAX's defaults.

    ``jax_enable_x64``, another generator of random numbers and ``jax_threefry_partitionable`` would draw other random
    numbers and initial states than those of the published evaluations. ``jax_debug_nans`` would end what is right:
    evosax begins with NaN, and trainings count what is not finite and go on. Libraries that are called here rely on
    the promotion of types and ranks.
    """
    with _set(_FLAGS):
        yield


@contextlib.contextmanager
def in_usual_promotion() -> Iterator[None]:
    """The same of the promotion of types and ranks alone, for what a user's own program may be tracing."""
    with _set(_PROMOTION):
        yield


def _set(flags: Iterable[str]) -> contextlib.ExitStack:
    with contextlib.ExitStack() as changed:
        for flag in flags:
            setting, value = _FLAGS[flag]
            if getattr(jax.config, flag) != value:  # To set one costs more than to look.
                changed.enter_context(setting(value))
        return changed.pop_all()
