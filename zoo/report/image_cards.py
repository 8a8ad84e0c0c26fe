"""What a card says of an image model: accuracy, energy, training."""

import numpy as np

from zoo.core.formatting import spent
from zoo.store.catalogue import ModelInfo
from zoo.store.zoo_model import ZooModel
from zoo.tasks.image_data import CLASSES


def measured_images(model: ZooModel, info: ModelInfo) -> list[str]:
    """Accuracy on the test set, and what an inference costs."""
    evaluation, (low, high) = model.evaluation, info.interval_95
    rows = evaluation["seeds"]
    per_seed = [row["mean"] for row in rows]
    spikes, rate = (np.mean([row[key] for row in rows]) for key in ("spikes", "spike_rate"))
    trainer = "trained network" if model.config["recipe"].get("method") == "bp" else "centre"
    lines = [
        "| quantity | value |",
        "| --- | --- |",
        f"| test accuracy of the {trainer}, over {info.seeds} training seeds | "
        f"**{info.mean:.2f} %** ± {info.std:.2f} (std) |",
        f"| 95 % interval of that mean | {low:.2f} to {high:.2f} % |",
        f"| worst and best seed | {min(per_seed):.2f}, {max(per_seed):.2f} % |",
    ]
    if trainer == "centre":
        lines.append(
            f"| mean test accuracy of 64 members of the last search distribution | {info.population_mean:.2f} "
            f"± {info.population_std:.2f} % |"
        )
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


def image_evolution(model: ZooModel) -> list[str]:
    """How PGPE trained it."""
    recipe, training = model.config["recipe"], model.config["training"]
    final, block = recipe["centre_lr_final"], recipe.get("block_neurons")
    apart = block is not None and block < model.network_config.hidden
    return [
        f"PGPE, {recipe['population']} members"
        + (
            f" for each block of {block} neuron{'s' * (block > 1)}, judged with all others at their centre "
            "(cooperative coevolution)"
            if apart
            else ""
        )
        + f", {training['generations']} of {recipe['generations']} generations of "
        f"{recipe['batch']} training images, the same for all members; fitness: {_FITNESS[recipe['fitness']]}; "
        f"{spent(training)}.",
        "",
        f"Centre: {recipe['optimiser']}, learning rate {recipe['centre_lr']:g}"
        + (f" falling to {final:g}" if final is not None else "")
        + f"; sigma {recipe['sigma']:g}, learning rate {recipe['sigma_lr']:g}. Input: a white pixel is a current of "
        f"{20 * recipe['input_gain']:g} nA.",
        "",
        f"The cross-entropy's softmax has a temperature of {recipe['temperature_v']:g} V.",
    ]


_FITNESS = {"cross-entropy": "the negative cross-entropy", "accuracy": "the accuracy"}
