"""A model in DeepMind's own bsuite environment, through dm_env, scored by bsuite itself."""

import dataclasses
import tempfile

import jax
import numpy as np

from zoo.core.errors import ZooError
from zoo.core.packages import needed_for
from zoo.core.seeds import check_seed
from zoo.evaluation.memory import check_episodes
from zoo.models import build, initial_state, network_step
from zoo.store.zoo_model import ZooModel
from zoo.tasks.memory import MemoryLength


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class BsuiteResult:
    """What bsuite says of a model's networks.

    Attributes:
        name: model name.
        bsuite_id: for example ``memory_len/14``.
        training_seeds: [K].
        returns: [K, N], of every episode.
        contexts: [K, N], the bit to remember in every episode, 0 or 1.
        scores: [K], bsuite's own score of each network: 1 if it beats the learning threshold, else 0.
    """

    name: str
    bsuite_id: str
    training_seeds: tuple[int, ...]
    returns: np.ndarray
    contexts: np.ndarray
    scores: np.ndarray

    def __str__(self) -> str:
        networks, episodes = self.returns.shape
        return (
            f"{self.name} in bsuite's {self.bsuite_id}: score {self.scores.mean():.4f}, "
            f"mean return {self.returns.mean():.4f} over {networks} network(s), {episodes} episodes each"
        )

    def to_json(self) -> dict:
        """Numbers as JSON."""
        return {
            "name": self.name,
            "bsuite_id": self.bsuite_id,
            "episodes": self.returns.shape[1],
            "mean": float(self.returns.mean()),
            "score": float(self.scores.mean()),
            "seeds": [
                {"training_seed": k, "mean": float(row.mean()), "score": float(score)}
                for k, row, score in zip(self.training_seeds, self.returns, self.scores, strict=True)
            ],
        }


def bsuite_score(model: ZooModel, *, episodes: int | None = None, seed: int = 0) -> BsuiteResult:
    """Plays bsuite's `memory_len` experiment of the model's length and lets bsuite score it.

    Args:
        model: a model of memory length.
        episodes: per network, by default 100 (bsuite's own experiment has 10,000).
        seed: of bsuite's environments.

    Raises:
        ValueError: if `episodes` or `seed` is out of range.
        ZooError: if bsuite is not installed or has no experiment of this task.
    """
    check_seed(seed)
    if episodes is not None:
        check_episodes(episodes)
    with needed_for("bsuite's score", "bsuite", extra="bsuite"):
        from bsuite.experiments.memory_len import sweep
    task = model.task()
    lengths = [setting["memory_length"] for setting in sweep.SETTINGS]
    if not isinstance(task, MemoryLength) or task.length not in lengths:
        raise ZooError(f"bsuite's memory_len has lengths {lengths}; {model.name} is trained for {task.name}")
    bsuite_id = f"memory_len/{lengths.index(task.length)}"
    episodes = 100 if episodes is None else episodes
    played = [_play(model, k, bsuite_id, task.length, episodes, seed) for k in model.seeds]
    returns, contexts, scores = map(np.array, zip(*played, strict=True))
    return BsuiteResult(model.name, bsuite_id, model.seeds, returns, contexts, scores)


def _play(model: ZooModel, training_seed: int, bsuite_id: str, length: int, episodes: int, seed: int):
    """Returns, contexts and bsuite's score of one network."""
    from bsuite.experiments.memory_len import memory_len
    from bsuite.experiments.memory_len.analysis import score
    from bsuite.logging import csv_load, csv_logging

    network = build(model.parts(training_seed))
    returns, contexts = [], []
    with tempfile.TemporaryDirectory() as folder:
        env = csv_logging.wrap_environment(memory_len.load(length, seed), bsuite_id, results_dir=folder)
        for _ in range(episodes):
            timestep, state, total = env.reset(), initial_state(network), 0.0
            contexts.append(int(timestep.observation[0, -1] > 0))
            while not timestep.last():
                seen = model.observe(timestep.observation[0], training_seed)
                readout, state = _act(network, state, seen)
                timestep = env.step(int(np.argmax(readout)))
                total += timestep.reward
            returns.append(total)
        frame, _ = csv_load.load_bsuite(folder)
        return returns, contexts, float(score(frame))


@jax.jit
def _act(network, state, observation):
    output, state = network_step(network, state, observation)
    return output.readout, state
