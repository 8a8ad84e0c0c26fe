"""Everything that decides how a model is trained, and the zoo's choice for each name."""

import dataclasses
import math

from zoo.models import DT_MS, SURROGATES, WEIGHTS, NetworkConfig
from zoo.registry.names import BRAX_TASKS, ModelName, parse
from zoo.tasks import Task, make_task
from zoo.tasks.compiled import PHYSICS
from zoo.tasks.images import FITNESSES

METHODS = ("pgpe", "bp")
OPTIMISERS = ("adam", "sgd", "clipup")
BASELINES = ("none", "running", "leave-one-out")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Settings of one training. The defaults are the paper's where it names them (section 6.2).

    Attributes:
        method: pgpe (evolution strategy) or bp (surrogate gradients).
        seeds: number of training seeds, 0 … seeds-1; each has random weights of its own.
        generations: updates of the search distribution.
        population: members, in antithetic pairs.
        episodes: episodes per member and generation.
        optimiser: of the distribution's centre: adam, sgd or clipup.
        centre_lr: its learning rate.
        centre_lr_final: learning rate that a cosine leads to in the last generation; by default none.
        centre_lr_drop: number of generations at `centre_lr`, before all others are at `centre_lr_final`, in place of
            the cosine; by default none. How long the training is then matters to no generation.
        sigma: initial standard deviation of the search distribution.
        sigma_lr: its learning rate.
        sigma_final: what sigma, besides its own learning, is led to as `centre_lr` is to `centre_lr_final`: every
            standard deviation is multiplied by the same factors; by default none.
        sigma_max_change: largest relative change of sigma in a generation.
        expected_reward_weight: fitness = return + this * sum of `Step.expected`, where the task has it.
        temperature_v: of the softmax policy behind `Step.expected`, and behind images' cross-entropy, in volts.
        tau_ms: initial membrane time constant in ms: one value, or two ends of a log-uniform spread.
        v_th: initial threshold, in volts.
        normalise_observations: by the running statistics of the population's live steps.
        observation_clip: bound of normalised observations, in standard deviations.
        backend: Brax's physics: spring, generalized, positional or mjx.
        action_map: how a readout becomes a Brax action: clip or tanh.
        action_gain: factor on the readout before that, in 1/V.
        episode_limit: most steps of a Brax episode.
        short_limit: most steps of an episode in the first `short_generations` generations; by default none are short.
            More of the same steps then go into moving the search distribution.
        short_generations: number of generations of short episodes.
        physics: what computes Brax's steps while training: kernel (compiled, `zoo.kernels`), lanes (JAX, with the
            batch last on processors) or brax (JAX under `vmap`); evaluations always play on Brax's own environment.
        batch: episodes of a gradient update; images of an update or a generation.
        learning_rate: of Adam, for gradients.
        learning_rate_final: learning rate that a cosine leads to in the last update; by default none.
        clip_norm: longest gradient; a longer one is shortened to it. By default none.
        surrogate: how spikes are differentiated: arctan, log-sign or triangle.
        alpha: steepness of the surrogate, in 1/V.
        detach_reset: leave the reset out of the gradient (Eq. 11) instead of in it (Eq. 9).
        segment_steps: steps that the backward pass holds at a time; by default the root of the longest
            episode's, for least memory.
        policy_temperature_v: of the softmax over readouts that REINFORCE samples from, in volts.
        discount: factor on later rewards, per step.
        baseline: of REINFORCE: none, running or leave-one-out.
        standardise_advantages: divide them by their root mean square over an update's steps.
        entropy_weight: of the policy's entropy in the objective.
        fitness: what ranks members on images: cross-entropy or accuracy.
        input_gain: current of a white pixel, in units of 20 nA.
        block_neurons: on images, neurons that are searched apart from the others, each block with a population
            of its own (`zoo.training.methods.pgpe.BlockSearch`); by default all neurons together.
    """

    method: str = "pgpe"
    seeds: int = 5
    generations: int = 1000
    population: int = 256
    episodes: int = 1
    optimiser: str = "adam"
    centre_lr: float = 0.15
    centre_lr_final: float | None = None
    centre_lr_drop: int | None = None
    sigma: float = 0.1
    sigma_lr: float = 0.1
    sigma_max_change: float = 0.2
    sigma_final: float | None = None
    expected_reward_weight: float = 0.0
    temperature_v: float = 0.025
    tau_ms: tuple[float, ...] = (20.0,)
    v_th: float = 0.5
    normalise_observations: bool = False
    observation_clip: float = 5.0
    backend: str = "spring"
    action_map: str = "clip"
    action_gain: float = 1.0
    episode_limit: int = 1000
    short_limit: int | None = None
    short_generations: int | None = None
    physics: str = "lanes"
    batch: int = 16
    learning_rate: float = 0.03
    learning_rate_final: float | None = None
    clip_norm: float | None = None
    surrogate: str = "arctan"
    alpha: float = 2.0
    detach_reset: bool = False
    segment_steps: int | None = None
    policy_temperature_v: float = 1.0
    discount: float = 0.99
    baseline: str = "leave-one-out"
    standardise_advantages: bool = True
    entropy_weight: float = 0.0
    fitness: str = "cross-entropy"
    input_gain: float = 1.0
    block_neurons: int | None = None

    def __post_init__(self):
        def need(name, ok, rule):
            if not ok:
                raise ValueError(f"{name} (={getattr(self, name)}) must be {rule}")

        for name in ("seeds", "generations", "episodes", "episode_limit"):
            need(name, getattr(self, name) >= 1, "at least 1")
        need("population", self.population >= 2 and self.population % 2 == 0, "even and at least 2")
        need("method", self.method in METHODS, f"one of {', '.join(METHODS)}")
        need("optimiser", self.optimiser in OPTIMISERS, f"one of {', '.join(OPTIMISERS)}")
        for name in ("centre_lr", "sigma", "temperature_v", "observation_clip", "action_gain"):
            need(name, 0 < getattr(self, name) < math.inf, "positive and finite")
        for name in ("sigma_lr", "sigma_max_change", "expected_reward_weight"):
            need(name, 0 <= getattr(self, name) < math.inf, "finite and not negative")
        need("sigma_max_change", self.sigma_max_change < 1, "below 1")
        if self.centre_lr_final is not None:
            need("centre_lr_final", 0 <= self.centre_lr_final <= self.centre_lr, "between 0 and centre_lr")
        if self.centre_lr_drop is not None:
            need("centre_lr_drop", self.centre_lr_drop >= 1, "at least 1")
            finals = (self.centre_lr_final, self.sigma_final)
            need("centre_lr_drop", finals != (None, None), "left out without a centre_lr_final or sigma_final")
        if self.sigma_final is not None:
            need("sigma_final", 0 < self.sigma_final <= self.sigma, "positive and at most sigma")
        need("tau_ms", len(self.tau_ms) in (1, 2) and min(self.tau_ms) > DT_MS, f"1 or 2 values over {DT_MS:g}")
        need("v_th", 0 < self.v_th < math.inf, "positive and finite")
        together = (self.short_limit is None) == (self.short_generations is None)
        need("short_generations", together, "given together with short_limit")
        if self.short_limit is not None:
            need("short_limit", 1 <= self.short_limit <= self.episode_limit, "between 1 and episode_limit")
            need("short_generations", self.short_generations >= 1, "at least 1")
        need("physics", self.physics in PHYSICS, f"one of {', '.join(PHYSICS)}")
        need("fitness", self.fitness in FITNESSES, f"one of {', '.join(FITNESSES)}")
        need("block_neurons", self.block_neurons is None or self.block_neurons >= 1, "at least 1")
        need("block_neurons", self.block_neurons is None or self.method == "pgpe", "left out with gradients")
        need("input_gain", 0 < self.input_gain < math.inf, "positive and finite")
        self._check_gradients(need)

    @property
    def open_ended(self) -> bool:
        """Whether the beginning of a longer training is a shorter one: no rate falls towards the last generation."""
        if self.method == "bp":
            return self.learning_rate_final is None
        return self.centre_lr_drop is not None or (self.centre_lr_final, self.sigma_final) == (None, None)

    def _check_gradients(self, need):
        need("batch", self.batch >= 1, "at least 1")
        need("segment_steps", self.segment_steps is None or self.segment_steps >= 1, "at least 1")
        need("surrogate", self.surrogate in SURROGATES, f"one of {', '.join(SURROGATES)}")
        need("baseline", self.baseline in BASELINES, f"one of {', '.join(BASELINES)}")
        for name in ("learning_rate", "alpha", "policy_temperature_v"):
            need(name, 0 < getattr(self, name) < math.inf, "positive and finite")
        need("entropy_weight", 0 <= self.entropy_weight < math.inf, "finite and not negative")
        need("discount", 0 <= self.discount <= 1, "between 0 and 1")
        need("clip_norm", self.clip_norm is None or self.clip_norm > 0, "positive")
        if self.learning_rate_final is not None:
            need("learning_rate_final", 0 <= self.learning_rate_final <= self.learning_rate, "at most learning_rate")


_PGPE = {"population", "optimiser", "centre_lr", "centre_lr_final", "centre_lr_drop", "episodes", "fitness"}
_PGPE |= {"sigma", "sigma_lr", "sigma_max_change", "sigma_final", "expected_reward_weight", "block_neurons"}
_REINFORCE = {"policy_temperature_v", "discount", "baseline", "standardise_advantages", "entropy_weight"}
_GRADIENTS = {
    "learning_rate",
    "learning_rate_final",
    "clip_norm",
    "surrogate",
    "alpha",
    "detach_reset",
    "segment_steps",
}
_EPISODES = {"episodes", "expected_reward_weight", "normalise_observations", "observation_clip"}
_IMAGES = {"fitness", "input_gain", "block_neurons"}
_EXPECTED = {"expected_reward_weight", "temperature_v"}
_BRAX = {"backend", "action_map", "action_gain", "episode_limit", "physics", "short_limit", "short_generations"}


def unused_fields(model: ModelName, method: str) -> set[str]:
    """Fields of a recipe that say nothing of a model's training by a method: other methods' and other tasks'."""
    images = model.family == "image"
    unused = _PGPE if method == "bp" else _GRADIENTS | _REINFORCE
    unused = unused | (_EPISODES | _REINFORCE if images else _IMAGES)
    if model.family != "brax":
        unused = unused | _BRAX
    if not images and (model.family != "mem" or method == "bp"):
        unused = unused | _EXPECTED  # Of the control tasks, memory length alone tells what a softmax would earn.
    return unused | (set() if images or method == "bp" else {"batch"})


