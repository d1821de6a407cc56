"""What people's answers say, one row a record and person: the table that decisions, agreement and quorum share.

In: accepted rows (ACCEPTED) and responses (RESPONSES). Out: the answers that count, beside the text that was shown.

Drafts never count. A person rejects a row by discarding it, or by naming a reason why it must go. Quality is that of
the row as it was shown, and the guidelines promise that a correction saves it: whoever corrects a row without
rejecting it counts as wanting it, however low they rated what they saw.
"""

import polars as pl

from semillero.project.models import ReviewSettings
from semillero.records import Schema

ANSWERED = ("submitted", "discarded")
_ORDER = ("updated_at", "status", "quality", "fits_variety", "variety_label", "instruction", "answer")
ANSWERS: Schema = {
    "record": pl.String(),
    "variety": pl.String(),  # the accepted row's
    "reviewer": pl.String(),
    "submitted": pl.Boolean(),
    "rejects": pl.Boolean(),  # discarded, or submitted with a reason why it must go
    "quality": pl.Int64(),  # of the row as it was shown
    "rating": pl.Float64(),  # what counts: `quality`, or ``keep_from`` where the person's correction saves the row
    "fits_variety": pl.String(),
    "variety_label": pl.String(),
    "reasons": pl.List(pl.String()),  # sorted, each once; empty where the person gave none
    "ranking": pl.String(),  # null where there is no second answer
    "corrected": pl.Boolean(),
    "new_instruction": pl.String(),  # a real change of the text that was shown, or null
    "new_answer": pl.String(),
    "verdict": pl.String(),  # kept or rejected: what this answer alone would decide; null where it cannot
    "updated_at": pl.String(),
}


def count_answers(accepted: pl.DataFrame, responses: pl.DataFrame, review: ReviewSettings) -> pl.DataFrame:
    """Return the answers that count (ANSWERS), sorted by record and reviewer.

    Left out: drafts, answers of people in ``review.exclude``, answers about rows that are not in ``accepted``, and all
    but the newest of a person about a record (a record that moved into the overlap can have two).
    """
    shown = accepted.select(
        pl.col("id").alias("record"),
        "variety",
        "alternative",
        pl.col("instruction").alias("shown_instruction"),
        pl.col("answer").alias("shown_answer"),
    )
    named = pl.col("reasons").list.unique().list.sort()
    rows = (
        responses.filter(pl.col("status").is_in(ANSWERED) & ~pl.col("reviewer").is_in(list(review.exclude)))
        .drop("variety")
        .join(shown, on="record", how="inner")
        .with_columns(pl.when(named.is_null()).then(pl.lit([], pl.List(pl.String))).otherwise(named).alias("reasons"))
        .sort("record", "reviewer", *_ORDER, pl.col("reasons").list.join(" "), "ranking")
        .unique(["record", "reviewer"], keep="last", maintain_order=True)
    )
    return _weigh(rows, review).select(pl.col(name).cast(kind) for name, kind in ANSWERS.items())


def _weigh(rows: pl.DataFrame, review: ReviewSettings) -> pl.DataFrame:
    """Add what each answer says: rejection, correction, verdict."""
    submitted = pl.col("status") == "submitted"
    rows = rows.with_columns(
        submitted.alias("submitted"),
        (~submitted | (pl.col("reasons").list.len() > 0)).alias("rejects"),
        pl.when(submitted).then(_changed("instruction", "shown_instruction")).alias("new_instruction"),
        pl.when(submitted).then(_changed("answer", "shown_answer")).alias("new_answer"),
        pl.when(submitted & pl.col("alternative").is_not_null()).then(pl.col("ranking")).alias("ranking"),
    )
    rows = rows.with_columns(
        (pl.col("new_instruction").is_not_null() | pl.col("new_answer").is_not_null()).alias("corrected")
    )
    saved = pl.col("corrected") & ~pl.col("rejects") & (pl.col("quality") < review.keep_from)
    rating = pl.when(saved).then(review.keep_from).otherwise(pl.col("quality"))
    against = pl.col("rejects") | (rating < review.keep_from) | (pl.col("fits_variety") == "no")
    return rows.with_columns(
        rating.alias("rating"),
        pl.when(against.fill_null(False))
        .then(pl.lit("rejected"))
        .when(pl.col("quality").is_not_null())
        .then(pl.lit("kept"))
        .alias("verdict"),
    )


def _changed(column: str, shown: str) -> pl.Expr:
    """Return a corrected text, or null where it is empty or differs from what was shown by white space alone."""
    text = pl.col(column).str.strip_chars()
    same = squeeze(pl.col(column)) == squeeze(pl.col(shown))
    return pl.when((text != "") & ~same).then(text)


def squeeze(text: pl.Expr) -> pl.Expr:
    """Return a text in one Unicode form with single spaces, for comparison."""
    return text.str.normalize("NFC").str.replace_all(r"\s+", " ").str.strip_chars()
