"""Firing rates of image networks at milestones of their training: what Fig. 6 of the paper shows."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from zoo.tasks.exact import respond_exactly
from zoo.tasks.image_data import load_images
from zoo.tasks.images import ImageTask
from zoo.training.methods.base import Group

SHARES = (0.0, 0.01, 0.1, 0.5, 1.0)
"""Milestones as shares of a training's generations."""

SHOWN_NEURONS, ALL_NEURONS = 32, -1
"""How many hidden neurons are recorded one by one, and the number that stands for the mean of all."""

_IMAGES = 2000


class ActivityRow(NamedTuple):
    """A row of activity.csv, but for its generation.

    Attributes:
        seed: of the training.
        neuron: hidden neuron, or `ALL_NEURONS`.
        label: class of the test images.
        rate: mean number of spikes per neuron and step.
    """

    seed: int
    neuron: int
    label: int
    rate: float


COLUMNS = ("generation", "seed", "neuron", "class", "rate")
"""Of activity.csv."""


def chosen_neurons(hidden: int, seed: int) -> Int[np.ndarray, " N"]:
    """The neurons that are recorded one by one, in order: 32 at random, or all where there are fewer."""
    return np.sort(np.random.default_rng(seed).choice(hidden, min(SHOWN_NEURONS, hidden), replace=False))


def class_rates(
    task: ImageTask, parts: dict[str, Float[np.ndarray, "..."]]
) -> dict[int, Float[np.ndarray, " hidden"]]:
    """Spikes per step of each hidden neuron, by class, over the first 2,000 test images.

    Args:
        task: what the network is trained on.
        parts: of the network, by name.
    """
    pixels, labels = (values[:_IMAGES] for values in load_images(task.name, "test"))
    _, counts = respond_exactly(task, parts, pixels)
    return {int(label): counts[labels == label].mean(0) / task.steps for label in np.unique(labels)}


class ActivityRecord:
    """What makes a method on images record its networks' activity; it has a ``task``."""

    task: ImageTask

    def milestones(self, generations: int) -> tuple[int, ...]:
        """The start, and 1, 10, 50 and 100 % of the training."""
        return tuple(sorted({round(share * generations) for share in SHARES}))

    def activity(self, group: Group, parameters: Float[np.ndarray, "R D"]) -> list[ActivityRow]:
        """Firing rates of the networks that are published."""
        rows = []
        for seed, flat in zip(group.seeds, parameters, strict=True):
            rates = class_rates(self.task, group.config.initial(seed) | group.config.split(flat))
            rows += [ActivityRow(seed, ALL_NEURONS, label, float(rate.mean())) for label, rate in rates.items()]
            rows += [
                ActivityRow(seed, int(neuron), label, float(rate[neuron]))
                for neuron in chosen_neurons(group.config.hidden, seed)
                for label, rate in rates.items()
            ]
        return rows