def default_recipe(name: str | ModelName) -> Recipe:
    """The recipe with which the zoo trains the model of that name.

    docs/memory.md, docs/recipes-cartpole.md, docs/brax-trials.md, docs/gradients.md and docs/images.md tell what was
    tried.
    """
    model = parse(name) if isinstance(name, str) else name
    if model.trainer == "bp":
        return _gradient_recipe(model)
    if model.family == "mem":
        return _memory_recipe(model)
    if model.family == "cartpole":
        return _cartpole_recipe()
    if model.task in BRAX_TASKS:
        return _brax_recipe(model)
    return _image_recipe(model)


def _memory_recipe(model: ModelName) -> Recipe:
    """One recipe for all lengths and both kinds, from Table 4's initial values.

    The return alone is the same for all members as soon as each gives one answer to both contexts; the
    smooth term tells them apart, and a slower centre does not leave the region where it does.
    """
    return Recipe(
        seeds=50 if int(model.task[3:]) <= 25 else 10,
        generations=600,
        episodes=2,
        centre_lr=0.05,
        centre_lr_final=0.005,
        expected_reward_weight=1.0,
    )


def _cartpole_recipe() -> Recipe:
    """One recipe for all limits and both kinds, with the paper's population (section 4.6).

    The paper's centre rate of 0.15 leaves one heterogeneous network in ten near 10 steps, where no member
    balances the pole any more; a slower centre and several episodes per member avoid that. See
    docs/recipes-cartpole.md.
    """
    return Recipe(
        seeds=10,
        generations=100,
        population=128,
        episodes=4,
        centre_lr=0.05,
        centre_lr_final=0.005,
        normalise_observations=True,
    )


