"""What a control task is to the rest of the zoo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from jaxtyping import Float, Int

if TYPE_CHECKING:
    from jaxtyping import Array, PRNGKeyArray

CONTROL, CLASSIFICATION = "control", "classification"
"""Kinds of tasks: those that play episodes, and those that present inputs with a label."""


PHYSICS = ("kernel", "lanes", "brax")
"""What computes the physics while training: a compiled kernel; JAX, with the batch last on a processor
(`zoo.tasks.lanes`); or JAX under its own `vmap`."""


class Step(NamedTuple):
    """Outcome of one step of one environment.

    Attributes:
        state: the environment's next state.
        observation: [observation_size] float32.
        reward: what is reported and summed into the return.
        done: whether the episode has ended.
        expected: the reward that a softmax policy over the readouts would expect for this step
            (`Task.temperature_v`), where the task knows it; 0 elsewhere. A smooth, bounded helper
            for training that a recipe may add to the fitness. It is never reported as reward.
    """

    state: Any
    observation: Float[Array, " o"]
    reward: Float[Array, ""]
    done: Array
    expected: Float[Array, ""]


class Task(Protocol):
    """A control task. `reset` and `step` are pure, for one environment; the rollout maps them.

    Randomness enters by `reset` alone (a task that needs more keeps a key in its state).

    Attributes:
        name: as in model names.
        kind: `CONTROL`; a task of another kind has other functions than these.
        observation_size, action_size: of the network's input and readout.
        episode_limit: most steps that an episode can have.
        max_return: highest possible return, or None.
        evaluation_episodes: how many a published evaluation plays with each network.
        arrays: data that it needs (a tree of arrays, put on the devices once), or ().
        cpu_options: `jax.jit`'s compiler options for large batches on a CPU, or None.
        kernel_task: an equivalent task whose `step` and `reset` are given to the compiler of steps, or None.
    """

    name: str
    kind: str
    observation_size: int
    action_size: int
    episode_limit: int
    max_return: float | None
    evaluation_episodes: int
    arrays: Any
    cpu_options: dict | None
    kernel_task: Task | None

    def __hash__(self) -> int:
        """Compiled programs are kept by task."""
        ...

    def reset(self, key: PRNGKeyArray, episode: Int[Array, ""]) -> tuple[Any, Float[Array, " o"]]:
        """State and first observation of an episode; `episode` counts those of one evaluation."""
        ...

    def action(self, readout: Float[Array, " a"]) -> Array:
        """How the readout (membrane potentials in volts) becomes an action."""
        ...

    def step(self, state: Any, readout: Float[Array, " a"]) -> Step:
        """Advances one environment by the action that the readout means."""
        ...


class ControlTask:
    """What most control tasks have in common; a task of one's own inherits it and writes the rest of `Task`."""

    __slots__ = ()
    kind = CONTROL
    max_return: float | None = None
    evaluation_episodes = 128
    arrays: Any = ()
    cpu_options: dict | None = None
    kernel_task: Any = None
