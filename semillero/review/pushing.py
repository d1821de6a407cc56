"""Records into Argilla, each once, most needed ones first.

What is there is read first (from the database, with all answers), and only what is missing or out of date is sent, in
small batches by the rows' own ids. So a push that was killed, repeated, or run twice at once ends with the same
records; a changed corpus adds what is new; and no answer is ever touched: an upsert carries none.

Sent again, beside what is missing, is what a fault or a change left wrong: another corpus version, score or priority; a
record that counts as complete although its answers are gone (its reviewer was deleted), which nobody would see again;
and everything in a dataset of which the search index knows less than the database (a kill between the two).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from semillero.errors import SemilleroError
from semillero.progress import track
from semillero.project.models import Project
from semillero.review.connection import explain_faults
from semillero.review.containers import ensure_dataset, find_datasets, link_to
from semillero.review.payloads import build_metadata, build_payload
from semillero.review.priority import plan_review
from semillero.review.records_endpoint import count_indexed, read_records, send_records
from semillero.review.routing import Place, find_place, list_places

if TYPE_CHECKING:
    import argilla

Row = dict[str, Any]

BATCH = 100  # records a request: a second of a small server's time, and all that a fault can make it repeat


@dataclass(frozen=True)
class PushReport:
    """What a push did.

    Attributes:
        pushed: records that were not there.
        already_there: records that were.
        refreshed: how many of those were sent again because something about them had changed.
        varieties: code → pushed, already_there.
        links: page → address for reviewers, one a dataset, sorted by priority.
    """

    pushed: int
    already_there: int
    refreshed: int
    varieties: dict[str, dict[str, int]]
    links: dict[str, str]


@dataclass(frozen=True)
class _Seen:
    """What matters of a record that is there."""

    id: str
    metadata: dict[str, Any]
    completed: bool
    submitted: int


Present = dict[tuple[str, str], dict[str, _Seen]]  # workspace, dataset → record id → record


def push_for_review(
    client: "argilla.Argilla", project: Project, accepted: pl.DataFrame, scores: pl.DataFrame | None, corpus: str
) -> PushReport:
    """Send the rows that are not in Argilla yet; the team's workspaces must be there (`prepare_team`).

    Args:
        client: an owner's.
        project: the project file.
        accepted: the rows (ACCEPTED).
        scores: the judge's scores (SCORES), or None.
        corpus: the corpus version; reviewers can filter by it.

    Raises:
        InputError: the key may not do this.
        SemilleroError: the server is down or fails (retryable), refuses a record, or has lost its search index.
    """
    with explain_faults(client.api_url):
        present = _read_present(client, project)
        placed = _place_rows(project, plan_review(project, accepted, scores), present)
        counts: dict[str, Counter[str]] = {code: Counter() for code in accepted["variety"].unique(maintain_order=True)}
        links: dict[str, str] = {}
        with track("sending to Argilla", total=accepted.height) as advance:
            for place, rows in placed.items():
                dataset = ensure_dataset(client, project, place)
                links[f"{place.workspace}/{place.dataset}"] = link_to(client, dataset)
                there = present.get((place.workspace, place.dataset), {})
                due = _choose_due(client, place, dataset, rows, there, corpus)
                counts[place.variety].update(_count(rows, due, there))
                advance(len(rows) - len(due))
                for batch in _each_batch(due):
                    _send(client, project, dataset, batch, corpus)
                    advance(len(batch))
    return _report(counts, links)


def _read_present(client: "argilla.Argilla", project: Project) -> Present:
    return {
        (workspace, str(dataset.name)): {seen.id: seen for seen in read_records(client, str(dataset.id), _see)}
        for workspace, dataset in find_datasets(client, project)
    }


def _see(record: dict[str, Any]) -> _Seen:
    submitted = sum(response["status"] == "submitted" for response in record["responses"])
    return _Seen(record["external_id"], record["metadata"] or {}, record["status"] == "completed", submitted)


def _place_rows(project: Project, planned: pl.DataFrame, present: Present) -> dict[Place, list[Row]]:
    """Return place → its rows in the order of review; a row that is in Argilla already stays where it is.

    A changed ``review.overlap`` sends a row's hash elsewhere; asking for it twice would waste people's time.
    """
    homes = {(workspace, record): dataset for (workspace, dataset), records in present.items() for record in records}
    by_name = {(place.workspace, place.dataset): place for place in list_places(project)}
    placed: dict[Place, list[Row]] = {}
    for row in planned.iter_rows(named=True):
        place = find_place(project, row["id"], row["variety"], row["alternative"] is not None)
        home = homes.get((place.workspace, row["id"]), place.dataset)
        placed.setdefault(by_name[place.workspace, home], []).append(row)
    return placed


def _choose_due(
    client: "argilla.Argilla",
    place: Place,
    dataset: "argilla.Dataset",
    rows: list[Row],
    there: dict[str, _Seen],
    corpus: str,
) -> list[Row]:
    """Return the rows to send: missing, changed, stuck, or unknown to the search index."""
    indexed = count_indexed(client, str(dataset.id))
    if indexed is None:
        raise SemilleroError(
            f"Argilla has lost the search index of {place.workspace}/{place.dataset}: reviewers would see no records",
            "an index beside the database; records and answers are in the database and safe",
            "local: `semillero argilla up` rebuilds it; elsewhere: `python -m argilla_server search-engine reindex` "
            "on the server",
        )
    if indexed < len(there):
        return rows
    return [row for row in rows if _is_due(row, there.get(row["id"]), place, corpus)]


def _is_due(row: Row, seen: _Seen | None, place: Place, corpus: str) -> bool:
    if seen is None or seen.metadata != build_metadata(row, corpus):
        return True
    return seen.completed and seen.submitted < place.min_submitted


def _count(rows: list[Row], due: list[Row], there: dict[str, _Seen]) -> Counter[str]:
    missing = sum(row["id"] not in there for row in due)
    return Counter(pushed=missing, already_there=len(rows) - missing, refreshed=len(due) - missing)


def _each_batch(rows: list[Row]) -> Iterator[list[Row]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def _send(
    client: "argilla.Argilla", project: Project, dataset: "argilla.Dataset", rows: list[Row], corpus: str
) -> None:
    questions = {str(question.name): str(question.id) for question in dataset.questions}
    fields = {str(one.name) for one in dataset.fields}
    payloads = [build_payload(row, fields, questions, corpus, project.corpus.judge) for row in rows]
    send_records(client, str(dataset.id), payloads)


def _report(counts: dict[str, Counter[str]], links: dict[str, str]) -> PushReport:
    total = sum(counts.values(), Counter())
    varieties = {code: {key: count[key] for key in ("pushed", "already_there")} for code, count in counts.items()}
    return PushReport(total["pushed"], total["already_there"], total["refreshed"], varieties, links)