def _brax_recipe(model: ModelName) -> Recipe:
    """The paper's search with observation statistics and a slower centre; docs/brax-trials.md tells what was tried.

    HalfCheetah cannot fall and needs strong torques: readouts of trained neurons count threefold there. Weights
    that vary make readouts large, so that those of trained weights count less; least for Ant, which pays for torques.
    Both rise again with a slower centre, when its first rate leads no further. Hopper and Walker2d end with a slower
    centre and less noise around it. Their larger networks begin with a slower one, too: with it weights get further,
    and hoppers do not learn to fall at once. A walker's neurons do not, since with it they only learned to stand.
    """
    gain = {("het", "hc"): 3.0, ("hom", "hc"): 0.3, ("hom", "ant"): 0.1}.get((model.kind, model.task), 1.0)
    first = Recipe(normalise_observations=True, centre_lr=0.05, action_gain=gain, physics="kernel")
    if model.task in ("ant", "hc"):
        return dataclasses.replace(first, centre_lr_final=0.015, centre_lr_drop=200)
    slow = model.budget > 4096 and (model.kind, model.task) != ("het", "wal")
    rate = 0.02 if slow else 0.05
    return dataclasses.replace(
        first, centre_lr=rate, centre_lr_final=0.3 * rate, centre_lr_drop=700, sigma_final=0.05
    )


