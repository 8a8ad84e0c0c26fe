"""From a name to a verified model, wherever it is: a folder, the package, the Hub's cache, the Hub."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.core.errors import DamagedCheckpointError, HubError, UnknownModelError
from zoo.core.lazy import public_names
from zoo.registry.aliases import canonical
from zoo.registry.names import parse
from zoo.store.catalogue import (
    ModelInfo,
    as_text,
    bundled_folder,
    checkpoint_folders,
    find,
    is_path,
    list_models,
    read_info,
)
from zoo.store.hub import SCHEME, Access, Reference, Snapshot, fetch, refresh
from zoo.store.manifest import MANIFEST
from zoo.store.pins import check_pin

if TYPE_CHECKING:
    from zoo.store.zoo_model import ZooModel

__all__ = [
    "ModelInfo",
    "checkpoint_folders",
    "find",
    "list_models",
    "load",
    "locate",
    "model_info",
    "pull",
]


# What a model computes with is imported when one is loaded: to find and list models takes no JAX.
_, __getattr__ = public_names("zoo.store", {"zoo_model": ("ZooModel",)})


@dataclasses.dataclass(frozen=True, slots=True)
class Location:
    """Where a model was found.

    Attributes:
        path: folder of its files.
        source: the same for `zoo.load`: the folder, or ``hf://org/name@commit``.
        where: ``folder``, ``bundled`` or ``cache``.
        verified: whether its manifest was checked on the way.
    """

    path: Path
    source: str
    where: str
    verified: bool = False


def locate(name: str | os.PathLike, *, revision: str | None = None, access: Access | None = None) -> Location:
    """Finds a model, fetching it from the Hub if it is nowhere else; see `load`.

    Raises:
        UnknownModelError: if it is nowhere.
        HubError: if ``hf://…`` cannot be fetched.
        DamagedCheckpointError: if what the Hub has is not what was published.
    """
    name, access = as_text(name), access or Access()
    if name.startswith(SCHEME):
        snapshot = fetch(Reference.parse(name, revision), access)
        return Location(snapshot.path, snapshot.source, "cache", verified=True)
    name = canonical(name)
    if revision is not None and is_path(name):
        raise ValueError(f"revision (='{revision}') is for models on the Hub; '{name}' is a folder")
    if not is_path(name):
        _parse_name(name)
    missing = None
    if revision is None:
        try:
            path = find(name)
            return Location(path, str(path), "bundled" if path.parent == bundled_folder() else "folder")
        except UnknownModelError as error:
            if is_path(name):
                raise
            missing = error
    try:
        snapshot = fetch(Reference.parse(name, revision), access)
    except HubError as error:
        raise UnknownModelError(f"{missing}. On the Hub: {error}" if missing else str(error)) from error
    return Location(snapshot.path, snapshot.source, "cache", verified=True)


def _parse_name(name: str) -> None:
    """Raises UnknownModelError if it is none; a bare word is never a folder, even where there is one."""
    try:
        parse(name)
    except UnknownModelError as error:
        if Path(name, MANIFEST).is_file():
            raise UnknownModelError(f"{error} The folder of that name here is {os.curdir}{os.sep}{name}") from None
        raise


def load(
    name: str | os.PathLike,
    *,
    revision: str | None = None,
    seed: int | None = None,
    local_files_only: bool = False,
    cache_dir: Path | str | None = None,
    token: str | None = None,
    timeout: float | None = None,
    manifest: str | None = None,
) -> ZooModel:
    """Loads a published model after checking every byte of it.

    A name is looked for in ``$ZOO_CHECKPOINTS``, among the bundled checkpoints, in the Hub client's cache,
    and on the Hub in ``$ZOO_HUB_ORG``, in this order. What is found first is taken: a cached model is not
    asked for anew (`zoo pull` does that). ``model.source`` says where it came from.

    Args:
        name: model name (``hetsnn-mem25-1024``), path of a checkpoint folder (text with a slash or a leading dot,
            or any `pathlib.Path`), or ``hf://org/name@revision`` for anyone's model in the same format.
        revision: branch, tag or commit on the Hub; with it, only the Hub and its cache are asked.
        seed: keep this training seed alone; by default all are held.
        local_files_only: never use the network; ``HF_HUB_OFFLINE=1`` does the same.
        cache_dir: the Hub client's cache, by default its own choice.
        token: for private repositories; by default that of ``HF_TOKEN`` or ``hf auth login``.
        timeout: seconds that the Hub may take; by default ``$ZOO_HUB_TIMEOUT``, or five minutes.
        manifest: ``sha256:…`` of MANIFEST.json, as `zoo pull` prints it. The manifest has
            the hash of every file, so that this pins them all, wherever the model is found.

    Raises:
        UnknownModelError: if there is no such model.
        HubError: if ``hf://…`` cannot be fetched.
        DamagedCheckpointError: if its files are not what was published, and fetching them again did not help; or its
            manifest is not the one asked for.
        ValueError: if `seed` is not one of its training seeds.
    """
    from zoo.store.checkpoint import read_checkpoint
    from zoo.store.zoo_model import ZooModel

    access = Access(local_files_only=local_files_only, cache_dir=cache_dir, token=token, timeout=timeout)
    location = locate(name, revision=revision, access=access)
    check_pin(location.path, manifest)
    model = ZooModel.from_checkpoint(read_checkpoint(location.path, verified=location.verified), location.source)
    _check_name(name, model.name, location)
    return model if seed is None else model.select(seed)


def pull(
    name: str,
    *,
    revision: str | None = None,
    cache_dir: Path | str | None = None,
    token: str | None = None,
    with_state: bool = False,
    timeout: float | None = None,
) -> Snapshot:
    """Fetches a model's newest files from the Hub into the client's cache, for loading without network later.

    Args:
        name: model name, or ``hf://org/name@revision``.
        revision: branch, tag or commit.
        cache_dir: the Hub client's cache, by default its own choice.
        token: for private repositories; by default that of ``HF_TOKEN`` or ``hf auth login``.
        with_state: also the state from which training can go on.
        timeout: seconds that the Hub may take; by default ``$ZOO_HUB_TIMEOUT``, or five minutes.

    Raises:
        HubError: if the Hub has no such model, refuses, or cannot be reached.
        DamagedCheckpointError: if the files are not what was published.
    """
    if not name.startswith(SCHEME):
        name = str(parse(canonical(name)))
    access = Access(cache_dir=cache_dir, token=token, timeout=timeout)
    return refresh(Reference.parse(name, revision), access, with_state=with_state)


def model_info(name: str | os.PathLike, *, local_files_only: bool = False) -> ModelInfo:
    """What the zoo's table says of a model; reads JSON alone.

    Args:
        name: as in `load`.
        local_files_only: never use the network; ``HF_HUB_OFFLINE=1`` does the same.

    Raises:
        UnknownModelError: if there is no such model.
        DamagedCheckpointError: if its files lack something.
    """
    location = locate(name, access=Access(local_files_only=local_files_only))
    info = read_info(location.path, location.where)
    _check_name(name, info.name, location)
    return info


def _check_name(asked: str | os.PathLike, got: str, location: Location) -> None:
    """A checkpoint found by a model's name must be that model."""
    asked = as_text(asked)
    if not asked.startswith(SCHEME) and not is_path(asked) and got != canonical(asked):
        raise DamagedCheckpointError(f"{location.source} holds '{got}', not '{asked}'")
