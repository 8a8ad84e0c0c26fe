"""One environment of a task, and many in one batch, by Gymnasium's interfaces."""

import dataclasses
import functools
from typing import Any, cast

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector.utils import batch_space

from zoo.core.single import in_single_precision
from zoo.tasks import Task, make_task
from zoo.tasks.actions import action_type, is_choice


def _open_task(name: str, backend: str | None, limit: int | None) -> tuple[Task, int | None]:
    """A task that ends by itself alone, and after how many steps it is cut off.

    A task with a limit gets one more: what ends at the limit by itself is then told apart from what is cut off.
    """
    options = {} if backend is None else {"backend": backend}
    task = make_task(name, **options)
    if not hasattr(task, "limit"):
        if limit is not None:
            raise ValueError(f"limit (={limit}) is not for {name}, whose episodes end by themselves")
        return task, None
    limit = task.limit if limit is None else limit
    if limit < 1:
        raise ValueError(f"limit (={limit}) must be at least 1")
    return dataclasses.replace(cast(Any, task), limit=limit + 1), limit


@in_single_precision()
def _spaces(task: Task) -> tuple[Box, Box | Discrete]:
    """Of observations and actions: torques on Brax, else the number of an action."""
    # Brax's own `observation_size` runs a reset step by step, which takes a minute with some backends.
    _, observation = jax.eval_shape(task.reset, jax.random.key(0), jnp.int32(0))
    observations = Box(-np.inf, np.inf, observation.shape, np.float32)
    if hasattr(task, "action_map"):
        return observations, Box(-1.0, 1.0, (task.action_size,), np.float32)
    if not is_choice(task):
        action = action_type(task)
        raise ValueError(
            f"{task.name} makes actions ({action.dtype}{list(action.shape)}) of readouts in a way of its own, which "
            "cannot be undone: Gymnasium has tasks whose actions are choices, and Brax's; step others by readouts, "
            f"with zoo.tasks.make_task('{task.name}')"
        )
    return observations, Discrete(task.action_size)


def _step(task: Task, state, action):
    """The task's step by an action; tasks step by readouts, of which this is one that means the action."""
    readout = action if jnp.issubdtype(action.dtype, jnp.floating) else jax.nn.one_hot(action, task.action_size)
    result = task.step(state, readout)
    return result.state, result.observation, result.reward, result.done


@functools.cache
def _compiled(task: Any):
    """Reset and step of one environment."""
    return jax.jit(lambda key, episode: task.reset(key, episode)), jax.jit(functools.partial(_step, task))


@functools.cache
def _compiled_batch(task: Any):
    """Reset of a batch, and a step in which those that ended before begin anew instead."""
    reset = jax.vmap(task.reset)

    def advance(state, action, ended, keys, episodes):
        state, observation, reward, done = jax.vmap(functools.partial(_step, task))(state, action)
        fresh = jax.lax.cond(ended.any(), reset, lambda *_: (state, observation), keys, episodes)

        def choose(new, old):
            return jnp.where(ended.reshape(ended.shape + (1,) * (old.ndim - 1)), new, old)

        state, observation = jax.tree.map(choose, fresh, (state, observation))
        return state, observation, jnp.where(ended, 0.0, reward), done & ~ended

    return jax.jit(reset), jax.jit(advance)


def _checked(actions, space: gymnasium.Space) -> np.ndarray:
    """Actions of the space's shape, and choices that it has; torques beyond it are clipped by the task."""
    asked, kind = np.asarray(actions), cast(np.dtype, space.dtype)
    if asked.shape != space.shape:
        raise ValueError(f"actions have shape {asked.shape}; it must be {space.shape}")
    given = asked.astype(kind)
    if np.issubdtype(kind, np.integer) and not ((given == asked).all() and space.contains(given)):
        raise ValueError(f"actions (={actions}) must be in {space}")
    return given


