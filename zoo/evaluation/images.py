"""Measuring image models: the whole test set, the same count of right answers on every machine."""

import dataclasses
import math

import numpy as np
from jaxtyping import Float, Int

from zoo.core.errors import ZooError
from zoo.evaluation.memory import check_images_fit
from zoo.evaluation.statistics import OverSeeds, interval_95
from zoo.tasks.exact import at_once, respond_exactly
from zoo.tasks.image_data import CLASSES, SETS, Images, load_images
from zoo.tasks.images import ImageTask


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class ImageEvaluation(OverSeeds):
    """How a model's networks classify the test set.

    Attributes:
        name: model name.
        training_seeds: [K].
        correct: [K, 10], right answers by class.
        images: [10], test images by class.
        spikes: [K], hidden spikes per image, on average.
        input_operations: multiplications and additions of an image's input current, on average: pixels that
            are not black, times hidden neurons. They are done once, for all steps.
        steps: of the simulation of an image.
        hidden: neurons.
    """

    name: str
    training_seeds: tuple[int, ...]
    correct: Int[np.ndarray, "K 10"]
    images: Int[np.ndarray, " 10"]
    spikes: Float[np.ndarray, " K"]
    input_operations: float
    steps: int
    hidden: int

    @property
    def means(self) -> Float[np.ndarray, " K"]:
        """Accuracy of each training seed, in %."""
        return 100 * self.correct.sum(1) / self.images.sum()

    @property
    def interval_95(self) -> tuple[float, float]:
        """95 % interval of the mean: Student's over training seeds, or that of one over images, each 0 or 100 %."""
        if len(self.means) > 1:
            return interval_95(self.means)
        half = 1.96 * math.sqrt(self.mean * (100 - self.mean) / self.images.sum())
        return self.mean - half, self.mean + half

    @property
    def spike_rate(self) -> Float[np.ndarray, " K"]:
        """Spikes per hidden neuron and step."""
        return self.spikes / (self.hidden * self.steps)

    @property
    def synaptic_operations(self) -> Float[np.ndarray, " K"]:
        """Additions that spikes cause per image: each spike reaches all readouts."""
        return self.spikes * CLASSES

    def __str__(self) -> str:
        low, high = self.interval_95
        networks = len(self.training_seeds)
        over = f"{networks} networks" if networks > 1 else f"training seed {self.training_seeds[0]}"
        return (
            f"{self.name}: accuracy {self.mean:.2f} % (95 % interval {low:.2f} to {high:.2f}) over {over}, "
            f"{self.images.sum():,} test images; {self.spikes.mean():,.0f} spikes and "
            f"{self.synaptic_operations.mean():,.0f} synaptic operations per image"
        )

    def to_json(self) -> dict:
        """Content of evaluation.json."""
        rows = zip(self.training_seeds, self.means, self.correct, self.spikes, self.spike_rate, strict=True)
        return {
            "command": f"zoo eval {self.name}",
            "seed": 0,
            "episodes": int(self.images.sum()),
            "metric": "accuracy in %",
            "mean": self.mean,
            "std": self.std,
            "interval_95": list(self.interval_95),
            "images_per_class": self.images.tolist(),
            "input_operations": self.input_operations,
            "seeds": [
                {
                    "training_seed": k,
                    "mean": float(mean),
                    "std": float(np.sqrt(mean * (100 - mean))),  # Over images, each 0 or 100 %.
                    "correct_per_class": correct.tolist(),
                    "spikes": float(spikes),
                    "spike_rate": float(rate),
                    "synaptic_operations": float(spikes * CLASSES),
                }
                for k, mean, correct, spikes, rate in rows
            ],
        }


def evaluate_images(
    name: str, task: ImageTask, networks: dict[int, dict[str, np.ndarray]], images: Images | None = None
) -> ImageEvaluation:
    """Classifies the test set with each network.

    Args:
        name: model name.
        task: what the networks were trained on.
        networks: parts by name, for each training seed.
        images: what to classify, by default the whole test set.
    """
    pixels, labels = load_images(task.name, "test") if images is None else images
    correct, spikes = [], []
    for parts in networks.values():
        if not all(np.isfinite(value).all() for value in parts.values()):
            raise ZooError(f"{name} has parameters that are not finite numbers")
        check_images_fit(parts, len(pixels), at_once(parts))
        chosen, counts = respond_exactly(task, parts, pixels)
        correct.append(np.bincount(labels[chosen == labels], minlength=CLASSES))
        spikes.append(counts.sum(dtype=np.int64) / len(pixels))
    hidden = len(parts["v_th"])
    return ImageEvaluation(
        name=name,
        training_seeds=tuple(networks),
        correct=np.array(correct),
        images=np.bincount(labels, minlength=CLASSES),
        spikes=np.array(spikes),
        input_operations=float((pixels > 0).sum() / len(pixels) * hidden),
        steps=task.steps,
        hidden=hidden,
    )


def measure(
    name: str,
    task: ImageTask,
    networks: dict[int, dict[str, np.ndarray]],
    stats: None = None,
    clip: float = math.inf,
    episodes: int | None = None,
    seed: int = 0,
    compiled: bool = False,
) -> ImageEvaluation:
    """Classifies the test set with each network; see `zoo.evaluation.episodes.measure`. There is no kernel for it.

    Raises:
        ValueError: if `episodes` is not the number of test images, or `seed` is not 0.
        DataNotFoundError: if the test images are not on this machine and cannot be downloaded.
    """
    count = SETS[task.name].labels["test"].count
    if episodes not in (None, count) or seed != 0:
        raise ValueError(
            f"{name} is measured on all {count:,} test images; episodes (={episodes}) and seed (={seed}) do not apply"
        )
    return evaluate_images(name, task, networks)


def problem(claim: dict, result: ImageEvaluation) -> str:
    """An image model's right answers must be the published ones, class by class, and its means theirs."""
    if [row["correct_per_class"] for row in claim["seeds"]] != result.correct.tolist():
        published = sum(sum(row["correct_per_class"]) for row in claim["seeds"])
        return f"{result.correct.sum():,} right answers; {published:,} are published"
    if not np.isclose(claim["mean"], result.mean) or not np.allclose(
        [row["mean"] for row in claim["seeds"]], result.means
    ):
        return f"a mean of {claim['mean']:.6g} is claimed; its right answers are {result.mean:.6g} %"
    return ""
