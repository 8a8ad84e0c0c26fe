"""Room for compiled programs, of which a process cannot hold any number."""

import contextlib
from pathlib import Path

import jax

_MAPS = Path("/proc/self/maps")
_LIMIT = Path("/proc/sys/vm/max_map_count")


def make_room_for_programs() -> None:
    """Lets JAX forget what it has compiled, once that fills half of the memory maps that Linux grants a process.

    On a CPU a compiled program takes from three maps to a thousand, and to evaluate or train a robot's model some
    2,000. Past the limit, 65,530 by default, XLA ends in a MemoryError while memory is free, or in a segmentation
    fault. Called before the zoo compiles for another model; what is forgotten compiles again when it is called.
    """
    with contextlib.suppress(OSError, ValueError):  # No such limit on other systems.
        limit = int(_LIMIT.read_text())
        if _MAPS.read_bytes().count(b"\n") > limit // 2:
            jax.clear_caches()
