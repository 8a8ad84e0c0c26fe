"""CartPole-v1 (section 4.6) with any episode limit."""

import dataclasses

import jax.numpy as jnp
from gymnax.environments.classic_control.cartpole import CartPole as GymnaxCartPole

from zoo.tasks.base import Step


@dataclasses.dataclass(frozen=True, slots=True)
class CartPole:
    """gymnax's `CartPole`: a reward of 1 for each step until the pole falls or the limit is reached.

    Attributes:
        limit: most steps of an episode (500 in CartPole-v1).
    """

    limit: int = 500

    observation_size = 4
    action_size = 2
    arrays = ()
    cpu_options = None
    kernel_task = None
    evaluation_episodes = 100

    @property
    def name(self) -> str:
        """``cartpole{limit}``."""
        return f"cartpole{self.limit}"

    @property
    def episode_limit(self) -> int:
        """The limit."""
        return self.limit

    @property
    def max_return(self) -> float:
        """One per step."""
        return float(self.limit)

    @property
    def _params(self):
        return GymnaxCartPole().default_params.replace(max_steps_in_episode=self.limit)

    def reset(self, key, episode):
        """Uniform within ±0.05 in every coordinate."""
        observation, state = GymnaxCartPole().reset_env(key, self._params)
        return state, observation

    def action(self, readout):
        """Push right where the second readout is higher, else left."""
        return jnp.argmax(readout, axis=-1)

    def step(self, state, readout):
        """See `Step`."""
        env, params = GymnaxCartPole(), self._params
        observation, state, reward, terminated, _ = env.step_env(None, state, self.action(readout), params)
        done = terminated | env.is_truncated(state, params)
        return Step(state, observation, jnp.float32(reward), done, jnp.float32(0.0))
