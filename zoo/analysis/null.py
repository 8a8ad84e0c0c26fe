"""The null control: what the search does to the neurons when the fitness is pure noise.

PGPE's centre is a random walk where the reward says nothing, so properties that start alike spread out by
themselves. A trained spread means something only as far as it differs from this one.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from zoo.analysis.paired import PairedTest, paired_test
from zoo.core.programs import make_room_for_programs
from zoo.core.progress import track
from zoo.core.single import in_single_precision
from zoo.models import TABLE_4, NetworkConfig, physical, unphysical
from zoo.registry.methods import find_method
from zoo.registry.recipe import Recipe
from zoo.store.zoo_model import ZooModel
from zoo.training.methods.base import Group
from zoo.training.methods.evolution import hyper_of, make_search
from zoo.training.methods.pgpe import Hyper, Search
from zoo.training.methods.pgpe_method import SearchSettings

_STREAM = 0x4E01  # Keeps the control's random numbers apart from training's of the same seed.


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NullControl:
    """Trained networks beside networks that the same search led nowhere.

    Attributes:
        name: model name.
        generations: of both.
        trained_tau_ms, null_tau_ms: [K, hidden], in ms, by training seed.
        spread: paired test of the log-normal shape (standard deviation of ln tau), trained - null.
        median_ms: paired test of the median time constant, in ms.
        trained_unphysical, null_unphysical: shares of neurons of negative resistance, and with a threshold at or
            below rest.
    """

    name: str
    generations: int
    trained_tau_ms: Float[np.ndarray, "K hidden"]
    null_tau_ms: Float[np.ndarray, "K hidden"]
    spread: PairedTest
    median_ms: PairedTest
    trained_unphysical: tuple[float, float]
    null_unphysical: tuple[float, float]

    @property
    def explained(self) -> float:
        """Null spread as a share of the trained one; above 1, training narrowed what drift alone spreads."""
        return self.spread.second / self.spread.first


def tau_ms_of(model: ZooModel) -> Float[np.ndarray, "K hidden"]:
    """Time constants of all networks of a model, in ms.

    Raises:
        ValueError: if the model does not train them.
    """
    if "x_tau" not in model.network_config.trained:
        raise ValueError(f"{model.name} does not train time constants; it trains {model.network_config.trained}")
    return physical(model.trained | {name: 0.0 for name in ("v_th", "v_rest", "r")})["tau_ms"]


@functools.partial(jax.jit, static_argnames="search")
def _drift(search: Search, seed, centre, fixed, hyper: Hyper, generations) -> Float[jax.Array, " D"]:
    """Centre after that many generations of one run whose members' fitness is normal noise."""
    key = jax.random.fold_in(jax.random.key(seed), _STREAM)

    def generation(i, state):
        ask, noise = jax.random.split(jax.random.fold_in(key, i))
        members = search.ask(ask, state, hyper, fixed)
        return search.tell(members, jax.random.normal(noise, search.fitness_shape), state, hyper)

    start = search.init(centre, hyper).replace(generation_counter=jnp.int32(0))
    return jax.lax.fori_loop(0, generations, generation, start).mean


@in_single_precision()
def drift(
    config: NetworkConfig, recipe: Recipe, seeds: tuple[int, ...], generations: int, *, quiet: bool = False
) -> Float[np.ndarray, "K D"]:
    """Centres of the recipe's own search on noise, from the same starts as training's.

    Args:
        config: of the network.
        recipe: its population, optimiser, learning rates and initial spread are used.
        seeds: training seeds.
        generations: how many; the learning rate's schedule stays the recipe's.
        quiet: no progress bar.
    """
    make_room_for_programs()
    group = Group(config=config, recipe=recipe, seeds=seeds)
    search, hyper = make_search(group), hyper_of(group)
    devices, pending, centres = jax.devices(), [], []
    for row, seed in enumerate(track(seeds, "null control, seed", quiet=quiet)):
        one = jax.tree.map(lambda values, row=row: values[row], hyper)
        parts = config.initial(seed)
        fixed = {name: parts[name] for name in group.frozen_names}
        inputs = (jnp.uint32(seed), config.flatten(parts), fixed, one, jnp.int32(generations))
        placed = jax.device_put(inputs, devices[row % len(devices)])
        pending.append(_drift(search, *placed))
        if len(pending) == len(devices):  # As many at once as there are devices, so that the bar tells the truth.
            centres.append(np.asarray(pending.pop(0)))
    return np.stack(centres + [np.asarray(centre) for centre in pending])


def why_no_null(model: ZooModel) -> str:
    """What keeps the same search on pure noise from being a control of a model; empty where nothing does."""
    if model.config.get("imported"):
        return f"{model.name} was imported: nothing is known of its training"
    if not find_method(model.recipe.method).drifts:
        return f"{model.name} was trained by gradients: there is no search whose drift would be a control"
    if not isinstance(model.recipe.settings, SearchSettings):
        return f"{model.name} was trained by {model.recipe.method}: the null control is of the zoo's own search, PGPE"
    if origin := model.config.get("origin"):
        began = f"{model.name} began with the networks of {origin['name']}"
        return f"{began}: what drift does to fresh ones is no control"
    return ""


def null_neurons(model: ZooModel, *, quiet: bool = False) -> dict[str, Float[np.ndarray, "K hidden"]]:
    """Properties of the neurons of a model after the same search on pure noise, in physical units.

    Raises:
        ValueError: if the model was not trained here by a search that began with fresh networks.
    """
    if why := why_no_null(model):
        raise ValueError(why)
    config, generations = model.network_config, model.config["training"]["generations"]
    centres = config.split(drift(config, model.recipe, model.seeds, generations, quiet=quiet))
    return physical({**TABLE_4, "v_th": config.v_th, **centres})


def null_control(model: ZooModel, *, quiet: bool = False) -> NullControl:
    """Trained time constants against those of the same search on pure noise.

    Raises:
        ValueError: if the model does not train time constants, has one training seed alone, was not trained by a
            search, was imported, or began with another model's networks.
    """
    trained = tau_ms_of(model)
    if len(model.seeds) < 2:
        raise ValueError(f"{model.name} has one training seed; a test of pairs needs two or more")
    drifted = null_neurons(model, quiet=quiet)
    null = drifted["tau_ms"]
    return NullControl(
        name=model.name,
        generations=model.config["training"]["generations"],
        trained_tau_ms=trained,
        null_tau_ms=null,
        spread=paired_test(np.log(trained).std(1), np.log(null).std(1)),
        median_ms=paired_test(np.median(trained, 1), np.median(null, 1)),
        trained_unphysical=unphysical(physical({**TABLE_4, "v_th": model.network_config.v_th, **model.trained})),
        null_unphysical=unphysical(drifted),
    )
