"""Image classification (section 4.5): four steps of constant current, logits averaged over the steps."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8

from zoo.tasks.image_data import CLASSES, PIXELS, SETS, Images, load_images

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
    input_gain: float = 1.0
    temperature_v: float = 0.1
    fitness: str = "cross-entropy"

    observation_size = PIXELS
    action_size = CLASSES
    max_return = 100.0

    def __post_init__(self):
        if self.name not in SETS:
            raise ValueError(f"unknown data set '{self.name}'; known: {', '.join(SETS)}")
        if self.fitness not in FITNESSES:
            raise ValueError(f"fitness (='{self.fitness}') must be one of {', '.join(FITNESSES)}")

    @property
    def arrays(self) -> Images:
        """The training images; see `load_images` for where they come from."""
        return load_images(self.name, "train")

    def currents(self, pixels: UInt8[Array, "*b 784"], dtype=jnp.float32) -> Float[Array, "*b 784"]:
        """Input currents of images: black 0, white `input_gain`."""
        return self.input_gain / 255 * pixels.astype(dtype)

    def minibatch(self, key, images: Images, size: int) -> tuple[Float[Array, "B 784"], Array]:
        """Currents and labels of images drawn at random, with replacement."""
        index = jax.random.randint(key, (size,), 0, images.labels.shape[0])
        return self.currents(images.pixels[index]), images.labels[index]
