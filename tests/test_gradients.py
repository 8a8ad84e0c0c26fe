import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from zoo.models import PROPERTIES, WEIGHTS, NetworkConfig, Surrogate, build, initial_state, network_step
from zoo.registry.recipe import make_recipe, override
from zoo.tasks import make_task
from zoo.tasks.base import ControlTask, Step
from zoo.tasks.memory import MemoryLength
from zoo.training.methods.base import Group
from zoo.training.methods.gradients import GradientHyper, Gradients, descend
from zoo.training.methods.reinforce import Policy, advantages, play, policy_gradient, policy_loss, returns_to_go
from zoo.training.run.engine import Engine, to_host

RECIPE = make_recipe("hetsnn-mem5-32-bp", seeds=1, generations=6, batch=4)
RUNS, EPISODES = 2, 3


def group(*seeds, trained=PROPERTIES, hidden=8, inputs=4, varying=(), **changes):
    config = NetworkConfig(inputs=inputs, hidden=hidden, outputs=2, trained=trained)
    return Group(config=config, recipe=override(RECIPE, **changes), seeds=seeds, varying=varying)


def train(groups, generations=3, task="cartpole30", devices=1, **options):
    engine = Engine(make_task(task), groups, devices=jax.devices()[:devices], **options)
    states, metrics = engine.advance(engine.init(), generations)
    return to_host(states), metrics


def assert_close(a, b, rtol=0.0):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol), a, b)


def played(trained, segment_steps=7, temperature=0.1):
    """Networks, policy and trajectory of two runs of CartPole."""
    config = NetworkConfig(inputs=4, hidden=8, outputs=2, trained=trained)
    runs = group(0, 1, trained=trained)

    def make_networks(parameters):
        return jax.vmap(lambda fixed, flat: build(fixed | config.split(flat)))(runs.frozen(), parameters)

    policy = Policy(None, 5.0, jnp.full(RUNS, temperature))
    keys = jax.random.split(jax.random.key(3), (2, RUNS, EPISODES))
    task = make_task("cartpole30")
    flat = jnp.asarray(runs.initial()) * 1.3
    trajectory = play(task, make_networks(flat), policy, keys[0], keys[1], jnp.arange(EPISODES), segment_steps)
    return task, keys, flat, make_networks, policy, trajectory


def flat_time(x):
    return x.reshape(-1, *x.shape[2:])


