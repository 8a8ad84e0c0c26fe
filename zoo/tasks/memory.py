"""Memory length (bsuite's `memory_len`, section 4.1): repeat a bit that was shown N steps ago."""

import dataclasses
import functools

from zoo.core.packages import needed_for
from zoo.registry.families import ModelName
from zoo.registry.interface import Interface, Quantity
from zoo.registry.paper import PaperFamily
from zoo.registry.settings import POSITIVE, setting
from zoo.tasks.base import ControlTask, Step


@functools.cache
def _environment():
    with needed_for("memory length", "gymnax", "six"):
        from gymnax.environments.bsuite.memory_chain import MemoryChain

    return MemoryChain()


@dataclasses.dataclass(frozen=True, slots=True)
class MemoryLength(ControlTask):
    """gymnax's `MemoryChain` with one bit, equal to bsuite's `memory_len` step by step.

    The observation is [time left, query, context]; the context (±1) is shown at the reset and by the
    first step, N + 1 actions are taken, and the last one earns +1 if it equals the context, else -1.
    There are just two different episodes, so episodes alternate between them and the mean over an
    even number of them is exact.

    Attributes:
        length: N.
        temperature_v: of the softmax policy behind `Step.expected`, in volts.
    """

    length: int
    temperature_v: float = setting(
        0.025, "of the softmax policy whose expected reward a fitness may add, in volts.", POSITIVE, unit="V"
    )

    observation_size = 3
    action_size = 2
    max_return = 1.0
    evaluation_episodes = 2

    @property
    def name(self) -> str:
        """``mem{N}``."""
        return f"mem{self.length}"

    @property
    def episode_limit(self) -> int:
        """N + 1 actions."""
        return self.length + 1

    @property
    def _params(self):
        return _environment().default_params.replace(memory_length=self.length, max_steps_in_episode=self.length + 2)

    def reset(self, key, episode):
        """Context ``episode % 2``."""
        import jax.numpy as jnp

        env = _environment()
        _, state = env.reset_env(key, self._params)
        state = state.replace(context=jnp.full((1,), episode % 2, jnp.int32))
        return state, env.get_obs(state, self._params)

    def action(self, readout):
        """The readout that is higher; the first one in a tie."""
        return readout.argmax(-1)

    def step(self, state, readout):
        """See `Step`. With p = softmax(readout / temperature), the expected reward is 2 p(context) - 1."""
        import jax.numpy as jnp

        context = state.context[0]
        decides = state.time >= self.length
        observation, state, reward, done, _ = _environment().step_env(None, state, self.action(readout), self._params)
        margin = (readout[1] - readout[0]) * (2 * context - 1)
        expected = jnp.where(decides, jnp.tanh(margin / (2 * self.temperature_v)), 0.0)
        return Step(state, observation, jnp.float32(reward), done, expected)


_EXAMPLE = """\
import jax
from gymnax.environments.bsuite.memory_chain import MemoryChain

import zoo

environment = MemoryChain()
settings = environment.default_params.replace(memory_length={length}, max_steps_in_episode={most})
policy = zoo.policy("{model}", seed=0)  # of training seed 0
policy.reset()                                  # all neurons at rest, at the beginning of each episode
observation, state = environment.reset_env(jax.random.key(1), settings)
done = False
while not done:
    action = policy.act(observation)            # 0 or 1
    observation, state, reward, done, _ = environment.step_env(None, state, action, settings)
print(f"reward {{float(reward):+.0f}}")
"""


class MemoryFamily(PaperFamily):
    """Memory length (Fig. 2)."""

    name = "mem"
    pattern = r"mem[1-9]\d*"
    spelling = "mem{N}"
    title = "memory length"
    description = (
        "bsuite's memory length task with {n} steps (remember one bit, repeat it {n} steps later; return ±1)"
    )
    limits = "The network knows this one delay; other lengths were not trained."
    tasks = ("mem5", "mem10", "mem15", "mem20", "mem25", "mem50", "mem100")
    budgets = (1024,)
    figure = "Fig. 2"
    even_episodes = True
    idle = ("physics", "short_limit", "short_generations")
    task_class = MemoryLength

    def make_task(self, task: str, **options) -> MemoryLength:
        """Of that length."""
        return MemoryLength(self.number(task), **options)

    def tags(self, task: str) -> tuple[str, ...]:
        """As bsuite calls it."""
        return ("bsuite", "memory_len")

    def interface(self, model: ModelName, task) -> Interface:
        """What bsuite shows, and the bit."""
        n = self.number(model.task)
        return Interface(
            environment=f"bsuite's `memory_len` of length {n}, which gymnax has as `MemoryChain-bsuite`",
            observations=(
                Quantity("what is left of the time, 1 - step / length", "1 to 0"),
                Quantity("which bit is asked for; of one bit always the first", "0"),
                Quantity("the bit, at the reset and by the first step", "±1, later 0"),
            ),
            actions=(Quantity("the bit was -1", "readout in V"), Quantity("the bit was +1", "readout in V")),
            seen="bsuite's own observation",
            done="the action is the number of the higher readout, 0 where they are equal",
            reward=f"{n + 1} actions are taken; the last one earns +1 if it is the bit, else -1, all others nothing.",
            example=_EXAMPLE.format(model=model, length=n, most=n + 2),
        )

    def in_figure(self, model: ModelName) -> bool:
        """Up to 25 steps."""
        return super().in_figure(model) and self.number(model.task) <= 25

    def paper_reward(self, model: ModelName) -> str | None:
        """What section 4.1 says of one model."""
        said = (model.task, model.kind) == ("mem25", "het") and self.in_figure(model)
        return "about 0.9" if said else None


def _by_evolution(model: ModelName) -> dict:
    """One recipe for all lengths and both kinds, from Table 4's initial values; docs/memory.md tells what was tried.

    The return alone is the same for all members as soon as each gives one answer to both contexts; the
    smooth term tells them apart, and a slower centre does not leave the region where it does.
    """
    return {
        "seeds": 50 if FAMILY.number(model.task) <= 25 else 10,
        "generations": 600,
        "episodes": 2,
        "centre_lr": 0.05,
        "centre_lr_final": 0.005,
        "expected_reward_weight": 1.0,
    }


MemoryFamily.recipes = {"pgpe": _by_evolution}
FAMILY = MemoryFamily()
