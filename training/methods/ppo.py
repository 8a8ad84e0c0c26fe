"""Proximal policy optimisation of spiking actors, with gradients through time, as a `RunsMethod`.

An update plays `steps` steps in each of a run's environments, and then goes `epochs` times over them in minibatches
of whole sequences. Potentials and environments go on from one update to the next. Only the actor is published.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from zoo.models import Packed, Surrogate, build, pack
from zoo.models.episode_scan import Unroll, unroll_episodes
from zoo.tasks.compiled import find_kernel
from zoo.tasks.observations import ObservationStats, moments, update
from zoo.training.methods.base import Group, RunsMethod
from zoo.training.methods.critic import initial_layers
from zoo.training.methods.ppo_collect import Environments, at_rest, collect, start
from zoo.training.methods.ppo_equations import Scale, gaussian_entropy
from zoo.training.methods.ppo_judging import judged, seeing
from zoo.training.methods.ppo_physics import physics_name, physics_of, unroll_of
from zoo.training.methods.ppo_state import PPOMetrics, PPOState, adapted, finished, keys_of
from zoo.training.methods.ppo_update import Learner, Learners, Objective, Rates, epochs, learner

_AXES = Environments(state=-1, observation=1, v=0, v_out=0, begins=0, clock=0, returns=0, whole=0)
"""Where environments stand in the arrays."""


class PPO(RunsMethod):
    """Actors and critics of many runs.

    Args:
        task: what all runs learn.
        shards: number of devices that share a run's environments and sequences.
    """

    metrics: type = PPOMetrics
    in_lanes = True

    @staticmethod
    def splits(group: Group) -> int:
        """Sequences of a minibatch, of which environments are a multiple."""
        return group.recipe.settings.sequences

    def notes(self, groups: Sequence[Group]) -> list[str]:
        """Why the physics is not what a recipe asks for, where it is not."""
        asked = [g for g in groups if physics_name(self.task, g.recipe.physics) != g.recipe.physics]
        return [f"physics by JAX, which is slower: {find_kernel(self.task).reason}"] if asked else []

    def constants(self, group: Group):
        """Seeds, the fixed parts of the networks, initial numbers and rates of the actors."""
        if group.varying:
            names = ", ".join(dict(group.varying))
            raise ValueError(f"runs by PPO can vary in nothing but their seed; not in {names}")
        actors = self._actors(group)
        deviations = np.full(self.task.action_size, group.recipe.settings.std_rate)
        rates = np.append(self.rates(group), deviations).astype(np.float32)
        return np.asarray(group.seeds, np.uint32), group.frozen(), actors, np.tile(rates, (len(actors), 1))

    def _actors(self, group) -> Float[np.ndarray, "R A"]:
        """Flat numbers before training."""
        flat = self.initial(group)
        deviations = np.full((len(flat), self.task.action_size), group.recipe.settings.log_std, np.float32)
        return np.concatenate([flat, deviations], 1)

    # These four are all that knows what an actor is; benchmarks/perceptrons.py has others.

    def initial(self, group: Group) -> Float[np.ndarray, "R D"]:
        """The networks' trained numbers before training."""
        return group.initial()

    def rates(self, group: Group) -> Float[np.ndarray, " D"]:
        """Of Adam, for each of them."""
        rate = group.recipe.settings.rate
        return group.config.flatten(
            {name: np.full(shape, rate(name)) for name, shape in group.config.trained_shapes.items()}
        )

    def network(self, group: Group, frozen: dict[str, Array], numbers: Float[Array, " D"]) -> Packed:
        """A network of them, as `unroll` takes it."""
        return pack(build(frozen | group.config.split(numbers)))

    def unroll(self, group: Group) -> Unroll:
        """What takes networks through sequences."""
        return unroll_of(group.config)

    def init(self, group: Group) -> PPOState:
        """What the group begins with, critics that know nothing, and environments at their start."""
        settings, seeds = group.recipe.settings, np.asarray(group.seeds, np.uint32)
        inputs = self.task.observation_size + settings.critic_potentials * self.task.action_size
        sizes = (inputs, *settings.critic_layers, 1)
        critics = jax.tree.map(lambda *x: np.stack(x), *(initial_layers(seed, sizes) for seed in group.seeds))

        @jax.jit
        def begin(seed):
            keys = keys_of(seed, 0, settings.environments)
            reset = functools.partial(self._reset, group)
            return start(self.task, reset, keys.begins, group.config.hidden, settings.stagger)

        runs = len(seeds)
        return PPOState(
            actor=jax.vmap(learner)(self._actors(group)),
            critic=jax.vmap(learner)(critics),
            stats=group.initial_stats(),
            scale=Scale(np.zeros(runs, np.float32), np.zeros(runs, np.float32)),
            factor=np.full(runs, settings.most_factor, np.float32),
            environments=jax.tree.map(lambda *x: np.stack(x), *map(begin, seeds)),
            generation=np.zeros(runs, np.int32),
            env_steps=np.zeros(runs, np.float32),
            nan_steps=np.zeros(runs, np.int32),
        )

    def parameters(self, state: PPOState) -> Float[Array, "R D"]:
        """The networks' trained numbers."""
        return state.actor.parameters[:, : -self.task.action_size]

    def totals(self, state: PPOState) -> dict:
        """Environment steps of a run, on average; skipped minibatches and steps into nothing of all."""
        return {
            "env_steps": float(np.mean(state.env_steps)),
            "nan_gradients": int(np.sum(state.actor.skipped)),
            "nan_steps": int(np.sum(state.nan_steps)),
        }

    def _update(self, group, state, constants, arrays, merged):
        """One update of a group's runs."""
        one = functools.partial(self._update_run, group)
        if len(constants[0]) > 1:
            return jax.vmap(one)(state, constants)
        # Even a batch of one run would keep XLA from fusing as it does without.
        results = one(*jax.tree.map(lambda x: x[0], (state, constants)))
        return jax.tree.map(lambda x: x[None], results)

    def _update_run(self, group, state, constants):
        """Play, judge, learn: one run."""
        seed, frozen, initial, rates = constants
        settings = group.recipe.settings
        make = functools.partial(self._make, group, frozen)
        packed, log_std = make(state.actor.parameters)
        see = seeing(group.recipe, ObservationStats(*state.stats))
        before = Environments(*state.environments)
        begun = at_rest(packed, before)
        before = before._replace(v=begun.v, v_out=begun.v_out)
        # The first one's beginnings came of number 0.
        keys = keys_of(seed, state.generation + 1, settings.environments)
        after, played = self._play(group, packed, log_std, see, before, keys)
        sequences, scale = judged(settings, state, played, after, see, begun)
        learners, progress = self._learn(group, state, sequences, make, initial, rates, keys.orders)
        last = jax.tree.map(lambda x: x.reshape(settings.epochs, -1)[-1].mean(), progress)
        told = finished(played)
        metrics = PPOMetrics(
            mean=told.mean,
            best=told.best,
            std=told.std,
            grad_norm=progress.grad_norm.mean(),
            entropy=gaussian_entropy(log_std),
            length=told.length,
            kl=last.kl,
            clipped=last.clipped,
            critic_error=last.critic_error,
            reward=played.rewards.mean(),
            factor=state.factor,
            nan_gradients=learners.actor.skipped - state.actor.skipped,
        )
        moved = PPOState(
            actor=learners.actor,
            critic=learners.critic,
            stats=_updated(ObservationStats(*state.stats), played.observations),
            scale=scale,
            factor=adapted(state.factor, last.kl, settings),
            environments=after,
            generation=state.generation + 1,
            env_steps=state.env_steps + played.rewards.size,
            nan_steps=state.nan_steps + played.not_numbers.sum(dtype=jnp.int32),
        )
        return moved, metrics

    def _make(self, group, frozen, actor):
        """Network and deviations of an actor's numbers."""
        size = len(actor) - self.task.action_size
        return self.network(group, frozen, actor[:size]), actor[size:]

    def _reset(self, group, keys):
        """What environments carry, and observations [o, N], at the beginning of episodes."""
        fresh = jax.vmap(self.task.reset)(keys, jnp.arange(len(keys)))
        state, observation = jax.tree.map(lambda x: jnp.moveaxis(x, 0, -1), fresh)
        return physics_of(self.task, group.recipe.physics).begin(state), observation

    def _play(self, group, packed, log_std, see, before, keys):
        """Each device plays some of the environments; all get everything."""
        settings = group.recipe.settings
        shape = (settings.steps, settings.environments, self.task.action_size)
        noise = self._own(jax.random.normal(keys.noise, shape), 1)
        fresh = self._reset(group, self._own(keys.begins, 0))
        step = physics_of(self.task, group.recipe.physics).step
        mine = jax.tree.map(self._own, before, _axes(before))
        unroll, gain = self.unroll(group), self._gain(group)
        after, played = collect(self.task, step, unroll, packed, see, log_std, gain, mine, fresh, noise)
        after = jax.tree.map(self._gather, after, _axes(after))
        return after, jax.tree.map(functools.partial(self._gather, axis=1), played)

    def _learn(self, group, state, sequences, make, initial, rates, key):
        """Epochs of minibatches, each of which the devices share."""
        settings, unroll = group.recipe.settings, self.unroll(group)
        own = settings.sequences // self._shards
        objective = Objective(
            make=make,
            gain=self._gain(group),
            clip=settings.clip,
            entropy_weight=settings.entropy_weight,
            old_log_std=make(state.actor.parameters)[1],
            surrogate=Surrogate(settings.surrogate, settings.alpha, settings.detach_reset),
            unroll=unroll,
        )
        progress = state.generation / max(group.recipe.generations - 1, 1)
        fade = 1 - (1 - settings.final_rate) * jnp.clip(progress, 0, 1)
        rates = Rates(rates * fade * state.factor, settings.critic_rate * fade)
        shuffle = functools.partial(jax.random.permutation, x=settings.environments)
        orders = jax.vmap(shuffle)(jax.random.split(key, settings.epochs))
        return epochs(
            Learners(Learner(*state.actor), Learner(*state.critic)),
            sequences,
            orders.reshape(-1, settings.sequences),
            objective,
            rates,
            part=settings.part(group.config, own) if unroll is unroll_episodes else own,
            clip_norm=settings.clip_norm,
            restrain=lambda actor: actor - settings.pull * rates.actor * (actor - initial),
            own=functools.partial(self._own, axis=0),
            total=lambda tree: jax.lax.psum(tree, "members"),
        )

    def _gain(self, group) -> float:
        """Action per volt of readout."""
        return group.readout_gain * getattr(self.task, "action_gain", 1.0)

    def _gather(self, values, axis):
        """As any method's; of one device nothing at all, since even that would change how XLA fuses."""
        return values if self._shards == 1 else super()._gather(values, axis)


def _axes(environments: Environments) -> Environments:
    """`_AXES` of every leaf."""
    return Environments(*(jax.tree.map(lambda _, a=a: a, x) for a, x in zip(_AXES, environments, strict=True)))


def _updated(stats: ObservationStats, observations: Float[Array, "T N o"]) -> ObservationStats:
    """Statistics with new observations."""
    return update(stats, moments(stats, observations, jnp.ones(observations.shape[:-1], bool)))
