"""Proximal policy optimisation as names, recipes and cards know it."""

from types import MappingProxyType

from zoo.core.formatting import spent
from zoo.models.constants import IN_WORDS
from zoo.registry.methods import Method
from zoo.training.methods.ppo_settings import PPOSettings

_KINDS = {name: f"{text}s" for name, text in IN_WORDS.items()}


class ProximalPolicies(Method):
    """PPO through the state of spiking actors, for tasks with continuous actions."""

    name = "ppo"
    title = "gradients"
    implementations = MappingProxyType({"control": "zoo.training.methods.ppo:PPO"})
    settings = MappingProxyType({"control": PPOSettings})
    defaults = MappingProxyType({"seeds": 5, "generations": 366})
    trained = "the greedy policy"
    step = "update"

    def open_ended(self, recipe):
        """Unless rates fall towards the last update."""
        return recipe.final_rate == 1

    def story(self, model):
        """Steps, epochs, rates, surrogate."""
        recipe, training = model.recipe, model.config["training"]
        rates = [
            f"{_KINDS.get(name, 'weights')} {recipe.settings.rate(name):g}" for name in model.network_config.trained
        ]
        fall = "" if recipe.final_rate == 1 else f", falling to {recipe.final_rate:g} times that"
        slope = f", alpha {recipe.alpha:g}" if recipe.surrogate != "triangle" else ""
        reset = "left out of" if recipe.detach_reset else "kept in"
        layers = " and ".join(map(str, recipe.critic_layers))
        return [
            f"Proximal policy optimisation by backpropagation through time, {training['generations']} of "
            f"{recipe.generations} updates of {recipe.environments} x {recipe.steps} steps, "
            f"{training['env_steps']:,.0f} environment steps per seed; {spent(training)}.",
            "",
            f"{recipe.epochs} epochs of {recipe.minibatches} minibatches of sequences; discount {recipe.discount:g}, "
            f"lambda {recipe.decay:g}, clip {recipe.clip:g}, entropy weight {recipe.entropy_weight:g}. Adam, rates: "
            f"{', '.join(dict.fromkeys(rates))}, logarithms of the actions' deviations {recipe.std_rate:g}, critic "
            f"{recipe.critic_rate:g}{fall}; the actor's times a factor of at most {recipe.most_factor:g} that aims "
            f"at a divergence of {recipe.kl:g} nats an update. Surrogate {recipe.surrogate}{slope}; the reset is "
            f"{reset} the gradient. Critic, which is not published: {layers} tanh units. Minibatches skipped for a "
            "gradient that "
            f"was not finite: {training.get('nan_gradients', 0)}.",
        ]

    def departures(self, recipe, model):
        """All of it."""
        return ["the paper trains no robot by gradients"], []


METHOD = ProximalPolicies()
