import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from zoo.models import PROPERTIES, NetworkConfig, build, build_population, initial_state, network_step
from zoo.registry.names import parse
from zoo.registry.recipe import default_recipe, make_network_config, make_recipe_task
from zoo.tasks import make_task
from zoo.tasks.brax import BACKENDS, ENVIRONMENTS, BraxTask
from zoo.tasks.lanes import CPU_OPTIONS
from zoo.tasks.rollout import Policies, rollout

LIMIT = 12
pytestmark = pytest.mark.filterwarnings("ignore:(Accessing|Brax System|JAXopt)")  # Brax's own.


@pytest.mark.parametrize("name", ["hp", "ant"])  # In the plane and in space; half a minute to compile for each.
def test_rollout_equals_a_plain_loop_over_braxs_own_environment(name):
    task = make_task(name, limit=LIMIT)
    config = NetworkConfig(
        inputs=task.observation_size, hidden=16, outputs=task.action_size, trained=PROPERTIES, v_th=0.1
    )
    initial = config.initial(0)
    rng = np.random.default_rng(0)
    members = 8  # Of two episodes: a full register, compiled as in training.
    noise = rng.normal(size=(members, config.trained_size))
    flat = jnp.asarray(config.flatten(initial) + 0.3 * noise, jnp.float32)
    frozen = {n: jnp.asarray(v) for n, v in initial.items() if n not in config.trained}
    networks = jax.tree.map(lambda x: x[None], build_population(config, frozen, flat))
    keys = jax.random.split(jax.random.key(1), (1, 1, 2))
    options = CPU_OPTIONS if jax.default_backend() == "cpu" else None
    play = jax.jit(lambda n, k: rollout(task, [Policies(n, k, None, members)]), compiler_options=options)
    (result,) = play(networks, keys)

    from brax import envs

    env = envs.get_environment(ENVIRONMENTS[name], backend="spring")
    reset, step = jax.jit(env.reset), jax.jit(env.step)
    for member, episode in np.ndindex(2, 2):
        network = build(frozen | config.split(flat[member]))
        state, potentials, total, t = reset(keys[0, 0, episode]), initial_state(network), 0.0, 0
        while t < LIMIT and not state.done:
            output, potentials = network_step(network, potentials, state.obs)
            state = step(state, jnp.clip(output.readout, -1, 1))
            total, t = total + float(state.reward), t + 1
        assert float(result.returns[0, member, episode]) == pytest.approx(total, rel=1e-3, abs=1e-3)
        assert int(result.lengths[0, member, episode]) == t
    assert float(jnp.std(result.returns)) > 0


def test_sizes_come_from_brax():
    task = make_task("hp")
    assert (task.observation_size, task.action_size) == (11, 3)
    recipe = default_recipe("homsnn-hp-4096")
    config = make_network_config(parse("homsnn-hp-4096"), make_recipe_task(parse("homsnn-hp-4096"), recipe), recipe)
    assert config.hidden == round(4096 / 14)


@pytest.mark.parametrize(
    ("action_map", "function"), [("clip", functools.partial(np.clip, a_min=-1, a_max=1)), ("tanh", np.tanh)]
)
def test_readouts_become_actions(action_map, function):
    task = BraxTask("hp", action_map=action_map, action_gain=2.0)
    readout = np.array([-3.0, 0.1, 0.9], np.float32)
    np.testing.assert_allclose(task.action(jnp.asarray(readout)), function(2 * readout), rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"backend": "bullet"}, f"backend.*{', '.join(BACKENDS)}"), ({"action_map": "sign"}, "action_map.*clip, tanh")],
)
def test_unknown_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make_task("hp", **options)
