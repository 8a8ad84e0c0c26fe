"""What a model is measured by: its words, and who measures it."""

import dataclasses
import importlib
from types import ModuleType


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A quantity, and how cards, tables and curves tell of it.

    Attributes:
        name: ``return`` or ``accuracy``.
        result: what a published number is; ``{trained}`` stands for what was trained.
        curve: what a learning curve shows.
        axis: the same without "mean", for an axis.
        samples: what it is measured on: ``episodes`` or ``images``.
        hub_task, hub_type: as the Hub calls the kind of task and the metric.
        measured_in: closing words of a card's limits, or nothing.
        evaluator: module that measures models by it; see `zoo.evaluation.measuring`.
        card: module that writes what a card says of it; see `zoo.report.cards`.
    """

    name: str
    result: str
    curve: str
    axis: str
    samples: str
    hub_task: str
    hub_type: str
    measured_in: str = ""
    evaluator: str
    card: str

    def load_evaluator(self) -> ModuleType:
        """The module that measures."""
        return importlib.import_module(self.evaluator)

    def load_card(self) -> ModuleType:
        """The module that writes the card's part."""
        return importlib.import_module(self.card)


RETURN = Metric(
    name="return",
    result="mean return of {trained}",
    curve="mean return",
    axis="return",
    samples="episodes",
    hub_task="reinforcement-learning",
    hub_type="mean_reward",
    measured_in=" Rewards belong to the simulator and the versions named in `config.json`.",
    evaluator="zoo.evaluation.episodes",
    card="zoo.report.return_cards",
)
ACCURACY = Metric(
    name="accuracy",
    result="test accuracy of {trained} in %,",
    curve="mean accuracy (%)",
    axis="accuracy (%)",
    samples="images",
    hub_task="image-classification",
    hub_type="accuracy",
    evaluator="zoo.evaluation.images",
    card="zoo.report.image_cards",
)
