"""What a card says of an image model: its accuracy, seed by seed, and its energy."""

import numpy as np

from zoo.registry.methods import method_of
from zoo.registry.names import parse
from zoo.report.return_cards import seed_rows
from zoo.store.catalogue import ModelInfo
from zoo.store.zoo_model import ZooModel
from zoo.tasks.image_data import CLASSES


def trained(model: ZooModel) -> str:
    """What of the model was measured, in words."""
    if model.config.get("imported"):
        return "the network"
    method = method_of(parse(model.name))
    return method.trained if method.drifts else "the trained network"


def measured(model: ZooModel, info: ModelInfo) -> list[str]:
    """Accuracy on the test set, and what an inference costs."""
    evaluation = model.evaluation
    rows = evaluation["seeds"]
    spikes, rate = (np.mean([row[key] for row in rows]) for key in ("spikes", "spike_rate"))
    method = method_of(parse(model.name))
    searched = method.drifts and not model.config.get("imported")
    many = info.seeds > 1
    over = f"over {info.seeds} training seeds" if many else "of one training seed"
    spread = f" ± {info.std:.2f} (std)" if many else ""
    lines = [
        "| quantity | value |",
        "| --- | --- |",
        f"| test accuracy of {trained(model)}, {over} | **{info.mean:.2f} %**{spread} |",
    ]
    if many and info.interval_95 is not None:
        low, high = info.interval_95
        lines += [
            f"| 95 % interval of that mean | {low:.2f} to {high:.2f} % |",
            *seed_rows(rows, lambda row: f"{row['mean']:.2f} %", "test accuracy"),
        ]
    if searched:
        population = f"{info.population_mean:.2f}" + (f" ± {info.population_std:.2f}" if many else "")
        lines.append(f"| mean test accuracy of 64 members of the last search distribution | {population} % |")
    return [
        *lines,
        f"| the paper's accuracy | {info.paper or 'not reported'} |",
        f"| hidden spikes per image | {spikes:,.0f} ({rate:.3g} per neuron and step) |",
        f"| synaptic operations per image | {CLASSES * spikes:,.0f} additions caused by spikes |",
        f"| input current per image | {evaluation['input_operations']:,.0f} multiplications and additions, "
        "once for all steps |",
        "",
        f"Measured on all {evaluation['episodes']:,} test images by `{evaluation['command']}`; the count of right "
        f"answers is the same on every machine, and `zoo verify {model.name}` compares it class by class.",
    ]
