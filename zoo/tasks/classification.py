"""Classification of constant inputs by spiking networks: one network, or a population streamed through a cache.

The input does not change during the few steps of a simulation. So the input current is computed once for
all steps. The readout is linear, so that its mean over steps,

    v_out[t] = (1 - k) v_out[t-1] + k s[t] W_out,      logits = 1/T sum_t v_out[t] = (sum_t c_t s[t]) W_out
    c_t = (1 - (1 - k)^(T - t)) / T,                   t = 0 … T-1

needs one matrix product for all steps: spikes are weighted by c_t and added up neuron by neuron.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from zoo.core.divisors import largest_divisor
from zoo.models import Network, NetworkConfig, Neuron, Surrogate, build, build_population, lif_step, split_hidden
from zoo.models.spiking_mlp import READOUT_K


def step_weights(steps: int) -> Float[np.ndarray, " T"]:
    """c_t: what a spike of each step adds to the mean readout."""
    return (1.0 - (1.0 - READOUT_K) ** np.arange(steps, 0, -1)) / steps


class Activity(NamedTuple):
    """Hidden layer over one presentation: spikes weighted by `step_weights`, and their number."""

    weighted: Float[Array, "*b hidden"]
    count: Float[Array, "*b hidden"]


def respond(
    neuron: Neuron, current: Float[Array, "*b hidden"], steps: int, surrogate: Surrogate | None = None
) -> Activity:
    """Spikes of neurons that start at rest and receive a constant current.

    Args:
        neuron: properties, broadcast against `current`.
        current: in units of 20 nA.
        steps: of the simulation.
        surrogate: how spikes are differentiated, where they are.
    """
    v = jnp.broadcast_to(neuron.v_rest, jnp.broadcast_shapes(current.shape, neuron.v_rest.shape))
    weighted = count = jnp.zeros_like(v)
    for weight in step_weights(steps).tolist():
        spikes, v = lif_step(current, v, neuron, surrogate)
        weighted, count = weighted + weight * spikes, count + spikes
    return Activity(weighted, count)


def classify(
    network: Network, inputs: Float[Array, "*b inputs"], steps: int, surrogate: Surrogate | None = None
) -> tuple[Float[Array, "*b outputs"], Activity]:
    """Logits (mean readout over the steps, in volts) and hidden activity of one network."""
    activity = respond(network.neuron, inputs @ network.w_in, steps, surrogate)
    return activity.weighted @ network.w_out, activity


def cross_entropy(
    logits: Float[Array, "*b outputs"], labels: Int[Array, "*b"], temperature_v: float
) -> Float[Array, "*b"]:
    """``-ln softmax(logits / temperature)[label]``, in nats."""
    scaled = logits / temperature_v
    chosen = jnp.take_along_axis(scaled, labels[..., None], axis=-1)[..., 0]
    return jax.nn.logsumexp(scaled, axis=-1) - chosen


def is_correct(logits: Float[Array, "*b outputs"], labels: Int[Array, "*b"]) -> Float[Array, "*b"]:
    """1 where the label has the highest logit (the first one in a tie), else 0."""
    return (jnp.argmax(logits, axis=-1) == labels).astype(logits.dtype)


def supervised_loss(
    network: Network,
    inputs: Float[Array, "B inputs"],
    labels: Int[Array, " B"],
    *,
    steps: int,
    temperature_v: float,
    surrogate: Surrogate | None = None,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Mean cross-entropy and accuracy (0 to 1) of one network; differentiable with a surrogate."""
    logits, _ = classify(network, inputs, steps, surrogate)
    return cross_entropy(logits, labels, temperature_v).mean(), is_correct(logits, labels).mean()


