"""Any of gymnax's environments with discrete actions as a task."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp

from zoo.core.packages import needed_for
from zoo.tasks.base import ControlTask, Step


@functools.cache
def _make(environment: str):
    with needed_for(f"gymnax's {environment}", "gymnax", "six"):
        import gymnax

    return gymnax.make(environment)


@dataclasses.dataclass(frozen=True, slots=True)
class GymnaxTask(ControlTask):
    """An environment of gymnax; the highest readout is the action. Its steps draw from the reset's key.

    Attributes:
        name: as in model names.
        environment: as `gymnax.make` calls it.
        limit: most steps of an episode.
    """

    name: str
    environment: str
    limit: int = 500

    @property
    def episode_limit(self) -> int:
        """The limit."""
        return self.limit

    @property
    def _params(self):
        return _make(self.environment)[1].replace(max_steps_in_episode=self.limit)

    @property
    def observation_size(self) -> int:
        """Numbers of an observation."""
        return math.prod(_make(self.environment)[0].observation_space(self._params).shape)

    @property
    def action_size(self) -> int:
        """Number of actions."""
        return int(_make(self.environment)[0].action_space(self._params).n)

    def reset(self, key, episode):
        """Gymnax's own initial state of that key."""
        reset_key, step_key = jax.random.split(key)
        observation, state = _make(self.environment)[0].reset_env(reset_key, self._params)
        return (state, step_key), jnp.ravel(observation).astype(jnp.float32)

    def action(self, readout):
        """The readout that is highest; the first one in a tie."""
        return jnp.argmax(readout, axis=-1)

    def step(self, state, readout):
        """See `Step`."""
        (state, key), (env, _), params = state, _make(self.environment), self._params
        key, step_key = jax.random.split(key)
        observation, state, reward, terminated, _ = env.step_env(step_key, state, self.action(readout), params)
        done = terminated | env.is_truncated(state, params)
        seen = jnp.ravel(observation).astype(jnp.float32)
        return Step((state, key), seen, jnp.float32(reward), done, jnp.float32(0.0))
