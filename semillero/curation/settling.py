"""The last word on each row: what screening and comparison said of it, put together."""

import polars as pl

from semillero.curation.comparing import Compared
from semillero.curation.pii import HIT


def settle(rows: pl.DataFrame, compared: Compared) -> pl.DataFrame:
    """Return screened rows with the outcome of the comparison: texts as they are now, `reason`, `evidence`, `flags`."""
    later = compared.funnel.verdicts.rename({"reason": "later_reason", "evidence": "later_evidence"})
    signed = compared.funnel.rows.select("row", "flags")
    links = compared.linked.rename({"flags": "link_flags"})
    for other in (later, signed, links):
        rows = rows.join(other, on="row", how="left", maintain_order="left")
    none = pl.lit([], pl.List(pl.String()))
    flags = pl.col("flags").fill_null(none).list.concat(pl.col("link_flags").fill_null(none)).list.sort()
    return rows.with_columns(
        pl.coalesce("reason", "later_reason").alias("reason"),
        pl.coalesce("evidence", "later_evidence").alias("evidence"),
        flags.alias("flags"),
        pl.col("linked").fill_null(none),
        pl.coalesce("new_instruction", "instruction").alias("instruction"),
        pl.coalesce("new_answer", "answer").alias("answer"),
        pl.col("instruction").alias("raw_instruction"),
        pl.col("answer").alias("raw_answer"),
    ).drop("later_reason", "later_evidence", "link_flags", "new_instruction", "new_answer")


def split_answered(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (accepted, rejected); a rejected row's instruction and answer are those that were generated."""
    answered = rows.filter(pl.col("status") == "answered")
    accepted = answered.filter(pl.col("reason").is_null())
    rejected = answered.filter(pl.col("reason").is_not_null())
    raw = (pl.col("raw_instruction").alias("instruction"), pl.col("raw_answer").alias("answer"))
    return accepted, rejected.with_columns(raw)


def list_hits(compared: Compared) -> pl.DataFrame:
    """Return one line a placeholder in the rows that stay: `row`, `placeholder`."""
    hits = compared.funnel.rows.select("row", pl.col("placeholders").alias("placeholder"))
    return hits.explode("placeholder").drop_nulls().select(pl.col(name).cast(kind) for name, kind in HIT.items())
