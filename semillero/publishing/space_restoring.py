"""Return a repository to a former commit: by one more commit, never by rewriting what others may have fetched."""

from typing import Any

from semillero.publishing.history import describe_commit
from semillero.publishing.hub import Hub
from semillero.publishing.planning import Repository

TITLE = "Return to"


def find_former(hub: Hub, repository: Repository, commit: str, other_files: bool = False) -> str | None:
    """Return the newest commit, up to this one, that carries a publication's tag, and so was found to work.

    Args:
        hub: where.
        repository: which.
        commit: where to begin.
        other_files: pass over commits that have the same files as this one.
    """
    tagged = {target for tag, target in hub.list_tags(repository).items() if tag.startswith("publication-")}
    files = hub.list_files(repository, commit) if other_files else None
    for entry in hub.list_commits(repository, commit):
        if entry.commit_id in tagged and (files is None or hub.list_files(repository, entry.commit_id) != files):
            return str(entry.commit_id)
    return None


def restore_commit(hub: Hub, repository: Repository, former: str, head: str) -> str | None:
    """Make the tree of ``former`` again by one commit on ``head``.

    A lost answer is resolved by looking at the head: a commit that says it returns there is the one that was sent.

    Returns:
        The new commit; None when somebody else has committed in the meantime, and nothing was changed.

    Raises:
        PublishError: faults of the server's that do not pass.
    """
    title = f"{TITLE} {former[:12]} from {head[:12]}"

    def attempt() -> str | None:
        newest = hub.list_commits(repository)[0]
        if newest.commit_id != head:
            return str(newest.commit_id) if newest.title == title else None
        operations = _list_operations(hub, repository, former, head)
        tag = next((tag for tag, target in hub.list_tags(repository).items() if target == former), "none")
        # Described as ours, so that the files of `former` are known as ours again afterwards.
        return hub.commit(repository, head, title, describe_commit(tag), operations)

    return hub.settle(hub.url(repository), attempt)


def _list_operations(hub: Hub, repository: Repository, former: str, head: str) -> list[Any]:
    from huggingface_hub import CommitOperationCopy, CommitOperationDelete

    before, now = hub.list_files(repository, former), hub.list_files(repository, head)
    copied = [
        CommitOperationCopy(src_path_in_repo=path, path_in_repo=path, src_revision=former)
        for path, identity in before.items()
        if now.get(path) != identity
    ]
    return [*copied, *(CommitOperationDelete(path) for path in now if path not in before)]
