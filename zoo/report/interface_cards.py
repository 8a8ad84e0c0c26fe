"""What a card says to who would use a model: what to install, what to type, what goes in and what comes out."""

from typing import Any

import numpy as np

from zoo.models import DT_MS
from zoo.registry.families import family_of
from zoo.registry.interface import Interface, Quantity
from zoo.registry.names import parse
from zoo.store.zoo_model import ZooModel
from zoo.tasks.base import CLASSIFICATION

INSTALL = "pip install hetsnn-zoo"


def interface_of(model: ZooModel) -> Interface | None:
    """Of a model's task; None where its family does not say."""
    name = parse(model.name)
    return family_of(name.task).interface(name, model.task())


def use(model: ZooModel) -> list[str]:
    """The section with an example."""
    interface, seed = interface_of(model), model.seeds[0]
    example = _plain_example(model) if interface is None else interface.example
    return [
        "## Use it",
        "",
        "```bash",
        INSTALL,
        "```",
        "",
        "With Python 3.11 to 3.13; or, and as long as no package index has it, `pip install .` in a clone of the "
        "zoo's repository.",
        "",
        "```python",
        *example.replace("seed=0", f"seed={seed}").replace("training seed 0", f"training seed {seed}").splitlines(),
        "```",
        "",
        f'`zoo.load("{model.name}").network(seed={seed})` is the network alone, a `flax.nnx.Module`; '
        f'`zoo.evaluate("{model.name}")` measures all its networks again.',
    ]


def _plain_example(model: ZooModel) -> str:
    return f'import zoo\n\nmodel = zoo.load("{model.name}")\nprint(zoo.evaluate(model).mean)\n'


def inputs_and_outputs(model: ZooModel) -> list[str]:
    """The section of what goes in and comes out, and all that acts between."""
    interface = interface_of(model)
    if interface is None:
        return []
    return [
        "",
        "## Inputs and outputs",
        "",
        f"{interface.environment}. {interface.reward}",
        "",
        *_acts(model, interface),
        "",
        *_observations(model, interface),
        *_actions(interface),
    ]


def _acts(model: ZooModel, interface: Interface) -> list[str]:
    """From an observation to an action, step by step."""
    network, steps = model.network_config, []
    if model.observations is not None:
        steps.append(
            f"It is normalised number by number, `(observation - mean) / std`, and clipped at "
            f"±{model.recipe.observation_clip:g}; mean and std are the network's own, fixed since its training."
        )
    task: Any = model.task()
    images = task.kind == CLASSIFICATION
    currents = "The currents" if images else "Its numbers are currents in units of 20 nA, which"
    steps += [
        f"{currents} reach {network.hidden:,} leaky integrate-and-fire neurons through weights; "
        + (f"then come {task.steps} steps" if images else "each observation is one step")
        + (f" of {DT_MS:g} ms." if images else f" of {DT_MS:g} ms, whatever time passes in the environment."),
        "Spikes reach leaky readouts through weights"
        + ("." if images else "; all potentials are carried to the next step, and begin at rest in each episode."),
        f"{interface.done[0].upper()}{interface.done[1:]}.",
    ]
    return [f"The network sees {interface.seen}.", "", *(f"{n}. {step}" for n, step in enumerate(steps, 1))]


def _observations(model: ZooModel, interface: Interface) -> list[str]:
    if not interface.observations:
        return []
    head, ruler, columns = "| no. | observation | unit |", "| --- | --- | --- |", []
    if model.observations is not None:
        columns = _statistics(model.observations)
        head, ruler = head + f" mean, seed {model.seeds[0]} | std, seed {model.seeds[0]} |", ruler + " --- | --- |"
    return [
        head,
        ruler,
        *_rows(interface.observations, columns),
        *(
            ["", f'Those of the other training seeds: `zoo.load("{model.name}").observation_stats(seed=1)`, …']
            if columns and len(model.seeds) > 1
            else []
        ),
        "",
    ]


def _statistics(observations: dict[str, np.ndarray]) -> list[list[str]]:
    """Mean and deviation of each observation, of the first seed, as `zoo.tasks.observations.std` has them."""
    count, mean, m2 = (np.asarray(observations[name][0], np.float64) for name in ("count", "mean", "m2"))
    std = np.ones_like(mean) if count < 2 else np.maximum(np.sqrt(m2 / count), 1e-3)
    return [[f"{centre:.3g}", f"{deviation:.3g}"] for centre, deviation in zip(mean, std, strict=True)]


def _actions(interface: Interface) -> list[str]:
    if not interface.observations:
        return ["Classes: " + ", ".join(f"{n} {action.what}" for n, action in enumerate(interface.actions)) + "."]
    return ["| no. | action | unit |", "| --- | --- | --- |", *_rows(interface.actions)]


def _rows(quantities: tuple[Quantity, ...], more: list[list[str]] | None = None) -> list[str]:
    rows = []
    for number, quantity in enumerate(quantities):
        what = f"{quantity.what} (`{quantity.joint}`)" if quantity.joint else quantity.what
        cells = [str(number), what, quantity.unit, *(more[number] if more else [])]
        rows.append("| " + " | ".join(cells) + " |")
    return rows
