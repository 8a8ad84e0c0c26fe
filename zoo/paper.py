"""What Shen et al. (2023) report, for comparison beside our own numbers; and the tasks in words.

Figures without printed numbers (Fig. 2, 3, 7) are represented only where the text states a value.
"""

import dataclasses

from zoo.models import PROPERTIES
from zoo.names import ModelName

PAPER_URL = "https://arxiv.org/abs/2305.11484"

_TABLE_1 = {"hc": "4221 ± 413", "ant": "1221 ± 35", "hp": "2142 ± 27", "wal": "2699 ± 404"}
_TABLE_3 = {
    ("het", "mnist"): {4096: 80.96, 8192: 85.64, 16384: 88.89, 32768: 90.84},
    ("hom", "mnist"): {4096: 78.66, 8192: 88.69, 16384: 90.59, 32768: 91.29},
    ("het", "fmnist"): {4096: 76.35, 8192: 77.64, 16384: 79.31, 32768: 80.90},
    ("hom", "fmnist"): {4096: 48.33, 8192: 58.15, 16384: 80.41, 32768: 81.22},
}


@dataclasses.dataclass(frozen=True, slots=True)
class TaskText:
    """A family of tasks in words; ``{n}`` stands for the number in its name."""

    title: str
    description: str
    hub_task: str
    limits: str

    def describe(self, task: str) -> str:
        """What one task asks for."""
        return self.description.format(n=task.lstrip("abcdefghijklmnopqrstuvwxyz"), task=task)


TASKS = {
    "mem": TaskText(
        "memory length",
        "bsuite's memory length task with {n} steps (remember one bit, repeat it {n} steps later; return ±1)",
        "reinforcement-learning",
        "The network knows this one delay; other lengths were not trained.",
    ),
    "cartpole": TaskText(
        "CartPole-v1",
        "CartPole-v1 with episodes of at most {n} steps (return: steps until the pole falls)",
        "reinforcement-learning",
        "Trained from the standard initial states alone.",
    ),
    "brax": TaskText(
        "continuous control",
        "Brax's `{task}` locomotion task",
        "reinforcement-learning",
        "Brax v1, which the paper used, is gone; rewards are comparable in kind, not in number.",
    ),
    "image": TaskText(
        "image classification",
        "`{task}` in four simulation steps",
        "image-classification",
        "Trained on 28 x 28 grey images alone.",
    ),
}


def paper_reward(model: ModelName) -> str | None:
    """The paper's value for a model, or None where it prints none."""
    if model.trainer == "bp" or model.properties != PROPERTIES:
        return None
    if model.task == "mem25" and model.kind == "het":
        return "about 0.9"
    if model.kind == "het" and model.budget == 16384 and model.task in _TABLE_1:
        return _TABLE_1[model.task]
    accuracy = _TABLE_3.get((model.kind, model.task), {}).get(model.budget)
    return None if accuracy is None else f"{accuracy:.2f} %"
