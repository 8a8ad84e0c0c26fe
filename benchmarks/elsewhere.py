"""The tables of docs/elsewhere.md: returns in other simulators, in other physics, and what a policy's step costs.

ZOO_READERS=FOLDER python benchmarks/elsewhere.py simulators     # environments as docs/elsewhere.md makes them
python benchmarks/elsewhere.py physics
python benchmarks/elsewhere.py card                              # zoo.policy beside the published returns
python benchmarks/elsewhere.py act
"""

import argparse
import os
import tempfile
import time
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import zoo
from zoo.evaluation.episodes import agrees, initial_keys
from zoo.interchange.elsewhere import Elsewhere
from zoo.interchange.exporting import export_nir
from zoo.interchange.readers import READERS
from zoo.models import network_step
from zoo.tasks import make_task
from zoo.tasks.brax import BACKENDS
from zoo.tasks.image_data import load_images

SIMULATED = ("hetsnn-cartpole500-1024", "homsnn-cartpole500-1024", "hetsnn-hp-4096", "homsnn-hp-4096")
CLASSIFYING = ("hetsnn-mnist-4096", "homsnn-mnist-4096")
MOVED = ("hetsnn-hp-4096", "homsnn-hp-4096", "homsnn-wal-4096", "homsnn-hc-4096", "homsnn-ant-4096")
CARDS = ("hetsnn-mem25-1024", "hetsnn-cartpole500-1024", "hetsnn-hp-4096", "homsnn-hp-4096", "homsnn-wal-4096")
GYMNASIUM = {"hp": "Hopper-v5", "wal": "Walker2d-v5", "hc": "HalfCheetah-v5", "ant": "Ant-v5"}
EARLY = 50


class Play:
    """Episodes of a task in one batch, step by step: the same compiled physics, whoever answers."""

    def __init__(self, task, episodes):
        self.task, self.episodes = task, episodes
        self._reset, self._step = jax.jit(jax.vmap(task.reset)), jax.jit(jax.vmap(task.step))

    def __call__(self, respond, seed=0):
        """Returns [N] after `EARLY` steps and at the end; `respond` makes readouts [N, a] of observations [N, o]."""
        state, observation = self._reset(initial_keys(seed, self.episodes), jnp.arange(self.episodes))
        alive, returns, early = np.ones(self.episodes, bool), np.zeros(self.episodes), None
        for t in range(self.task.episode_limit):
            result = self._step(state, respond(np.asarray(observation)))
            state, observation = result.state, result.observation
            returns += np.where(alive, result.reward, 0)
            alive &= ~np.asarray(result.done)
            early = returns.copy() if t < EARLY else early
            if not alive.any():
                break
        return early, returns


def of_policy(policy, episodes):
    """What a policy answers."""
    policy.reset(batch=episodes)

    def respond(observation):
        policy.act(observation)
        return policy.readout

    return respond


def one_by_one(policy, episodes):
    """What a policy answers by products of vectors, not of a batch, as simulators do: other last bits."""
    step, state = jax.jit(lambda o, s: jax.lax.map(lambda pair: policy.step(*pair), (o, s))), None

    def respond(observation):
        nonlocal state
        _, output, state = step(observation, policy.initial_state((episodes,)) if state is None else state)
        return output.readout

    return respond


def difference(returns, reference):
    """Mean paired difference and its standard error."""
    gap = returns - reference
    return f"{gap.mean():+.3g} ± {gap.std(ddof=1) / np.sqrt(len(gap)):.2g}"


def start(model, reader, folder):
    """A model's first network in a simulator, or why it cannot be."""
    python = Path(os.environ["ZOO_READERS"]) / reader / "bin/python"
    try:
        return Elsewhere(python, reader, export_nir(model, folder / "model.nir", reader=reader)), ""
    except ValueError as error:
        return None, str(error)


