"""Models on the Hugging Face Hub: fetched with its own client, verified before anything in them is read.

A repository holds what a checkpoint's folder holds, and a card. The client keeps files in its cache and
checks their sizes; that they are the ones that were published, the manifest tells.
"""

import dataclasses
import os
import re
from pathlib import Path

from zoo.core.errors import DamagedCheckpointError, HubError, UnknownModelError
from zoo.core.version import version
from zoo.registry.names import parse
from zoo.store.hub_errors import explained
from zoo.store.hub_guard import guarded, time_limit
from zoo.store.manifest import MANIFEST, MAX_FILES, STATE, check_bounds, has_state, state_files, verify_manifest

SCHEME = "hf://"
_REPOSITORY = re.compile(r"[A-Za-z0-9]\w*(?:[.-]\w+)*/[A-Za-z0-9]\w*(?:[.-]\w+)*", re.ASCII)
_REVISION = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)*", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_WANTED = (MANIFEST, "config.json", "evaluation.json", "training.csv", "activity.csv", "params/*")
_TRUE = {"1", "ON", "YES", "TRUE"}  # As the client reads its own variables.


def organisation() -> str:
    """Where the zoo's models are published: ``$ZOO_HUB_ORG``, by default ``hetsnn-zoo``."""
    return os.environ.get("ZOO_HUB_ORG") or "hetsnn-zoo"


def endpoint() -> str:
    """Address of the Hub: ``$HF_ENDPOINT``, by default the client's."""
    from huggingface_hub import constants

    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    """A model repository, and optionally the branch, tag or commit of it.

    Attributes:
        repository: ``org/name``.
        revision: None stands for the main branch.
    """

    repository: str
    revision: str | None = None

    def __post_init__(self):
        if not _REPOSITORY.fullmatch(self.repository) or len(self.repository) > 96:
            raise ValueError(f"repository (='{self.repository}') must read org/name")
        if self.revision is not None and (not _REVISION.fullmatch(self.revision) or ".." in self.revision):
            raise ValueError(f"revision (='{self.revision}') must be a branch, a tag or a commit")

    def __str__(self) -> str:
        return f"{SCHEME}{self.repository}" + (f"@{self.revision}" if self.revision else "")

    @classmethod
    def parse(cls, text: str, revision: str | None = None) -> "Reference":
        """Reads ``hf://org/name@revision``; a bare model name stands for one of the zoo's organisation.

        Raises:
            ValueError: if it does not read so, or names another revision than `revision`.
        """
        if not text.startswith(SCHEME):
            return cls(f"{organisation()}/{text}", revision)
        repository, _, named = text.removeprefix(SCHEME).partition("@")
        if named and revision and named != revision:
            raise ValueError(f"'{text}' names a revision, and revision='{revision}' another; give one")
        return cls(repository, named or revision)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How the Hub may be used.

    Attributes:
        local_files_only: ask the cache alone; so does ``HF_HUB_OFFLINE=1``.
        cache_dir: the client's cache; by default ``$HF_HUB_CACHE`` or the client's own choice.
        token: for private repositories; by default ``$HF_TOKEN`` or that of ``hf auth login``.
        timeout: seconds that one operation may take; by default ``$ZOO_HUB_TIMEOUT``, or five minutes.
    """

    local_files_only: bool = False
    cache_dir: Path | str | None = None
    token: str | None = dataclasses.field(default=None, repr=False)
    timeout: float | None = None

    @property
    def offline(self) -> bool:
        """Whether the network must not be used."""
        from huggingface_hub import constants

        named = os.environ.get("HF_HUB_OFFLINE", "").upper() in _TRUE
        return self.local_files_only or named or constants.is_offline_mode()

    @property
    def cache(self) -> Path:
        """Folder of the client's cache."""
        from huggingface_hub import constants

        return Path(self.cache_dir or os.environ.get("HF_HUB_CACHE") or constants.HF_HUB_CACHE).expanduser()


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot:
    """A verified copy of a repository at one commit, in the client's cache.

    Attributes:
        path: folder of the files.
        repository: ``org/name``.
        commit: its full hash.
    """

    path: Path
    repository: str
    commit: str

    @property
    def source(self) -> str:
        """``hf://org/name@commit``, which stands for the same bytes for ever."""
        return f"{SCHEME}{self.repository}@{self.commit}"


def fetch(reference: Reference, access: Access) -> Snapshot:
    """A verified copy: the cache's if it has one, without asking the Hub; else the Hub's.

    Of the training state it may have any part, which is verified too.

    Raises:
        HubError: if there is none, saying what to do.
        DamagedCheckpointError: if the files are not what was published, and fetching them again did not help.
    """
    try:
        snapshot = _cached(reference, access)
        verify_manifest(snapshot.path, partial_state=True)
        return snapshot
    except (HubError, DamagedCheckpointError):
        if access.offline:
            raise
    return refresh(reference, access)


def refresh(reference: Reference, access: Access, *, with_state: bool = False) -> Snapshot:
    """Brings the cache up to the Hub's newest commit of a revision, and verifies it.

    Args:
        reference: what to fetch.
        access: how.
        with_state: also the state from which training can go on, where one is published. Without it the copy may
            have any part of it, from a fetch that broke off.

    Raises:
        HubError: if the Hub has no such thing, refuses, or cannot be reached while the cache is empty, or has no
            training state that was published.
        DamagedCheckpointError: if the files are not what was published, even when fetched once more.
    """
    if access.offline:
        return _with_state(fetch(reference, access), access) if with_state else fetch(reference, access)
    patterns = [*_WANTED, f"{STATE}/*"] if with_state else list(_WANTED)
    snapshot = _download(reference, access, patterns, force=False)
    try:
        verify_manifest(snapshot.path, partial_state=not with_state)
        return snapshot
    except DamagedCheckpointError as damage:
        first = damage
    patterns += _state_there(snapshot.path)  # It was verified whether asked for or not, and may be what is damaged.
    try:
        snapshot = _download(reference, access, patterns, force=True)
    except HubError as error:
        raise DamagedCheckpointError(f"{first} It could not be fetched again: {error}") from error
    try:
        verify_manifest(snapshot.path, partial_state=not with_state)
    except DamagedCheckpointError as damage:
        raise DamagedCheckpointError(
            f"{reference} is damaged even after it was fetched again; tell its publisher, or remove "
            f"{snapshot.path} if you changed files there. {damage}"
        ) from damage
    return snapshot


def _with_state(snapshot: Snapshot, access: Access) -> Snapshot:
    """A copy out of the cache; raises HubError if its training state was published and is not there."""
    if state_files(snapshot.path) and not has_state(snapshot.path):
        raise HubError(
            f"the training state of {snapshot.source} is not in the cache {access.cache}, and the network must not "
            f"be used (local_files_only or HF_HUB_OFFLINE); where there is one, run: zoo pull {snapshot.source} "
            "--with-state"
        )
    return snapshot


def _state_there(folder: Path) -> list[str]:
    """The files of the training state that a copy has."""
    return [path.relative_to(folder).as_posix() for path in (folder / STATE).rglob("*") if not path.is_dir()]


def cached_names() -> list[str]:
    """Names of the zoo's models that the client's cache holds."""
    prefix, names = f"models--{organisation()}--", []
    for folder in Access().cache.glob(f"{prefix}*/snapshots/*/config.json"):
        name = folder.parents[2].name.removeprefix(prefix)
        try:
            names.append(str(parse(name)))
        except UnknownModelError:  # The organisation's other repositories are none of the zoo's models.
            continue
    return sorted(set(names))


def make_api(access: Access):
    """The client, speaking to the endpoint of the environment as it is now."""
    from huggingface_hub import HfApi

    return HfApi(endpoint(), token=access.token, library_name="hetsnn-zoo", library_version=version())


def _cached(reference: Reference, access: Access) -> Snapshot:
    """What the cache holds, unverified; raises HubError where it holds nothing."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        path = make_api(access).snapshot_download(
            reference.repository,
            revision=reference.revision,
            cache_dir=access.cache,
            local_files_only=True,
            allow_patterns=list(_WANTED),
        )
    except (LocalEntryNotFoundError, OSError) as error:
        raise HubError(
            f"{reference} is not in the cache {access.cache}, and the network must not be used "
            f"(local_files_only or HF_HUB_OFFLINE); where there is one, run: zoo pull {reference}"
        ) from error
    return _snapshot(reference, Path(path))


def _download(reference: Reference, access: Access, patterns: list[str], *, force: bool) -> Snapshot:
    """Files of the newest commit that the patterns name; what the cache has already is not fetched unless forced."""
    api, seconds = make_api(access), time_limit(access.timeout)

    def act() -> str:
        revision = api.resolve_revision(
            reference.repository, revision=reference.revision, cache_dir=access.cache, token=access.token
        )
        if not _COMMIT.fullmatch(revision.resolved):
            raise HubError(f"{reference}: the Hub answered with '{revision.resolved[:80]}' for a commit")
        _check_listing(api, reference, revision, access)
        return api.snapshot_download(
            reference.repository,
            revision=revision,
            cache_dir=access.cache,
            allow_patterns=patterns,
            force_download=force,
        )

    with (
        explained(reference.repository, endpoint(), access.cache, reference.revision),
        guarded(endpoint(), seconds) as guard,
    ):
        path = guard.patiently(act)
    return _snapshot(reference, Path(path))


def _snapshot(reference: Reference, path: Path) -> Snapshot:
    return Snapshot(path=path, repository=reference.repository, commit=path.name)


def _check_listing(api, reference: Reference, revision, access: Access) -> None:
    """Refuses a repository by its list of files, before one of them is fetched."""
    from huggingface_hub import RepoFile, get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    try:
        entries = get_cached_repo_tree(reference.repository, revision=revision, cache_dir=access.cache)
    except CachedRepoTreeNotFoundError:
        api.model_info(reference.repository, revision=revision.resolved)  # Fails at once; listing retries.
        entries = api.list_repo_tree(reference.repository, recursive=True, revision=revision.resolved)
    sizes = {}
    for count, entry in enumerate(entries):
        if isinstance(entry, RepoFile):
            sizes[entry.path] = entry.size
        if count > 2 * MAX_FILES:  # Folders among them; more pages would only cost memory.
            raise DamagedCheckpointError(f"{reference} lists more than {2 * MAX_FILES:,} files and folders")
    if MANIFEST not in sizes:
        raise DamagedCheckpointError(f"{reference} is not a model of the zoo's format: it has no {MANIFEST}")
    check_bounds(sizes, f"{reference}")
