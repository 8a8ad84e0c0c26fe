"""What decides how proximal policy optimisation trains a network."""

import dataclasses
import math

from zoo.core.divisors import largest_divisor
from zoo.models import SURROGATES, NetworkConfig
from zoo.registry.settings import NOT_NEGATIVE, POSITIVE, Rule, at_least, between, check, one_of, require, setting

_PART_NUMBERS = 2**17
"""Potentials that a gradient holds at a time: half a MiB, with which all its arrays stay in a core's cache."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PPOSettings:
    """Of one training by PPO."""

    environments: int = setting(256, "of a run, each of which goes on from update to update.", at_least(1))
    steps: int = setting(32, "of each environment in an update; also how far gradients reach back.", at_least(1))
    epochs: int = setting(4, "how often an update uses what it has collected.", at_least(1))
    minibatches: int = setting(8, "of an epoch, of whole sequences.", at_least(1))
    discount: float = setting(0.99, "factor on later rewards, per step.", between(0, 1))
    decay: float = setting(0.95, "lambda of generalised advantage estimation.", between(0, 1))
    clip: float = setting(0.2, "largest relative change of an action's probability that still counts.", POSITIVE)
    entropy_weight: float = setting(0.002, "of the policy's entropy in the objective.", NOT_NEGATIVE)
    x_tau_rate: float = setting(1e-2, "of Adam, for time constants.", NOT_NEGATIVE)
    v_th_rate: float = setting(3e-3, "of Adam, for thresholds.", NOT_NEGATIVE)
    v_rest_rate: float = setting(3e-3, "of Adam, for resting potentials.", NOT_NEGATIVE)
    r_rate: float = setting(1e-2, "of Adam, for resistances.", NOT_NEGATIVE)
    weight_rate: float = setting(1e-3, "of Adam, for weights.", NOT_NEGATIVE)
    std_rate: float = setting(5e-4, "of the logarithms of the actions' deviations.", NOT_NEGATIVE)
    critic_rate: float = setting(1e-3, "of the critic.", NOT_NEGATIVE)
    final_rate: float = setting(
        1.0, "part of all rates that is left in the last update; they fall along a line.", between(0, 1)
    )
    kl: float = setting(
        0.015, "divergence of an update in nats that a factor on the actor's rates aims at.", POSITIVE
    )
    most_factor: float = setting(1.0, "largest value of that factor.", POSITIVE)
    least_factor: float = setting(0.05, "least value of that factor.", POSITIVE)
    clip_norm: float = setting(
        1.0, "longest gradient, of actor and critic apart; a longer one is shortened to it.", POSITIVE
    )
    pull: float = setting(
        0.0, "part of the distance to its initial value by which a parameter returns, times its rate.", NOT_NEGATIVE
    )
    log_std: float = setting(
        -0.7, "logarithm of the actions' deviations in the beginning.", Rule(math.isfinite, "finite")
    )
    critic_layers: tuple[int, ...] = setting(
        (64, 64),
        "widths of the critic's hidden layers.",
        Rule(lambda widths: all(w >= 1 for w in widths), "of widths of at least 1"),
    )
    critic_potentials: bool = setting(True, "whether it sees the readout's potentials besides the observation.")
    physics: str = setting(
        "kernel",
        "what computes Brax's steps while training: kernel (compiled, `zoo.kernels`), lanes (JAX, the batch last "
        "on processors) or brax (JAX under `vmap`); evaluations always play on Brax's own environment.",
        one_of("kernel", "lanes", "brax"),
    )
    surrogate: str = setting(
        "arctan", "how spikes are differentiated: arctan, log-sign or triangle.", one_of(*SURROGATES)
    )
    alpha: float = setting(2.0, "steepness of the surrogate, in 1/V.", POSITIVE)
    detach_reset: bool = setting(True, "leave the reset out of the gradient (Eq. 11) instead of in it (Eq. 9).")
    stagger: bool = setting(True, "spread the first episodes' ends over the time limit.")

    def __post_init__(self):
        check(self)
        whole = self.environments % self.minibatches == 0
        require("minibatches", self.minibatches, whole, f"a divisor of {self.environments} environments")
        require("most_factor", self.most_factor, self.least_factor <= self.most_factor, "at least least_factor")

    @property
    def sequences(self) -> int:
        """Of a minibatch."""
        return self.environments // self.minibatches

    def rate(self, name: str) -> float:
        """Of a part of the network."""
        return getattr(self, f"{name}_rate", self.weight_rate)

    def part(self, config: NetworkConfig, sequences: int) -> int:
        """How many of a minibatch's sequences a gradient should hold at a time: a divisor of them."""
        return largest_divisor(sequences, _PART_NUMBERS // (self.steps * config.hidden))
