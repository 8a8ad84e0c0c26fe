"""One step of each robot, from 1,000 states: the kernel's, Brax's, the batch last, and Brax's in double precision.

    python benchmarks/kernel_steps.py --robots hp hc

Ten episodes of 100 steps under random torques, through flight, contact and fall. Each way steps from the same states;
what counts is the worst number of an observation. In single precision no two ways of rounding agree at a contact that
one of them just misses, Brax's own two among them: how far each is from double precision says which is to be trusted.
"""

import argparse

import jax
import jax.numpy as jnp
import numpy as np

from zoo.tasks.brax import BraxTask
from zoo.tasks.compiled import find_kernel
from zoo.tasks.lanes import vmap_last

EPISODES, STEPS, BOUND = 10, 100, 1e-4


def states_of(task, seed=0):
    """States and actions [..., N] along random episodes, by Brax under `vmap`."""
    keys = jax.random.split(jax.random.key(seed), EPISODES)
    actions = jax.random.uniform(jax.random.key(seed + 1), (STEPS, EPISODES, task.action_size), minval=-1, maxval=1)

    @jax.jit
    def run(keys, actions):
        state, _ = jax.vmap(task.reset, in_axes=(0, None))(keys, 0)

        def step(state, action):
            return jax.vmap(task.step)(state, action).state, state

        return jax.lax.scan(step, state, actions)[1]

    flat = jax.tree.map(lambda x: jnp.moveaxis(x.reshape(-1, *x.shape[2:]), 0, -1), run(keys, actions))
    return flat, actions.reshape(-1, task.action_size).T


def ways(task):
    """Functions of states [..., N] and actions [A, N]: observation [I, N], reward [N], done [N]."""
    kernel = find_kernel(task).step
    last = {"in_axes": -1, "out_axes": -1}

    def by_kernel(state, action):
        return kernel.step(kernel.begin(state), action)[1]

    def in_double(state, action):
        with jax.enable_x64(True):
            wide = jax.tree.map(lambda x: x.astype(jnp.float64) if x.dtype == jnp.float32 else x, (state, action))
            return jax.jit(jax.vmap(task.step, **last))(*wide)

    return {
        "Brax": jax.jit(jax.vmap(task.step, **last)),
        "batch last": jax.jit(vmap_last(task.step), compiler_options=task.cpu_options),
        "kernel": jax.jit(by_kernel),
        "double": in_double,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--robots", nargs="+", default=["hp", "wal", "hc", "ant"])
    arguments = parser.parse_args()
    for robot in arguments.robots:
        task = BraxTask(robot)
        # Two descriptions of one robot; what they say of its state is the same.
        state, action = states_of(task)
        out = {name: way(state, action) for name, way in ways(task).items()}
        found = {name: np.asarray(x.observation, np.float64) for name, x in out.items()}
        for a, b in (("kernel", "Brax"), ("batch last", "Brax"), *((x, "double") for x in ("kernel", "Brax"))):
            worst = abs(found[a] - found[b]).max(0)
            rewards = abs(np.asarray(out[a].reward, np.float64) - np.asarray(out[b].reward, np.float64)).max()
            above = (~(worst <= BOUND)).sum()  # NaN, too.
            ends = int((np.asarray(out[a].done) != np.asarray(out[b].done)).sum())
            print(
                f"{robot}: {a} against {b}: worst {worst.max():.1e}, above {BOUND:g} in {above} of "
                f"{worst.size} states; reward {rewards:.1e}; {ends} ends differ",
                flush=True,
            )


if __name__ == "__main__":
    main()
