"""A trained network as a policy: observations in, actions out, with everything between them inside."""

import os
from typing import Any, SupportsIndex

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from zoo.core.forks import check_not_forked
from zoo.core.single import in_usual_promotion
from zoo.evaluation.physics import warn_unless_trained_in
from zoo.models import Network, NetworkOutput, NetworkState, build, initial_state, network_step
from zoo.models.surrogate import warn_of_no_gradient
from zoo.store.loading import load
from zoo.store.zoo_model import ZooModel
from zoo.tasks.base import CONTROL
from zoo.tasks.observations import normalise


def policy(model: ZooModel | str | os.PathLike, *, seed: int | None = None) -> "Policy":
    """The policy that one training seed of a control model learned.

    Args:
        model: a loaded model, or what `zoo.load` takes.
        seed: training seed, by default the first.

    Raises:
        ValueError: if the model classifies images, or has no such training seed.
        ZooError: if it cannot be loaded.
    """
    return Policy(model if isinstance(model, ZooModel) else load(model), seed=seed)


@jax.tree_util.register_pytree_node_class
class Policy:
    """Observations in, actions out: normalisation, the network, its state, and the action map of the task.

    `act` keeps the network's potentials from call to call, as a loop in Python wants it; `step` is the same as a
    pure function, for `jax.jit`, `jax.vmap` and `jax.lax.scan`. A policy is a pytree: what is compiled may take one
    as an argument, call `act`, and return it.

    Example:
        >>> policy = zoo.policy("hetsnn-hp-4096")
        >>> policy.reset(batch=8)
        >>> policy.act(np.zeros((8, 11), np.float32)).shape
        (8, 3)

    Attributes:
        name: of the model.
        training_seed: whose network this is.
        task: what it was trained on.
        clip: bound of normalised observations, in standard deviations.
        network: equations' constants and weights.
        stats: observation statistics, or None where the network saw observations as they are.
        state: potentials after the last step; `reset` makes them those of an episode's begin.
    """

    def __init__(self, model: ZooModel, *, seed: int | None = None):
        """Takes one network out of a model; see `policy`."""
        check_not_forked()
        task = model.task()
        if task.kind != CONTROL:
            raise ValueError(
                f"{model.name} classifies images and is no policy; zoo.load('{model.name}').classify(images) uses it"
            )
        self.name, self.task = model.name, task
        self.training_seed = model.seeds[0] if seed is None else seed
        self.clip = model.recipe.observation_clip
        self.network = jax.tree.map(jnp.asarray, build(model.parts(seed)))
        self.stats = model.observation_stats(seed)
        self._in_numpy = True
        self.reset()

    def __repr__(self) -> str:
        observes = f"[*batch, {self.observation_size}]"
        return f"Policy('{self.name}', seed={self.training_seed}, {observes} -> {self.task.action_size} readouts)"

    @property
    def observation_size(self) -> int:
        """Length of an observation."""
        return self.network.w_in.shape[-2]

    @property
    def batch(self) -> tuple[int, ...]:
        """Shape of the batch of environments that `act` serves: () for one environment."""
        return self.state.v_out.shape[:-1]

    def initial_state(self, batch: SupportsIndex | tuple[int, ...] = ()) -> NetworkState:
        """Potentials at the start of an episode, for `step`."""
        return initial_state(self.network, batch)

    def step(
        self, observation: Float[ArrayLike, "*b o"], state: NetworkState
    ) -> tuple[Array, NetworkOutput, NetworkState]:
        """One step, as a pure function.

        Args:
            observation: [*b, o] as the environment gives it, not normalised.
            state: potentials after the step before, or `initial_state`.

        Returns:
            The action, the network's readout (in volts) and hidden spikes, and the next state.

        Warns:
            UserWarning: where a gradient through the spikes is asked for: it is 0. `ZooModel.network` takes a
                surrogate.
        """
        neuron, w_in, w_out = self.network
        neuron, w_in, observation = warn_of_no_gradient((neuron, w_in, jnp.asarray(observation)))
        return _advance(self.task, self.clip, Network(neuron, w_in, w_out), self.stats, observation, state)

    def reset(
        self,
        batch: SupportsIndex | tuple[int, ...] | None = None,
        *,
        where: ArrayLike | None = None,
        environment: Any = None,
    ) -> None:
        """Begins new episodes.

        Args:
            batch: number, or shape, of the environments that `act` is to serve; () is one environment whose
                observations are vectors. By default as before, one environment at first.
            where: [*batch] bool, which environments begin an episode; the others go on. By default all.
            environment: of Gymnasium or Brax, that `act` is to serve. The batch is its ``num_envs``, and it is
                warned of where it is not what this policy was trained in.

        Raises:
            ValueError: if `where` is not of the batch's shape or not bool, or comes with a new batch.
        """
        if environment is not None:
            warn_unless_trained_in(self.name, self.task, environment)
            batch = getattr(environment, "num_envs", ()) if batch is None else batch
        if where is not None:
            return self._reset_some(where, batch)
        if batch is None:
            batch = self.batch if hasattr(self, "state") else ()
        shape = tuple(batch) if isinstance(batch, tuple | list) else (int(batch),)
        if any(size < 1 for size in shape):
            raise ValueError(f"batch (={batch}) must be a number of environments, or the shape of a batch of them")
        self.state = self.initial_state(shape)
        self._output = NetworkOutput(self.state.v_out, jnp.zeros_like(self.state.v))

    def _reset_some(self, where: ArrayLike, batch) -> None:
        if batch is not None:
            raise ValueError(f"batch (={batch}) and `where` exclude each other: a new batch begins as a whole")
        where = jnp.asarray(where)
        if where.shape != self.batch or where.dtype != bool:
            raise ValueError(f"where is {where.dtype}{list(where.shape)}; it must be bool{list(self.batch)}")
        self.state = _restart(self.state, self.initial_state(self.batch), where)

    def act(self, observation: Float[ArrayLike, "*b o"]) -> Array | np.ndarray:
        """The action for an observation, one step after the last call.

        Args:
            observation: [*batch, o] as the environment gives it, a NumPy or JAX array of floats.

        Returns:
            A NumPy or JAX array, as the observation is: torques [*batch, a] in [-1, 1] on Brax, else the number of
            an action [*batch].

        Raises:
            TypeError: if the observation is no array of floats.
            ValueError: if it has another shape, or is not finite. What is being compiled cannot be checked for that.
        """
        check_not_forked()
        self._in_numpy = isinstance(observation, np.ndarray)
        observation = self._checked(observation)
        action, self._output, self.state = _compiled(
            self.task, self.clip, self.network, self.stats, observation, self.state
        )
        return np.asarray(action) if self._in_numpy else action

    def _checked(self, observation):
        if not isinstance(observation, (np.ndarray, jax.Array)):
            raise TypeError(f"observation is a {type(observation).__name__}; it must be a NumPy or JAX array")
        if not jnp.issubdtype(observation.dtype, jnp.floating):
            raise TypeError(f"observation has dtype {observation.dtype}; it must be a float: float32, or float64")
        wanted = (*self.batch, self.observation_size)
        if observation.shape != wanted:
            raise ValueError(
                f"observation has shape {observation.shape}; {self.name} takes {wanted} after "
                f"reset(batch={self.batch}), and reset(batch=…) sets another number of environments"
            )
        if isinstance(observation, jax.core.Tracer):
            if not isinstance(self.state.v, jax.core.Tracer):
                raise ValueError(
                    "act keeps its state in the policy, and would keep a tracer: inside jit, vmap or scan use "
                    "policy.step(observation, state), or pass the policy as an argument and return it"
                )
        elif not np.isfinite(observation).all():
            raise ValueError(f"observation has {np.size(observation) - np.isfinite(observation).sum()} numbers that "
                             "are NaN or infinite; an episode that diverged must begin anew")  # fmt: skip
        return observation.astype(np.float32)

    def _last(self, name: str):
        value = getattr(self._output, name)
        return np.asarray(value) if self._in_numpy else value

    @property
    def spikes(self) -> Array | np.ndarray:
        """[*batch, hidden], 0 or 1: which hidden neurons fired in the last `act`; none before the first."""
        return self._last("spikes")

    @property
    def readout(self) -> Array | np.ndarray:
        """[*batch, a], in volts: what the last action was made of."""
        return self._last("readout")

    def tree_flatten(self):
        """Arrays, and what a compiled program depends on."""
        arrays = (self.network, self.stats, self.state, self._output)
        return arrays, (self.name, self.training_seed, self.task, self.clip)

    @classmethod
    def tree_unflatten(cls, fixed, arrays) -> "Policy":
        """The inverse of `tree_flatten`; checks nothing, since JAX puts other things than arrays there."""
        new = object.__new__(cls)
        new.network, new.stats, new.state, new._output = arrays
        new.name, new.training_seed, new.task, new.clip = fixed
        new._in_numpy = False
        return new


@in_usual_promotion()
def _advance(task, clip, network, stats, observation, state):
    inputs = observation if stats is None else normalise(stats, observation, clip)
    output, state = network_step(network, state, inputs)
    return task.action(output.readout), output, state


_compiled = jax.jit(_advance, static_argnums=(0, 1))


@jax.jit
def _restart(state: NetworkState, fresh: NetworkState, where) -> NetworkState:
    return jax.tree.map(lambda new, old: jnp.where(where[..., None], new, old), fresh, state)
