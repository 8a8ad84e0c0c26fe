"""Checkpoints of one model, each trained on seeds of its own, as one checkpoint."""

import dataclasses
import itertools
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from zoo.core.errors import ZooError
from zoo.core.single import in_single_precision
from zoo.evaluation import evaluate
from zoo.registry.recipe import override
from zoo.store.checkpoint import write_checkpoint
from zoo.store.loading import load
from zoo.store.zoo_model import ZooModel
from zoo.training.run.position import each_once

_MAY_DIFFER = ("seeds", "first_seed", "physics")
"""Settings of the recipe that need not agree; what computed the physics is told of the last seeds."""


@in_single_precision()
def join_checkpoints(
    sources: Sequence[str | os.PathLike], target: str | os.PathLike, *, replace: bool = False
) -> Path:
    """Writes the networks of several checkpoints as one, and measures all of them anew.

    Training seeds do not act on each other, so that it does not matter which were trained together (but for rounding,
    which is enough for a robot's physics to take another course). A training state goes into no joined checkpoint.

    Args:
        sources: what `zoo.load` takes, two or more: one model, trained by one recipe on different seeds, which
            follow each other without a gap.
        target: folder of the checkpoint. A checkpoint that is there is replaced where it is one of the sources.
        replace: whether it is replaced anyway.

    Returns:
        `target`.

    Raises:
        ValueError: if the sources do not belong together, naming in what they differ.
        ZooError: if `target` is something else, and `replace` is not set.
    """
    target, models = Path(target), [load(source) for source in sources]
    if len(models) < 2:
        raise ValueError("to join, name two checkpoints or more")
    for other in models[1:]:
        _check_same(models[0], other)
    models.sort(key=lambda model: min(model.seeds))
    _check_seeds(models)
    _check_target(target, models, replace)
    joined = _joined(models)
    curves = {name: _joined_rows(models, name) for name in ("training.csv", "activity.csv")}
    write_checkpoint(
        target,
        config={name: value for name, value in joined.config.items() if name != "schema"},
        params={"trained": joined.trained} | ({"observations": joined.observations} if joined.observations else {}),
        evaluation=evaluate(joined).to_json(),
        curve=curves["training.csv"] or "",
        extra=lambda new: _add_activity(new, curves["activity.csv"]),
    )
    return target


def _check_same(first: ZooModel, other: ZooModel) -> None:
    """Raises `ValueError` unless two checkpoints differ in nothing but what seeds make differ."""
    if first.name != other.name:
        raise ValueError(f"{first.path} is {first.name}, {other.path} is {other.name}; join checkpoints of one model")
    old, new = _facts(first), _facts(other)
    if differ := [name for name in old | new if old.get(name) != new.get(name)]:
        both = "; ".join(f"{name}: {old.get(name)} and {new.get(name)}" for name in differ)
        raise ValueError(f"{first.path} and {other.path} were not trained alike ({both})")


def _facts(model: ZooModel) -> dict:
    """What must be the same in all checkpoints that are joined."""
    recipe = {name: value for name, value in model.recipe.flat().items() if name not in _MAY_DIFFER}
    config, training = model.config, model.config["training"]
    return recipe | {
        "generations done": training["generations"],
        "task": config["task"],
        "network": model.network_config,
        "began with": config.get("origin"),
        "imported": config.get("imported"),
        "observation statistics": model.observations is not None,
        "fields of `training`": sorted(training),
        "episodes of the evaluation": model.evaluation["episodes"],
    }


def _check_seeds(models: Sequence[ZooModel]) -> None:
    """Raises `ValueError` unless each seed from the first to the last is in one checkpoint."""
    where: dict[int, Path] = {}
    for seed, path in ((seed, model.path) for model in models for seed in model.seeds):
        if seed in where:
            raise ValueError(f"training seed {seed} is both in {where[seed]} and in {path}; a network counts once")
        where[seed] = path
    seeds = sorted(where)
    for seed, following in itertools.pairwise(seeds):
        if following > seed + 1:
            raise ValueError(
                f"no checkpoint has training seed {seed + 1}, and one has {following}; train what is between: "
                f"--first-seed {seed + 1} --seeds {following - seed - 1}"
            )


def _check_target(target: Path, models: Sequence[ZooModel], replace: bool) -> None:
    """Raises `ZooError` if something is in the place of the joined checkpoint that would be lost."""
    if target.is_file():
        raise ZooError(f"{target} is a file; name a folder")
    if replace or not target.exists() or not any(target.iterdir()):
        return
    if target.resolve() not in [model.path.resolve() for model in models]:
        raise ZooError(
            f"{target} exists and is none of what is joined; name another folder with --to, or say --replace"
        )


def _joined(models: Sequence[ZooModel]) -> ZooModel:
    """The model that the parts make, in the order of their seeds."""
    seeds = [seed for model in models for seed in model.seeds]
    order = np.argsort(seeds)
    recipe = override(models[-1].recipe, seeds=len(seeds), first_seed=min(seeds))

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
    """What config.json says of the training, from what parts of so many seeds say; all have the same fields."""
    mean, std = _population(parts, counts)
    joined = parts[0] | {name: sum(part[name] for part in parts) for name in parts[0] if name.startswith("nan_")}
    joined |= {"population_mean": mean, "population_std": std}
    if "env_steps" in joined:
        joined["env_steps"] = float(np.average([part["env_steps"] for part in parts], weights=counts))
    versions: dict[str, list[str]] = {}
    for name, number in (item for part in parts for item in part["versions"].items()):
        versions.setdefault(name, []).append(number)
    return joined | {
        "seconds": round(sum(part["seconds"] for part in parts), 1),
        "hardware": each_once(*(part["hardware"] for part in parts)),
        "python": each_once(*(part["python"] for part in parts)),
        "versions": {name: each_once(*numbers) for name, numbers in versions.items()},
    }


def _population(parts: Sequence[dict], counts: Sequence[int]) -> tuple[float | None, float | None]:
    """Mean of the last populations over all seeds, and their deviation; None where a part has no population."""
    means = [part["population_mean"] for part in parts]
    if None in means:
        return None, None
    mean = float(np.average(means, weights=counts))
    squares = [(n - 1) * part["population_std"] ** 2 for part, n in zip(parts, counts, strict=True)]
    squares += [n * (own - mean) ** 2 for own, n in zip(means, counts, strict=True)]
    return mean, math.sqrt(sum(squares) / (sum(counts) - 1))


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