class TaskEnv(gymnasium.Env):
    """A task of the zoo: `zoo.tasks` computes it, so that rewards are those of the model cards.

    Attributes:
        task: of the zoo; its own limit is one step beyond this environment's.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 (Gymnasium's own form)

    def __init__(
        self, task: str, *, backend: str | None = None, limit: int | None = None, render_mode: str | None = None
    ):
        """Compiles nothing yet; the first reset and step do.

        Args:
            task: as in model names: ``hp``, ``cartpole500``, ``mem25``.
            backend: Brax's physics, by default the one that models are trained in.
            limit: most steps of an episode, where the task has a limit.
            render_mode: none is supported; `zoo render` draws episodes.
        """
        if render_mode is not None:
            raise ValueError(f"render_mode (='{render_mode}') is not supported; `zoo render` draws episodes")
        self.render_mode = None
        self.task: Any
        self.task, self._limit = _open_task(task, backend, limit)
        self.observation_space, self.action_space = _spaces(self.task)

    @in_single_precision()
    def reset(self, *, seed: int | None = None, options: dict | None = None):
        """See `gymnasium.Env.reset`; the same seed begins the same episode."""
        super().reset(seed=seed)
        key, episode = self.np_random.integers(2**31, size=2)
        self._state, observation = _compiled(self.task)[0](jax.random.key(key), jnp.int32(episode))
        self._steps = 0
        return np.asarray(observation, np.float32), {}

    @in_single_precision()
    def step(self, action):
        """See `gymnasium.Env.step`.

        Raises:
            ValueError: if the action is of another shape than `action_space`'s, or no choice that it has.
        """
        step = _compiled(self.task)[1]
        self._state, observation, reward, done = step(self._state, _checked(action, self.action_space))
        self._steps += 1
        return np.asarray(observation, np.float32), float(reward), bool(done), self._steps == self._limit, {}


class TaskVectorEnv(gymnasium.vector.VectorEnv):
    """Many environments of a task in one compiled batch; those that ended begin anew at the next step.

    Attributes:
        task: of the zoo; its own limit is one step beyond this environment's.
    """

    metadata = {  # noqa: RUF012 (Gymnasium's own form)
        "render_modes": [],
        "autoreset_mode": gymnasium.vector.AutoresetMode.NEXT_STEP,
    }

    def __init__(self, task: str, *, num_envs: int = 1, backend: str | None = None, limit: int | None = None):
        """Compiles nothing yet; the first reset and step do.

        Args:
            task: as in model names: ``hp``, ``cartpole500``, ``mem25``.
            num_envs: environments in the batch.
            backend: Brax's physics, by default the one that models are trained in.
            limit: most steps of an episode, where the task has a limit.
        """
        if num_envs < 1:
            raise ValueError(f"num_envs (={num_envs}) must be at least 1")
        self.num_envs = num_envs
        self.task: Any
        self.task, self._limit = _open_task(task, backend, limit)
        self.single_observation_space, self.single_action_space = _spaces(self.task)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def _begin(self):
        """Keys and numbers of fresh episodes."""
        key, episode = self.np_random.integers(2**31, size=2)
        return jax.random.split(jax.random.key(key), self.num_envs), jnp.arange(episode, episode + self.num_envs)

    @in_single_precision()
    def reset(self, *, seed: int | None = None, options: dict | None = None):
        """See `gymnasium.vector.VectorEnv.reset`; the same seed begins the same episodes."""
        super().reset(seed=seed)
        self._state, observation = _compiled_batch(self.task)[0](*self._begin())
        self._steps, self._ended = np.zeros(self.num_envs, int), np.zeros(self.num_envs, bool)
        return np.asarray(observation, np.float32), {}

    @in_single_precision()
    def step(self, actions):
        """See `gymnasium.vector.VectorEnv.step`.

        Raises:
            ValueError: if actions are of another shape than `action_space`'s, or no choices that it has.
        """
        actions = _checked(actions, self.action_space)
        advance = _compiled_batch(self.task)[1]
        self._state, observation, reward, done = advance(self._state, actions, self._ended, *self._begin())
        self._steps = np.where(self._ended, 0, self._steps + 1)
        terminated, truncated = np.asarray(done), self._steps == (self._limit or -1)
        self._ended = terminated | truncated
        return np.asarray(observation, np.float32), np.asarray(reward, np.float64), terminated, truncated, {}
