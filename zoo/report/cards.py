"""Model cards, generated from checkpoints: no number in a card was typed."""

import dataclasses
import importlib.resources
from pathlib import Path

import numpy as np

from zoo.core.formatting import plain
from zoo.drawing.plots import plots
from zoo.models import unphysical
from zoo.models.constants import IN_WORDS
from zoo.registry.families import Family, family_of
from zoo.registry.methods import method_of
from zoo.registry.names import parse
from zoo.registry.paper import PAPER_URL
from zoo.report import agent_pictures
from zoo.report.interface_cards import inputs_and_outputs, use
from zoo.report.training_cards import training
from zoo.store.catalogue import ModelInfo, bundled_folder, read_info
from zoo.store.loading import load, locate
from zoo.store.pins import manifest_hash
from zoo.store.zoo_model import ZooModel

GENERATED = "<!-- Generated from the checkpoint by `zoo cards`; edits are overwritten. -->"


def card(model: ZooModel | str) -> str:
    """The model card of a model, as Markdown: the stored one of a bundled model, else made anew.

    Args:
        model: of `zoo.load`, whose card is made anew, or what `zoo.load` takes.

    Raises:
        UnknownModelError: if the model is neither on this machine nor on the Hub.
    """
    if isinstance(model, ZooModel):
        return make_card(model)
    location = locate(model)
    stored = Path(str(importlib.resources.files("zoo.model_cards"))) / f"{location.path.name}.md"
    if stored.is_file() and location.path.parent == bundled_folder():
        return stored.read_text(encoding="utf-8")
    return make_card(load(model))


def make_card(model: ZooModel) -> str:
    """Front matter for the Hub, then what a person wants to know."""
    model = dataclasses.replace(model, config=plain(model.config), evaluation=plain(model.evaluation))
    return f"{_front_matter(model)}\n{GENERATED}\n\n{_body(model)}"


def make_plots(model: ZooModel) -> dict[str, str]:
    """The card's plots, SVG documents by file name; they lie beside the card."""
    return plots(model, (model.path / "training.csv").read_text(encoding="utf-8"))


def make_files(model: ZooModel) -> dict[str, bytes]:
    """All that a card shows, by file name: its plots, and the picture of the agent where there is one."""
    return {name: text.encode() for name, text in make_plots(model).items()} | agent_pictures.picture_of(model)


