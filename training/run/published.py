"""Training states that published checkpoints carry, from which a training goes on (`zoo train NAME --continue`)."""

import shutil
from pathlib import Path

from zoo.core.errors import ZooError
from zoo.store.checkpoint import replacing
from zoo.store.hub import Access, HubError, Reference, refresh
from zoo.store.loading import locate
from zoo.store.manifest import STATE, read_manifest, verify_manifest


def published_folder(name: str, *, with_state: bool) -> Path:
    """Verified folder of the published checkpoint; its training state is fetched where a copy left it out.

    Raises:
        ZooError: if there is no state to be had.
    """
    path = locate(name).path
    verify_manifest(path)
    if not with_state or (path / STATE).is_dir():
        return path
    if not any(file.startswith(f"{STATE}/") for file in read_manifest(path)):
        raise ZooError(f"the checkpoint {path} carries no training state; train {name} from scratch")
    try:
        path = refresh(Reference.parse(name), Access(), with_state=True).path
    except HubError as error:
        raise ZooError(
            f"the checkpoint {path} was copied without its training state, and the Hub does not give it: {error}; "
            f"use a clone of the repository, or train {name} from scratch"
        ) from error
    if not (path / STATE).is_dir():
        raise ZooError(f"the Hub's copy of {name} carries no training state; train {name} from scratch")
    return path


def copy_published(path: Path, folder: Path) -> None:
    """Puts the published checkpoint's training state and curve into a new run's folder."""
    for name in ("training.csv", "activity.csv"):
        if (path / name).is_file():
            shutil.copy(path / name, folder / name)
    with replacing(folder / STATE) as new:
        shutil.copytree(path / STATE, new, dirs_exist_ok=True)
