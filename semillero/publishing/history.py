"""What on the Hub is ours: known from our receipts, and from the repository's own history when a receipt is lost.

Each commit of ours says so in its description, with the tag of the publication it belongs to. A commit lands whole or
not at all, so replaying ours (what changed between a commit and its parent) gives exactly the files that we put there
and the bytes that we gave them, on any machine of the team, after any loss. The receipt in the run store only saves
the replay.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from semillero.publishing.hub import BRANCH, Hub
from semillero.publishing.planning import Repository
from semillero.publishing.receipt import Receipt
from semillero.store import RunStore

TRAILER = "Semillero-Publication"
_TRAILER = re.compile(rf"^{TRAILER}: (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class HubReceipt:
    """What is ours in one repository on the Hub.

    Attributes:
        commit: up to which commit this is known.
        tag: of the publication that was finished last; empty when none was.
        files: the identity we gave each file of ours, by path.
        url: of the repository's page.
    """

    commit: str = ""
    tag: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    url: str = ""

    @property
    def plain(self) -> Receipt:
        """The same for `compare_files`."""
        return Receipt(self.files)


class Receipts:
    """The receipts of one endpoint, in the run store."""

    def __init__(self, store: RunStore, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self._store, self._place = store, f"published/{re.sub('[^A-Za-z0-9.-]', '-', parts.netloc)}"

    def read(self, repository: Repository) -> HubReceipt:
        """Return a repository's receipt, an empty one when it is lost."""
        value = self._store.note(f"{self._place}/{repository.folder}")
        try:
            return HubReceipt(str(value["commit"]), str(value["tag"]), dict(value["files"]), str(value["url"]))
        except (KeyError, TypeError, ValueError):
            return HubReceipt()

    def write(self, repository: Repository, receipt: HubReceipt) -> None:
        """Keep a repository's receipt."""
        self._store.keep_note(f"{self._place}/{repository.folder}", asdict(receipt))


def describe_commit(tag: str) -> str:
    """Return the description that makes a commit ours."""
    return f"{TRAILER}: {tag}"


def replay(hub: Hub, repository: Repository, known: HubReceipt, revision: str = BRANCH) -> HubReceipt:
    """Return what is ours at a revision.

    Args:
        hub: where.
        repository: which.
        known: a receipt to go on from, if the history has its commit.
        revision: up to where.
    """
    history = list(reversed(hub.list_commits(repository, revision)))
    ids = [commit.commit_id for commit in history]
    start = ids.index(known.commit) + 1 if known.commit in ids else 0
    files = dict(known.files) if start else {}
    tag = known.tag if start else ""
    for place in range(start, len(history)):
        found = _TRAILER.search(f"{history[place].title}\n{history[place].message}")
        if not found:
            continue
        before = hub.list_files(repository, ids[place - 1]) if place else {}
        after = hub.list_files(repository, ids[place])
        files = {path: identity for path, identity in files.items() if path in after}
        files |= {path: identity for path, identity in after.items() if before.get(path) != identity}
        tag = found[1]
    return HubReceipt(ids[-1] if ids else "", tag, files, hub.url(repository))


def list_publications(hub: Hub, repository: Repository) -> dict[str, Any]:
    """Return our commits of a repository by their publication's tag, newest first."""
    found: dict[str, Any] = {}
    for commit in hub.list_commits(repository):
        if match := _TRAILER.search(f"{commit.title}\n{commit.message}"):
            found.setdefault(match[1], commit)
    return found
