"""Model cards, generated from checkpoints: no number in a card was typed."""

import dataclasses
import importlib.resources
from pathlib import Path

import numpy as np

from zoo.catalogue import ModelInfo, bundled_folder, read_info
from zoo.image_cards import image_evolution, measured_images
from zoo.json_files import from_json
from zoo.loading import load, locate
from zoo.manifest import read_manifest
from zoo.names import parse
from zoo.paper import PAPER_URL, TASKS, TaskText
from zoo.plots import plots
from zoo.training.recipe import Recipe, default_recipe
from zoo.zoo_model import ZooModel

GENERATED = "<!-- Generated from the checkpoint by `zoo cards`; edits are overwritten. -->"


def card(name: str) -> str:
    """The model card of a model, as Markdown: the stored one of a bundled model, else made anew.

    Raises:
        UnknownModelError: if the model is neither on this machine nor on the Hub.
    """
    location = locate(name)
    stored = Path(str(importlib.resources.files("zoo.model_cards"))) / f"{location.path.name}.md"
    if stored.is_file() and location.path.parent == bundled_folder():
        return stored.read_text(encoding="utf-8")
    return make_card(load(name))


def make_card(model: ZooModel) -> str:
    """Front matter for the Hub, then what a person wants to know."""
    return f"{_front_matter(model)}\n{GENERATED}\n\n{_body(model)}"


def make_plots(model: ZooModel) -> dict[str, str]:
    """The card's plots, SVG documents by file name; they lie beside the card."""
    return plots(model, (model.path / "training.csv").read_text(encoding="utf-8"))


def _front_matter(model: ZooModel) -> str:
    from huggingface_hub import EvalResult, ModelCardData

    info = read_info(model.path, "")
    task = TASKS[parse(model.name).family]
    result = EvalResult(
        task_type=task.hub_task,
        task_name=task.title,
        dataset_type=info.task,
        dataset_name=task.describe(info.task),
        metric_type="accuracy" if parse(model.name).family == "image" else "mean_reward",
        metric_name=(
            "test accuracy of the centre in %, over training seeds"
            if parse(model.name).family == "image"
            else "mean return of the centre over training seeds"
        ),
        metric_value=info.mean,
        metric_args={
            "std": info.std,
            "interval_95": list(info.interval_95),
            "seeds": info.seeds,
            "episodes": model.evaluation["episodes"],
            "population_mean": info.population_mean,
            "paper": info.paper,
        },
    )
    data = ModelCardData(
        model_name=model.name,
        license="apache-2.0",
        library_name="hetsnn-zoo",
        pipeline_tag=task.hub_task,
        tags=[
            "spiking-neural-network",
            "jax",
            "flax",
            "neuronal-heterogeneity",
            f"{info.kind}snn",
            info.task,
        ],
        eval_results=[result],
    )
    return f"---\n{data.to_yaml()}\n---"


def _body(model: ZooModel) -> str:
    info, task = read_info(model.path, ""), TASKS[parse(model.name).family]
    lines = [
        f"# {model.name}",
        "",
        _summary(model, info, task),
        "",
        "```python",
        "import zoo",
        "",
        f'model = zoo.load("{model.name}")',
        *_EXAMPLE["image" if parse(model.name).family == "image" else "control"],
        "net = model.network(seed=0)  # a flax.nnx.Module",
        *_BY_HAND["image" if parse(model.name).family == "image" else "control"],
        "```",
        "",
        "## Measured",
        "",
        *_measured(model, info),
        "",
        "## Training",
        "",
        *_training(model, info),
        *_time_constants(model),
        "",
        "## Limits",
        "",
        task.limits
        + (
            ""
            if parse(model.name).family == "image"
            else " Rewards belong to the simulator and the versions named in `config.json`."
        ),
        "",
        "## Origin",
        "",
        f"After Shen et al., *Dive into the Power of Neuronal Heterogeneity*, [arXiv 2305.11484]({PAPER_URL}). "
        "Apache-2.0.",
    ]
    return "\n".join(lines) + "\n"


_BY_HAND = {
    "control": [
        "state = net.initial_state()",
        "output, state = net(model.observe(observation, seed=0), state)  # 5 ms: spikes, and readouts in V",
    ],
    "image": [],
}
_EXAMPLE = {
    "control": ["zoo.evaluate(model).mean"],
    "image": ["model.classify(images)  # [N, 28, 28]: bytes, or floats from 0 to 1", "zoo.evaluate(model).mean"],
}


