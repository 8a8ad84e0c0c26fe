"""Ant, HalfCheetah, Hopper and Walker2d on Brax (section 6.3)."""

import contextlib
import dataclasses
import functools
import io
import logging
import warnings

import jax
import jax.numpy as jnp

from zoo.tasks.base import Step
from zoo.tasks.lanes import CPU_OPTIONS

ENVIRONMENTS = {"ant": "ant", "hc": "halfcheetah", "hp": "hopper", "wal": "walker2d"}
BACKENDS = ("spring", "generalized", "positional", "mjx")
ACTIONS = {"clip": lambda x: jnp.clip(x, -1.0, 1.0), "tanh": jnp.tanh}


@functools.cache
def make_environment(name: str, backend: str):
    """Brax's environment without wrappers; one object each, since compiled programs are kept by it."""
    # Its constants must not belong to the trace that asks first.
    with _quiet(), jax.ensure_compile_time_eval():
        from brax import envs

        return envs.get_environment(ENVIRONMENTS[name], backend=backend)


@contextlib.contextmanager
def _quiet():
    """Keeps back what Brax says of an optional package (warp) and of the age of its dependencies."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


@dataclasses.dataclass(frozen=True, slots=True)
class BraxTask:
    """A Brax environment: run forward as fast as possible, for 1000 steps or until the fall.

    Attributes:
        name: ``ant``, ``hc``, ``hp`` or ``wal``.
        backend: physics; rewards of different backends are not comparable.
        action_map: how a readout (in volts) becomes a torque in [-1, 1]: ``clip`` or ``tanh``.
        action_gain: factor on the readout before that, in 1/V.
        limit: most steps of an episode.
    """

    name: str
    backend: str = "spring"
    action_map: str = "clip"
    action_gain: float = 1.0
    limit: int = 1000

    max_return = None
    arrays = ()
    cpu_options = CPU_OPTIONS
    evaluation_episodes = 128

    def __post_init__(self):
        for field, allowed in (("name", ENVIRONMENTS), ("backend", BACKENDS), ("action_map", ACTIONS)):
            if getattr(self, field) not in allowed:
                raise ValueError(f"{field} (={getattr(self, field)!r}) must be one of {', '.join(allowed)}")

    @property
    def environment(self):
        """Brax's environment."""
        return make_environment(self.name, self.backend)

    @property
    def observation_size(self) -> int:
        """From Brax."""
        return self.environment.observation_size

    @property
    def action_size(self) -> int:
        """From Brax."""
        return self.environment.action_size

    @property
    def episode_limit(self) -> int:
        """The limit."""
        return self.limit

    def reset(self, key, episode):
        """Brax's own initial state of that key."""
        state = self.environment.reset(key)
        return state, state.obs

    def action(self, readout):
        """Torques in [-1, 1]."""
        return ACTIONS[self.action_map](self.action_gain * readout)

    def step(self, state, readout):
        """See `Step`."""
        state = self.environment.step(state, self.action(readout))
        return Step(state, state.obs, state.reward, state.done > 0, jnp.float32(0.0))
