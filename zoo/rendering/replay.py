"""An episode of one network, kept for looking at it."""

import dataclasses

import numpy as np
from jaxtyping import Float

from zoo.analysis.firing import record
from zoo.rendering.scene import Scene, make_scene, watcher
from zoo.store.zoo_model import ZooModel

_SHOWN = 256


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replay:
    """What is shown of an episode; frame t is what the network saw before its action t.

    Attributes:
        title: model, training seed.
        scene: bodies, T frames.
        spikes: [T, N], 0 or 1, of the neurons shown, shortest time constant first.
        hidden: how many neurons the hidden layer has; N of them are shown, evenly spaced in that order.
        rewards: [T].
    """

    title: str
    scene: Scene
    spikes: Float[np.ndarray, "T N"]
    hidden: int
    rewards: Float[np.ndarray, " T"]

    @property
    def times_s(self) -> Float[np.ndarray, " T"]:
        """Simulated time of each frame, in s."""
        return self.scene.dt_s * np.arange(len(self.rewards))

    @property
    def summary(self) -> str:
        """Return and length in words."""
        return f"return {self.rewards.sum():.4g} in {len(self.rewards)} steps"

    @property
    def neurons(self) -> str:
        """Which neurons are shown, in words."""
        shown = self.spikes.shape[1]
        which = (
            f"{shown:,} hidden neurons" if shown == self.hidden else f"{shown:,} of {self.hidden:,} hidden neurons"
        )
        return f"{which}, by time constant"


def play(model: ZooModel, seed: int | None = None, *, episode_seed: int = 0, steps: int | None = None) -> Replay:
    """Plays one episode with one network.

    Args:
        model: a loaded model.
        seed: training seed; by default the first.
        episode_seed: of the initial state.
        steps: stop after so many; by default at the end of the episode.

    Raises:
        ValueError: if the task has no bodies to draw, or there is no such training seed.
    """
    task = model.task()
    recording = record(model, seed, episode_seed=episode_seed, steps=steps, watch=watcher(task))
    tau_ms = model.neurons(recording.seed)["tau_ms"]
    order = np.argsort(tau_ms, kind="stable")
    shown = order[np.linspace(0, len(order) - 1, min(_SHOWN, len(order))).round().astype(int)]
    return Replay(
        title=f"{recording.name}, training seed {recording.seed}",
        scene=make_scene(task, recording.watched),
        spikes=recording.spikes[:, shown],
        hidden=len(order),
        rewards=recording.rewards,
    )
