"""What a publication would do, file by file, and whether the local copy is still what was published."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from semillero.digests import digest_file
from semillero.project import Project
from semillero.publishing.comparing import Differences
from semillero.publishing.folder import compare_folder
from semillero.publishing.hub import Hub
from semillero.publishing.online import Finding, compare_all
from semillero.publishing.planning import PlannedFile, Repository
from semillero.publishing.receipt import read_receipt
from semillero.store import RunStore


@dataclass(frozen=True)
class PlanLine:
    """A file and what would happen to it.

    Attributes:
        repository: its folder, or its page's address on the Hub.
        name: its path inside.
        bytes: its size; of one that would be removed 0.
        state: new, changed, unchanged, removed, in the way (somebody's own: refused) or kept (changed by hand).
    """

    repository: str
    name: str
    bytes: int
    state: str

    @property
    def sent(self) -> int:
        """Bytes that would be written."""
        return self.bytes if self.state in ("new", "changed") else 0


def outline_folder(project: Project, repositories: Sequence[Repository]) -> list[PlanLine]:
    """Return what publishing to the folder would do to each file."""
    root = project.resolve(project.publish.folder)
    found = compare_folder(root, repositories)
    lines = []
    for repository in repositories:
        prefix = f"{repository.folder}/"
        files = {f"{prefix}{file.name}": file for file in repository.files}
        there = {path for path in files if (root / path).exists()}
        lines += list(_outline(str(root / repository.folder), prefix, files, there, found))
    return lines


def outline_online(hub: Hub, store: RunStore, repositories: Sequence[Repository]) -> list[PlanLine]:
    """Return what publishing to the Hub would do to each file; only looks."""
    lines = []
    for repository, standing in zip(repositories, compare_all(hub, store, repositories), strict=True):
        state = "" if standing.online is None else " (private)" if standing.online.private else " (public)"
        files = {file.name: file for file in repository.files}
        place = hub.url(repository) + (state or " (new)")
        lines += list(_outline(place, "", files, set(standing.files), standing.differences))
    return lines


def describe_account(hub: Hub) -> str:
    """Return whose token it is and what is known of its storage: the API tells no quota, only the plan."""
    who = hub.settle("account", hub.api.whoami)
    plan = "a PRO account" if who.get("isPro") else "a free account"
    return f"{who.get('name', 'unknown')} on {hub.endpoint}: {plan}; its page Settings → Billing shows the storage left"


def verify_copy(project: Project) -> list[Finding]:
    """Compare the local folder with its receipt."""
    root = project.resolve(project.publish.folder)
    receipt = read_receipt(root)
    if not receipt.files:
        return [Finding(str(root), "fails", "nothing was published there yet")]
    wrong = [
        path for path, sha256 in receipt.files.items()
        if not (root / path).is_file() or digest_file(root / path) != sha256
    ]  # fmt: skip
    if wrong:
        return [Finding(str(root), "fails", f"{len(wrong)} files are gone or changed: {', '.join(wrong[:5])}")]
    return [Finding(str(root), "ok", f"{len(receipt.files)} files as published")]


def _outline(
    place: str, prefix: str, files: Mapping[str, PlannedFile], there: set[str], found: Differences
) -> Iterator[PlanLine]:
    written = {path for path, _ in found.write}
    for path, file in files.items():
        if path in found.foreign:
            state = "in the way"
        elif path in written:
            state = "changed" if path in there else "new"
        else:
            state = "unchanged"
        yield PlanLine(place, path.removeprefix(prefix), file.size, state)
    for state, paths in (("removed", found.remove), ("kept", found.kept)):
        for path in paths:
            if path.startswith(prefix):
                yield PlanLine(place, path.removeprefix(prefix), 0, state)
