"""What an update of PPO learns from: what was played, with what the critic makes of it."""

import jax.numpy as jnp

from zoo.tasks.observations import ObservationStats, normalise
from zoo.training.methods.critic import criticise
from zoo.training.methods.ppo_collect import Environments, Played
from zoo.training.methods.ppo_equations import Scale, advantages
from zoo.training.methods.ppo_update import Sequences

_SCALE_RATE = 0.05
"""Weight of the newest update in the moments of value targets."""


def seeing(recipe, stats: ObservationStats):
    """What networks and critics get of observations."""
    if not recipe.normalise_observations:
        return lambda observations: observations
    return lambda observations: normalise(stats, observations, recipe.observation_clip)


def judged(settings, state, played: Played, after: Environments, see, begun) -> tuple[Sequences, Scale]:
    """What was played, with what the critic makes of it; and the moments of its next targets."""
    scale, layers = Scale(*state.scale), state.critic.parameters

    def inputs(observations, v_out):
        seen = see(observations)
        return jnp.concatenate([seen, v_out], -1) if settings.critic_potentials else seen

    v_out = jnp.where(after.begins[:, None], 0.0, after.v_out)
    last = inputs(after.observation.T, v_out)
    during = inputs(played.observations, played.v_out)
    values = scale.value(criticise(layers, jnp.concatenate([during, last[None]])))
    cut_values = scale.value(criticise(layers, inputs(played.last_observations, played.last_v_out)))
    advantage = advantages(played.rewards, values, cut_values, played.ends, settings.discount, settings.decay)
    targets = advantage + values[:-1]
    scale = scale.moved(targets, jnp.where(state.generation == 0, 1.0, _SCALE_RATE))
    sequences = Sequences(
        state=begun,
        seen=see(played.observations),
        begins=played.begins,
        actions=played.actions,
        means=played.means,
        log_p=played.log_p,
        advantages=(advantage - advantage.mean()) / (advantage.std() + 1e-8),
        critic_inputs=during,
        targets=scale.number(targets),
    )
    return sequences, scale
