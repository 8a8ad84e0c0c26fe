"""Measuring models again, whatever they are measured by."""

import dataclasses
import os

from zoo.core.errors import ZooError
from zoo.evaluation.episodes import Evaluation
from zoo.evaluation.images import ImageEvaluation
from zoo.registry.families import family_of
from zoo.registry.metrics import Metric
from zoo.registry.names import parse
from zoo.store.loading import load
from zoo.store.zoo_model import ZooModel
from zoo.tasks.observations import ObservationStats


def _metric(model: ZooModel) -> Metric:
    return family_of(parse(model.name).task).metric


def evaluate(
    model: ZooModel | str | os.PathLike, *, episodes: int | None = None, seed: int = 0, compiled: bool = False
) -> Evaluation | ImageEvaluation:
    """Plays fresh episodes with each training seed's network, without exploration noise.

    All networks start from the same `episodes` initial states, drawn from `seed` apart from training's. An image
    model classifies the test images instead, all of them.

    Args:
        model: a loaded model, or what `load` takes.
        episodes: per network; by default as many as the published evaluation has.
        seed: of the initial states.
        compiled: whether physics and networks are to be machine code, as in training, where there is a kernel for
            the task. It is faster, counts no spikes, and agrees with Brax's own step to rounding, which chaotic
            physics makes other episodes of.

    Raises:
        ValueError: if `episodes` is below 1, above 1,000,000, or odd where contexts alternate; for an image model, if
            it is not the number of test images, or `seed` is not 0.
        DataNotFoundError: if the test images are not on this machine and cannot be downloaded.
        ZooError: if so many episodes do not fit this machine's memory, or if a return is not a number, which no
            published model's is.
    """
    model = model if isinstance(model, ZooModel) else load(model)
    episodes = model.evaluation["episodes"] if episodes is None else episodes
    networks = {seed: model.parts(seed) for seed in model.seeds}
    stats = ObservationStats(**model.observations) if model.observations else None
    clip = model.recipe.observation_clip
    measure = _metric(model).load_evaluator().measure
    return measure(model.name, model.task(), networks, stats, clip, episodes, seed, compiled)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether a model still does what its card says.

    Attributes:
        name: model name.
        claimed, measured: mean over training seeds.
        holds: whether every training seed's network reaches again what is published of it.
        problem: why not, or an empty string.
    """

    name: str
    claimed: float | None
    measured: float | None
    holds: bool
    problem: str = ""

    def __str__(self) -> str:
        if not self.holds:
            return f"FAILS  {self.name}: {self.problem}"
        return f"holds  {self.name}: measured {self.measured:.6g}, claimed {self.claimed:.6g}"


def verify(name: str, *, compiled: bool = False) -> Verification:
    """Loads a published model and measures again, with the command that its card names.

    Each network is compared with what is published of itself; see `problem` of what measures it. A model that cannot
    be read or measured does not hold.

    Args:
        name: of the model.
        compiled: see `evaluate`.
    """
    try:
        model = load(name)
        claim = model.evaluation
        result = evaluate(model, episodes=claim["episodes"], seed=claim["seed"], compiled=compiled)
        problem = _metric(model).load_evaluator().problem(claim, result)
        claimed = claim["mean"]
    except (ZooError, KeyError, OSError, TypeError, ValueError) as error:
        return Verification(name=name, claimed=None, measured=None, holds=False, problem=str(error))
    return Verification(name=model.name, claimed=claimed, measured=result.mean, holds=not problem, problem=problem)
