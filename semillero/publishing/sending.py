"""One repository to the Hub: looked at, compared, changed by one atomic commit, verified, tagged.

Every step looks before it acts, so whatever happens (a lost answer, a busy server, another writer, a killed process)
the whole sequence may simply be taken again: it finds what has landed and goes on from there. A commit lands only on
the head that was looked at; an ambiguous answer to it is resolved by looking at the head, never by sending it twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from semillero.digests import digest_json
from semillero.errors import PublishError
from semillero.progress import say
from semillero.publishing.comparing import Differences, compare_files, refuse_foreign
from semillero.publishing.history import HubReceipt, Receipts, describe_commit, replay
from semillero.publishing.hub import Hub, Online
from semillero.publishing.planning import Repository

Load = Callable[[Repository, str], None]
TITLE = "Publish with Semillero"


@dataclass(frozen=True)
class Standing:
    """How a repository on the Hub stands against a plan.

    Attributes:
        online: its head; None when there is no such repository.
        files: the identity of each file at the head, by path.
        differences: from the plan.
        receipt: what in it is ours, up to the head.
        finished: this publication was verified and tagged at this head before.
    """

    online: Online | None
    files: Mapping[str, str]
    differences: Differences
    receipt: HubReceipt
    finished: bool = False


def name_publication(repositories: Sequence[Repository]) -> str:
    """Return the tag of a publication: the same for the same files, whoever publishes them and when."""
    files = {r.folder: {file.name: file.sha256 for file in r.files} for r in repositories}
    return f"publication-{digest_json(files)[:12]}"


def compare_online(hub: Hub, repository: Repository, tag: str, receipts: Receipts) -> Standing:
    """Compare a repository on the Hub with what is planned; changes nothing."""
    planned = {file.name: file for file in repository.files}
    online = hub.look(repository)
    if online is None:
        return Standing(None, {}, compare_files(planned, {}, HubReceipt().plain), HubReceipt())
    known = receipts.read(repository)
    if known.commit == online.head and known.tag == tag:  # the tag stands for every byte of the plan
        return Standing(online, known.files, Differences(), known, finished=True)
    files = hub.list_files(repository, online.head)
    receipt = replay(hub, repository, known, online.head)
    return Standing(online, files, compare_files(planned, files, receipt.plain), receipt)


def publish_repository(
    hub: Hub, repository: Repository, tag: str, receipts: Receipts, load: Load | None = None
) -> HubReceipt:
    """Make a repository hold what is planned, by at most one commit, and return the receipt.

    Args:
        hub: where.
        repository: what.
        tag: of the publication, see `name_publication`.
        receipts: where the receipt is kept.
        load: called with the repository and its commit before it is tagged; raises when it does not load.

    Raises:
        PublishError: somebody's own files are in the way, the token may not write, what lies there afterwards is not
            what was sent, or the server's faults do not pass.
    """
    return hub.settle(repository.folder, lambda: _attempt(hub, repository, tag, receipts, load))


def _attempt(hub: Hub, repository: Repository, tag: str, receipts: Receipts, load: Load | None) -> HubReceipt:
    standing = compare_online(hub, repository, tag, receipts)
    if standing.online is None:
        hub.create(repository)
        standing = compare_online(hub, repository, tag, receipts)
    if standing.finished:
        return standing.receipt
    refuse_foreign(name_foreign(hub, repository, standing.differences))
    online = _refuse_strange(hub, repository, standing)
    commit, there = _commit(hub, repository, tag, standing, online.head)
    _tag(hub, repository, tag, commit, load)
    removed = set(standing.differences.remove)
    files = {path: identity for path, identity in standing.receipt.files.items() if path not in removed}
    files |= {file.name: there[file.name] for file in repository.files}
    receipt = HubReceipt(commit, tag, files, hub.url(repository))
    receipts.write(repository, receipt)
    for path in standing.differences.kept:
        say(f"kept: {hub.url(repository)}: {path} is no longer published, but it was changed by hand")
    return receipt


def _commit(hub: Hub, repository: Repository, tag: str, standing: Standing, head: str) -> tuple[str, Mapping[str, str]]:
    """Return the commit that holds what is planned and its files: one made on ``head`` and verified, or ``head``."""
    if not standing.differences.any:
        return head, standing.files
    hub.check_write(repository)
    commit = hub.commit(repository, head, TITLE, describe_commit(tag), _list_operations(standing.differences))
    after = hub.list_files(repository, commit)
    verify_files(hub, repository, standing, after)
    return commit, after


def _tag(hub: Hub, repository: Repository, tag: str, commit: str, load: Load | None) -> None:
    """Load a commit as others would, then tag it; a tag of an earlier publication of the same files stays."""
    tagged = hub.list_tags(repository).get(tag)
    if tagged is None:
        if load is not None:
            load(repository, commit)
        hub.tag(repository, tag, commit)
    elif tagged != commit:
        _verify_tag(hub, repository, tag)


def name_foreign(hub: Hub, repository: Repository, differences: Differences) -> list[str]:
    """Return somebody's own files in the way, as a user finds them."""
    return [f"{hub.url(repository)}: {path}" for path in differences.foreign]


def verify_files(hub: Hub, repository: Repository, before: Standing, after: Mapping[str, str]) -> None:
    """Compare a commit's files with what was sent, and everybody else's with what they were.

    Raises:
        PublishError: names those that are not as they should be.
    """
    planned = {file.name for file in repository.files}
    wrong = [file.name for file in repository.files if file.name not in after or not file.is_at(after[file.name])]
    others = {p: i for p, i in before.files.items() if p not in planned and p not in before.differences.remove}
    wrong += [path for path, identity in others.items() if after.get(path) != identity]
    wrong += [path for path in before.differences.remove if path in after]
    if wrong:
        raise PublishError(
            f"{hub.url(repository)}: {len(wrong)} files do not verify after the commit: {', '.join(wrong[:5])}",
            "the bytes that were sent, and nothing else changed",
            "look at the repository's history; a .gitignore in it hides files. Then run again",
        )


def _refuse_strange(hub: Hub, repository: Repository, standing: Standing) -> Online:
    if standing.online is None:
        raise PublishError(f"{repository.folder} was created, but cannot be seen", "", "run again", retryable=True)
    if not standing.online.private and not standing.receipt.tag:
        raise PublishError(
            f"{hub.url(repository)} is public, and nothing in it was published by this project",
            "a new repository, or a private one",
            "make it private in its settings or rename the project; public comes last, when all has been verified",
        )
    return standing.online


def _verify_tag(hub: Hub, repository: Repository, tag: str) -> None:
    there = hub.list_files(repository, tag)
    if any(file.name not in there or not file.is_at(there[file.name]) for file in repository.files):
        raise PublishError(
            f"{hub.url(repository)}: the tag {tag} is taken by other files", "no such tag, or ours", "delete that tag"
        )


def _list_operations(differences: Differences) -> list[Any]:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    added = [
        CommitOperationAdd(path, file.source if isinstance(file.source, bytes) else str(file.source))
        for path, file in differences.write
    ]
    return [*added, *(CommitOperationDelete(path) for path in differences.remove)]
