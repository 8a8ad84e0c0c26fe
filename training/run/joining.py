"""Trainings of one model on training seeds of their own, in one checkpoint: seeds can be trained apart, anywhere."""

import dataclasses
import itertools
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from zoo.core.errors import ZooError
from zoo.evaluation import evaluate
from zoo.registry.recipe import Recipe, override
from zoo.store.checkpoint import write_checkpoint
from zoo.store.loading import load
from zoo.store.records import read_config
from zoo.store.zoo_model import ZooModel

_OWN = ("seeds", "first_seed", "physics")
"""Settings in which the parts may differ; of what computed the physics, the whole has that of the last seeds."""


def join_checkpoints(sources: Sequence[str | os.PathLike], target: str | os.PathLike) -> Path:
    """Writes the networks of several checkpoints as one, and measures all of them anew.

    What becomes of a training seed does not depend on the others, but for rounding, of which a robot's physics makes
    another end. A training state goes into no joined checkpoint.

    Args:
        sources: what `zoo.load` takes, two or more: one model, trained by one recipe on different seeds, which
            follow each other without a gap.
        target: folder of the checkpoint; one that is there is replaced if the new one has all of its seeds.

    Returns:
        `target`.

    Raises:
        ValueError: if the sources do not belong together, naming in what they differ.
        ZooError: if `target` is something else, or has seeds that the sources lack.
    """
    models = sorted((load(source) for source in sources), key=lambda model: min(model.seeds))
    seeds = _seeds(models)
    for other in models[1:]:
        _check_same(models[0], other)
    target = Path(target)
    _check_target(target, seeds)
    whole = _whole(models, override(models[-1].recipe, seeds=len(seeds), first_seed=seeds[0]))
    curves = {name: _joined_rows(models, name) for name in ("training.csv", "activity.csv")}
    write_checkpoint(
        target,
        config={name: value for name, value in whole.config.items() if name != "schema"},
        params={"trained": whole.trained} | ({"observations": whole.observations} if whole.observations else {}),
        evaluation=evaluate(whole).to_json(),
        curve=curves["training.csv"] or "",
        extra=lambda new: _add_activity(new, curves["activity.csv"]),
    )
    return target


def _seeds(models: Sequence[ZooModel]) -> tuple[int, ...]:
    """All training seeds in order."""
    if len(models) < 2:
        raise ValueError("to join, name two checkpoints or more")
    seeds = tuple(sorted(seed for model in models for seed in model.seeds))
    if twice := [seed for seed, following in itertools.pairwise(seeds) if seed == following]:
        raise ValueError(f"training seed {twice[0]} is in two of the checkpoints; a network counts once")
    if missing := sorted(set(range(seeds[0], seeds[-1])) - set(seeds)):
        raise ValueError(
            f"training seed {missing[0]} is in none of the checkpoints, which have {', '.join(map(str, seeds))}; "
            f"train it: --seeds 1 --first-seed {missing[0]}"
        )
    return seeds


def _check_same(first: ZooModel, other: ZooModel) -> None:
    """Raises `ValueError` unless two checkpoints differ in nothing but what seeds make differ."""
    if first.name != other.name:
        raise ValueError(f"{first.path} is {first.name}, {other.path} is {other.name}; join checkpoints of one model")
    old, new = _settings(first), _settings(other)
    if differ := [name for name in old | new if old.get(name) != new.get(name)]:
        told = "; ".join(f"{name}: {old.get(name)} and {new.get(name)}" for name in differ)
        raise ValueError(f"{first.path} and {other.path} were not trained alike ({told})")


def _settings(model: ZooModel) -> dict:
    """What must be the same."""
    recipe = {name: value for name, value in model.recipe.flat().items() if name not in _OWN}
    config, training = model.config, model.config["training"]
    return recipe | {
        "generations done": training["generations"],
        "task": config["task"],
        "network": model.network_config,
        "began with": config.get("origin"),
        "imported": config.get("imported"),
        "observation statistics": model.observations is not None,
        "episodes of the evaluation": model.evaluation["episodes"],
    }


