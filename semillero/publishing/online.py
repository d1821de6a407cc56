"""All repositories of a project on the Hub: published in order, made public together, checked again later."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from semillero.errors import PublishError
from semillero.progress import say
from semillero.project import Project
from semillero.publishing.comparing import refuse_foreign
from semillero.publishing.gate import check_repositories
from semillero.publishing.history import HubReceipt, Receipts, list_publications, replay
from semillero.publishing.hub import Hub
from semillero.publishing.planning import Repository
from semillero.publishing.sending import (
    Load,
    Standing,
    compare_online,
    name_foreign,
    name_publication,
    publish_repository,
)  # fmt: skip
from semillero.store import RunStore


@dataclass(frozen=True)
class Finding:
    """What was found of one repository online: ``ok``, ``warns`` or ``fails``."""

    repository: str
    outcome: Literal["ok", "warns", "fails"]
    found: str


def publish_online(
    hub: Hub,
    store: RunStore,
    project: Project,
    repositories: Sequence[Repository],
    load: Load | None,
) -> dict[str, HubReceipt]:
    """Publish repositories one after another and make them public together, when all have been verified.

    Args:
        hub: where.
        store: keeps the receipts.
        project: says whether they become public.
        repositories: in order; later ones speak of earlier ones.
        load: see `publish_repository`.

    Returns:
        The receipt of each, by its folder.

    Raises:
        PublishError: the gate refuses a file, or see `publish_repository`; nothing was written yet when somebody's own
            files are in the way.
    """
    tag, receipts = name_publication(repositories), Receipts(store, hub.endpoint)
    standings = compare_all(hub, store, repositories)
    foreign = [p for r, standing in zip(repositories, standings, strict=True) for p in _foreign(hub, r, standing)]
    refuse_foreign(foreign)
    if not all(standing.finished for standing in standings):
        check_repositories(repositories, project, store.root)
    done = {}
    for repository in repositories:
        done[repository.folder] = publish_repository(hub, repository, tag, receipts, load)
    if not project.publish.private:
        for repository, standing in zip(repositories, standings, strict=True):
            if standing.online is None or standing.online.private:
                hub.settle(repository.folder, partial(hub.publish, repository))
                say(f"public: {hub.url(repository)}")
    return done


def compare_all(hub: Hub, store: RunStore, repositories: Sequence[Repository]) -> list[Standing]:
    """Compare every repository with the plan; changes nothing."""
    tag, receipts = name_publication(repositories), Receipts(store, hub.endpoint)
    return [hub.settle(r.folder, partial(compare_online, hub, r, tag, receipts)) for r in repositories]


def is_published(store: RunStore, endpoint: str, repositories: Sequence[Repository]) -> bool:
    """Tell by the receipts alone whether this very plan was published; asks no server."""
    tag, receipts = name_publication(repositories), Receipts(store, endpoint)
    return all(receipts.read(repository).tag == tag for repository in repositories)


def verify_online(
    hub: Hub, store: RunStore, project: Project, repositories: Sequence[Repository], load: Load | None
) -> list[Finding]:
    """Compare what is online with the receipts, or with our own commits where a receipt is lost; then load it.

    Args:
        hub: where.
        store: has the receipts.
        project: says whether they should be public.
        repositories: which; their files need not be planned.
        load: called with a repository and its commit; raises when it does not load.
    """
    receipts = Receipts(store, hub.endpoint)
    return [hub.settle(r.folder, partial(_verify, hub, project, r, receipts, load)) for r in repositories]


def _verify(hub: Hub, project: Project, repository: Repository, receipts: Receipts, load: Load | None) -> Finding:
    online, known = hub.look(repository), receipts.read(repository)
    where = hub.url(repository)
    if online is None:
        return Finding(where, "fails", "there is no such repository, or the token may not see it")
    receipt = known if known.tag else replay(hub, repository, known, online.head)
    if not receipt.tag:
        return Finding(where, "fails", "nothing in it was published by this project")
    there = hub.list_files(repository, online.head)
    wrong = [path for path, identity in receipt.files.items() if there.get(path) != identity]
    if wrong:
        lost = sum(path not in there for path in wrong)
        return Finding(where, "fails", f"{lost} files are gone and {len(wrong) - lost} changed: {', '.join(wrong[:5])}")
    if receipt.tag not in hub.list_tags(repository):
        return Finding(where, "fails", f"the tag {receipt.tag} is gone; publish again")
    if not known.tag:
        receipts.write(repository, receipt)
    if load is not None:
        try:
            load(repository, online.head)
        except PublishError as error:
            return Finding(where, "fails", error.found)
    told = f"{len(receipt.files)} files as published ({receipt.tag}, commit {receipt.commit[:8]})"
    if not known.tag:
        told += "; the receipt was lost and is rebuilt from the history"
    if online.private != project.publish.private:
        return Finding(where, "warns", f"{told}; it is {'private' if online.private else 'public'}")
    return Finding(where, "ok", told)


def tell_publications(hub: Hub, repository: Repository) -> list[str]:
    """Return a line for each publication of a repository, newest first: tag and time."""
    if hub.settle(repository.folder, partial(hub.look, repository)) is None:
        return []
    found = hub.settle(repository.folder, partial(list_publications, hub, repository))
    return [f"{tag}  {commit.created_at:%Y-%m-%d %H:%M} UTC  {commit.title}" for tag, commit in found.items()]


def _foreign(hub: Hub, repository: Repository, standing: Standing) -> list[str]:
    return name_foreign(hub, repository, standing.differences)
