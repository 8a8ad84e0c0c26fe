"""How much memory there is, and bytes as a person reads them."""

import contextlib
from pathlib import Path

import jax


def available_bytes(device: jax.Device) -> int | None:
    """Free bytes of a device's memory, or of the machine's for a CPU; None where nobody says."""
    stats = device.memory_stats()
    if stats and "bytes_limit" in stats:
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    if device.platform != "cpu":
        return None
    limits = []
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                limits.append(1024 * int(line.split()[1]))
    with contextlib.suppress(OSError, ValueError):  # A container's limit; "max" where it has none.
        group = Path("/sys/fs/cgroup")
        limit, used = (int((group / f"memory.{name}").read_text()) for name in ("max", "current"))
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        limits.append(limit - used + int(stat.get("inactive_file", 0)))  # Files read long ago make room.
    return min(limits, default=None)


def item_bytes(dtype) -> int:
    """Bytes of one number, or of one random key."""
    return 8 if jax.dtypes.issubdtype(dtype, jax.dtypes.prng_key) else dtype.itemsize


def size_text(number: float) -> str:
    """Bytes with three digits and a unit."""
    for unit in ("bytes", "KiB", "MiB"):
        if number < 999.5:  # Three digits, or more would be printed as a power of ten.
            return f"{number:.3g} {unit}"
        number /= 1024
    return f"{number:.3g} GiB"