def _front_matter(model: ZooModel) -> str:
    from huggingface_hub import EvalResult, ModelCardData

    info = read_info(model.path, "")
    family = family_of(info.task)
    metric = family.metric
    over = "over training seeds" if info.seeds > 1 else f"over {metric.samples} of one training seed"
    result = EvalResult(
        task_type=metric.hub_task,
        task_name=family.title,
        dataset_type=info.task,
        dataset_name=family.describe(info.task),
        metric_type=metric.hub_type,
        metric_name=f"{metric.result.format(trained=metric.load_card().trained(model))} {over}",
        metric_value=info.mean,
        metric_args={
            "std": info.std if info.seeds > 1 else None,
            "interval_95": None if info.interval_95 is None else list(info.interval_95),
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
        pipeline_tag=metric.hub_task,
        tags=[
            "spiking-neural-network",
            "jax",
            "flax",
            "neuronal-heterogeneity",
            f"{info.kind}snn",
            info.task,
            *family.tags(info.task),
        ],
        eval_results=[result],
    )
    return f"---\n{data.to_yaml()}\n---"


def _body(model: ZooModel) -> str:
    info = read_info(model.path, "")
    family = family_of(info.task)
    lines = [
        f"# {model.name}",
        "",
        _summary(model, info, family),
        *agent_pictures.shown(model),
        "",
        *use(model),
        *inputs_and_outputs(model),
        "",
        "## Results",
        "",
        *family.metric.load_card().measured(model, info),
        "",
        "## Training",
        "",
        *(["Elsewhere."] if model.config.get("imported") else training(model, info)),
        *_neurons(model),
        "",
        "## Limits",
        "",
        family.limits + family.metric.measured_in,
        "",
        "## Citation",
        "",
        *_citation(model),
    ]
    return "\n".join(lines) + "\n"


def _citation(model: ZooModel) -> list[str]:
    """The paper, the zoo, and which bytes."""
    return [
        f"After Shen et al., *Dive into the Power of Neuronal Heterogeneity*, [arXiv 2305.11484]({PAPER_URL}). "
        "Apache-2.0. Models are trained on and replaced: say which one you used, by its name and the hash of its "
        f"manifest, `{manifest_hash(model.path)[:19]}`.",
        "",
        "```bibtex",
        *_BIBTEX.splitlines(),
        "```",
    ]


_BIBTEX = """\
@software{hetsnnzoo2026,
  title   = {hetsnn-zoo: pretrained spiking networks with heterogeneous neurons},
  author  = {{The hetsnn-zoo authors}},
  year    = {2026}
}

@article{shen2023dive,
  title   = {Dive into the Power of Neuronal Heterogeneity},
  author  = {Shen, Guobin and Zhao, Dongcheng and Dong, Yiting and Li, Yang and Zeng, Yi},
  journal = {arXiv preprint arXiv:2305.11484},
  year    = {2023}
}
"""


def _summary(model: ZooModel, info: ModelInfo, family: Family) -> str:
    network = model.network_config
    low, high = min(network.tau_ms), max(network.tau_ms)
    imported = model.config.get("imported")
    if imported:
        what = f"It comes from elsewhere, from the file {imported}; nothing is known of its training"
    elif info.kind == "het":
        what = "Its weights are random and were never trained; training set each hidden neuron's "
        what += ", ".join(_PROPERTY[name] for name in network.trained)
    elif info.kind == "full":
        what = f"Training set each hidden neuron's {', '.join(_PROPERTY.values())}, and the connection weights"
    else:
        alike = "Its neurons are all alike"
        if low < high:
            alike = f"Its neurons differ in time constants alone, {low:g} to {high:g} ms, which were not trained"
        what = f"{alike}; training set the connection weights"
    return (
        f"A two-layer spiking network ({network.inputs} inputs, {network.hidden} leaky integrate-and-fire "
        f"neurons, {network.outputs} readouts) for {family.describe(info.task)}. {what}. "
        f"{info.parameters:,} {'parameters of its own' if imported else 'trained parameters'}; "
        + (f"{info.seeds} networks, one for each training seed." if info.seeds > 1 else "one network.")
    )


_PROPERTY = IN_WORDS | {name: f"membrane {IN_WORDS[name]}" for name in ("x_tau", "r")}


def _neurons(model: ZooModel) -> list[str]:
    """What training made of the neurons' properties."""
    if parse(model.name).kind == "hom":
        return []
    return ["", "## Neurons", *_time_constants(model), "", _unphysical(model)]


def _unphysical(model: ZooModel) -> str:
    """How many neurons no cell could be: nothing bounds what the search does to their properties."""
    inverted, restless = np.mean([unphysical(model.neurons(seed)) for seed in model.seeds], axis=0)
    return (
        f"Properties are unbounded: {100 * inverted:.0f} % of the neurons have a negative resistance (they answer "
        f"inverted), {100 * restless:.0f} % a threshold at or below their resting potential (they fire at every step "
        "unless inhibited)."
    )


def _time_constants(model: ZooModel) -> list[str]:
    if "x_tau" not in model.network_config.trained:
        return []
    tau = np.concatenate([model.neurons(seed)["tau_ms"] for seed in model.seeds])
    low, median, high = np.percentile(tau, [5, 50, 95])
    return [
        "",
        f"Trained membrane time constants: median {median:.3g} ms, 5 to 95 %: {low:.3g} to {high:.3g} ms."
        + (
            ""
            if model.config.get("imported") or not method_of(parse(model.name)).drifts
            else " Part of such a spread is drift of the search alone, which no reward selects."
        ),
        "",
        f"![Histogram of the membrane time constants, half of them below {median:.3g} ms]({model.name}-tau.svg)",
    ]