def _gradient_recipe(model: ModelName) -> Recipe:
    """REINFORCE for control tasks, supervised learning for images; docs/gradients.md tells what was tried."""
    if model.family == "image":
        shared = Recipe(method="bp", seeds=3, generations=1400, batch=256, temperature_v=0.1, learning_rate_final=0.0)
        if model.kind == "het":
            return dataclasses.replace(shared, learning_rate=0.05, input_gain=3.0, v_th=0.05, tau_ms=(8.0,))
        return dataclasses.replace(shared, learning_rate=0.02, input_gain=0.5)
    return Recipe(method="bp", seeds=10, generations=1000, learning_rate_final=0.003)


_BLOCK_NEURONS = 16
"""64 dimensions of four properties, of which 16 pairs of members see enough."""


def _image_recipe(model: ModelName) -> Recipe:
    """One recipe for both sets and all budgets of a kind; docs/images.md tells what was tried."""
    shared = Recipe(seeds=3, generations=1000, temperature_v=0.1, centre_lr_final=0.0)
    if model.kind == "hom":
        return dataclasses.replace(shared, population=64, batch=256, centre_lr=0.02, input_gain=0.5, block_neurons=1)
    return dataclasses.replace(
        shared,
        population=32,
        batch=128,
        centre_lr=0.12,
        sigma=0.4,
        input_gain=12.0,
        block_neurons=math.gcd(_BLOCK_NEURONS, model.budget // len(model.properties)),
    )


def make_network_config(model: ModelName, task: Task, recipe: Recipe) -> NetworkConfig:
    """Shape and trained parts of the network that the name asks for, on that task."""
    return NetworkConfig(
        inputs=task.observation_size,
        hidden=model.hidden(task.observation_size, task.action_size),
        outputs=task.action_size,
        trained=model.properties if model.kind == "het" else WEIGHTS,
        tau_ms=recipe.tau_ms,
        v_th=recipe.v_th,
    )


def task_options(model: ModelName, recipe: Recipe) -> dict:
    """Fields of the task's dataclass that the recipe decides."""
    if model.family == "mem":
        return {"temperature_v": recipe.temperature_v}
    if model.family == "brax":
        return {
            "backend": recipe.backend,
            "action_map": recipe.action_map,
            "action_gain": recipe.action_gain,
            "limit": recipe.episode_limit,
        }
    if model.family == "image":
        return {
            "input_gain": recipe.input_gain,
            "temperature_v": recipe.temperature_v,
            "fitness": recipe.fitness,
        }
    return {}


def make_recipe_task(model: ModelName, recipe: Recipe) -> Task:
    """The task as the recipe trains it."""
    return make_task(model.task, **task_options(model, recipe))
