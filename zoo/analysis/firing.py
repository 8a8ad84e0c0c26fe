"""Firing patterns (Fig. 1, right): responses to constant currents, and what happens during an episode."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from zoo.core.seeds import check_seed
from zoo.core.single import in_single_precision
from zoo.models import DT_MS, Neuron, build, initial_state, lif_step, network_step
from zoo.store.zoo_model import ZooModel
from zoo.tasks import Task
from zoo.tasks.base import CONTROL
from zoo.tasks.observations import ObservationStats, normalise

NANOAMPERE = 20.0  # 1 V / 5e7 ohm, the unit of current of `zoo.models`, in nA.


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Response:
    """Neurons under constant current.

    Attributes:
        currents_na: [I], in nA.
        spikes: [I, T, H], 0 or 1 in each time step.
        v: [I, T, H], membrane potential after each step, in V.
        dt_ms: time step.
    """

    currents_na: Float[np.ndarray, " I"]
    spikes: Float[np.ndarray, "I T H"]
    v: Float[np.ndarray, "I T H"]
    dt_ms: float = DT_MS

    @property
    def rates_hz(self) -> Float[np.ndarray, "I H"]:
        """Firing rates over the second half, when transients are over."""
        late = self.spikes[:, self.spikes.shape[1] // 2 :]
        return late.mean(1) * 1000.0 / self.dt_ms


@jax.jit
def _drive(neuron: Neuron, currents, steps):
    def step(v, _):
        spikes, v = lif_step(currents, v, neuron)
        return v, (spikes, v)

    start = jnp.broadcast_to(neuron.v_rest, currents.shape).astype(jnp.float32)
    _, (spikes, v) = jax.lax.scan(step, start, steps)
    return spikes.swapaxes(0, 1), v.swapaxes(0, 1)


@in_single_precision()
def respond(parts: dict[str, np.ndarray], currents_na: Float[np.ndarray, " I"], duration_ms: float) -> Response:
    """Drives unconnected neurons, from rest, with constant currents.

    Args:
        parts: of one network; its `PROPERTIES` [H] are used.
        currents_na: in nA.
        duration_ms: at least two time steps.

    Raises:
        ValueError: if `duration_ms` is shorter.
    """
    steps = int(duration_ms // DT_MS)
    if steps < 2:
        raise ValueError(f"duration_ms (={duration_ms:g}) must be at least {2 * DT_MS:g}")
    neuron = Neuron.from_trained({name: jnp.asarray(parts[name]) for name in ("x_tau", "v_th", "v_rest", "r")})
    currents_na = np.asarray(currents_na, np.float64)
    shape = (len(currents_na), np.shape(parts["x_tau"])[0])
    currents = jnp.broadcast_to(jnp.asarray(currents_na / NANOAMPERE, jnp.float32)[:, None], shape)
    spikes, v = _drive(neuron, currents, jnp.arange(steps))
    return Response(currents_na=currents_na, spikes=np.asarray(spikes), v=np.asarray(v))


def fi_curves(
    parts: dict[str, np.ndarray], currents_na: Float[np.ndarray, " I"] | None = None, duration_ms: float = 4000.0
) -> Response:
    """f-I curves: rates at currents from 0 to 60 nA, six times what lifts a neuron of Table 4 to threshold."""
    return respond(parts, np.linspace(0.0, 60.0, 61) if currents_na is None else currents_na, duration_ms)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """One network during one episode; all arrays begin with the episode's steps.

    Attributes:
        name, seed: model and training seed.
        inputs: [T, inputs], what the network saw.
        spikes: [T, H], 0 or 1.
        v: [T, H], hidden potentials after each step, in V.
        readout: [T, outputs], in V.
        rewards: [T].
        dt_ms: time step of the network.
        watched: what `record` was asked to keep of the environment's states, before each step.
    """

    name: str
    seed: int
    inputs: Float[np.ndarray, "T inputs"]
    spikes: Float[np.ndarray, "T H"]
    v: Float[np.ndarray, "T H"]
    readout: Float[np.ndarray, "T outputs"]
    rewards: Float[np.ndarray, " T"]
    dt_ms: float = DT_MS
    watched: Any = None

    @property
    def times_ms(self) -> Float[np.ndarray, " T"]:
        """End of each step, in ms."""
        return self.dt_ms * (1.0 + np.arange(len(self.rewards)))


@functools.partial(jax.jit, static_argnames=("task", "clip", "steps", "watch"))
def _play(task, parts, stats, key, episode, clip, steps, watch):
    network = build(parts)

    def step(carry, _):
        env, observation, state, alive = carry
        seen = observation if stats is None else normalise(stats, observation, clip)
        output, state = network_step(network, state, seen)
        result = task.step(env, output.readout)
        kept = (seen, output.spikes, state.v, output.readout, result.reward, alive, watch(env))
        return (result.state, result.observation, state, alive & ~result.done), kept

    env, observation = task.reset(key, episode)
    carry = (env, observation, initial_state(network), jnp.bool_(True))
    return jax.lax.scan(step, carry, None, length=steps)[1]


def _nothing(state):
    return ()


def played_task(model: ZooModel) -> Task:
    """The task of a model that plays episodes.

    Raises:
        ValueError: if the model classifies images.
    """
    task = model.task()
    if task.kind != CONTROL:
        raise ValueError(f"{model.name} classifies images; this is for models that play episodes")
    return task


@in_single_precision()
def record(
    model: ZooModel,
    seed: int | None = None,
    *,
    episode: int = 0,
    episode_seed: int = 0,
    steps: int | None = None,
    watch: Callable[[Any], Any] = _nothing,
) -> Recording:
    """Plays one episode with one network and keeps everything.

    Args:
        model: a loaded model.
        seed: training seed; by default the first.
        episode: which of the episodes that `episode_seed` stands for (memory: the context is ``episode % 2``).
        episode_seed: of the initial state.
        steps: at most so many; by default as many as the task allows.
        watch: what to keep of the environment's state before each step (a tree of arrays), a named function.

    Raises:
        ValueError: if the model classifies images or has no such training seed, `steps` is below 1 or `episode`
            or `episode_seed` out of range.
    """
    task = played_task(model)
    if steps is not None and steps < 1:
        raise ValueError(f"steps (={steps}) must be at least 1")
    check_seed(episode, "episode")
    steps = task.episode_limit if steps is None else min(steps, task.episode_limit)
    seed = model.seeds[0] if seed is None else seed
    parts = {name: jnp.asarray(value) for name, value in model.parts(seed).items()}
    observations = model.select(seed).observations
    stats = observations and ObservationStats(**{name: jnp.asarray(rows[0]) for name, rows in observations.items()})
    key = jax.random.fold_in(jax.random.key(check_seed(episode_seed, "episode_seed")), episode)
    kept = _play(task, parts, stats, key, jnp.int32(episode), model.recipe.observation_clip, steps, watch)
    inputs, spikes, v, readout, rewards, alive = map(np.asarray, kept[:-1])
    steps = int(alive.sum())
    return Recording(
        name=model.name,
        seed=seed,
        inputs=inputs[:steps],
        spikes=spikes[:steps],
        v=v[:steps],
        readout=readout[:steps],
        rewards=rewards[:steps],
        watched=jax.tree.map(lambda x: np.asarray(x)[:steps], kept[-1]),
    )