def _again(model: ZooModel) -> str:
    """The command that trains it from scratch by the recipe that it was trained with."""
    usual = dataclasses.asdict(default_recipe(model.name))
    own = dataclasses.asdict(from_json(Recipe, model.config["recipe"], f"{model.name}: config.json"))
    changed = [_option(name, value) for name, value in own.items() if value != usual[name] and value is not None]
    done, generations = model.config["training"]["generations"], own["generations"]
    stopped = "" if done >= generations else f", which does not stop before generation {generations:,}"
    return f"Train it again: `{' '.join(['zoo train', model.name, *changed])}`{stopped}."


def _option(name: str, value) -> str:
    """A field of a recipe as `zoo train` takes it."""
    option = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{option}" if value else f"--no-{option}"
    return f"--{option} {' '.join(map(str, value)) if isinstance(value, tuple) else value}"


def _train_again(model: ZooModel, info: ModelInfo) -> list[str]:
    """How to repeat or go on with a training on images, and its curve."""
    generations = model.config["training"]["generations"]
    return [
        "",
        _again(model),
        *_going_on(model),
        "",
        f"![Learning curve: the population's mean accuracy on its minibatches over {generations} generations]"
        f"({model.name}-curve.svg)",
    ]


def _summary(model: ZooModel, info: ModelInfo, task: TaskText) -> str:
    network = model.network_config
    what = (
        "Its weights are random and were never trained; training set each hidden neuron's "
        + ", ".join(_PROPERTY[name] for name in network.trained)
        if info.kind == "het"
        else "Its neurons are all alike; training set the connection weights"
    )
    return (
        f"A two-layer spiking network ({network.inputs} inputs, {network.hidden} leaky integrate-and-fire "
        f"neurons, {network.outputs} readouts) for {task.describe(info.task)}. {what}. "
        f"{info.parameters:,} trained parameters; {info.seeds} networks, one for each training seed."
    )


def _measured(model: ZooModel, info: ModelInfo) -> list[str]:
    if parse(model.name).family == "image":
        return measured_images(model, info)
    low, high = info.interval_95
    per_seed = np.array([row["mean"] for row in model.evaluation["seeds"]])
    rate = np.mean([row["spike_rate"] for row in model.evaluation["seeds"]])
    gradients = model.config["recipe"].get("method") == "bp"
    what = "the greedy policy" if gradients else "the centre"
    sampled = "last update's mean return" if gradients else "population's mean return in the last generation"
    return [
        "| quantity | value |",
        "| --- | --- |",
        f"| mean return of {what}, over {info.seeds} training seeds | "
        f"**{number(info.mean)}** ± {number(info.std)} (std) |",
        f"| 95 % interval of that mean | {number(low)} to {number(high)} |",
        f"| worst and best seed | {number(per_seed.min())}, {number(per_seed.max())} |",
        f"| {sampled} | {number(info.population_mean)} ± {number(info.population_std)} |",
        f"| the paper's population mean | {info.paper or 'not reported'} |",
        f"| spikes per hidden neuron and step | {rate:.3g} |",
        "",
        f"Measured by `{model.evaluation['command']}`; check it with `zoo verify {model.name}`.",
    ]


def _training(model: ZooModel, info: ModelInfo) -> list[str]:
    recipe, training = model.config["recipe"], model.config["training"]
    if recipe.get("method") == "bp":
        return _gradient_training(model, info)
    if parse(model.name).family == "image":
        return [*image_evolution(model), *_departures(recipe), *_train_again(model, info)]
    return [
        f"PGPE, {recipe['population']} members, {training['generations']} of {recipe['generations']} "
        f"generations, {recipe['episodes']} episode(s) per member and generation, "
        f"{training['env_steps']:,.0f} environment steps per seed; "
        f"{training['seconds']:,.0f} s for all seeds together on {training['hardware']}.",
        "",
        f"Centre: {recipe['optimiser']}, learning rate {recipe['centre_lr']:g}"
        + _falling(recipe)
        + f"; sigma {recipe['sigma']:g}, learning rate {recipe['sigma_lr']:g}.",
        *_physics(model),
        *_departures(recipe),
        "",
        _again(model),
        *_going_on(model),
        "",
        f"![Learning curve: the population's mean return over {training['generations']} generations, at "
        f"{number(info.population_mean)} in the last]({model.name}-curve.svg)",
    ]


