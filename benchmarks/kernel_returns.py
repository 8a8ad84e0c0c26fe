"""Whole episodes of published policies by the compiled step and on Brax's own environment: the same returns?

    python benchmarks/kernel_returns.py --episodes 512

Single steps agree to rounding, but physics in contact is chaotic, so that after some hundred steps two computations
of one episode have nothing in common but their distribution. For each policy 512 returns of each kind, of the same
initial states, are compared by Kolmogorov and Smirnov's two-sample test, and their means by Welch's. With that many,
a shift of the mean by 0.18 standard deviations is found in 80 % of all cases at a level of 5 %, and a distance of
distributions of 0.10 about as often. The smallest p of all policies is judged against 0.05 / their number.
"""

import argparse

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

import zoo
from zoo.evaluation.episodes import evaluate_parts, initial_keys
from zoo.models import build
from zoo.tasks.compiled import compiled_rollout, find_kernel
from zoo.tasks.rollout import Policies

MODELS = ("hetsnn-{}-4096", "homsnn-{}-4096", "hetsnn-{}-16384")


def returns(model, episodes):
    """Of one training seed: on Brax's environment, and by the kernel."""
    task, clip, seen = model.task(), model.recipe.observation_clip, model.observation_stats(0)
    parts = model.parts(0)
    stacked = {name: np.asarray(x)[None] for name, x in parts.items()}
    one = None if seen is None else jax.tree.map(lambda x: x[None], seen)
    brax, _, _ = evaluate_parts(task, stacked, one, clip, episodes, 1)
    keys = initial_keys(1, episodes)[None, None]
    group = Policies(build(jax.tree.map(lambda x: jnp.asarray(x)[:, None], stacked)), keys, one, 1)
    kernel = find_kernel(task).step

    @jax.jit
    def play(networks, keys, one):
        return compiled_rollout(kernel, group._replace(networks=networks, keys=keys, stats=one), clip=clip).returns

    return brax[0], np.asarray(play(group.networks, keys, one)).ravel()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=512)
    parser.add_argument("--robots", nargs="+", default=["hp", "wal", "hc", "ant"])
    arguments = parser.parse_args()
    worst, count = 1.0, len(arguments.robots) * len(MODELS)
    for robot in arguments.robots:
        for pattern in MODELS:
            name = pattern.format(robot)
            a, b = returns(zoo.load(name), arguments.episodes)
            if not np.isfinite(b).all():
                raise SystemExit(f"{name}: {(~np.isfinite(b)).sum()} of the kernel's returns are not finite numbers")
            distance = stats.ks_2samp(a, b)
            welch = stats.ttest_ind(a, b, equal_var=False)
            worst = min(worst, distance.pvalue, welch.pvalue)
            print(
                f"{name}: Brax {a.mean():.1f} ± {a.std():.1f}, kernel {b.mean():.1f} ± {b.std():.1f}; "
                f"distance {distance.statistic:.3f} (p {distance.pvalue:.2f}), means p {welch.pvalue:.2f}",
                flush=True,
            )
    print(f"smallest p {worst:.3f}; of {2 * count} tests one is expected below {0.5 / count:.3f}")
    raise SystemExit(int(worst < 0.05 / (2 * count)))


if __name__ == "__main__":
    main()
