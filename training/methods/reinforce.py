"""REINFORCE (Williams, 1992) with backpropagation through the network's state.

Axes: R runs, E episodes of a run, K steps of a segment, S segments of the episode limit.

Episodes are played forwards without gradients, in a loop over segments that ends when all have ended; it
keeps what the networks saw and did, and their potentials where a segment begins. The backward pass walks
over the segments that were lived through, from the last to the first, and plays each of them again. So
memory grows as K + S, about sqrt(limit), and time as the longest episode, not as the limit.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from zoo.models import Network, NetworkState, Surrogate, initial_state, network_step, unroll
from zoo.tasks.actions import action_type, is_choice
from zoo.tasks.base import Task
from zoo.tasks.observations import ObservationStats, normalise


class Policy(NamedTuple):
    """How networks [R] act.

    Attributes:
        stats: observation statistics [R], or None to leave observations alone.
        clip: bound of normalised observations, in standard deviations.
        temperature_v: [R], of the softmax over readouts, in volts.
    """

    stats: ObservationStats | None
    clip: float
    temperature_v: Float[Array, " R"]

    def see(self, observation: Float[Array, "*t R E o"]) -> Float[Array, "*t R E o"]:
        """What the networks get of an observation."""
        if self.stats is None:
            return observation
        stats = jax.tree.map(lambda x: x[..., None, :], self.stats._replace(count=self.stats.count[:, None]))
        return normalise(stats, observation, self.clip)

    def logits(self, readout: Float[Array, "*t R E a"]) -> Float[Array, "*t R E a"]:
        """Unnormalised log-probabilities of the actions."""
        return readout / self.temperature_v[:, None, None]


class Trajectory(NamedTuple):
    """Episodes as they were played.

    Attributes:
        observations: [S, K, R, E, o], 0 after the end of an episode.
        actions: [S, K, R, E].
        rewards: [S, K, R, E], 0 after the end.
        live: [S, K, R, E], whether the episode still lasted when the step was taken.
        begins: potentials [S, R, E, …] at the beginning of each segment.
        segments: how many were lived through.
    """

    observations: Float[Array, "S K R E o"]
    actions: Int[Array, "S K R E"]
    rewards: Float[Array, "S K R E"]
    live: Array
    begins: NetworkState
    segments: Int[Array, ""]

    @property
    def returns(self) -> Float[Array, "R E"]:
        """Undiscounted sums of rewards."""
        return self.rewards.sum((0, 1))

    @property
    def lengths(self) -> Float[Array, "R E"]:
        """Steps taken."""
        return self.live.sum((0, 1), dtype=jnp.float32)


def require_discrete(task: Task) -> None:
    """Raises ValueError unless the task's actions are choices, one readout each."""
    if not is_choice(task):
        action = action_type(task)
        raise ValueError(
            f"REINFORCE samples one of several actions; {task.name} takes {action.dtype}{list(action.shape)}. "
            "Train it by PGPE (a name without -bp)"
        )


