"""What goes into a network and what comes out of it, in a task's own terms, for who uses a model elsewhere."""

from typing import NamedTuple


class Quantity(NamedTuple):
    """One number of an observation, or of an action.

    Attributes:
        what: its meaning.
        unit: its unit, or what values it has.
        joint: what it is of, as the environment's own files call it, or nothing.
    """

    what: str
    unit: str = ""
    joint: str = ""


class Interface(NamedTuple):
    """A task as others know it.

    Attributes:
        environment: what it is called, where it is from.
        observations, actions: number by number; empty where that would say nothing, and `seen`, `done` are all.
        seen: what an observation is, in a sentence.
        done: how readouts become an action, in a sentence.
        reward: what is earned, and when an episode ends.
        example: lines of Python that use a model of that name, from imports to a reward.
    """

    environment: str
    observations: tuple[Quantity, ...]
    actions: tuple[Quantity, ...]
    seen: str
    done: str
    reward: str
    example: str
