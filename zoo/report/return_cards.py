"""What a card says of a model that plays episodes: its example, and its returns."""

import numpy as np

from zoo.core.formatting import deviation, interval, number
from zoo.registry.families import family_of
from zoo.registry.methods import method_of
from zoo.registry.names import parse
from zoo.store.catalogue import ModelInfo
from zoo.store.zoo_model import ZooModel

FIRST_LINES = ("zoo.evaluate(model).mean",)
LAST_LINES = (
    "state = net.initial_state()",
    "output, state = net(model.observe(observation, seed=0), state)  # 5 ms: spikes, and readouts in V",
)
"""Of a card's example, before and after the network."""


def measured(model: ZooModel, info: ModelInfo) -> list[str]:
    """Returns on fresh episodes, and what the paper has."""
    name = parse(model.name)
    method = method_of(name)
    per_seed = np.array([row["mean"] for row in model.evaluation["seeds"]])
    rate = np.mean([row["spike_rate"] for row in model.evaluation["seeds"]])
    population = deviation(info.population_mean, info.population_std, info.seeds)
    if info.seeds > 1:
        over, spread = f"{info.seeds} training seeds", f" ± {number(info.std, info.mean)} (std)"
        ends = [f"| worst and best seed | {number(per_seed.min())}, {number(per_seed.max())} |"]
    else:
        over, spread, ends = f"{model.evaluation['episodes']} episodes of one training seed", "", []
    return [
        "| quantity | value |",
        "| --- | --- |",
        f"| mean return of {method.trained}, over {over} | **{number(info.mean)}**{spread} |",
        f"| 95 % interval of that mean | {interval(info.interval_95, info.mean)} |",
        *ends,
        f"| {method.last} | {population} |",
        f"| the paper's {method.papers} | {family_of(name.task).paper_text(name)} |",
        f"| spikes per hidden neuron and step | {rate:.3g} |",
        "",
        f"Measured by `{model.evaluation['command']}`; check it with `zoo verify {model.name}`.",
    ]
