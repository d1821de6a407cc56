"""What every mode of review must hand over, and the accounts that must balance whoever decided."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from semillero.errors import AccountingError, CorpusError
from semillero.records import ACCEPTED, SCORES, read_records
from semillero.store import Artifact, RunStore

DECISIONS = ("kept", "discarded", "pending")


@dataclass(frozen=True)
class Review:
    """What a mode of review decided.

    Attributes:
        reviewed: one row an accepted row, in the same order (REVIEWED).
        preferences: pairs of a better and a worse answer (PREFERENCES), possibly none.
        agreement: what ``agreement.json`` says: mode, ``human_reviewed``, who, counts per variety.
    """

    reviewed: pl.DataFrame
    preferences: pl.DataFrame
    agreement: dict[str, Any]


def read_inputs(
    store: RunStore, curated: Artifact, scores: Artifact | None
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Return the accepted rows (ACCEPTED) and their scores (SCORES), or None where nothing judged.

    Raises:
        AccountingError: the scores belong to other rows.
    """
    accepted = read_records(store.folder(curated) / "accepted.parquet", ACCEPTED)
    if scores is None:
        return accepted, None
    table = read_records(store.folder(scores) / "scores.parquet", SCORES)
    check_scores(accepted, table)
    return accepted, table


def check_scores(accepted: pl.DataFrame, scores: pl.DataFrame) -> None:
    """Check that each accepted row has one score, and each score a row.

    Raises:
        AccountingError: it is not so.
    """
    ids, scored = accepted["id"], scores["id"]
    if ids.n_unique() != ids.len() or scored.n_unique() != scored.len() or set(ids) != set(scored):
        raise AccountingError(
            f"{ids.len()} rows were accepted (ids: {ids.n_unique()}) and {scored.len()} scored "
            f"(ids: {scored.n_unique()}, {len(set(scored) - set(ids))} of them no accepted row's)",
            "one score a row, each id once",
            "run `semillero run` again; if it stays, it is a bug worth reporting",
        )


def check_accounts(accepted: pl.DataFrame, reviewed: pl.DataFrame) -> dict[str, int]:
    """Return the counts, after checking that each accepted row is there once, with a decision and its reason.

    Raises:
        AccountingError: a row was lost, doubled, left undecided or discarded without a reason.
        CorpusError: no row is kept.
    """
    counts = {name: reviewed.filter(pl.col("decision") == name).height for name in DECISIONS}
    if sum(counts.values()) != accepted.height or reviewed["id"].to_list() != accepted["id"].to_list():
        raise AccountingError(
            f"{accepted.height} rows were accepted, but review has {reviewed.height}: {counts}",
            "accepted = kept + discarded + pending, each row once",
            "this is a bug worth reporting; nothing was written",
        )
    unexplained = reviewed.filter((pl.col("decision") == "discarded") & pl.col("reason").is_null()).height
    if unexplained:
        raise AccountingError(f"{unexplained} rows were discarded without a reason", "a reason code for each row")
    if counts["kept"] == 0:
        raise CorpusError(
            f"review keeps none of {accepted.height} accepted rows "
            f"({counts['discarded']} discarded, {counts['pending']} pending)",
            "at least one row to build a corpus of",
            "discard less, or answer the records that wait for reviewers"
            if accepted.height
            else "see the reasons in curation's rejected.parquet; ask for more rows or loosen corpus.filters",
        )
    return {"accepted": accepted.height, **counts}
