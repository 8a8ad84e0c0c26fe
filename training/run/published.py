"""Training states that published checkpoints carry, from which a training goes on (`zoo train NAME --continue`)."""

import shutil
from pathlib import Path

from zoo.core.errors import ZooError
from zoo.store.checkpoint import replacing
from zoo.store.hub import Access, HubError, Reference, refresh
from zoo.store.loading import locate
from zoo.store.manifest import STATE, has_state, state_files, verify_manifest


def published_folder(name: str) -> Path:
    """Verified folder of the published checkpoint; its training state is fetched where a copy lacks some of it.

    Raises:
        ZooError: if there is no state to be had.
    """
    location = locate(name)
    path = location.path
    if not location.verified:
        verify_manifest(path)
    if has_state(path):
        return path
    if not state_files(path):
        raise ZooError(f"the checkpoint {path} carries no training state; train {name} from scratch")
    try:
        path = refresh(Reference.parse(name), Access(), with_state=True).path
    except HubError as error:
        raise ZooError(
            f"the checkpoint {path} lacks training state that was published, and the Hub does not give it: {error}; "
            f"use a clone of the repository, or train {name} from scratch"
        ) from error
    if not has_state(path):
        raise ZooError(f"the Hub's copy of {name} carries no training state; train {name} from scratch")
    return path


def copy_published(path: Path, folder: Path) -> None:
    """Puts the published checkpoint's training state and curve into a new run's folder."""
    for name in ("training.csv", "activity.csv"):
        if (path / name).is_file():
            shutil.copyfile(path / name, folder / name)
    with replacing(folder / STATE) as new:
        for file in (path / STATE).rglob("*"):  # Content alone: an installation may be read-only.
            if file.is_file():
                copy = new / file.relative_to(path / STATE)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
