"""What a card says of a model's training: by what, how long, how to repeat it, and where it leaves the paper."""

import dataclasses

from zoo.core.formatting import number, spent
from zoo.core.json_files import from_json
from zoo.registry.names import parse
from zoo.registry.paper import CARTPOLE_EPISODES, search_settings
from zoo.report.image_cards import image_evolution
from zoo.store.catalogue import ModelInfo
from zoo.store.manifest import read_manifest
from zoo.store.zoo_model import ZooModel
from zoo.training.recipe import Recipe, default_recipe


def training(model: ZooModel, info: ModelInfo) -> list[str]:
    """The lines of a card's section on training."""
    if model.config["recipe"].get("method") == "bp":
        text, curve = _gradients(model), f"Learning curve over {info.generations} updates, at {{}} in the last"
    elif parse(model.name).family == "image":
        text = image_evolution(model)
        curve = (
            f"Learning curve: the population's mean accuracy on its minibatches over {info.generations} generations"
        )
    else:
        text = [*_evolution(model), *_physics(model)]
        curve = (
            f"Learning curve: the population's mean return over {info.generations} generations, at {{}} in the last"
        )
    return [
        *text,
        *_departures(model),
        "",
        _again(model),
        *_going_on(model),
        "",
        f"![{curve.format(number(info.population_mean))}]({model.name}-curve.svg)",
    ]


def _evolution(model: ZooModel) -> list[str]:
    """PGPE on a control task."""
    recipe, training = model.config["recipe"], model.config["training"]
    return [
        f"PGPE, {recipe['population']} members, {training['generations']} of {recipe['generations']} "
        f"generations, {recipe['episodes']} episode{'s' * (recipe['episodes'] > 1)} per member and generation, "
        f"{training['env_steps']:,.0f} environment steps per seed; {spent(training)}.",
        "",
        f"Centre: {recipe['optimiser']}, learning rate {recipe['centre_lr']:g}"
        + _falling(recipe, "centre_lr_final")
        + f"; sigma {recipe['sigma']:g}"
        + _falling(recipe, "sigma_final")
        + f", learning rate {recipe['sigma_lr']:g}.",
    ]


def _falling(recipe: dict, final: str) -> str:
    """How the centre's learning rate changes, or sigma."""
    if recipe.get(final) is None:
        return ""
    if recipe.get("centre_lr_drop") is None:
        return f" falling to {recipe[final]:g}"
    return f", {recipe[final]:g} after {recipe['centre_lr_drop']} generations"


def _gradients(model: ZooModel) -> list[str]:
    """Surrogate gradients."""
    recipe, training = model.config["recipe"], model.config["training"]
    control = parse(model.name).family != "image"
    what, unit = ("REINFORCE", "episodes") if control else ("Cross-entropy", "images")
    details = (
        f"baseline {recipe['baseline']}"
        + (", advantages standardised" if recipe["standardise_advantages"] else "")
        + f", discount {recipe['discount']:g}, actions drawn from the softmax of readouts at "
        f"{recipe['policy_temperature_v']:g} V"
        + (f", entropy weight {recipe['entropy_weight']:g}" if recipe["entropy_weight"] else "")
    )
    skipped = training.get("nan_gradients", 0)
    return [
        f"{what} by backpropagation through time, {training['generations']} of {recipe['generations']} updates of "
        f"{recipe['batch']} {unit}"
        + (f", {training['env_steps']:,.0f} environment steps per seed" if control else "")
        + f"; {spent(training)}.",
        "",
        f"Adam, learning rate {recipe['learning_rate']:g}"
        + (f" falling to {recipe['learning_rate_final']:g}" if recipe["learning_rate_final"] is not None else "")
        + (f", gradients no longer than {recipe['clip_norm']:g}" if recipe["clip_norm"] is not None else "")
        + f"; surrogate {recipe['surrogate']}"
        + (f", alpha {recipe['alpha']:g}" if recipe["surrogate"] != "triangle" else "")
        + f"; the reset is {'left out of' if recipe['detach_reset'] else 'kept in'} the gradient"
        + (f"; {details}" if control else "")
        + f". Updates skipped for a gradient that was not finite: {skipped}.",
    ]


def _physics(model: ZooModel) -> list[str]:
    """What a Brax reward depends on besides the network."""
    if parse(model.name).family != "brax":
        return []
    options = model.config["task"]["options"]
    return [
        "",
        f"Physics: Brax {model.config['training']['versions']['brax']}, backend `{options['backend']}`, episodes of "
        f"at most {options['limit']} steps. Actions: {options['action_map']}({options['action_gain']:g} x readout).",
    ]