class Staircase(NamedTuple):
    """Response to a constant current as a function of it: ``weighted = max_n height_n [r I >= threshold_n]``.

    A neuron at rest that receives a constant current I reaches ``v_rest + r I (1 - (1 - k)^n)`` after n
    steps. It fires at the first n at which that is not below v_th, is at rest again, and so fires at every
    n-th step from then on. Hence, with step weights c_t,

        threshold_n = (v_th - v_rest) / (1 - (1 - k)^n),      height_n = sum_j c_(jn - 1)

    and heights fall with n: the earliest spike decides. No membrane has to be simulated. Any signs of r, I
    and v_th - v_rest are covered: where ``r I`` is negative, the first step comes closest to the threshold.

    Attributes:
        r: membrane resistance.
        thresholds: of n = 1 … T, along the first axis, in volts.
    """

    r: Float[Array, "*p hidden"]
    thresholds: Float[Array, "T *p hidden"]

    @classmethod
    def of(cls, neuron: Neuron, steps: int) -> "Staircase":
        """Of neurons, for a simulation of so many steps."""
        reached = [1 - (1 - neuron.k) ** n for n in range(1, steps + 1)]
        return cls(neuron.r, jnp.stack([(neuron.v_th - neuron.v_rest) / part for part in reached]))

    def __call__(self, current: Float[Array, "*b hidden"]) -> Float[Array, "*b hidden"]:
        """`Activity.weighted` for currents that are constant over the steps."""
        drive, steps = self.r * current, self.thresholds.shape[0]
        weights = step_weights(steps)
        response = jnp.zeros_like(drive)
        for n in range(steps, 0, -1):
            response = jnp.where(drive >= self.thresholds[n - 1], float(weights[n - 1 :: n].sum()), response)
        return response


CACHE_NUMBERS = 2**17
"""Neurons times images that a CPU core works on at a time: half a MiB of responses, which stay in its cache."""

ACCELERATOR_NUMBERS = 2**28
"""The same for an accelerator: 1 GiB."""

_ROW_IMAGES = 256
"""Images of a row of responses that share one neuron's thresholds."""


class Scores(NamedTuple):
    """Of the members of a population on one minibatch: mean cross-entropy in nats, accuracy from 0 to 1."""

    loss: Float[Array, " P *J"]
    accuracy: Float[Array, " P *J"]


