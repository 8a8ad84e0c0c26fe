"""Ant, HalfCheetah, Hopper and Walker2d on Brax (section 6.3)."""

import contextlib
import dataclasses
import functools
import io
import logging
import warnings

import jax
import jax.numpy as jnp
import numpy as np

from zoo.tasks.base import Step
from zoo.tasks.inertia import with_near_frames
from zoo.tasks.lanes import CPU_OPTIONS

ENVIRONMENTS = {"ant": "ant", "hc": "halfcheetah", "hp": "hopper", "wal": "walker2d"}
BACKENDS = ("spring", "generalized", "positional", "mjx")
ACTIONS = {"clip": lambda x: jnp.clip(x, -1.0, 1.0), "tanh": jnp.tanh}


@functools.cache
def make_environment(name: str, backend: str, near_frames: bool = False):
    """Brax's environment without wrappers; one object each, since compiled programs are kept by it.

    Args:
        name: ``ant``, ``hc``, ``hp`` or ``wal``.
        backend: Brax's physics.
        near_frames: describe the bodies' inertia in equivalent frames (`zoo.tasks.inertia`).
    """
    if near_frames:
        return with_near_frames(make_environment(name, backend))
    # Its constants must not belong to the trace that asks first.
    with _quiet(), jax.ensure_compile_time_eval():
        from brax import envs

        return envs.get_environment(ENVIRONMENTS[name], backend=backend)


@functools.cache
def _observation_size(name: str, backend: str) -> int:
    """Brax's own property runs a whole reset, operation by operation, whenever it is asked."""
    return jax.eval_shape(make_environment(name, backend).reset, jax.random.key(0)).obs.shape[-1]


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
        near_frames: describe the bodies' inertia in equivalent frames (`zoo.tasks.inertia`).
    """

    name: str
    backend: str = "spring"
    action_map: str = "clip"
    action_gain: float = 1.0
    limit: int = 1000
    near_frames: bool = False

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
        return make_environment(self.name, self.backend, self.near_frames)

    @property
    def kernel_task(self) -> "BraxTask":
        """The same task as `zoo.kernels` compiles it: a planar robot is planar in every number."""
        return dataclasses.replace(self, near_frames=True)

    @property
    def kernel_key(self) -> list[str | bytes]:
        """All that a compiled step depends on: this task, Brax's and our sources, the robot, versions."""
        from zoo.kernels import cache

        parts = [repr(self), *cache.versions("jax", "jaxlib", "numpy", "brax", "mujoco")]
        parts += cache.sources("brax", "zoo.kernels", "zoo.tasks")
        for name, value in sorted(vars(self.environment).items()):
            if isinstance(value, int | float | str | tuple):
                parts.append(f"{name} {value!r}")
        for path, value in jax.tree_util.tree_leaves_with_path(self.environment.sys):
            array = np.asarray(value)
            parts += [f"{path} {array.dtype} {array.shape}", array.tobytes()]
        return parts

    @property
    def observation_size(self) -> int:
        """From Brax."""
        return _observation_size(self.name, self.backend)

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