def simulators(episodes, models):
    """Returns and accuracies with the network in each simulator, beside JAX."""
    print("| model | where | return | paired difference | largest after 50 steps |\n|---|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for name in models or SIMULATED + CLASSIFYING:
            if name in CLASSIFYING:
                classify_elsewhere(zoo.load(name), Path(folder))
                continue
            model = zoo.load(name)
            play, policy = Play(model.task(), episodes), zoo.policy(model)
            early, expected = play(one_by_one(policy, episodes))
            print(f"| {name} | JAX, one by one | {expected.mean():.1f} | | |", flush=True)
            soon, returns = play(of_policy(policy, episodes))
            row("JAX, in a batch", name, soon - early, returns, expected)
            for reader in READERS:
                network, reason = start(model, reader, Path(folder))
                if network is None:
                    print(f"| {name} | {reader} | refused: {reason} | | |", flush=True)
                    continue
                with network:
                    network.reset()
                    soon, returns = play(lambda o, n=network, m=model: n.step(np.asarray(m.observe(o)))[1])
                row(reader, name, soon - early, returns, expected)


def row(where, name, early, returns, expected):
    """A line of the table."""
    worst = np.abs(early).max()
    print(f"| {name} | {where} | {returns.mean():.1f} | {difference(returns, expected)} | {worst:.1g} |", flush=True)


def classify_elsewhere(model, folder):
    """Accuracy on the test images with the network in each simulator."""
    task, (pixels, labels) = model.task(), load_images(model.task().name, "test")
    expected = model.classify(pixels)
    print(f"| {model.name} | JAX | {100 * np.mean(expected == labels):.2f} % | | |")
    currents = np.asarray(task.currents(pixels))
    for reader in READERS:
        network, reason = start(model, reader, folder)
        if network is None:
            print(f"| {model.name} | {reader} | refused: {reason} | | |", flush=True)
            continue
        with network:
            network.reset()
            logits = sum(network.step(currents)[1] for _ in range(task.steps))
        answers = logits.argmax(-1)
        other = f"{(answers != expected).sum()} of {len(labels):,} images"
        print(f"| {model.name} | {reader} | {100 * np.mean(answers == labels):.2f} % | {other} | |", flush=True)


def physics(episodes, models):
    """Returns of policies trained in Brax's spring physics in others."""
    import gymnasium

    print(f"| model | {' | '.join(BACKENDS)} | Gymnasium v5 |\n|---|{'---:|' * (len(BACKENDS) + 1)}")
    for name in models or MOVED:
        model, row = zoo.load(name), []
        policy, options = zoo.policy(model), model.config["task"]["options"]
        for backend in BACKENDS:
            task = make_task(model.task().name, **(options | {"backend": backend}))
            _, returns = Play(task, episodes)(of_policy(policy, episodes))
            row.append(f"{returns.mean():.0f} ± {returns.std(ddof=1) / np.sqrt(episodes):.0f}")
        more = {"include_cfrc_ext_in_observation": False} if model.task().name == "ant" else {}
        environment = gymnasium.make_vec(GYMNASIUM[model.task().name], num_envs=episodes, **more)
        returns = in_gymnasium(policy, environment)
        row.append(f"{returns.mean():.0f} ± {returns.std(ddof=1) / np.sqrt(episodes):.0f}")
        print(f"| {name} | {' | '.join(row)} |", flush=True)


def in_gymnasium(policy, environment):
    """Returns of the first episode of each environment."""
    observation, _ = environment.reset(seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # That is what is measured here.
        policy.reset(environment=environment)
    alive, returns = np.ones(environment.num_envs, bool), np.zeros(environment.num_envs)
    while alive.any():
        observation, reward, terminated, truncated, _ = environment.step(policy.act(observation))
        returns += np.where(alive, reward, 0)
        alive &= ~(terminated | truncated)
    return returns


def card(episodes, models):
    """Returns of `zoo.policy` beside the published ones, from the same initial states."""
    print("| model | training seed | policy | card | paired difference | agrees |\n|---|---|---:|---:|---:|---|")
    for name in models or CARDS:
        model = zoo.load(name)
        row = model.evaluation["seeds"][0]
        published = np.array(row["returns"])
        count = len(published)
        _, returns = Play(model.task(), count)(of_policy(zoo.policy(model), count), model.evaluation["seed"])
        print(
            f"| {name} | {row['training_seed']} | {returns.mean():.1f} | {published.mean():.1f} "
            f"| {difference(returns, published)} | {'yes' if agrees(returns, published) else 'NO'} |",
            flush=True,
        )


@jax.jit
def bare(policy, state, observations):
    """An episode's network alone."""
    return jax.lax.scan(lambda s, o: network_step(policy.network, s, o)[::-1], state, observations)


@jax.jit
def whole(policy, state, observations):
    """The same with normalisation and action map."""

    def step(state, observation):
        action, output, state = policy.step(observation, state)
        return state, (action, output)

    return jax.lax.scan(step, state, observations)


def act(episodes, models):
    """What a policy's step costs: beside the bare network under jit, and eagerly."""
    print("| model | bare step, µs | policy.step, µs | ratio | eager act, NumPy, ms |\n|---|---:|---:|---:|---:|")
    for name in models or ("hetsnn-hp-4096", "hetsnn-hp-16384", "hetsnn-ant-16384", "homsnn-hp-4096"):
        policy = zoo.policy(name)
        steps, rounds = 300, 60
        observations = np.random.default_rng(0).normal(0, 1, (steps, policy.observation_size)).astype(np.float32)
        times = {bare: [], whole: []}
        for _ in range(rounds):  # In turn, so that a slow spell of the machine meets both.
            for run, taken in times.items():
                begin = time.perf_counter()
                jax.block_until_ready(run(policy, policy.initial_state(), observations))
                taken.append((time.perf_counter() - begin) / steps * 1e6)
        eager = []
        for observation in observations:
            begin = time.perf_counter()
            policy.act(observation)
            eager.append((time.perf_counter() - begin) * 1e3)
        a, b = (min(taken[1:]) for taken in times.values())
        print(f"| {name} | {a:.1f} | {b:.1f} | {b / a:.2f} | {np.median(eager[1:]):.3f} |", flush=True)


TABLES = {"simulators": simulators, "physics": physics, "card": card, "act": act}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("models", nargs="*", help="by default those of the documentation")
    parser.add_argument("--episodes", type=int, default=32)
    arguments = parser.parse_args()
    jax.config.update("jax_compilation_cache_dir", str(Path(tempfile.gettempdir()) / "hetsnn-zoo-elsewhere-jax"))
    TABLES[arguments.table](arguments.episodes, arguments.models)