def population_scores(
    config: NetworkConfig,
    frozen: dict[str, Float[Array, "..."]],
    flat: Float[Array, "P D"],
    inputs: Float[Array, "B inputs"],
    labels: Int[Array, " B"],
    *,
    steps: int,
    temperature_v: float,
    most_numbers: int = CACHE_NUMBERS,
) -> Scores:
    """Scores of all members on the same images, a block of members and images at a time.

    Where members share the input weights, their currents are the same and are computed once.

    Args:
        config: of the networks.
        frozen: parts that all members share.
        flat: trained parameters of the members.
        inputs: images as currents, in units of 20 nA.
        labels: their classes.
        steps: of the simulation.
        temperature_v: of the softmax behind the cross-entropy, in volts.
        most_numbers: most responses (members x images x hidden) that exist at a time.
    """
    members, images = flat.shape[0], inputs.shape[0]
    shared = "w_in" in frozen
    if {"w_in", "w_out"} <= set(frozen):
        return _neuron_scores(config, frozen, flat, inputs, labels, steps, temperature_v, most_numbers)
    per_member = largest_divisor(images, most_numbers // config.hidden)
    together = largest_divisor(members, most_numbers // (config.hidden * per_member))
    fed = inputs @ frozen["w_in"] if shared else inputs
    fed = fed.reshape(-1, per_member, fed.shape[-1])
    classes = labels.reshape(-1, per_member)

    def score_members(flat):
        network = build_population(config, frozen, flat)
        # Materialised once a block, not computed anew for each image.
        stairs = jax.lax.optimization_barrier(Staircase.of(network.neuron, steps))

        def score_images(batch):
            fed, classes = batch
            logits = _logits(stairs, network, fed, (together, per_member))
            wanted = jnp.broadcast_to(classes, logits.shape[:2])
            return Scores(cross_entropy(logits, wanted, temperature_v).sum(-1), is_correct(logits, wanted).sum(-1))

        return jax.tree.map(lambda x: x.sum(0), jax.lax.map(score_images, (fed, classes)))

    scores = jax.lax.map(score_members, flat.reshape(-1, together, flat.shape[-1]))
    return jax.tree.map(lambda x: x.reshape(members) / images, scores)


def _neuron_scores(config, frozen, flat, inputs, labels, steps, temperature_v, most_numbers):
    """`population_scores` of members that differ in their neurons alone.

    Images lie along the last axis: a neuron's thresholds are then numbers to a row, not rows of their own.
    """
    members, images = flat.shape[0], inputs.shape[0]
    row = largest_divisor(images, _ROW_IMAGES)
    together = max(1, most_numbers // (config.hidden * images))
    currents = (frozen["w_in"].T @ inputs.T).reshape(config.hidden, -1, row).swapaxes(0, 1)
    classes, w_out = labels.reshape(-1, row), frozen["w_out"].T

    def score(member):
        neuron = Neuron.from_trained(frozen | config.split(member))
        stairs = jax.lax.optimization_barrier(Staircase.of(jax.tree.map(lambda x: x[:, None], neuron), steps))

        def score_row(batch):
            currents, classes = batch
            logits = (w_out @ stairs(currents)).T
            return Scores(cross_entropy(logits, classes, temperature_v).sum(), is_correct(logits, classes).sum())

        return jax.tree.map(lambda x: x.sum(0) / images, jax.lax.map(score_row, (currents, classes)))

    return jax.lax.map(score, flat, batch_size=min(together, members) if together > 1 else None)


def block_scores(
    config: NetworkConfig,
    frozen: dict[str, Float[Array, "..."]],
    centre: Float[Array, " D"],
    flat: Float[Array, "P D"],
    inputs: Float[Array, "B inputs"],
    labels: Int[Array, " B"],
    *,
    neurons: int,
    steps: int,
    temperature_v: float,
    most_numbers: int = CACHE_NUMBERS,
) -> Scores:
    """Scores [P, J] of the centre with one block of its neurons replaced by a member's.

    A block is a network of its width, and the readout is linear: the centre's block is taken off the
    centre's logits, the member's is added. So a score costs as much as a network of the block's width.

    Args:
        config: of the networks.
        frozen: parts that all members share.
        centre: trained parameters that the members differ from.
        flat: trained parameters of the members.
        inputs: images as currents, in units of 20 nA.
        labels: their classes.
        neurons: in a block, with their weights; J = hidden / neurons.
        steps: of the simulation.
        temperature_v: of the softmax behind the cross-entropy, in volts.
        most_numbers: most responses (members x images x neurons) that exist at a time, if blocks are not larger.
    """
    narrow, index = dataclasses.replace(config, hidden=neurons), config.blocks(neurons)

    def logits(frozen, flat):
        network = build_population(narrow, frozen, flat)
        stairs = jax.lax.optimization_barrier(Staircase.of(network.neuron, steps))
        fed = inputs @ frozen["w_in"] if "w_in" in frozen else inputs
        return _logits(stairs, network, fed, (len(flat), len(inputs)))

    def score(of_block):
        frozen, centre, flat = of_block
        changed = total - logits(frozen, centre[None]) + logits(frozen, flat)
        wanted = jnp.broadcast_to(labels, changed.shape[:2])
        return Scores(cross_entropy(changed, wanted, temperature_v).mean(-1), is_correct(changed, wanted).mean(-1))

    whole = build(frozen | config.split(centre))
    total = Staircase.of(whole.neuron, steps)(inputs @ whole.w_in) @ whole.w_out
    cut = {name: split_hidden(name, part, neurons) for name, part in frozen.items()}
    together = max(1, most_numbers // (flat.shape[0] * inputs.shape[0] * neurons))
    blocks = cut, centre[index], flat[:, index].swapaxes(0, 1)
    scores = jax.lax.map(score, blocks, batch_size=together if together > 1 else None)
    return jax.tree.map(jnp.transpose, scores)


def _logits(stairs: Staircase, network: Network, fed: Float[Array, "B k"], shape: tuple[int, int]):
    """Logits [P, B, o] of a population, of the currents that its members share, or of inputs where they do not."""
    current = fed if network.w_in.ndim == 2 else _own_currents(fed, network.w_in)
    response = jnp.broadcast_to(stairs(current), (*shape, current.shape[-1]))
    return _readout(response, network.w_out)


def _own_currents(inputs: Float[Array, "B i"], w_in: Float[Array, "P i H"]) -> Float[Array, "P B H"]:
    """Currents of members with input weights of their own, as one matrix product."""
    members, size, hidden = w_in.shape
    wide = inputs @ w_in.swapaxes(0, 1).reshape(size, members * hidden)
    return wide.reshape(-1, members, hidden).swapaxes(0, 1)


def _readout(response: Float[Array, "P B H"], w_out: Float[Array, "*p H o"]) -> Float[Array, "P B o"]:
    """Logits; one matrix product where members share the readout's weights."""
    if w_out.ndim == 3:
        return response @ w_out
    members, images, hidden = response.shape
    return (response.reshape(-1, hidden) @ w_out).reshape(members, images, -1)
