"""Where a record goes in Argilla: one workspace a variety, so that people judge only what they know.

Each workspace has up to four datasets, because Argilla's number of answers and its questions belong to a dataset:
``NAME`` and ``NAME-overlap`` (records that more people answer, from which agreement is measured), and the same two with
``-pairs`` for records with two answers, which are ranked as well. A hash of the record's id decides which, so that a
record goes to the same place in every run, whatever else is in the corpus.
"""

import hashlib
import re
from dataclasses import dataclass

from semillero.project.models import Project

KINDS = ("", "-overlap", "-pairs", "-pairs-overlap")
VARIETY_SLUG = re.compile(r"[a-z]{2,3}(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?")


@dataclass(frozen=True)
class Place:
    """A dataset that records of one variety go to.

    Attributes:
        variety: BCP-47 code.
        workspace: name of its workspace.
        dataset: its name, unique within the workspace.
        pairs: whether its records have a second answer to rank.
        min_submitted: people who answer each record.
    """

    variety: str
    workspace: str
    dataset: str
    pairs: bool
    min_submitted: int


def name_workspace(project: Project, variety: str) -> str:
    """Return the name of the workspace of ``variety``."""
    return f"{project.project.name}-{variety.lower()}"


def list_places(project: Project) -> list[Place]:
    """Return every dataset that the project may have, in the varieties' order."""
    return [
        _make_place(project, variety.code, pairs, overlap)
        for variety in project.corpus.varieties
        for pairs in (False, True)
        for overlap in (False, True)
    ]


def find_place(project: Project, record: str, variety: str, pairs: bool) -> Place:
    """Return where the record with id ``record`` goes; ``pairs``: whether it has a second answer."""
    return _make_place(project, variety, pairs, is_overlap(record, project.review.overlap))


def is_overlap(record: str, share: float) -> bool:
    """Return whether more people answer this record: true for ``share`` of all ids, always for the same ones."""
    return int(hashlib.sha256(f"overlap:{record}".encode()).hexdigest()[:8], 16) < share * 2**32


def belongs(project: Project, workspace: str, dataset: str) -> bool:
    """Return whether a dataset found on the server is this project's, of whatever variety it once had."""
    name = project.project.name
    slug = workspace.removeprefix(f"{name}-")
    return workspace != slug and VARIETY_SLUG.fullmatch(slug) is not None and dataset in {name + kind for kind in KINDS}


def _make_place(project: Project, variety: str, pairs: bool, overlap: bool) -> Place:
    review = project.review
    kind = ("-pairs" if pairs else "") + ("-overlap" if overlap else "")
    needed = review.overlap_submitted if overlap else review.min_submitted
    return Place(variety, name_workspace(project, variety), project.project.name + kind, pairs, needed)
