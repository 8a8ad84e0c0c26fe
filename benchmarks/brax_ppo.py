"""Environment steps per second of Brax's own PPO with an MLP actor, in its last epoch; imports Brax alone.

    python -m venv old && old/bin/pip install brax==0.14.2 'jax<0.10'   # JAX 0.10 lacks what Brax's trainers call
    old/bin/python benchmarks/brax_ppo.py hopper --width 120

`benchmarks/ppo.py --brax-python old/bin/python` runs it beside the zoo's.
"""

import argparse

from brax import envs
from brax.training.agents.ppo import networks, train


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("environment")
    parser.add_argument("--backend", default="spring")
    parser.add_argument("--width", default=64, type=int, help="of the actor's two hidden layers")
    for name, default in (("limit", 1000), ("environments", 256), ("steps", 32), ("epochs", 4), ("minibatches", 8)):
        parser.add_argument(f"--{name}", default=default, type=int)
    parser.add_argument("--updates", default=120, type=int)
    asked = parser.parse_args()
    told = []

    def factory(*args, **options):
        sizes = {"policy_hidden_layer_sizes": (asked.width, asked.width), "value_hidden_layer_sizes": (64, 64)}
        return networks.make_ppo_networks(*args, **sizes, **options)

    train.train(
        environment=envs.get_environment(asked.environment, backend=asked.backend),
        num_timesteps=asked.updates * asked.environments * asked.steps,
        episode_length=asked.limit,
        num_envs=asked.environments,
        unroll_length=asked.steps,
        batch_size=asked.environments // asked.minibatches,
        num_minibatches=asked.minibatches,
        num_updates_per_batch=asked.epochs,
        num_evals=4,  # Of its three epochs the first two compile.
        num_eval_envs=8,
        normalize_observations=True,
        network_factory=factory,
        progress_fn=lambda steps, metrics: told.append(metrics.get("training/sps")),
    )
    print(f"{float(told[-1]):.0f}")


if __name__ == "__main__":
    main()