_NUMBERS = {
    "population": "members:",
    "generations": "generations:",
    "episodes": "episodes per member:",
    "centre_lr": "the centre's learning rate",
    "sigma": "sigma",
    "sigma_lr": "sigma's learning rate",
    "learning_rate": "the learning rate",
    "seeds": "training seeds:",
}


def _departures(model: ZooModel) -> list[str]:
    """Where the recipe is not the paper's, and what the paper leaves open."""
    recipe, name = _recipe(model), parse(model.name)
    gradients = recipe.method == "bp"
    notes = [
        f"{_NUMBERS[field]} {getattr(recipe, field):g} (paper: {value:g})"
        for field, value in search_settings(name).items()
        if getattr(recipe, field) != value
    ]
    if gradients and name.family != "image":
        notes.append(
            f"{recipe.generations * recipe.batch:,} episodes a seed (paper: {CARTPOLE_EPISODES:,}); the paper names "
            "no baseline, discount or number of episodes per update"
        )
    final = recipe.learning_rate_final if gradients else recipe.centre_lr_final
    if final is not None:
        notes.append("the learning rate falls")
    if recipe.sigma_final is not None:
        notes.append("so does sigma" if final is not None else "sigma falls")
    if recipe.expected_reward_weight:
        notes.append(
            f"the fitness is the return plus {recipe.expected_reward_weight:g} times the reward that a softmax "
            f"policy over the readouts (temperature {1e3 * recipe.temperature_v:g} mV) would expect, since the "
            "return alone is flat wherever all members answer alike"
        )
    if recipe.tau_ms != (20.0,):
        ends = " to ".join(f"{tau:g}" for tau in recipe.tau_ms)
        notes.append(
            f"membrane time constants start at {ends} ms"
            + (", log-uniformly spread" if len(recipe.tau_ms) > 1 else "")
        )
    if recipe.v_th != 0.5:
        notes.append(f"thresholds start at {recipe.v_th:g} V")
    if recipe.normalise_observations and name.family != "image":
        notes.append(f"observations are normalised by running statistics and clipped at ±{recipe.observation_clip:g}")
    if recipe.action_gain != 1:
        notes.append(f"readouts count {recipe.action_gain:g} times as actions")
    if recipe.block_neurons:
        notes.append("each block of neurons has a population of its own")
    if not gradients:
        notes.append("members count by their rank, where Eq. 7 takes the return itself; the paper names no optimiser")
    return ["", "Other than in the paper: " + "; ".join(notes) + "."] if notes else []


def _recipe(model: ZooModel) -> Recipe:
    return from_json(Recipe, model.config["recipe"], f"{model.name}: config.json")


def _again(model: ZooModel) -> str:
    """The command that trains it from scratch, as it was trained."""
    usual = dataclasses.asdict(default_recipe(model.name))
    recipe = _recipe(model)
    done, stopped = model.config["training"]["generations"], ""
    if done < recipe.generations and recipe.open_ended:
        recipe = dataclasses.replace(recipe, generations=done)
    elif done < recipe.generations:
        stopped = f", which does not stop before generation {recipe.generations:,}"
    own = dataclasses.asdict(recipe)
    changed = [_option(name, value) for name, value in own.items() if value != usual[name]]
    return f"Train it again: `{' '.join(['zoo train', model.name, *changed])}`{stopped}."


def _option(name: str, value) -> str:
    """A field of a recipe as `zoo train` takes it."""
    option = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{option}" if value else f"--no-{option}"
    if value is None:
        return f"--{option} none"
    return f"--{option} {' '.join(map(str, value)) if isinstance(value, tuple) else value}"


def _going_on(model: ZooModel) -> list[str]:
    """How to train it for longer, where the checkpoint carries its training state and the recipe allows it."""
    if not any(name.startswith("state/") for name in read_manifest(model.path)):
        return []
    recipe, command = _recipe(model), f"zoo train {model.name} --continue"
    if model.config["training"]["generations"] < recipe.generations:
        how = f"Go on from here: `{command}`" + (" (`--generations N` goes further)" if recipe.open_ended else "")
    elif recipe.open_ended:
        how = f"Train it for longer: `{command} --generations N`, with N above {recipe.generations:,}"
    else:
        return []
    return [f"{how}. A wheel leaves the training state out; it is then fetched from the Hub."]
