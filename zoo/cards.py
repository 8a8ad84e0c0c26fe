"""Model cards, generated from checkpoints: no number in a card was typed."""

import difflib
import importlib.resources
import io
from pathlib import Path

import numpy as np

from zoo.loading import ModelInfo, ZooModel, find, list_models, load, model_info
from zoo.names import parse
from zoo.paper import PAPER_URL, TASKS, paper_reward

_GENERATED = "<!-- Generated from the checkpoint by `zoo cards`; edits are overwritten. -->"


def card(name: str) -> str:
    """The model card of a published model, as Markdown.

    Raises:
        UnknownModelError: if the model is not published.
    """
    stored = Path(str(importlib.resources.files("zoo.model_cards"))) / f"{name}.md"
    if stored.is_file() and find(name).parent == Path(str(importlib.resources.files("zoo.checkpoints"))):
        return stored.read_text(encoding="utf-8")
    return make_card(load(name))


def make_card(model: ZooModel) -> str:
    """Front matter for the Hub, then what a person wants to know."""
    return f"{_front_matter(model)}\n{_GENERATED}\n\n{_body(model)}"


def _front_matter(model: ZooModel) -> str:
    from huggingface_hub import EvalResult, ModelCardData

    info = model_info(model.source)
    task = TASKS[parse(model.name).family]
    result = EvalResult(
        task_type=task.hub_task,
        task_name=task.title,
        dataset_type=info.task,
        dataset_name=task.describe(info.task),
        metric_type="mean_reward",
        metric_name="mean return of the centre over training seeds",
        metric_value=info.mean,
        metric_args={"std": info.std, "interval_95": list(info.interval_95), "seeds": info.seeds},
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
    info, config, parsed = model_info(model.source), model.config, parse(model.name)
    task, network, recipe = TASKS[parsed.family], model.network_config, config["recipe"]
    training, low, high = config["training"], *info.interval_95
    what = (
        "Its weights are random and were never trained; training set each hidden neuron's "
        + ", ".join(_PROPERTY[name] for name in network.trained)
        if parsed.kind == "het"
        else "Its neurons are all alike; training set the connection weights"
    )
    paper = paper_reward(parsed)
    per_seed = np.array([row["mean"] for row in model.evaluation["seeds"]])
    rate = np.mean([row["spike_rate"] for row in model.evaluation["seeds"]])
    lines = [
        f"# {model.name}",
        "",
        f"A two-layer spiking network ({network.inputs} inputs, {network.hidden} leaky integrate-and-fire "
        f"neurons, {network.outputs} readouts) for {task.describe(info.task)}. {what}. "
        f"{info.parameters:,} trained parameters; {info.seeds} networks, one for each training seed.",
        "",
        "```python",
        "import zoo",
        "",
        f'model = zoo.load("{model.name}")',
        "zoo.evaluate(model).mean",
        "net = model.network(seed=0)  # a flax.nnx.Module",
        "```",
        "",
        "## Measured",
        "",
        "| quantity | value |",
        "| --- | --- |",
        f"| mean return of the centre, over {info.seeds} training seeds | "
        f"**{_number(info.mean)}** ± {_number(info.std)} (std) |",
        f"| 95 % interval of that mean | {_number(low)} to {_number(high)} |",
        f"| worst and best seed | {_number(per_seed.min())}, {_number(per_seed.max())} |",
        f"| population's mean return in the last generation | {_number(info.population_mean)} "
        f"± {_number(info.population_std)} |",
        f"| the paper's population mean | {paper or 'not reported'} |",
        f"| spikes per hidden neuron and step | {rate:.3g} |",
        "",
        f"Measured by `{model.evaluation['command']}`; check it with `zoo verify {model.name}`.",
        "",
        "## Training",
        "",
        f"PGPE, {recipe['population']} members, {training['generations']} of {recipe['generations']} "
        f"generations, {recipe['episodes']} episode(s) per member and generation, "
        f"{training['env_steps']:,.0f} environment steps per seed; "
        f"{training['seconds']:,.0f} s for all seeds together on {training['hardware']}.",
        "",
        f"Centre: {recipe['optimiser']}, learning rate {recipe['centre_lr']:g}"
        + (f" falling to {recipe['centre_lr_final']:g}" if recipe["centre_lr_final"] is not None else "")
        + f"; sigma {recipe['sigma']:g}, learning rate {recipe['sigma_lr']:g}.",
        *_departures(recipe),
        "",
        f"Train it again: `zoo train {model.name}`.",
        *_time_constants(model),
        "",
        "## Limits",
        "",
        f"{task.limits} Rewards belong to the simulator and the versions named in `config.json`.",
        "",
        "## Origin",
        "",
        f"After Shen et al., *Dive into the Power of Neuronal Heterogeneity*, [arXiv 2305.11484]({PAPER_URL}). "
        "Apache-2.0.",
    ]
    return "\n".join(lines) + "\n"


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
    if recipe["centre_lr"] != 0.15:
        notes.append("the centre's learning rate differs")
    return ["", "Beyond the paper's recipe: " + "; ".join(notes) + "."] if notes else []


def _time_constants(model: ZooModel) -> list[str]:
    if "x_tau" not in model.network_config.trained:
        return []
    tau = np.concatenate([model.neurons(seed)["tau_ms"] for seed in model.seeds])
    low, median, high = np.percentile(tau, [5, 50, 95])
    return [
        "",
        f"Trained membrane time constants: median {median:.3g} ms, 5 to 95 %: {low:.3g} to {high:.3g} ms. "
        "Part of such a spread is drift of the search alone, which no reward selects.",
    ]


def _number(value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.3f}"


def index_rows() -> list[ModelInfo]:
    """All published models on this machine, in the order of the table."""
    return [model_info(name) for name in list_models()]


def markdown_table(rows: list[ModelInfo], link: str = "") -> str:
    """The models as a Markdown table; names link to ``{link}{name}.md``."""
    out = io.StringIO()
    out.write("| model | parameters | seeds | generations | reward | 95 % interval | population | paper |\n")
    out.write("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
    for row in rows:
        low, high = row.interval_95
        out.write(
            f"| [{row.name}]({link}{row.name}.md) | {row.parameters:,} | {row.seeds} | {row.generations} "
            f"| **{_number(row.mean)}** | {_number(low)} to {_number(high)} "
            f"| {_number(row.population_mean)} ± {_number(row.population_std)} "
            f"| {paper_reward(parse(row.name)) or ''} |\n"
        )
    return out.getvalue()


def make_index() -> str:
    """model_cards/README.md."""
    return (
        f"# Models\n\n{_GENERATED}\n\n"
        "*Reward*: mean return of the trained centre on fresh episodes, over training seeds. "
        "*Population*: mean ± standard deviation over seeds of the last generation's population mean, the "
        "quantity that the paper reports.\n\n" + markdown_table(index_rows())
    )


def write_cards(folder: Path) -> list[Path]:
    """Writes the index and the cards of all published models into `folder`, and the README's table."""
    documents = _documents(folder)
    for path, text in documents.items():
        path.write_text(text, encoding="utf-8")
    return list(documents)


_TABLE = ("<!-- table -->\n", "<!-- /table -->")


def with_table(readme: str) -> str:
    """The repository's README with its table of models made anew."""
    before, rest = readme.split(_TABLE[0], 1)
    _, after = rest.split(_TABLE[1], 1)
    return before + _TABLE[0] + markdown_table(index_rows(), link="model_cards/") + _TABLE[1] + after


def _documents(folder: Path) -> dict[Path, str]:
    """All generated documents: cards, their index, and the README beside the folder if it has a table."""
    texts = {folder / "README.md": make_index()} | {folder / f"{n}.md": make_card(load(n)) for n in list_models()}
    readme = folder.parent / "README.md"
    if readme.is_file() and _TABLE[0] in (text := readme.read_text(encoding="utf-8")):
        texts[readme] = with_table(text)
    return texts


def check_cards(folder: Path) -> list[str]:
    """Differences between the cards in `folder` and what the checkpoints say; empty if there are none."""
    problems = []
    wanted = _documents(folder)
    for path, text in wanted.items():
        have = path.read_text(encoding="utf-8") if path.is_file() else ""
        if have != text:
            changed = [d for d in difflib.ndiff(have.splitlines(), text.splitlines()) if d[0] in "+-"]
            problems.append(f"{path.name}: {len(changed)} line(s) differ from the checkpoint; run `zoo cards`")
    for path in sorted(folder.glob("*.md")):
        if path not in wanted:
            problems.append(f"{path.name}: no such checkpoint is published")
    return problems
