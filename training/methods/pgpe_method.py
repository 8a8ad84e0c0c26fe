"""PGPE as names, recipes and cards know it."""

import dataclasses
from types import MappingProxyType

from zoo.core.formatting import spent
from zoo.registry.methods import Method
from zoo.registry.settings import (
    EVEN,
    NOT_NEGATIVE,
    POSITIVE,
    Rule,
    at_least,
    between,
    check,
    one_of,
    require,
    setting,
)
from zoo.tasks.base import PHYSICS

OPTIMISERS = ("adam", "sgd", "clipup", "evojax-adam", "evojax-clipup")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """Of PGPE on any task. The defaults are the paper's where it names them (section 6.2)."""

    population: int = setting(256, "members, in antithetic pairs.", EVEN)
    optimiser: str = setting(
        "adam",
        "of the distribution's centre: adam, sgd, clipup, or EvoJAX's own adam and clipup, which differ: "
        "evojax-adam, evojax-clipup.",
        one_of(*OPTIMISERS),
    )
    centre_lr: float = setting(0.15, "its learning rate.", POSITIVE)
    centre_lr_final: float | None = setting(
        None, "learning rate that a cosine leads to in the last generation; by default none."
    )
    centre_lr_drop: int | None = setting(
        None,
        "number of generations at centre_lr, before all others are at centre_lr_final, in place of the cosine; by "
        "default none. How long the training is then matters to no generation.",
        at_least(1),
    )
    sigma: float = setting(0.1, "initial standard deviation of the search distribution.", POSITIVE)
    sigma_lr: float = setting(0.1, "its learning rate.", NOT_NEGATIVE)
    sigma_max_change: float = setting(
        0.2, "largest relative change of sigma in a generation.", Rule(lambda x: 0 <= x < 1, "from 0 to below 1")
    )
    sigma_final: float | None = setting(
        None,
        "what sigma, besides its own learning, is led to as centre_lr is to centre_lr_final: every standard "
        "deviation is multiplied by the same factors; by default none.",
    )

    def __post_init__(self):
        check(self)
        final = self.centre_lr_final
        holds = final is None or 0 <= final <= self.centre_lr
        require("centre_lr_final", final, holds, "between 0 and centre_lr")
        holds = self.centre_lr_drop is None or (final, self.sigma_final) != (None, None)
        require("centre_lr_drop", self.centre_lr_drop, holds, "left out without a centre_lr_final or sigma_final")
        holds = self.sigma_final is None or 0 < self.sigma_final <= self.sigma
        require("sigma_final", self.sigma_final, holds, "positive and at most sigma")


@dataclasses.dataclass(frozen=True, kw_only=True)
class EpisodeSearchSettings(SearchSettings):
    """Of PGPE on control tasks."""

    episodes: int = setting(1, "episodes per member and generation.", at_least(1))
    expected_reward_weight: float = setting(
        0.0, "fitness = return + this * sum of `Step.expected`, where the task has it.", NOT_NEGATIVE
    )
    physics: str = setting(
        "lanes",
        "what computes Brax's steps while training: kernel (compiled, `zoo.kernels`), lanes (JAX, the batch last "
        "on processors) or brax (JAX under `vmap`); evaluations always play on Brax's own environment.",
        one_of(*PHYSICS),
    )
    shared_noise: float = setting(
        0.0,
        "share of the search's variance that neurons have in common by their fixed weights, in all directions that "
        "are linear in them; of trained neurons alone.",
        between(0, 1),
    )
    short_limit: int | None = setting(
        None,
        "most steps of an episode in the first short_generations generations, where episode_limit is not less; by "
        "default none are short. More of the same steps then go into moving the search distribution.",
        at_least(1),
    )
    short_generations: int | None = setting(None, "number of generations of short episodes.", at_least(1))

    def __post_init__(self):
        SearchSettings.__post_init__(self)
        together = (self.short_limit is None) == (self.short_generations is None)
        require("short_generations", self.short_generations, together, "given together with short_limit")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageSearchSettings(SearchSettings):
    """Of PGPE on images."""

    batch: int = setting(16, "episodes of a gradient update; images of an update or a generation.", at_least(1))
    block_neurons: int | None = setting(
        None,
        "on images, neurons that are searched apart from the others, each block with a population of its own "
        "(`zoo.training.methods.pgpe.BlockSearch`); by default all neurons together.",
        at_least(1),
    )


