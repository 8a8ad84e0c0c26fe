"""Publishing a checkpoint on the Hub: verified, with its card and plots, in one commit."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from zoo.core.errors import DamagedCheckpointError, HubError, ZooError
from zoo.report.cards import make_card, make_files
from zoo.store.catalogue import list_models
from zoo.store.hub import Access, Reference, endpoint, make_api
from zoo.store.hub import organisation as default_organisation
from zoo.store.hub_errors import explained
from zoo.store.hub_guard import guarded, time_limit
from zoo.store.loading import load
from zoo.store.manifest import MANIFEST, has_state, is_part, read_manifest, state_files

_MAIN = "main"
_GIT_ATTRIBUTES = ".gitattributes"  # The Hub's own; says which files are large.


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What was, or would be, uploaded.

    Attributes:
        name: model name.
        repository: ``org/name``.
        revision: branch.
        files: bytes by path in the repository.
        commit_url: of the commit, or None when nothing was sent.
    """

    name: str
    repository: str
    revision: str
    files: dict[str, int]
    commit_url: str | None = None

    def __str__(self) -> str:
        total = f"{len(self.files)} files, {sum(self.files.values()) / 1e3:,.0f} kB"
        target = f"{self.repository} ({self.revision})"
        if self.commit_url is None:
            listed = "\n".join(f"  {size:>9,}  {name}" for name, size in sorted(self.files.items()))
            return f"would publish {self.name} to {target}: {total}; nothing was sent\n{listed}"
        return f"published {self.name} to {target}: {total}; {self.commit_url}"


def publish(
    name: str | os.PathLike,
    repository: str | None = None,
    *,
    private: bool = False,
    revision: str | None = None,
    dry_run: bool = False,
    evaluate: bool = False,
    token: str | None = None,
    timeout: float | None = None,
) -> Publication:
    """Uploads a checkpoint's folder, its card and plots to the Hub, in one commit.

    Everything is verified first: the manifest, the arrays, and that the fixed weights are drawn again as
    they were. Files of an earlier version that this one does not have are deleted by the same commit.

    Args:
        name: model name, or folder of a checkpoint.
        repository: ``org/name``; by default the model's name in the zoo's organisation. Created if need be.
        private: make a new repository private; an existing public one is refused.
        revision: branch, by default main. Created if need be.
        dry_run: say what would be uploaded; the network is not used.
        evaluate: measure the model again first, and refuse if its claim does not hold.
        token: with the right to write; by default that of ``HF_TOKEN`` or ``hf auth login``.
        timeout: seconds that the Hub may take; by default ``$ZOO_HUB_TIMEOUT``, or five minutes.

    Raises:
        UnknownModelError, DamagedCheckpointError: if there is nothing good to publish.
        ZooError: if `evaluate` shows that the claim does not hold.
        HubError: if the Hub refuses or cannot be reached.
    """
    model = load(name)
    for seed in model.seeds:
        model.parts(seed)
    if evaluate:
        _check_claim(str(model.path))
    reference = Reference(repository, revision) if repository else Reference.parse(model.name, revision)
    content = _content(model)
    plan = Publication(
        name=model.name,
        repository=reference.repository,
        revision=revision or _MAIN,
        files={path: len(data) for path, data in content.items()},
    )
    if dry_run:
        return plan
    access, seconds = Access(token=token, timeout=timeout), time_limit(timeout)
    if access.offline:
        raise HubError("HF_HUB_OFFLINE forbids to publish; unset it, or add --dry-run")
    with (
        explained(reference.repository, endpoint(), access.cache, revision),
        guarded(endpoint(), seconds),
    ):
        return dataclasses.replace(plan, commit_url=_upload(plan, content, private, access))