@pytest.mark.parametrize("segment_steps", [1, 7, 30])
def test_episodes_are_those_of_the_environment(segment_steps):
    """Every recorded observation, reward and end follows from the recorded actions, step by step."""
    task, keys, _, _, _, trajectory = played(WEIGHTS, segment_steps)
    observations, actions, rewards, live = map(flat_time, trajectory[:4])
    for run, episode in np.ndindex(RUNS, EPISODES):
        state, observation = task.reset(keys[0][run, episode], episode)
        for t in range(30):
            assert live[t, run, episode]
            np.testing.assert_allclose(observations[t, run, episode], observation, rtol=1e-4, atol=1e-5)
            step = task.step(state, jax.nn.one_hot(actions[t, run, episode], 2))
            assert rewards[t, run, episode] == step.reward
            state, observation = step.state, step.observation
            if step.done:
                break
        assert not live[t + 1 :, run, episode].any()
        assert not observations[t + 1 :, run, episode].any()
        assert trajectory.lengths[run, episode] == trajectory.returns[run, episode] == t + 1
    longest = int(trajectory.lengths.max())
    assert trajectory.segments == -(-longest // segment_steps)


def test_actions_follow_the_softmax():
    """One step with known logits: the frequencies of 20,000 draws."""
    config = NetworkConfig(inputs=3, hidden=4, outputs=2, trained=WEIGHTS)
    parts = {name: np.tile(value, (1, *[1] * value.ndim)) for name, value in config.initial(0).items()}
    parts |= {"w_in": np.full((1, 3, 4), 9.0, np.float32), "w_out": np.array([[[0.4, 0.0]] * 4], np.float32)}
    networks = jax.vmap(build)(parts)
    keys = jax.random.split(jax.random.key(0), (2, 1, 20_000))
    policy = Policy(None, 5.0, jnp.full(1, 0.5))
    trajectory = play(MemoryLength(1), networks, policy, keys[0], keys[1], jnp.arange(20_000), 1)
    readout = 0.25 * 1.6  # Four spikes times 0.4, through one step of the readout's membrane.
    fires = trajectory.observations[0, 0, 0].sum(-1) * 9 * 0.25 >= 0.5
    frequency = (trajectory.actions[0, 0, 0] == 0)[fires].mean()
    assert fires.sum() > 5000
    assert frequency == pytest.approx(1 / (1 + np.exp(-readout / 0.5)), abs=0.02)


@pytest.mark.parametrize("trained", [PROPERTIES, WEIGHTS, ("v_rest", "w_out"), PROPERTIES + WEIGHTS])
@pytest.mark.parametrize("segment_steps", [4, 30])
def test_gradient_equals_that_of_one_plain_pass_over_whole_episodes(trained, segment_steps):
    _, _, flat, make_networks, policy, trajectory = played(trained, segment_steps)
    advantage = jax.random.normal(jax.random.key(1), trajectory.rewards.shape) * trajectory.live
    weight, alpha = jnp.array([0.0, 0.2]), jnp.array([2.0, 0.7])
    surrogate = Surrogate("arctan", alpha, False)
    found, entropy = policy_gradient(make_networks, flat, policy, trajectory, advantage, weight, surrogate)
    observations, actions, _, live = map(flat_time, trajectory[:4])

    def loss(flat):
        networks = make_networks(flat)
        state = jax.vmap(lambda network: initial_state(network, (EPISODES,)))(networks)

        def step(state, x):
            output, state = jax.vmap(lambda n, s, x, a: network_step(n, s, x, Surrogate("arctan", a)))(
                networks, state, x, alpha
            )
            return state, output.readout

        readouts = jax.lax.scan(step, state, observations)[1]
        losses, entropies = policy_loss(policy.logits(readouts), actions, flat_time(advantage), live, weight)
        return losses.sum(), entropies

    (_, expected_entropy), expected = jax.value_and_grad(loss, has_aux=True)(flat)
    assert np.abs(expected).max() > 0.1 and (np.abs(expected).max(axis=1) > 0.01).all()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(entropy, expected_entropy, rtol=1e-4)


def test_gradient_of_a_bandit_is_that_of_its_expected_reward():
    """One step, reward 1 for action 1: REINFORCE's mean is the gradient of p(1), known in closed form."""
    probability, logits = 0.3, jnp.log(jnp.array([0.7, 0.3]))
    actions = (jax.random.uniform(jax.random.key(0), (1, 1, 40_000)) < probability).astype(jnp.int32)
    rewards = actions.astype(jnp.float32)
    live = jnp.ones((1, 1, 40_000), bool)
    for baseline in ("none", "running", "leave-one-out"):
        advantage = advantages(rewards[None], live[None], jnp.full(1, 0.25), baseline, False)[0]

        def loss(logits, advantage=advantage):
            wide = jnp.broadcast_to(logits, (1, 1, 40_000, 2))
            return policy_loss(wide, actions, advantage, live, jnp.zeros(1))[0].sum() / 40_000

        gradient = -jax.grad(loss)(logits)
        expected = probability * (1 - probability) * np.array([-1, 1])
        np.testing.assert_allclose(gradient, expected, atol=0.01)


def test_returns_to_go():
    rewards = jnp.array([1.0, 0.0, 2.0, 4.0]).reshape(2, 2, 1, 1)
    assert returns_to_go(rewards, jnp.full((1, 1), 0.5)).ravel().tolist() == [2.0, 2.0, 4.0, 4.0]
    assert returns_to_go(rewards, jnp.ones((1, 1))).ravel().tolist() == [7.0, 6.0, 6.0, 4.0]
    assert returns_to_go(rewards, jnp.zeros((1, 1))).ravel().tolist() == [1.0, 0.0, 2.0, 4.0]


def test_advantages():
    to_go = jnp.array([[6.0, 3.0, 0.0], [4.0, 0.0, 0.0]]).reshape(1, 2, 1, 3)
    live = jnp.array([[True, True, True], [True, False, False]]).reshape(1, 2, 1, 3)
    found = {b: advantages(to_go, live, jnp.array([2.0]), b, False)[0, :, 0].tolist() for b in ("none", "running")}
    assert found == {"none": [[6, 3, 0], [4, 0, 0]], "running": [[4, 1, -2], [2, 0, 0]]}
    others = advantages(to_go, live, jnp.zeros(1), "leave-one-out", False)[0, :, 0]
    np.testing.assert_allclose(others, [[4.5, 0, -4.5], [4, 0, 0]])
    standard = advantages(to_go, live, jnp.zeros(1), "leave-one-out", True)
    assert float(jnp.square(standard).sum() / live.sum()) == pytest.approx(1.0)


def hyper(runs, **changes):
    fields = GradientHyper(*[np.zeros(runs, np.float32)] * len(GradientHyper._fields))
    defaults = {"learning_rate": 0.1, "learning_rate_final": 0.1, "clip_norm": np.inf, "generations": 11}
    return fields._replace(**{k: np.full(runs, v, np.float32) for k, v in (defaults | changes).items()})


def blank(runs=2):
    return jax.tree.map(jnp.asarray, Gradients(make_task("cartpole30"), 1).init(group(*range(runs))))


def test_descend_is_adam():
    state, gradient = blank(), jnp.stack([jnp.full(32, 3.0), jnp.full(32, -1e-3)])
    moved, norm = descend(state, gradient, hyper(2))
    np.testing.assert_allclose(moved.parameters - state.parameters, -0.1 * np.sign(gradient), rtol=1e-2)
    np.testing.assert_allclose(norm, np.linalg.norm(gradient, axis=1), rtol=1e-6)


@pytest.mark.parametrize("broken", [np.nan, np.inf, 1e30])
def test_a_gradient_that_is_not_finite_is_skipped_and_counted(broken):
    """1e30 is a number, but its square is not one in float32."""
    state = blank()
    gradient = jnp.ones((2, 32)).at[1, 5].set(broken)
    moved, norm = descend(state, gradient, hyper(2))
    assert moved.nan_gradients.tolist() == [0, 1]
    assert moved.generation.tolist() == [1, 1]
    assert np.isinf(norm[1])
    assert_close(*(jax.tree.map(lambda x: x[1], (tree.parameters, tree.adam)) for tree in (moved, state)))
    again, _ = descend(moved, jnp.ones((2, 32)), hyper(2))
    assert np.isfinite(again.parameters).all()
    assert not np.allclose(again.parameters[1], state.parameters[1])


@dataclasses.dataclass(frozen=True)
class Jackpot(ControlTask):
    """Four steps; one start in forty pays without end."""

    name: str = "jackpot"
    observation_size: int = 4
    action_size: int = 2
    episode_limit: int = 4

    def reset(self, key, episode):
        state = jax.random.normal(key, (5,))
        return state, state[:4]

    def action(self, readout):
        return readout.argmax(-1)

    def step(self, state, readout):
        reward = jnp.where(state[4] > 2.0, jnp.inf, 1.0 * self.action(readout))
        return Step(state, state[:4], reward, jnp.array(False), jnp.float32(0.0))


@pytest.mark.parametrize("baseline", ["running", "leave-one-out"])
def test_an_infinite_return_costs_its_own_update_only(baseline):
    engine = Engine(Jackpot(), [group(0, baseline=baseline)], devices=jax.devices()[:1])
    (state,), (metrics,) = engine.advance(engine.init(), 30)
    infinite = ~np.isfinite(metrics.mean[:, 0])
    assert 0 < infinite.sum() < 10
    np.testing.assert_array_equal(metrics.nan_gradients[:, 0], infinite)
    assert 0.0 < to_host(state).baseline[0] < 4.0


def test_clipping_shortens_only_long_gradients():
    """Adam's first moment after one step is a tenth of the gradient that it got."""
    gradient = jnp.stack([jnp.full(32, 1.0), jnp.full(32, 0.01)])
    moved, norm = descend(blank(), gradient, hyper(2, clip_norm=0.5))
    lengths = 10 * np.linalg.norm(moved.adam.mu, axis=1)
    np.testing.assert_allclose(lengths, [0.5, norm[1]], rtol=1e-4)


def test_learning_rate_follows_a_cosine():
    moves = []
    for generation in (0, 5, 10):
        state = blank()._replace(generation=jnp.full(2, generation, jnp.int32))
        moved, _ = descend(state, jnp.ones((2, 32)), hyper(2, learning_rate_final=0.02))
        moves.append(float(state.parameters[0, 0] - moved.parameters[0, 0]))
    np.testing.assert_allclose(moves, [0.1, 0.06, 0.02], rtol=1e-3)


def test_lockstep_runs_equal_the_same_runs_alone():
    (together,), _ = train([group(0, 1, 2, normalise_observations=True)])
    for row, seed in enumerate((0, 1, 2)):
        (alone,), _ = train([group(seed, normalise_observations=True)])
        assert_close(jax.tree.map(lambda x, r=row: x[r : r + 1], together), alone, rtol=1e-4)


def test_side_by_side_equals_one_by_one():
    reference, _ = train([group(0, 1, 2)], runs_per_block=1)
    merged, _ = train([group(0, 1, 2)], runs_per_block="all")
    assert_close(merged, reference, rtol=1e-4)


@pytest.mark.parametrize(("devices", "seeds", "mesh"), [(4, (0,), (1, 4)), (4, (0, 1), (2, 2))])
def test_many_devices_equal_one(devices, seeds, mesh):
    runs = [group(*seeds, normalise_observations=True, entropy_weight=0.01, baseline="running")]
    engine = Engine(make_task("cartpole30"), runs, devices=jax.devices()[:devices])
    assert tuple(engine.mesh.shape.values()) == mesh
    states, metrics = engine.advance(engine.init(), 3)
    one, one_metrics = train(runs)
    assert_close(to_host(states), one, rtol=2e-3)
    assert_close(metrics, one_metrics, rtol=2e-3)


def test_each_device_plays_contexts_of_its_own():
    """Memory length's contexts alternate over the episodes of an update, not over those of a device."""
    task, config = MemoryLength(2), NetworkConfig(inputs=3, hidden=8, outputs=2, trained=PROPERTIES)
    runs = Group(config=config, recipe=make_recipe("hetsnn-mem5-32-bp", batch=4, seeds=1), seeds=(0,))
    results = []
    for devices in (1, 4):
        engine = Engine(task, [runs], devices=jax.devices()[:devices])
        states, metrics = engine.advance(engine.init(), 3)
        results.append((to_host(states), metrics))
    assert_close(*results, rtol=1e-4)


def test_any_division_into_calls_gives_the_same_bits():
    engine = Engine(make_task("cartpole30"), [group(0, 1)], devices=jax.devices()[:1])
    whole, _ = engine.advance(engine.init(), 6)
    states = engine.init()
    for count in (1, 3, 2):
        states, metrics = engine.advance(states, count)
        assert metrics[0].mean.shape == (count, 2)
    assert_close(to_host(states), to_host(whole))


def test_runs_of_other_numbers_share_a_program():
    varying = (("learning_rate", (0.001, 0.1)), ("alpha", (2.0, 0.5)))
    (both,), _ = train([group(0, 0, varying=varying)])
    (alone,), _ = train([group(0, learning_rate=0.1, alpha=0.5)])
    assert_close(jax.tree.map(lambda x: x[1:], both), alone, rtol=1e-4)
    assert not np.allclose(both.parameters[0], both.parameters[1])
    with pytest.raises(ValueError, match="`alpha` varies over 1 values; there are 2 runs"):
        group(0, 0, varying=(("alpha", (1.0,)),))


def test_weights_and_properties_train_together():
    everything = PROPERTIES + WEIGHTS
    (state,), _ = train([group(0, trained=everything)], generations=2)
    config = NetworkConfig(inputs=4, hidden=8, outputs=2, trained=everything)
    before, after = config.split(group(0, trained=everything).initial()), config.split(state.parameters)
    assert all(not np.allclose(before[name], after[name]) for name in everything)


def test_metrics_describe_the_episodes():
    (state,), (metrics,) = train([group(0, batch=8)], generations=2)
    assert metrics.mean.shape == (2, 1)
    np.testing.assert_allclose(metrics.mean, metrics.length)  # CartPole's return is its length.
    assert np.all(metrics.best >= metrics.mean)
    assert state.env_steps[0] == pytest.approx(8 * metrics.length.sum())
    assert np.all((metrics.entropy > 0) & (metrics.entropy <= np.log(2) + 1e-6))


def test_reinforce_learns_to_keep_the_pole_up():
    _, (metrics,) = train([group(0, hidden=32, trained=WEIGHTS, batch=8)], generations=40, task="cartpole60")
    assert metrics.mean[:3].mean() < 35
    assert metrics.mean[-3:].mean() > 50


def test_continuous_actions_are_refused():
    with pytest.raises(ValueError, match="REINFORCE samples one of several actions; hp takes"):
        Gradients(make_task("hp"), 1)


def test_methods_are_not_mixed():
    mixed = [group(0), dataclasses.replace(group(0), recipe=make_recipe("hetsnn-mem5-32", seeds=1, generations=6))]
    with pytest.raises(ValueError, match=r"one method.*bp.*pgpe"):
        Engine(make_task("cartpole30"), mixed)


@pytest.mark.parametrize(
    ("field", "value"),
    [("surrogate", "relu"), ("baseline", "mean"), ("discount", 1.5), ("learning_rate", 0.0), ("batch", 0)],
)
def test_recipes_are_checked(field, value):
    with pytest.raises(ValueError, match=field):
        override(RECIPE, **{field: value})


def test_train_export_load_and_card(tmp_path):
    """From a name to a published checkpoint and its card, stopped and continued on the way."""
    import zoo
    from zoo.report.cards import make_card
    from zoo.training import train as zoo_train

    name = "hetsnn-cartpole20-32-bp"
    short = {"seeds": 2, "batch": 4, "generations": 4, "quiet": True}
    whole = zoo_train(name, out=tmp_path / "a", **short).folders[0]
    assert not zoo_train(name, out=tmp_path / "b", max_minutes=1e-9, **short).finished
    pieces = zoo_train(name, out=tmp_path / "b", **short).folders[0]
    model = zoo.load(str(whole / "checkpoint"))
    again = zoo.load(str(pieces / "checkpoint"))
    assert all(np.array_equal(values, again.trained[part]) for part, values in model.trained.items())
    assert model.config["recipe"]["method"] == "bp"
    assert model.config["training"]["nan_gradients"] == 0
    card = make_card(model)
    assert "REINFORCE" in card
    assert "Adam, learning rate 0.03" in card
    assert "PGPE" not in card
    assert zoo.evaluate(model, episodes=3).returns.shape == (2, 3)


def test_image_gradients_learn_and_devices_share_a_minibatch(monkeypatch, tmp_path):
    from image_files import tiny_sets

    from zoo.tasks.images import ImageTask

    tiny_sets(monkeypatch, tmp_path)
    config = NetworkConfig(inputs=784, hidden=128, outputs=10, trained=PROPERTIES)
    recipe = make_recipe("hetsnn-mnist-512-bp", seeds=1, generations=6, batch=40, learning_rate=0.05)
    runs = Group(config=config, recipe=recipe, seeds=(0,))
    results = []
    for devices in (1, 2):
        engine = Engine(ImageTask("mnist"), [runs], devices=jax.devices()[:devices])
        states, (metrics,) = engine.advance(engine.init(), 60)
        results.append((to_host(states), metrics))
    assert metrics.loss[-1, 0] < 0.5 * metrics.loss[0, 0]
    assert metrics.mean[-1, 0] > 80
    assert metrics.nan_gradients.sum() == 0
    np.testing.assert_allclose(results[0][1].loss[:5], results[1][1].loss[:5], rtol=1e-3)
    assert engine.method.totals(states[0]) == {"nan_gradients": 0}


@dataclasses.dataclass(frozen=True)
class Endless(ControlTask):
    """A task that would go on beyond its limit."""

    name: str = "endless"
    episode_limit: int = 10
    observation_size: int = 4
    action_size: int = 2

    def reset(self, key, episode):
        return jnp.int32(0), jnp.zeros(4)

    def step(self, state, readout):
        return Step(state + 1, jnp.zeros(4), 1.0, False, 0.0)


@pytest.mark.parametrize("segment_steps", [1, 3, 10])
def test_no_episode_is_longer_than_the_limit(segment_steps):
    config = NetworkConfig(inputs=4, hidden=8, outputs=2, trained=WEIGHTS)
    networks = build(jax.tree.map(lambda x: jnp.asarray(x)[None], config.initial(0)))
    keys = jax.random.split(jax.random.key(0), (1, 3))
    policy = Policy(None, 5.0, jnp.ones(1))
    trajectory = play(Endless(), networks, policy, keys, keys, jnp.arange(3), segment_steps)
    assert flat_time(trajectory[3]).sum(0).tolist() == [[10, 10, 10]]
    assert flat_time(trajectory[2]).sum(0).tolist() == [[10.0, 10.0, 10.0]]
