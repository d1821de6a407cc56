"""A snapshot of responses back into Argilla: people, records, and every answer with its author.

For an Argilla that was lost (a Space restarted without storage), and for one from which an account or a dataset was
deleted. What Argilla has stays as it is: an answer given there since is newer than the snapshot's.

The table that is collected afterwards is the snapshot's, but for ``updated_at``: Argilla dates an answer itself, and
takes no other date.
"""

from collections import defaultdict
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import polars as pl

from semillero.errors import InputError
from semillero.progress import track
from semillero.project.models import Project
from semillero.review.collecting import KEY, collect_responses
from semillero.review.connection import explain_faults
from semillero.review.containers import find_datasets
from semillero.review.pushing import BATCH, PushReport, push_for_review
from semillero.review.questions import BOTH_BAD
from semillero.review.records_endpoint import read_records, send_records
from semillero.review.team import Announce, NewAccount, ensure_authors, prepare_team

if TYPE_CHECKING:
    import argilla

RESTORED = "restored"  # the corpus version that the records get until the next push
RANKS = {"first": (1, 2), "second": (2, 1), "both_good": (1, 1), BOTH_BAD: (1, 1)}


@dataclass(frozen=True)
class RestoreReport:
    """What a restore did.

    Attributes:
        accounts: made now, with their passwords; authors who are no reviewers (any more) are among them.
        push: what was done about the records.
        restored: responses put back.
        already_there: responses that Argilla had, left as they were.
        without_record: responses to rows that are not accepted any more; they stay in the snapshot.
    """

    accounts: tuple[NewAccount, ...]
    push: PushReport
    restored: int
    already_there: int
    without_record: int


def restore_responses(
    client: "argilla.Argilla",
    project: Project,
    responses: pl.DataFrame,
    accepted: pl.DataFrame,
    scores: pl.DataFrame | None = None,
    corpus: str = RESTORED,
    announce: Announce | None = None,
) -> RestoreReport:
    """Put users, workspaces, datasets, records and responses back; what is there already stays.

    Args:
        client: an owner's.
        project: the project file.
        responses: the snapshot (RESPONSES).
        accepted: the rows that the responses are about (ACCEPTED).
        scores: the judge's scores (SCORES), for suggestions and priority.
        corpus: the corpus version of ``accepted``.
        announce: called with each new account at once.

    Raises:
        InputError: the key may not do this, or the snapshot has a response twice.
        SemilleroError: the server is down (retryable) or refuses a response.
    """
    if responses.select(KEY).is_duplicated().any():
        raise InputError("the snapshot has two responses of one person to one record", "one", "take another snapshot")
    accounts = prepare_team(client, project, announce)
    accounts += ensure_authors(client, responses["reviewer"].unique(), announce)
    push = push_for_review(client, project, accepted, scores, corpus)
    known = responses.join(accepted.select(pl.col("id").alias("record")), on="record", how="semi")
    missing = known.join(collect_responses(client, project).select(KEY), on=list(KEY), how="anti")
    with explain_faults(client.api_url):
        _send_responses(client, project, missing)
    there = known.height - missing.height
    return RestoreReport(tuple(accounts), push, missing.height, there, responses.height - known.height)


def _send_responses(client: "argilla.Argilla", project: Project, missing: pl.DataFrame) -> None:
    users = {str(user.username): str(user.id) for user in client.users.list()}
    by_record: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in missing.sort(KEY).iter_rows(named=True):
        by_record[row["record"]].append(_as_response(row, users))
    with track("restoring answers", total=len(by_record)) as advance:
        for _, dataset in find_datasets(client, project):
            here: list[str] = read_records(client, str(dataset.id), itemgetter("external_id"))
            records = [record for record in here if record in by_record]
            for start in range(0, len(records), BATCH):
                batch = records[start : start + BATCH]
                payloads = [{"external_id": record, "responses": by_record.pop(record)} for record in batch]
                send_records(client, str(dataset.id), payloads)
                advance(len(batch))


def _as_response(row: dict[str, Any], users: dict[str, str]) -> dict[str, Any]:
    """Return a row of RESPONSES as Argilla takes it; questions without an answer are left out."""
    simple = ("quality", "fits_variety", "variety_label", "instruction", "answer", "reasons", "comment")
    values = {name: {"value": row[name]} for name in simple if row[name] not in (None, [])}
    if row["ranking"] is not None:
        first, second = RANKS[row["ranking"]]
        values["ranking"] = {"value": [{"value": "first", "rank": first}, {"value": "second", "rank": second}]}
    return {"user_id": users[row["reviewer"]], "status": row["status"], "values": values}
