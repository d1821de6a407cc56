"""`curation.json`: how many rows came, stayed and left, why, by variety and technique; flags, placeholders, markers."""

from typing import Any

import polars as pl

from semillero.curation.accounting import COUNTS, check_balance, check_parts
from semillero.curation.reasons import FLAGS, REASONS
from semillero.curation.varieties import variety_markers
from semillero.intervals import share_of
from semillero.project import CorpusSettings
from semillero.project.models import settings_json

MARKED = 5_000  # rows of a variety whose texts are searched for markers; a rate needs no more


def count_rows(rows: pl.DataFrame) -> dict[str, int]:
    """Return the five counts of rows that have `status` and `reason`."""
    line = rows.select(_counts()).row(0, named=True)
    return {name: int(line[name]) for name in COUNTS}


def build_report(rows: pl.DataFrame, hits: pl.DataFrame, corpus: CorpusSettings) -> dict[str, Any]:
    """Return the content of ``curation.json``.

    Its keys: ``counts`` (requested = answered + failed, answered = accepted + rejected), ``reasons`` (rejected rows),
    ``flags`` (accepted rows), ``placeholders`` (put in for personal data), ``varieties`` and ``techniques`` (the same
    for each, and ``rejected_share`` with its 95 % Wilson interval), ``markers`` (`MarkerRates` of instructions and of
    answers by variety, at most `MARKED` rows of each), ``filters`` (the settings), ``meanings``.

    Args:
        rows: every requested row: `variety, technique, status, reason` (null: accepted or failed), `flags`,
            `instruction`, `answer` as they are after normalisation.
        hits: `placeholder`, one line a placeholder in accepted rows.
        corpus: the settings.

    Raises:
        AccountingError: counts do not balance, by variety, by technique or in total.
    """
    counts = count_rows(rows)
    check_balance(pl.DataFrame([{"part": "all", **counts}]), "in total,")
    tables = {name: rows.group_by(name).agg(_counts()).sort(name) for name in ("variety", "technique")}
    for name, table in tables.items():
        check_balance(table, name)
    check_parts(list(tables.values()), counts)
    return {
        "counts": counts,
        "reasons": _tally(rows, "reason", REASONS),
        "flags": _tally(_flags(rows), "flag", FLAGS),
        "placeholders": _tally(hits, "placeholder"),
        "varieties": {key: _describe(rows, "variety", key, line) for key, line in _lines(tables["variety"])},
        "techniques": {key: _describe(rows, "technique", key, line) for key, line in _lines(tables["technique"])},
        "markers": {code: _markers(rows, code) for code in sorted(set(rows["variety"]))},
        "filters": settings_json(corpus.filters),
        "meanings": {"reasons": REASONS, "flags": FLAGS},
    }


def _describe(rows: pl.DataFrame, column: str, key: str, counts: dict[str, int]) -> dict[str, Any]:
    part = rows.filter(pl.col(column).eq_missing(key))
    share = share_of(counts["rejected"], counts["answered"])
    return {**counts, "rejected_share": share, "reasons": _tally(part, "reason"), "flags": _tally(_flags(part), "flag")}


def _markers(rows: pl.DataFrame, variety: str) -> dict[str, Any] | None:
    accepted = rows.filter((pl.col("variety") == variety) & _accepted())
    if accepted.height > MARKED:
        accepted = accepted.sort("id").head(MARKED)  # ids are hashes: the same rows in every run, in no order
    parts = {}
    # Apart: with back-translation the answers are the passages' own, and only the instructions are the model's.
    for column in ("instruction", "answer"):
        rates = variety_markers(accepted[column].unique(maintain_order=True).to_list(), variety)
        parts[column] = None if rates is None else rates.as_json()
    return parts


def _counts() -> list[pl.Expr]:
    answered = pl.col("status") == "answered"
    return [
        pl.len().alias("requested"),
        answered.sum().alias("answered"),
        (pl.col("status") == "failed").sum().alias("failed"),
        _accepted().sum().alias("accepted"),
        pl.col("reason").is_not_null().sum().alias("rejected"),
    ]


def _accepted() -> pl.Expr:
    return (pl.col("status") == "answered") & pl.col("reason").is_null()


def _flags(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(_accepted()).select(pl.col("flags").alias("flag")).explode("flag").drop_nulls()


def _tally(rows: pl.DataFrame, column: str, order: dict[str, str] | None = None) -> dict[str, int]:
    found = dict(rows.drop_nulls(column).group_by(column).len().sort(column).iter_rows())
    return {name: found[name] for name in (order or found) if name in found}


def _lines(table: pl.DataFrame) -> list[tuple[str, dict[str, int]]]:
    return [(str(line[0]), dict(zip(COUNTS, line[1:], strict=True))) for line in table.iter_rows()]