class PGPE(Method):
    """Parameter-exploring policy gradients, an evolution strategy (section 3.3)."""

    name = "pgpe"
    title = "PGPE"
    implementations = MappingProxyType(
        {
            "control": "zoo.training.methods.evolution:Evolution",
            "classification": "zoo.training.methods.image_evolution:ImageEvolution",
        }
    )
    settings = MappingProxyType({"control": EpisodeSearchSettings, "classification": ImageSearchSettings})
    trained = "the centre"
    population = "the population"
    last = "population's mean return in the last generation"
    papers = "population mean"
    drifts = True

    def open_ended(self, recipe):
        """Unless a cosine leads to the last generation."""
        return recipe.centre_lr_drop is not None or (recipe.centre_lr_final, recipe.sigma_final) == (None, None)

    def story(self, model):
        """Members, generations, rates."""
        return _STORIES[model.task().kind](model)

    def curve(self, model):
        """Caption of a learning curve."""
        caption = _CURVES[model.task().kind].format(generations=model.config["training"]["generations"])
        short = getattr(model.recipe, "short_limit", None)
        if short is None:
            return caption
        count = model.recipe.short_generations
        return f"{caption}; the first {count} had episodes of {short} steps, and earn as much less"

    def departures(self, recipe, model):
        """Rates that fall, the fitness, blocks, ranks."""
        first, last = [], []
        if recipe.centre_lr_final is not None:
            first.append("the learning rate falls")
        if recipe.sigma_final is not None:
            first.append("so does sigma" if recipe.centre_lr_final is not None else "sigma falls")
        if getattr(recipe.settings, "shared_noise", 0):
            first.append(f"neurons have {100 * recipe.shared_noise:g} % of the noise's variance in common")
        if getattr(recipe.settings, "short_limit", None):
            first.append(
                f"the first {recipe.short_generations:,} generations have episodes of {recipe.short_limit} steps"
            )
        if getattr(recipe.settings, "expected_reward_weight", 0):
            first.append(
                f"the fitness is the return plus {recipe.expected_reward_weight:g} times the reward that a softmax "
                f"policy over the readouts (temperature {1e3 * recipe.temperature_v:g} mV) would expect, since the "
                "return alone is flat wherever all members answer alike"
            )
        if getattr(recipe.settings, "block_neurons", None):
            last.append("each block of neurons has a population of its own")
        last.append("members count by their rank, where Eq. 7 takes the return itself; the paper names no optimiser")
        return first, last


def _on_episodes(model) -> list[str]:
    recipe, training = model.recipe, model.config["training"]
    return [
        f"PGPE, {recipe.population} members, {training['generations']} of {recipe.generations} "
        f"generations, {recipe.episodes} episode{'s' * (recipe.episodes > 1)} per member and generation, "
        f"{training['env_steps']:,.0f} environment steps per seed; {spent(training)}.",
        "",
        f"Centre: {recipe.optimiser}, learning rate {recipe.centre_lr:g}"
        + _falling(recipe, "centre_lr_final")
        + f"; sigma {recipe.sigma:g}"
        + _falling(recipe, "sigma_final")
        + f", learning rate {recipe.sigma_lr:g}"
        + (
            f"; {100 * recipe.shared_noise:g} % of the noise's variance is common to neurons, by their fixed weights."
            if recipe.shared_noise
            else "."
        ),
    ]


def _falling(recipe, final: str) -> str:
    """How the centre's learning rate changes, or sigma."""
    value = getattr(recipe, final)
    if value is None:
        return ""
    if recipe.centre_lr_drop is None:
        return f" falling to {value:g}"
    return f", {value:g} after {recipe.centre_lr_drop} generations"


def _on_images(model) -> list[str]:
    recipe, training = model.recipe, model.config["training"]
    final, block = recipe.centre_lr_final, recipe.block_neurons
    apart = block is not None and block < model.network_config.hidden
    return [
        f"PGPE, {recipe.population} members"
        + (
            f" for each block of {block} neuron{'s' * (block > 1)}, judged with all others at their centre "
            "(cooperative coevolution)"
            if apart
            else ""
        )
        + f", {training['generations']} of {recipe.generations} generations of "
        f"{recipe.batch} training images, the same for all members; fitness: {_FITNESS[recipe.fitness]}; "
        f"{spent(training)}.",
        "",
        f"Centre: {recipe.optimiser}, learning rate {recipe.centre_lr:g}"
        + (f" falling to {final:g}" if final is not None else "")
        + f"; sigma {recipe.sigma:g}, learning rate {recipe.sigma_lr:g}. Input: a white pixel is a current of "
        f"{20 * recipe.input_gain:g} nA.",
        "",
        f"The cross-entropy's softmax has a temperature of {recipe.temperature_v:g} V.",
    ]


_FITNESS = {"cross-entropy": "the negative cross-entropy", "accuracy": "the accuracy"}
_STORIES = {"control": _on_episodes, "classification": _on_images}
_CURVES = {
    "control": "Learning curve: the population's mean return over {generations} generations, at {{}} in the last",
    "classification": "Learning curve: the population's mean accuracy on its minibatches over {generations} "
    "generations",
}
METHOD = PGPE()
