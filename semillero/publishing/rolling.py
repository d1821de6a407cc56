"""Back to an earlier publication: by a new commit, never by rewriting what people may have downloaded."""

from typing import Any

from semillero.publishing.comparing import refuse_foreign
from semillero.publishing.history import HubReceipt, Receipts, describe_commit, replay
from semillero.publishing.hub import Hub
from semillero.publishing.planning import Repository

TITLE = "Back to an earlier publication"


def roll_back(hub: Hub, repository: Repository, tag: str, receipts: Receipts) -> str:
    """Make our files in a repository what they were at a tag; once they are, nothing is done.

    Files of others stay as they are.

    Returns:
        What was done, for people.

    Raises:
        PublishError: a file of ours was changed by hand since, or the server's faults do not pass.
    """
    return hub.settle(repository.folder, lambda: _attempt(hub, repository, tag, receipts))


def _attempt(hub: Hub, repository: Repository, tag: str, receipts: Receipts) -> str:
    from huggingface_hub import CommitOperationCopy, CommitOperationDelete

    online = hub.look(repository)
    if online is None:
        return "there is no such repository"
    target = hub.list_tags(repository).get(tag)
    if target is None:
        return f"has no tag {tag}; left as it is"
    then, there = replay(hub, repository, HubReceipt(), target).files, hub.list_files(repository, online.head)
    now = replay(hub, repository, receipts.read(repository), online.head).plain
    changed = [path for path, identity in then.items() if there.get(path) != identity]
    gone = [path for path in sorted(now.paths - set(then)) if path in there]
    strange = [path for path in (*changed, *gone) if path in there and not now.is_ours(path, there[path])]
    refuse_foreign([f"{hub.url(repository)}: {path}" for path in strange])
    commit = online.head
    if changed or gone:
        hub.check_write(repository)
        operations: list[Any] = [CommitOperationCopy(path, path, src_revision=target) for path in changed]
        operations += [CommitOperationDelete(path) for path in gone]
        commit = hub.commit(repository, online.head, TITLE, describe_commit(tag), operations)
    receipts.write(repository, HubReceipt(commit, tag, then, hub.url(repository)))
    return f"{len(changed)} files restored, {len(gone)} removed" if changed or gone else "is there already"
