"""PGPE on images: one minibatch a generation, the same for the whole population."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from zoo.models import build
from zoo.tasks.classification import (
    ACCELERATOR_NUMBERS,
    CACHE_NUMBERS,
    Scores,
    block_scores,
    classify,
    is_correct,
    population_scores,
)
from zoo.tasks.image_data import load_images
from zoo.training.methods.activity import ActivityRecord
from zoo.training.methods.base import Group, RunsMethod
from zoo.training.methods.evolution import Evolution, RunState, block_neurons

TESTED_MEMBERS = 64


class ImageMetrics(NamedTuple):
    """Of one generation, on its minibatch. Leading axis R.

    Attributes:
        mean, best, std: of the members' accuracies, in %; with `Recipe.block_neurons` a member counts once a
            block, with all other neurons at the centre.
        loss: mean cross-entropy of the members, in nats.
        centre: accuracy of the centre, in %.
        spike_rate: of the centre, per hidden neuron and step.
        sigma: mean standard deviation of the search distribution.
        nan_members: judgements whose cross-entropy was NaN: members, or members times blocks.
    """

    mean: Float[Array, " R"]
    best: Float[Array, " R"]
    std: Float[Array, " R"]
    loss: Float[Array, " R"]
    centre: Float[Array, " R"]
    spike_rate: Float[Array, " R"]
    sigma: Float[Array, " R"]
    nan_members: Int[Array, " R"]


class ImageEvolution(ActivityRecord, Evolution):
    """`Evolution` whose members are ranked by how they classify a minibatch of the training images."""

    metrics: type = ImageMetrics
    in_lanes = False

    def totals(self, state: RunState) -> dict:
        """NaN members of all runs."""
        return {"nan_members": int(state.nan_members.sum())}

    def population(self, group: Group, state: RunState, last: list[float]) -> list[float]:
        """Mean accuracy on the test images, in %, of `TESTED_MEMBERS` drawn from each run's search distribution."""
        pixels, labels = load_images(self.task.name, "test")
        score = jax.jit(
            functools.partial(
                population_scores, group.config, steps=self.task.steps, temperature_v=self.task.temperature_v
            )
        )
        frozen, means = group.frozen(), []
        for run, seed in enumerate(group.seeds):
            search = jax.tree.map(lambda x, run=run: np.asarray(x)[run], state.search)
            noise = jax.random.normal(jax.random.key(seed), (TESTED_MEMBERS, group.config.trained_size))
            own = {name: value[run] for name, value in frozen.items()}
            scores = score(own, search.mean + search.std * noise, self.task.currents(pixels), labels)
            means.append(100 * float(scores.accuracy.mean()))
        return means

    def generation(self, groups, states, constants, arrays, *, merged):
        """Ask, classify, tell."""
        return RunsMethod.generation(self, groups, states, constants, arrays, merged=merged)

    def _update(self, group, state, constants, arrays, merged):
        """One generation of one group's runs."""
        hyper, seeds, frozen = constants
        search, task, config = self.search(group), self.task, group.config
        ask_keys, batch_keys = _keys(seeds, state.search.generation_counter)
        population = jax.vmap(search.ask)(ask_keys, state.search, hyper)
        inputs, labels = jax.vmap(lambda key: task.minibatch(key, arrays, group.recipe.batch))(batch_keys)
        per_run = max(1, (ACCELERATOR_NUMBERS if merged else CACHE_NUMBERS) // len(seeds))
        how = {"steps": task.steps, "temperature_v": task.temperature_v, "most_numbers": per_run}
        own, neurons = self._own(population, axis=1), block_neurons(group)
        if neurons is None:
            own = jax.vmap(functools.partial(population_scores, config, **how))(frozen, own, inputs, labels)
        else:
            score = functools.partial(block_scores, config, neurons=neurons, **how)
            own = jax.vmap(score)(frozen, state.search.mean, own, inputs, labels)
        scores = Scores(*(self._gather(x, axis=1) for x in own))
        # Argmax takes a NaN logit for an answer.
        scores = scores._replace(accuracy=jnp.where(jnp.isnan(scores.loss), jnp.nan, scores.accuracy))
        fitness = -scores.loss if task.fitness == "cross-entropy" else scores.accuracy
        searched = jax.vmap(search.tell)(population, fitness, state.search, hyper)
        loss, accuracy = (x.reshape(x.shape[0], -1) for x in (scores.loss, 100 * scores.accuracy))
        nan_members = jnp.isnan(loss).sum(-1, dtype=jnp.int32)
        centre, spike_rate = jax.vmap(functools.partial(_centre, config, task.steps))(
            frozen, state.search.mean, inputs, labels
        )
        metrics = ImageMetrics(
            mean=jnp.nanmean(accuracy, -1),
            best=jnp.nanmax(accuracy, -1),
            std=jnp.nanstd(accuracy, -1),
            loss=jnp.nanmean(loss, -1),
            centre=centre,
            spike_rate=spike_rate,
            sigma=searched.std.mean(-1),
            nan_members=nan_members,
        )
        return state._replace(search=searched, nan_members=state.nan_members + nan_members), metrics


def _centre(config, steps, frozen, centre, inputs, labels):
    """Accuracy in % and spike rate of one run's centre before the update."""
    logits, activity = classify(build(frozen | config.split(centre)), inputs, steps)
    return 100 * is_correct(logits, labels).mean(), activity.count.mean() / steps


def _keys(seeds: Int[Array, " R"], generations: Int[Array, " R"]) -> tuple[Array, Array]:
    """Keys of a generation, from seed and generation alone: for `ask`, for the minibatch."""

    def one(seed, generation):
        return tuple(jax.random.split(jax.random.fold_in(jax.random.key(seed), generation)))

    return jax.vmap(one)(seeds, generations)