def _check_target(target: Path, seeds: Sequence[int]) -> None:
    if not (target / "config.json").is_file():
        return
    if lost := sorted(set(read_config(target)["seeds"]) - set(seeds)):
        raise ZooError(f"{target} has training seed {lost[0]}, which the joined one would lack; name another folder")


def _whole(models: Sequence[ZooModel], recipe: Recipe) -> ZooModel:
    """The model that the parts make, in the order of their seeds."""
    seeds = [seed for model in models for seed in model.seeds]
    order = np.argsort(seeds)

    def stacked(parts: Iterable[dict]) -> dict:
        rows = list(parts)
        return {name: np.concatenate([row[name] for row in rows])[order] for name in rows[0]}

    hashes = {seed: digest for model in models for seed, digest in model.config["fixed_weights"].items()}
    config = models[0].config | {
        "recipe": dataclasses.asdict(recipe),
        "seeds": sorted(seeds),
        "fixed_weights": {str(seed): hashes[str(seed)] for seed in sorted(seeds)},
        "training": _training([model.config["training"] for model in models], [len(model.seeds) for model in models]),
    }
    statistics = [model.observations for model in models if model.observations is not None]
    return dataclasses.replace(
        models[0],
        config=config,
        recipe=recipe,
        seeds=tuple(sorted(seeds)),
        trained=stacked(model.trained for model in models),
        observations=stacked(statistics) if statistics else None,
    )


def _training(parts: Sequence[dict], counts: Sequence[int]) -> dict:
    """What config.json says of the training: sums of counts and seconds, means over all seeds."""
    last = parts[-1]
    whole = parts[0] | {name: sum(part[name] for part in parts) for name in last if name.startswith("nan_")}
    if "env_steps" in last:
        whole["env_steps"] = float(np.average([part["env_steps"] for part in parts], weights=counts))
    means = [part["population_mean"] for part in parts]
    if all(mean is not None for mean in means):
        whole["population_mean"] = float(np.average(means, weights=counts))
        squares = [(n - 1) * part["population_std"] ** 2 for part, n in zip(parts, counts, strict=True)]
        squares += [n * (mean - whole["population_mean"]) ** 2 for mean, n in zip(means, counts, strict=True)]
        whole["population_std"] = math.sqrt(sum(squares) / (sum(counts) - 1))
    versions: dict[str, list[str]] = {}
    for name, number in (item for part in parts for item in part["versions"].items()):
        versions.setdefault(name, []).append(number)
    return whole | {
        "seconds": round(sum(part["seconds"] for part in parts), 1),
        "hardware": _each_once(part["hardware"] for part in parts),
        "python": _each_once(part["python"] for part in parts),
        "versions": {name: _each_once(numbers) for name, numbers in versions.items()},
    }


def _each_once(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(part for text in texts for part in text.split(", ")))


def _joined_rows(models: Sequence[ZooModel], name: str) -> str | None:
    """A file of curves with all seeds' rows of the generations that all of them have; None where a model lacks it."""
    paths = [model.path / name for model in models]
    if not all(path.is_file() for path in paths):
        return None
    headers, rows = set(), []
    for path in paths:
        header, *own = path.read_text(encoding="utf-8").splitlines()
        headers.add(header)
        rows.append([(int(row.split(",")[0]), int(row.split(",")[1]), row) for row in own])
    if len(headers) > 1:
        raise ValueError(f"{paths[0]} and the others have different columns: {'; '.join(sorted(headers))}")
    common = set.intersection(*({generation for generation, *_ in own} for own in rows))
    kept = sorted((row for own in rows for row in own if row[0] in common), key=lambda row: row[:2])
    return "\n".join([headers.pop(), *(text for *_, text in kept)]) + "\n"


def _add_activity(folder: Path, rows: str | None) -> None:
    if rows is not None:
        (folder / "activity.csv").write_text(rows, encoding="utf-8")
