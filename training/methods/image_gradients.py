"""Surrogate gradients on images: one minibatch an update, cross-entropy of the mean readout (section 4.5)."""

import functools
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from zoo.core.divisors import largest_divisor
from zoo.models import Surrogate, build
from zoo.tasks.classification import ACCELERATOR_NUMBERS, supervised_loss
from zoo.tasks.images import ImageTask
from zoo.training.methods.activity import ActivityRecord
from zoo.training.methods.gradients import Gradients, GradientState, descend, make_keys

_CACHE_NUMBERS = 2**19
"""Neurons times images that a CPU core differentiates at a time: 2 MiB of potentials a step."""


class ImageGradientMetrics(NamedTuple):
    """Of one update, on its minibatch and before it. Leading axis R.

    Attributes:
        mean, best: accuracy, in %; the same, as there is one network a run.
        loss: mean cross-entropy, in nats.
        grad_norm: of the gradient before clipping; infinite where it overflowed.
        nan_gradients: 1 where the update was skipped.
    """

    mean: Float[Array, " R"]
    best: Float[Array, " R"]
    loss: Float[Array, " R"]
    grad_norm: Float[Array, " R"]
    nan_gradients: Int[Array, " R"]


class ImageGradients(ActivityRecord, Gradients):
    """`Gradients` whose loss is how a network classifies a minibatch of the training images.

    Args:
        task: the images.
        shards: number of devices that share a run's minibatch.
    """

    metrics: type = ImageGradientMetrics

    def __init__(self, task: ImageTask, shards: int):
        self.task, self._shards = task, shards

    def totals(self, state: GradientState) -> dict:
        """Skipped updates of all runs."""
        return {"nan_gradients": int(np.sum(state.nan_gradients))}

    def _update(self, group, state, constants, arrays, merged):
        """Classify, differentiate, descend."""
        hyper, seeds, frozen = constants
        recipe, task = group.recipe, self.task
        numbers = ACCELERATOR_NUMBERS if merged else _CACHE_NUMBERS
        keys = make_keys(seeds, state.generation, 1)[:, 0, 0]
        inputs, labels = jax.vmap(lambda key: task.minibatch(key, arrays, recipe.batch))(keys)
        inputs, labels = self._own(inputs, axis=1), self._own(labels, axis=1)

        def loss(flat, fixed, inputs, labels, alpha):
            return supervised_loss(
                build(fixed | group.config.split(flat)),
                inputs,
                labels,
                steps=task.steps,
                temperature_v=task.temperature_v,
                surrogate=Surrogate(recipe.surrogate, alpha, recipe.detach_reset),
            )

        def differentiate(flat, fixed, inputs, labels, alpha):
            """A part of the minibatch at a time, whose potentials stay in a core's cache; then the mean."""
            rows = largest_divisor(len(labels), numbers // group.config.hidden)
            parts = inputs.reshape(-1, rows, inputs.shape[-1]), labels.reshape(-1, rows)
            one = jax.value_and_grad(loss, has_aux=True)
            results = jax.lax.map(lambda part: one(flat, fixed, *part, alpha), parts)
            return jax.tree.map(lambda x: x.mean(0), results)

        (losses, accuracy), gradient = jax.vmap(differentiate)(state.parameters, frozen, inputs, labels, hyper.alpha)
        mean = functools.partial(jax.lax.pmean, axis_name="members")
        accuracy = 100 * mean(accuracy)
        moved, norm = descend(state, mean(gradient), hyper)
        metrics = ImageGradientMetrics(
            mean=accuracy,
            best=accuracy,
            loss=mean(losses),
            grad_norm=norm,
            nan_gradients=moved.nan_gradients - state.nan_gradients,
        )
        return moved, metrics
