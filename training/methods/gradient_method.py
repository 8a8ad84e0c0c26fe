"""Surrogate gradients as names, recipes and cards know them."""

import dataclasses
from types import MappingProxyType

from zoo.core.formatting import spent
from zoo.models import SURROGATES
from zoo.registry.families import family_of
from zoo.registry.methods import Method
from zoo.registry.metrics import RETURN
from zoo.registry.settings import NOT_NEGATIVE, POSITIVE, Rule, at_least, between, check, one_of, require, setting

BASELINES = ("none", "running", "leave-one-out")


@dataclasses.dataclass(frozen=True, kw_only=True)
class GradientSettings:
    """Of surrogate gradients on any task."""

    batch: int = setting(16, "episodes of a gradient update; images of an update or a generation.", at_least(1))
    learning_rate: float = setting(0.03, "of Adam, for gradients.", POSITIVE)
    learning_rate_final: float | None = setting(
        None, "learning rate that a cosine leads to in the last update; by default none."
    )
    clip_norm: float | None = setting(
        None,
        "longest gradient; a longer one is shortened to it. By default none.",
        Rule(lambda x: x > 0, "positive"),
    )
    surrogate: str = setting(
        "arctan", "how spikes are differentiated: arctan, log-sign or triangle.", one_of(*SURROGATES)
    )
    alpha: float = setting(2.0, "steepness of the surrogate, in 1/V.", POSITIVE, unit="1/V")
    detach_reset: bool = setting(False, "leave the reset out of the gradient (Eq. 11) instead of in it (Eq. 9).")

    def __post_init__(self):
        check(self)
        holds = self.learning_rate_final is None or 0 <= self.learning_rate_final <= self.learning_rate
        require("learning_rate_final", self.learning_rate_final, holds, "at most learning_rate")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReinforceSettings(GradientSettings):
    """Of REINFORCE."""

    segment_steps: int | None = setting(
        None,
        "steps that the backward pass holds at a time; by default the root of the longest episode's, for least "
        "memory.",
        at_least(1),
    )
    policy_temperature_v: float = setting(
        1.0, "of the softmax over readouts that REINFORCE samples from, in volts.", POSITIVE, unit="V"
    )
    discount: float = setting(0.99, "factor on later rewards, per step.", between(0, 1))
    baseline: str = setting("leave-one-out", "of REINFORCE: none, running or leave-one-out.", one_of(*BASELINES))
    standardise_advantages: bool = setting(True, "divide them by their root mean square over an update's steps.")
    entropy_weight: float = setting(0.0, "of the policy's entropy in the objective.", NOT_NEGATIVE)


class SurrogateGradients(Method):
    """Backpropagation through time: REINFORCE on control tasks, cross-entropy on images (section 3.2)."""

    name = "bp"
    title = "gradients"
    implementations = MappingProxyType(
        {
            "control": "zoo.training.methods.gradients:Gradients",
            "classification": "zoo.training.methods.image_gradients:ImageGradients",
        }
    )
    settings = MappingProxyType({"control": ReinforceSettings, "classification": GradientSettings})
    defaults = MappingProxyType({"seeds": 10, "generations": 1000, "learning_rate_final": 0.003})
    trained = "the greedy policy"
    step = "update"
    episodes = "batch"

    def open_ended(self, recipe):
        """Unless a cosine leads to the last update."""
        return recipe.learning_rate_final is None

    def story(self, model):
        """Updates, rate, surrogate."""
        recipe, training = model.recipe, model.config["training"]
        control = "env_steps" in training
        what, unit = ("REINFORCE", "episodes") if control else ("Cross-entropy", "images")
        return [
            f"{what} by backpropagation through time, {training['generations']} of {recipe.generations} updates "
            f"of {recipe.batch} {unit}"
            + (f", {training['env_steps']:,.0f} environment steps per seed" if control else "")
            + f"; {spent(training)}.",
            "",
            f"Adam, learning rate {recipe.learning_rate:g}"
            + (f" falling to {recipe.learning_rate_final:g}" if recipe.learning_rate_final is not None else "")
            + (f", gradients no longer than {recipe.clip_norm:g}" if recipe.clip_norm is not None else "")
            + f"; surrogate {recipe.surrogate}"
            + (f", alpha {recipe.alpha:g}" if recipe.surrogate != "triangle" else "")
            + f"; the reset is {'left out of' if recipe.detach_reset else 'kept in'} the gradient"
            + (f"; {_reinforce(recipe)}" if control else "")
            + f". Updates skipped for a gradient that was not finite: {training.get('nan_gradients', 0)}.",
        ]

    def departures(self, recipe, model):
        """Episodes, and a rate that falls."""
        first, family = [], family_of(model.task)
        if episodes := getattr(family, "gradient_episodes", None):
            first.append(
                f"{recipe.generations * recipe.batch:,} episodes a seed (paper: {episodes:,}); the paper "
                "names no baseline, discount or number of episodes per update"
            )
        elif family.metric == RETURN:
            first.append("the paper trains no such task by gradients")
        if recipe.learning_rate_final is not None:
            first.append("the learning rate falls")
        return first, []


def _reinforce(recipe) -> str:
    return (
        f"baseline {recipe.baseline}"
        + (", advantages standardised" if recipe.standardise_advantages else "")
        + f", discount {recipe.discount:g}, actions drawn from the softmax of readouts at "
        f"{recipe.policy_temperature_v:g} V"
        + (f", entropy weight {recipe.entropy_weight:g}" if recipe.entropy_weight else "")
    )


METHOD = SurrogateGradients()
