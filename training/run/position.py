"""How far a run is, and what it was computed on and with until there."""

import dataclasses
import platform
from collections.abc import Mapping

import jax

from zoo.core.version import installed


@dataclasses.dataclass(frozen=True, slots=True)
class Position:
    """Where a run stands. What changed on the way is there from first to last, separated by commas.

    Attributes:
        generation: number of those behind it.
        seconds: what they took.
        hardware: what they were computed on.
        python: versions of Python.
        versions: of libraries.
        members_over: devices over which the members of a run were split last; 0 where the state does not say.
    """

    generation: int = 0
    seconds: float = 0.0
    hardware: str = ""
    python: str = ""
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    members_over: int = 0

    @classmethod
    def read(cls, progress: dict) -> "Position":
        """Of a saved state, whatever version saved it."""
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in progress.items() if name in known})

    def after(self, generations: int, seconds: float, where: str, members_over: int = 0) -> "Position":
        """The position so much later, computed by this process on some hardware."""
        return Position(
            self.generation + generations,
            self.seconds + seconds,
            each_once(self.hardware, where),
            each_once(self.python, platform.python_version()),
            {name: each_once(self.versions.get(name, ""), now) for name, now in installed().items()},
            members_over,
        )


def each_once(*texts: str) -> str:
    """What texts name, separated by commas, in their order."""
    return ", ".join(dict.fromkeys(part for text in texts for part in text.split(", ") if part))


def hardware() -> str:
    """What this process computes on, for cards."""
    devices = jax.devices()
    if devices[0].platform == "cpu":
        return f"{len(devices)} CPU core{'s' * (len(devices) > 1)}"
    return f"{len(devices)} x {devices[0].device_kind}"
