"""All that people have answered, as one table: RESPONSES, one row a record and person.

Answers are read from Argilla's database, not from its search index, so a lost index loses no answer. Argilla prefills
the corrections with the current text: a text that was left as it is counts as no correction (null). ``both_bad`` is a
reason in Argilla and a value of ``ranking`` in the table, because there it excludes the other ones.

Deleting an account deletes its answers from Argilla. They are in the snapshots of the run store: `keep_known` puts them
back beside what was collected, and `semillero.review.backup` puts them back into Argilla.
"""

import unicodedata
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import polars as pl

from semillero.progress import track
from semillero.project.models import Project
from semillero.records import RESPONSES
from semillero.review.connection import explain_faults
from semillero.review.containers import find_datasets
from semillero.review.payloads import read_text
from semillero.review.questions import BOTH_BAD, FIELDS, REASONS
from semillero.review.records_endpoint import read_records

if TYPE_CHECKING:
    import argilla

KEY = ("record", "reviewer")
FIELD_OF = {column: name for name, column in FIELDS.items()}


def collect_responses(client: "argilla.Argilla", project: Project) -> pl.DataFrame:
    """Return every response to the project's records, drafts and discards included.

    Returns:
        RESPONSES, sorted by record and reviewer. A response of an account that Argilla no longer lists has the
        reviewer ``deleted-`` and eight digits of its id.

    Raises:
        InputError: the key may not do this.
        SemilleroError: the server is down, or its datasets change while they are read (retryable).
    """
    rows: list[dict[str, Any]] = []
    with explain_faults(client.api_url):
        names = {str(user.id): str(user.username) for user in client.users.list()}
        datasets = find_datasets(client, project)
        with track("collecting answers", total=len(datasets)) as advance:
            for _, dataset in datasets:
                found = read_records(client, str(dataset.id), partial(_as_rows, names=names))
                rows += chain.from_iterable(found)
                advance(1)
    return _sort(pl.DataFrame(rows, schema=RESPONSES))


def keep_known(collected: pl.DataFrame, snapshot: pl.DataFrame) -> pl.DataFrame:
    """Return ``collected`` and the responses of an earlier ``snapshot`` that are no longer in Argilla.

    An account, a dataset or a record deleted by hand takes its answers with it; people gave them all the same.

    Args:
        collected: what is in Argilla now (RESPONSES); it wins where both know a record and person.
        snapshot: what was collected before (RESPONSES).
    """
    lost = snapshot.join(collected.select(KEY), on=list(KEY), how="anti")
    return _sort(pl.concat([collected, lost.select(collected.columns)]))


def _sort(rows: pl.DataFrame) -> pl.DataFrame:
    # A record that is in two datasets (moved by hand) can have two answers of one person: the latest counts.
    latest = rows.sort("updated_at", descending=True).unique(KEY, keep="first", maintain_order=True)
    return latest.sort(KEY)


def _as_rows(record: dict[str, Any], names: dict[str, str]) -> list[dict[str, Any]]:
    if not record["external_id"]:
        return []  # made by hand
    return [_as_row(record, response, names) for response in record["responses"]]


def _as_row(record: dict[str, Any], response: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    values = {name: answer["value"] for name, answer in (response["values"] or {}).items()}
    reasons = _order(values.get("reasons"))
    user = str(response["user_id"])
    return {
        "record": record["external_id"],
        "variety": (record["metadata"] or {}).get("variety"),
        "reviewer": names.get(user, f"deleted-{user[:8]}"),
        "status": response["status"],
        "quality": values.get("quality"),
        "fits_variety": values.get("fits_variety"),
        "variety_label": values.get("variety_label"),
        "instruction": _find_edit(values.get("instruction"), record, "instruction"),
        "answer": _find_edit(values.get("answer"), record, "answer"),
        "reasons": reasons,
        "ranking": BOTH_BAD if BOTH_BAD in reasons else _read_ranking(values.get("ranking")),
        "comment": (values.get("comment") or "").strip() or None,
        "updated_at": _as_utc(response["updated_at"]),
    }


def _order(reasons: list[str] | None) -> list[str]:
    """Return the reasons in the order of `REASONS`; a browser sends them in the order they were clicked."""
    return [code for code in REASONS if code in (reasons or [])]


def _find_edit(text: str | None, record: dict[str, Any], column: str) -> str | None:
    """Return the corrected text, or None where no more than white space differs."""
    edited = _normalise(text or "")
    current = read_text(record["fields"].get(FIELD_OF[column], ""))
    return edited if edited and _squeeze(edited) != _squeeze(current) else None


def _normalise(text: str) -> str:
    """Return the text without what a browser's editor adds: line ends, blanks at the end, blanks of another kind."""
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\u00a0", " ").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


def _squeeze(text: str) -> str:
    return " ".join(text.split())


def _read_ranking(value: list[dict[str, Any]] | None) -> str | None:
    """Return which answer is better; equal ranks are both good; a draft may have ranked one only."""
    ranks = {item["value"]: item.get("rank") for item in value or []}
    first, second = ranks.get("first"), ranks.get("second")
    if first is None or second is None:
        return None
    return "both_good" if first == second else "first" if first < second else "second"


def _as_utc(moment: str) -> str:
    parsed = datetime.fromisoformat(moment)
    parsed = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)  # Argilla writes UTC without saying so
    return parsed.astimezone(UTC).isoformat(timespec="microseconds")