def _falling(recipe: dict) -> str:
    """How the centre's learning rate changes."""
    if recipe["centre_lr_final"] is None:
        return ""
    if recipe.get("centre_lr_drop") is None:
        return f" falling to {recipe['centre_lr_final']:g}"
    return f", {recipe['centre_lr_final']:g} after {recipe['centre_lr_drop']} generations"


def _gradient_training(model: ZooModel, info: ModelInfo) -> list[str]:
    """How a model was trained by surrogate gradients."""
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
        + f"; {training['seconds']:,.0f} s for all seeds together on {training['hardware']}.",
        "",
        f"Adam, learning rate {recipe['learning_rate']:g}"
        + (f" falling to {recipe['learning_rate_final']:g}" if recipe["learning_rate_final"] is not None else "")
        + (f", gradients no longer than {recipe['clip_norm']:g}" if recipe["clip_norm"] is not None else "")
        + f"; surrogate {recipe['surrogate']}"
        + (f", alpha {recipe['alpha']:g}" if recipe["surrogate"] != "triangle" else "")
        + f"; the reset is {'left out of' if recipe['detach_reset'] else 'kept in'} the gradient"
        + (f"; {details}" if control else "")
        + f". Updates skipped for a gradient that was not finite: {skipped}.",
        *_departures(recipe),
        "",
        _again(model),
        *_going_on(model),
        "",
        f"![Learning curve over {training['generations']} updates, at {number(info.population_mean)} in the last]"
        f"({model.name}-curve.svg)",
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


def _going_on(model: ZooModel) -> list[str]:
    """How to spend the rest of a budget, where the checkpoint carries its training state."""
    if not any(name.startswith("state/") for name in read_manifest(model.path)):
        return []
    return [
        f"Go on from here: `zoo train {model.name} --continue` (with `--generations N` beyond the recipe's), in a "
        "clone of the repository or from the Hub; the wheel leaves the training state out.",
    ]


_PROPERTY = {
    "x_tau": "membrane time constant",
    "v_th": "threshold",
    "v_rest": "resting potential",
    "r": "membrane resistance",
}


def _departures(recipe: dict) -> list[str]:
    """Where the recipe gives more help than the paper's."""
    notes = []
    if recipe["expected_reward_weight"]:
        notes.append(
            f"the fitness is the return plus {recipe['expected_reward_weight']:g} times the reward that a softmax "
            f"policy over the readouts (temperature {1e3 * recipe['temperature_v']:g} mV) would expect, since the "
            "return alone is flat wherever all members answer alike"
        )
    if list(recipe["tau_ms"]) != [20.0]:
        ends = " to ".join(f"{tau:g}" for tau in recipe["tau_ms"])
        notes.append(
            f"membrane time constants start at {ends} ms"
            + (", log-uniformly spread" if len(recipe["tau_ms"]) > 1 else "")
        )
    if recipe["v_th"] != 0.5:
        notes.append(f"thresholds start at {recipe['v_th']:g} V")
    if recipe["normalise_observations"]:
        notes.append(
            f"observations are normalised by the population's running statistics and clipped at "
            f"±{recipe['observation_clip']:g}"
        )
    if recipe["centre_lr"] != 0.15 and recipe.get("method") != "bp":
        notes.append("the centre's learning rate differs")
    if recipe.get("block_neurons"):
        notes.append("each block of neurons has a population of its own")
    return ["", "Beyond the paper's recipe: " + "; ".join(notes) + "."] if notes else []


def _time_constants(model: ZooModel) -> list[str]:
    if "x_tau" not in model.network_config.trained:
        return []
    tau = np.concatenate([model.neurons(seed)["tau_ms"] for seed in model.seeds])
    low, median, high = np.percentile(tau, [5, 50, 95])
    return [
        "",
        "## Time constants",
        "",
        f"Trained membrane time constants: median {median:.3g} ms, 5 to 95 %: {low:.3g} to {high:.3g} ms."
        + (
            ""
            if model.config["recipe"].get("method") == "bp"
            else " Part of such a spread is drift of the search alone, which no reward selects."
        ),
        "",
        f"![Histogram of the membrane time constants, half of them below {median:.3g} ms]({model.name}-tau.svg)",
    ]


def number(value: float | None) -> str:
    """A return as cards and tables print it."""
    if value is None:
        return "none"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.3f}"
