"""What a loaded model is: verified arrays, and the networks made of them."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float

from zoo.core.errors import DamagedCheckpointError
from zoo.models import NetworkConfig, fixed_weights, physical
from zoo.registry.recipe import Recipe
from zoo.store.checkpoint import Checkpoint
from zoo.tasks import Task, make_task
from zoo.tasks.base import CLASSIFICATION
from zoo.tasks.observations import ObservationStats, normalise

if TYPE_CHECKING:
    from zoo.models import SpikingMLP, Surrogate


@dataclasses.dataclass(frozen=True, eq=False)
class ZooModel:
    """A published model: networks of one shape, one for each training seed.

    Attributes:
        name: model name.
        source: where it was loaded from, in a form that `zoo.load` takes again and that stays the same
            bytes: a folder, or ``hf://org/name@commit``.
        path: folder of the files.
        config: everything config.json says.
        recipe: how it was trained.
        network_config: shapes, and what was trained.
        seeds: training seeds.
        trained: trained values by name, [K, …], float32.
        observations: observation statistics ``count`` [K], ``mean`` and ``m2`` [K, o], or None.
        evaluation: the published evaluation.
    """

    name: str
    source: str
    path: Path
    config: dict
    recipe: Recipe
    network_config: NetworkConfig
    seeds: tuple[int, ...]
    trained: dict[str, np.ndarray]
    observations: dict[str, np.ndarray] | None
    evaluation: dict

    def __repr__(self) -> str:
        c = self.network_config
        return (
            f"ZooModel('{self.name}', {c.inputs}-{c.hidden}-{c.outputs}, trained={c.trained}, "
            f"{len(self.seeds)} seed(s), source='{self.source}')"
        )

    def _index(self, seed: int | None) -> int:
        if seed is None:
            return 0
        if isinstance(seed, float) or seed not in self.seeds:
            first, last = min(self.seeds), max(self.seeds)
            gapless = last - first == len(self.seeds) - 1 > 0
            those = f"{first} to {last}" if gapless else ", ".join(map(str, self.seeds))
            raise ValueError(f"training seed {seed} is not among this model's seeds ({those})")
        return self.seeds.index(seed)

    def select(self, seed: int) -> "ZooModel":
        """The same model with one training seed alone."""
        rows = slice(self._index(seed), self._index(seed) + 1)
        observations = self.observations and {k: v[rows] for k, v in self.observations.items()}
        trained = {name: value[rows] for name, value in self.trained.items()}
        return dataclasses.replace(self, seeds=self.seeds[rows], trained=trained, observations=observations)

    def parts(self, seed: int | None = None) -> dict[str, np.ndarray]:
        """All parts of one seed's network by name: trained ones, and fixed ones drawn again.

        Raises:
            DamagedCheckpointError: if the weights drawn are not those that the model was trained with.
        """
        row = self._index(seed)
        parts = self.network_config.initial(self.seeds[row])
        expected = self.config["fixed_weights"].get(str(self.seeds[row]))
        drawn = fixed_weights.sha256(parts["w_in"], parts["w_out"])
        if drawn != expected:
            raise DamagedCheckpointError(
                f"{self.name}: the weights of seed {self.seeds[row]} have SHA-256 {drawn}; "
                f"the checkpoint was trained with {expected}"
            )
        return parts | {name: value[row] for name, value in self.trained.items()}

    def network(self, seed: int | None = None, surrogate: "Surrogate | None" = None) -> "SpikingMLP":
        """The network of one training seed as a Flax NNX module.

        Args:
            seed: training seed; by default the first.
            surrogate: how spikes are differentiated, which training by gradients needs; by default they are not.

        Raises:
            TypeError: if `surrogate` is none.
        """
        from zoo.models import SpikingMLP, Surrogate

        if not isinstance(surrogate, Surrogate | None):
            raise TypeError(f"surrogate (={surrogate!r}) must be a zoo.models.Surrogate, such as Surrogate('arctan')")
        row = self._index(seed)
        parts = self.parts(seed)
        trained = {name: parts[name] for name in self.network_config.trained}
        return SpikingMLP(self.network_config, seed=self.seeds[row], trained=trained, surrogate=surrogate)

    def neurons(self, seed: int | None = None) -> dict[str, np.ndarray]:
        """Hidden neurons' properties in physical units: tau_ms, v_th and v_rest in V, r_ohm. [hidden]."""
        return physical(self.parts(seed))

    def observe(self, observation: ArrayLike, seed: int | None = None) -> Float[jax.Array, "*b o"]:
        """What a network sees of its environment's observation: normalised as in training, where the recipe says so.

        Args:
            observation: [*b, o], as `zoo.tasks`, gymnax, bsuite or Brax give it.
            seed: training seed whose network is to see it; by default the first.

        Raises:
            ValueError: if its last axis has another length.
        """
        observation = jnp.asarray(observation, jnp.float32)
        size = self.network_config.inputs
        if observation.shape[-1:] != (size,):
            raise ValueError(f"observation has shape {observation.shape}; its last axis must be {size}")
        stats = self.observation_stats(seed)
        if stats is None:
            return observation
        return normalise(stats, observation, self.recipe.observation_clip)

    def observation_stats(self, seed: int | None = None) -> ObservationStats | None:
        """By which one training seed's observations (by default the first's) are normalised, where they are."""
        row = self._index(seed)
        if self.observations is None:
            return None
        return ObservationStats(**{name: jnp.asarray(rows[row]) for name, rows in self.observations.items()})

    def task(self) -> Task:
        """The task that it was trained on.

        Raises:
            DamagedCheckpointError: if config.json names none that the zoo has.
        """
        task = self.config["task"]
        try:
            return make_task(task["name"], **task["options"])
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedCheckpointError(f"{self.path}/config.json: no such task {task!r}: {error}") from error

    def classify(self, images: np.ndarray, seed: int | None = None) -> np.ndarray:
        """Classes [N] of images, by one training seed's network (by default the first).

        Computed as the published accuracy is: in float64 on the CPU, the same on every machine.

        Args:
            images: [N, 28, 28] or [N, 784], or one image without N: integers from 0 to 255, or floats from
                0 (black) to 1 (white). Digits and clothes are white on black.
            seed: training seed.

        Raises:
            ValueError: if this is no image model, or images have another shape, type or range.
        """
        from zoo.tasks.exact import respond_exactly
        from zoo.tasks.image_data import as_pixels

        task: Any = self.task()
        if task.kind != CLASSIFICATION:
            raise ValueError(f"{self.name} plays {task.name}; only image models classify images")
        pixels, single = as_pixels(images)
        labels = respond_exactly(task, self.parts(seed), pixels)[0]
        return labels[0] if single else labels

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint, source: str) -> "ZooModel":
        """A model out of a verified checkpoint."""
        return cls(
            name=checkpoint.config["name"],
            source=source,
            path=checkpoint.path,
            config=checkpoint.config,
            recipe=checkpoint.recipe,
            network_config=checkpoint.network,
            seeds=checkpoint.seeds,
            trained=checkpoint.params["trained"],
            observations=checkpoint.params.get("observations"),
            evaluation=checkpoint.evaluation,
        )