def play(
    task: Task,
    networks: Network,
    policy: Policy,
    keys: PRNGKeyArray,
    noise_keys: PRNGKeyArray,
    numbers: Int[Array, " E"],
    segment_steps: int,
) -> Trajectory:
    """Plays episodes with actions drawn from softmax(readout / temperature).

    Args:
        task: with discrete actions.
        networks: one a run, leading axis R.
        policy: how they act.
        keys: [R, E] of the episodes' initial states.
        noise_keys: [R, E] of the actions.
        numbers: of the episodes within their update (see `Task.reset`), whichever device plays them.
        segment_steps: K.
    """
    runs, episodes = keys.shape
    count = -(-task.episode_limit // segment_steps)
    each = jax.vmap(jax.vmap(task.step))

    def step(carry, now):
        (env_state, observation, live, state), (noise, last) = carry, now
        observation = jnp.where(live[..., None], observation, 0.0)
        output, state = jax.vmap(network_step)(networks, state, policy.see(observation))
        # The first action whose cumulative probability exceeds a uniform number.
        cumulative = jnp.cumsum(jax.nn.softmax(policy.logits(output.readout)), -1)
        action = jnp.minimum((cumulative <= noise[..., None]).sum(-1), task.action_size - 1)
        taken = each(env_state, jax.nn.one_hot(action, task.action_size))
        reward = jnp.where(live, taken.reward, 0.0)
        goes_on = live & ~taken.done & ~last
        return (taken.state, taken.observation, goes_on, state), (observation, action, reward, live)

    def segment(carry):
        index, now, records, begins = carry
        begins = jax.tree.map(lambda kept, new: kept.at[index].set(new), begins, now[-1])
        draw = jax.vmap(jax.vmap(lambda key: jax.random.uniform(jax.random.fold_in(key, index), (segment_steps,))))
        last = index * segment_steps + jnp.arange(segment_steps) + 1 >= task.episode_limit
        now, played = jax.lax.scan(step, now, (jnp.moveaxis(draw(noise_keys), -1, 0), last))
        records = jax.tree.map(lambda kept, new: kept.at[index].set(new), records, played)
        return index + 1, now, records, begins

    env_state, observation = jax.vmap(jax.vmap(task.reset))(keys, jnp.broadcast_to(numbers, keys.shape))
    state = begin_states(networks, episodes)
    now = (env_state, observation, jnp.ones((runs, episodes), bool), state)
    shape = (count, segment_steps, runs, episodes)
    records = (
        jnp.zeros((*shape, task.observation_size)),
        jnp.zeros(shape, jnp.int32),
        jnp.zeros(shape),
        jnp.zeros(shape, bool),
    )
    begins = jax.tree.map(lambda x: jnp.zeros((count, *x.shape), x.dtype), state)
    segments, _, records, begins = jax.lax.while_loop(
        lambda carry: (carry[0] < count) & carry[1][2].any(), segment, (jnp.int32(0), now, records, begins)
    )
    return Trajectory(*records, begins, segments)


def returns_to_go(rewards: Float[Array, "S K *b"], discount: Float[Array, "*b"]) -> Float[Array, "S K *b"]:
    """``G[t] = r[t] + discount G[t+1]`` over the time axes S and K together."""
    flat = rewards.reshape(-1, *rewards.shape[2:])

    def combine(later, earlier):
        return later[0] * earlier[0], earlier[1] + earlier[0] * later[1]

    _, sums = jax.lax.associative_scan(combine, (jnp.broadcast_to(discount, flat.shape), flat), reverse=True)
    return sums.reshape(rewards.shape)


def advantages(
    to_go: Float[Array, "S K R E"],
    live: Array,
    running: Float[Array, " R"],
    baseline: str,
    standardise: bool,
) -> Float[Array, "S K R E"]:
    """Returns-to-go less a baseline that no action of the same episode's future has a part in.

    Args:
        to_go: G, 0 after the end of an episode.
        live: whether the episode lasted.
        running: mean return-to-go of earlier updates.
        baseline: ``none``; ``running``, that mean; ``leave-one-out``, the mean of the other episodes of the
            same update at the same step, in which an ended one counts as 0.
        standardise: divide by the root mean square over all live steps of the run.
    """
    if baseline == "running":
        to_go = to_go - running[:, None]
    elif baseline == "leave-one-out":
        others = max(to_go.shape[-1] - 1, 1)
        to_go = to_go - (to_go.sum(-1, keepdims=True) - to_go) / others
    to_go = jnp.where(live, to_go, 0.0)
    if not standardise:
        return to_go
    axes = (0, 1, 3)
    power = jnp.square(to_go).sum(axes) / jnp.maximum(live.sum(axes), 1)
    return to_go / (jnp.sqrt(power) + 1e-8)[:, None]


def policy_loss(
    logits: Float[Array, "K R E a"],
    actions: Int[Array, "K R E"],
    advantage: Float[Array, "K R E"],
    live: Array,
    entropy_weight: Float[Array, " R"],
) -> tuple[Float[Array, " R"], Float[Array, " R"]]:
    """``-sum(log pi(action) advantage) - entropy_weight sum(H(pi))`` over live steps, and the entropies' sum."""
    log_p = jax.nn.log_softmax(logits)
    chosen = jnp.take_along_axis(log_p, actions[..., None], -1)[..., 0]
    entropy = jnp.where(live, -(jnp.exp(log_p) * log_p).sum(-1), 0.0).sum((0, 2))
    return -(chosen * advantage).sum((0, 2)) - entropy_weight * entropy, entropy


def policy_gradient(
    make_networks,
    parameters: Float[Array, "R D"],
    policy: Policy,
    trajectory: Trajectory,
    advantage: Float[Array, "S K R E"],
    entropy_weight: Float[Array, " R"],
    surrogate: Surrogate,
) -> tuple[Float[Array, "R D"], Float[Array, " R"]]:
    """Gradient of `policy_loss` over whole episodes, through all the time that they lasted.

    Args:
        make_networks: networks [R] from parameters.
        parameters: of the networks that played.
        policy: how they acted.
        trajectory: what happened.
        advantage: of each step.
        entropy_weight: of the runs.
        surrogate: how spikes are differentiated; its `alpha` [R].

    Returns:
        The gradient and the sum of the policies' entropies over live steps.
    """

    def segment(parameters, state, index):
        def pick(x):
            return jax.lax.dynamic_index_in_dim(x, index, keepdims=False)

        inputs = policy.see(pick(trajectory.observations))
        # The surrogate of each run is one of its own.
        through = jax.vmap(
            lambda network, state, inputs, alpha: unroll(network, state, inputs, surrogate._replace(alpha=alpha)),
            in_axes=(0, 0, 1, 0),
            out_axes=(1, 0),
        )
        readouts, state = through(make_networks(parameters), state, inputs, surrogate.alpha)
        loss, entropy = policy_loss(
            policy.logits(readouts), pick(trajectory.actions), pick(advantage), pick(trajectory.live), entropy_weight
        )
        return (loss.sum(), state), entropy

    def body(carry):
        index, gradient, onward, entropy = carry
        begin = jax.tree.map(lambda x: x[index], trajectory.begins)
        _, pull, here = jax.vjp(lambda p, s: segment(p, s, index), parameters, begin, has_aux=True)
        new, onward = pull((jnp.ones(()), onward))
        return index - 1, gradient + new, onward, entropy + here

    onward = jax.tree.map(lambda x: jnp.zeros(x.shape[1:], x.dtype), trajectory.begins)
    start = (trajectory.segments - 1, jnp.zeros_like(parameters), onward, jnp.zeros_like(entropy_weight))
    _, gradient, onward, entropy = jax.lax.while_loop(lambda carry: carry[0] >= 0, body, start)
    # Potentials begin at the resting potential, which may be trained.
    _, pull = jax.vjp(lambda p: begin_states(make_networks(p), onward.v.shape[1]), parameters)
    return gradient + pull(onward)[0], entropy


def begin_states(networks: Network, episodes: int) -> NetworkState:
    """Potentials [R, E, …] at the beginning of episodes."""
    return jax.vmap(lambda network: initial_state(network, (episodes,)))(networks)
