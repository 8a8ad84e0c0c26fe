"""Image classification (section 4.5): four steps of constant current, logits averaged over the steps."""

from __future__ import annotations

import dataclasses
import math
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8

from zoo.models import PROPERTIES
from zoo.registry.families import ModelName
from zoo.registry.interface import Interface, Quantity
from zoo.registry.metrics import ACCURACY
from zoo.registry.paper import TABLE_3, PaperFamily
from zoo.registry.settings import POSITIVE, check, one_of, require, setting
from zoo.tasks.base import CLASSIFICATION
from zoo.tasks.image_data import CLASSES, PIXELS, SETS, SIDE, Images, load_images

if TYPE_CHECKING:
    from jaxtyping import Array

FITNESSES = ("cross-entropy", "accuracy")


@dataclasses.dataclass(frozen=True, slots=True)
class ImageTask:
    """Classification of MNIST's or Fashion-MNIST's images; what it reports as return is accuracy, in %.

    Attributes:
        name: ``mnist`` or ``fmnist``.
        steps: of the simulation of one image.
        input_gain: current of a white pixel, in units of 20 nA.
        temperature_v: of the softmax behind the cross-entropy, in volts.
        fitness: what ranks the members: ``cross-entropy`` (negated) or ``accuracy``.
    """

    name: str
    steps: int = 4
    input_gain: float = setting(1.0, "current of a white pixel, in units of 20 nA.", POSITIVE)
    temperature_v: float = setting(0.1, "of the softmax behind the cross-entropy, in volts.", POSITIVE, unit="V")
    fitness: str = setting(
        "cross-entropy", "what ranks members on images: cross-entropy or accuracy.", one_of(*FITNESSES)
    )

    observation_size = PIXELS
    action_size = CLASSES
    kind = CLASSIFICATION
    max_return = 100.0

    def __post_init__(self):
        if self.name not in SETS:
            raise ValueError(f"unknown data set '{self.name}'; known: {', '.join(SETS)}")
        require("steps", self.steps, 1 <= self.steps <= 255, "from 1 to 255: spikes are counted in bytes")
        check(self)

    @property
    def arrays(self) -> Images:
        """The training images; see `load_images` for where they come from."""
        return load_images(self.name, "train")

    def currents(self, pixels: UInt8[Array, "*b 784"], dtype=np.float32) -> Float[Array, "*b 784"]:
        """Input currents of images: black 0, white `input_gain`."""
        return self.input_gain / 255 * pixels.astype(dtype)

    def minibatch(self, key, images: Images, size: int) -> tuple[Float[Array, "B 784"], Array]:
        """Currents and labels of images drawn at random, with replacement."""
        import jax

        index = jax.random.randint(key, (size,), 0, images.labels.shape[0])
        return self.currents(images.pixels[index]), images.labels[index]


_HIDDEN = {4096: 5, 8192: 10, 16384: 21, 32768: 42}
"""Table 3's counts, homogeneous networks."""

_BLOCK_NEURONS = 16
"""64 dimensions of four properties, of which 16 pairs of members see enough."""


_EXAMPLE = """\
import zoo
from zoo.tasks.image_data import load_images

model = zoo.load("{model}", seed=0)  # of training seed 0
images, labels = load_images("{data}", "test")  # bytes, [N, 784]; downloaded at first, or from $ZOO_DATA_DIR
classes = model.classify(images[:100])  # also [N, 28, 28], and floats from 0 to 1
print(f"{{(classes == labels[:100]).sum()}} of 100 right")
"""


class ImageFamily(PaperFamily):
    """Image classification (Table 3)."""

    name = "image"
    pattern = "|".join(SETS)
    spelling = ", ".join(SETS)
    title = "image classification"
    description = "{label} in four simulation steps"
    limits = "Trained on 28 x 28 grey images alone."
    labels = MappingProxyType({name: data.title for name, data in SETS.items()})
    metric = ACCURACY
    kind = CLASSIFICATION
    idle = ("normalise_observations", "observation_clip")
    task_class = ImageTask
    tasks = tuple(SETS)
    budgets = tuple(_HIDDEN)
    tagged = MappingProxyType({"bp": tuple((task, 32768) for task in tasks)})
    gradient_settings = MappingProxyType({"learning_rate": 0.03})

    def make_task(self, task: str, **options) -> ImageTask:
        """Of that set."""
        return ImageTask(task, **options)

    def tags(self, task: str) -> tuple[str, ...]:
        """The set as everyone calls it."""
        return () if self.label(task).lower() == task else (self.label(task).lower(),)

    def interface(self, model: ModelName, task: ImageTask) -> Interface:
        """Pixels, and classes."""
        return Interface(
            environment=f"{self.label(model.task)}, {SIDE} x {SIDE} grey images, white on black",
            observations=(),
            actions=tuple(Quantity(name, "mean readout in V") for name in SETS[model.task].classes),
            seen=f"{PIXELS} pixels, row by row from the upper left, from 0 (black) to 255 (white), as constant "
            f"currents; white is {20 * task.input_gain:g} nA",
            done="the class is the number of the highest readout, averaged over the steps, which begin at rest",
            reward="A test image counts where its class is right.",
            example=_EXAMPLE.format(model=model, data=model.task),
        )

    def hidden(self, model: ModelName, inputs: int, outputs: int) -> int:
        """Table 3's counts, where it has the budget."""
        if model.kind == "hom" and model.budget in _HIDDEN:
            return _HIDDEN[model.budget]
        return super().hidden(model, inputs, outputs)

    def paper_reward(self, model: ModelName) -> str | None:
        """Table 3's."""
        accuracy = TABLE_3.get((model.kind, model.task), {}).get(model.budget)
        unlike = model.trainer in self.tagged or model.properties != PROPERTIES
        return None if accuracy is None or unlike else f"{accuracy:.2f} %"


def _by_evolution(model: ModelName) -> dict:
    """One recipe for both sets and all budgets of a kind; docs/images.md tells what was tried."""
    shared = {"seeds": 3, "generations": 1000, "temperature_v": 0.1, "centre_lr_final": 0.0}
    if model.kind != "het":
        return shared | {"population": 64, "batch": 256, "centre_lr": 0.02, "input_gain": 0.5, "block_neurons": 1}
    block = math.gcd(_BLOCK_NEURONS, model.budget // len(model.properties))
    own = {"population": 32, "batch": 128, "centre_lr": 0.12, "sigma": 0.4, "input_gain": 12.0}
    return shared | own | {"block_neurons": block}


def _by_gradients(model: ModelName) -> dict:
    """Supervised learning; docs/gradients.md tells what was tried."""
    shared = {"seeds": 3, "generations": 1400, "batch": 256, "temperature_v": 0.1, "learning_rate_final": 0.0}
    if model.kind == "het":
        return shared | {"learning_rate": 0.05, "input_gain": 3.0, "v_th": 0.05, "tau_ms": (8.0,)}
    return shared | {"learning_rate": 0.02, "input_gain": 0.5}


ImageFamily.recipes = {"pgpe": _by_evolution, "bp": _by_gradients}
FAMILY = ImageFamily()
