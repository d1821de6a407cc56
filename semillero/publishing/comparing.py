"""What lies at a target against what is planned: new, outdated, gone from the plan, or somebody's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from semillero.errors import PublishError
from semillero.publishing.planning import PlannedFile
from semillero.publishing.receipt import Receipt


@dataclass
class Differences:
    """How a target differs from a plan, by path.

    Attributes:
        write: planned files to write, in order.
        damaged: paths among them whose bytes are put aside first (a local folder's alone).
        remove: files of ours that are no longer planned.
        foreign: planned paths where somebody's own file lies.
        kept: files of an earlier publication that somebody changed; no longer planned, left alone.
    """

    write: list[tuple[str, PlannedFile]] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Whether there is something to do."""
        return bool(self.write or self.remove)


def compare_files(planned: Mapping[str, PlannedFile], there: Mapping[str, str], receipt: Receipt) -> Differences:
    """Compare planned files with the identities of those that are there.

    Args:
        planned: by path.
        there: the identity of each file at the target (see `PlannedFile.is_at`), by path; at least of those that are
            planned or on the receipt.
        receipt: which of them are ours.
    """
    found = Differences()
    for path, file in planned.items():
        if path not in there:
            found.write.append((path, file))
        elif not file.is_at(there[path]):
            found.write.append((path, file))
            if not receipt.is_ours(path, there[path]):
                found.foreign.append(path)
    for path in sorted((receipt.paths - set(planned)) & set(there)):
        (found.remove if receipt.is_ours(path, there[path]) else found.kept).append(path)
    return found


def refuse_foreign(paths: Sequence[str]) -> None:
    """Refuse to go on when somebody's own files are in the way.

    Raises:
        PublishError: names them.
    """
    if paths:
        raise PublishError(
            "files that were changed or added by hand are in the way:\n" + "\n".join(f"  - {path}" for path in paths),
            "files as they were published",
            "move them elsewhere or delete them (your changes belong in the project file), then run again",
        )
