"""Memory length (bsuite's `memory_len`, section 4.1): repeat a bit that was shown N steps ago."""

import dataclasses

import jax.numpy as jnp
from gymnax.environments.bsuite.memory_chain import MemoryChain

from zoo.tasks.base import Step


@dataclasses.dataclass(frozen=True, slots=True)
class MemoryLength:
    """gymnax's `MemoryChain` with one bit, equal to bsuite's `memory_len` step by step.

    The observation is [time left, query, context]; the context (±1) is shown at the reset and by the
    first step, N + 1 actions are taken, and the last one earns +1 if it equals the context, else -1.
    There are just two different episodes, so episodes alternate between them and the mean over an
    even number of them is exact.

    Attributes:
        length: N.
        temperature_v: of the softmax policy behind `Step.expected`, in volts.
    """

    length: int
    temperature_v: float = 0.025

    observation_size = 3
    action_size = 2
    max_return = 1.0
    arrays = ()
    cpu_options = None
    kernel_task = None
    evaluation_episodes = 2

    @property
    def name(self) -> str:
        """``mem{N}``."""
        return f"mem{self.length}"

    @property
    def episode_limit(self) -> int:
        """N + 1 actions."""
        return self.length + 1

    @property
    def _params(self):
        return MemoryChain().default_params.replace(memory_length=self.length, max_steps_in_episode=self.length + 2)

    def reset(self, key, episode):
        """Context ``episode % 2``."""
        env = MemoryChain()
        _, state = env.reset_env(key, self._params)
        state = state.replace(context=jnp.full((1,), episode % 2, jnp.int32))
        return state, env.get_obs(state, self._params)

    def action(self, readout):
        """The readout that is higher; the first one in a tie."""
        return jnp.argmax(readout, axis=-1)

    def step(self, state, readout):
        """See `Step`. With p = softmax(readout / temperature), the expected reward is 2 p(context) - 1."""
        context = state.context[0]
        decides = state.time >= self.length
        observation, state, reward, done, _ = MemoryChain().step_env(None, state, self.action(readout), self._params)
        margin = (readout[1] - readout[0]) * (2 * context - 1)
        expected = jnp.where(decides, jnp.tanh(margin / (2 * self.temperature_v)), 0.0)
        return Step(state, observation, jnp.float32(reward), done, expected)