def publish_all(
    organisation: str | None = None,
    *,
    pattern: str = "*",
    dry_run: bool = False,
    report: Callable[[Publication], None] | None = None,
    **options,
) -> list[Publication]:
    """Publishes every model of this machine, each in a repository of its own name, one after the other.

    All are verified before the first is sent. Where one fails the others before it stay published, and the error says
    how far it came; calling it again sends all again, of which those that are the same change nothing.

    Args:
        organisation: of the repositories; by default the zoo's (``$ZOO_HUB_ORG``).
        pattern: shell wildcards.
        dry_run: say what would be uploaded; the network is not used.
        report: gets each publication as it is done.
        **options: as for `publish`, for all of them.

    Raises:
        ZooError: as `publish`, and if no model matches.
    """
    names, evaluate = list_models(pattern), options.pop("evaluate", False)
    if not names:
        raise ZooError(f"no published model on this machine matches {pattern!r}")
    organisation, plans, done = organisation or default_organisation(), [], []
    for name in names:
        checked = {"revision": options.get("revision"), "evaluate": evaluate}
        plans.append(publish(name, f"{organisation}/{name}", dry_run=True, **checked))
        if dry_run and report is not None:
            report(plans[-1])
    for plan in [] if dry_run else plans:
        try:
            done.append(publish(plan.name, plan.repository, **options))
        except ZooError as error:
            left = f"{len(done)} of {len(plans)} models are published; the next, {plan.name}, is not"
            raise type(error)(f"{left}: {error}") from error
        if report is not None:
            report(done[-1])
    return plans if dry_run else done


def total(publications: Sequence[Publication]) -> str:
    """What several publications are together, in a line."""
    files = sum(len(one.files) for one in publications)
    size = sum(sum(one.files.values()) for one in publications)
    sent = "nothing was sent" if all(one.commit_url is None for one in publications) else "all sent"
    return f"{len(publications)} repositories, {files:,} files, {size / 1e6:,.1f} MB; {sent}"


def _check_claim(path: str) -> None:
    from zoo.evaluation.measuring import verify

    result = verify(path)
    if not result.holds:
        raise ZooError(f"not published: {result}")


def _content(model) -> dict[str, bytes]:
    """Bytes by path in the repository, compared once more with the manifest: what is sent is what was published."""
    folder, listed = Path(model.path), read_manifest(model.path)
    if unknown := [name for name in listed if not is_part(name)]:
        raise DamagedCheckpointError(
            f"{folder} lists {', '.join(sorted(unknown)[:5])}, which the format does not know; not published. "
            "Take out what does not belong to it, and export the run again"
        )
    left_out = set() if has_state(folder) else set(state_files(folder))  # A part of it is of no use.
    content = {name: (folder / name).read_bytes() for name in listed if name not in left_out}
    for name, data in content.items():
        if hashlib.sha256(data).hexdigest() != listed[name]["sha256"]:
            raise DamagedCheckpointError(f"{folder / name} was altered while it was read; publish again")
    content[MANIFEST] = (folder / MANIFEST).read_bytes()
    content |= make_files(model)
    return content | {"README.md": make_card(model).encode()}


def _keep_state(plan: Publication, content: dict[str, bytes], present: list[str]) -> None:
    """A copy that came without its training state must not take the repository's away."""
    left_out = set(json.loads(content[MANIFEST])["files"]) - set(content)
    if left_out & set(present):
        raise HubError(
            f"{plan.repository} has the training state of {plan.name}; this copy came without it, and would delete "
            f"it there. Publish from a clone, or after `zoo pull {plan.name} --with-state`"
        )


def _upload(plan: Publication, content: dict[str, bytes], private: bool, access: Access) -> str:
    """Creates repository and branch where needed, and sends one commit; returns its address."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    api = make_api(access)
    # The Hub keeps an existing repository's visibility without a word, so ask what it is.
    api.create_repo(plan.repository, private=private or None, exist_ok=True)
    if private and not api.model_info(plan.repository).private:
        raise HubError(f"{plan.repository} exists and is public; make it private in its settings, or name another")
    if plan.revision != _MAIN:
        api.create_branch(plan.repository, branch=plan.revision, exist_ok=True)
    head = api.model_info(plan.repository, revision=plan.revision).sha
    present = api.list_repo_files(plan.repository, revision=head)
    _keep_state(plan, content, present)
    superseded = sorted(set(present) - set(content) - {_GIT_ATTRIBUTES})
    commit = api.create_commit(
        plan.repository,
        operations=[
            *(CommitOperationDelete(path_in_repo=path) for path in superseded),
            *(CommitOperationAdd(path_in_repo=path, path_or_fileobj=data) for path, data in content.items()),
        ],
        commit_message=f"Publish {plan.name}",
        revision=plan.revision,
        parent_commit=head,
    )
    return commit.commit_url
