"""How numbers are printed in cards and tables."""


def number(value: float | None) -> str:
    """A return as cards and tables print it."""
    if value is None:
        return "none"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.3f}"


def spent(training: dict) -> str:
    """Wall-clock time and hardware of a training."""
    cores = training["hardware"].replace("1 CPU cores", "1 CPU core")
    return f"{training['seconds']:,.0f} s for all seeds, and what was trained beside them, on {cores}"
