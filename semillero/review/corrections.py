"""Corrected texts: which one a row gets when several people corrected it.

A correction is an instruction and an answer that belong together (a text that its author left alone is the one that
was shown), so texts of two people are never mixed. The row gets the correction that most people handed in word for
word; among equals the one whose author rates the result best; then the one that comes first in the alphabet. Times do
not decide: Argilla dates answers anew when a backup is restored, and the corpus must come out the same.
"""

import polars as pl

TEXTS = ("instruction", "answer")


def choose_corrections(answers: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return `record`, `instruction` and `answer`, one row a record that somebody corrected.

    Args:
        answers: the answers that count (ANSWERS).
        rows: the rows that are kept (`id`, `instruction`, `answer` as shown).
    """
    return (
        list_corrections(answers, rows)
        .group_by("record", *TEXTS)
        .agg(pl.len().alias("people"), pl.col("quality").max())
        .sort("record", "people", "quality", *TEXTS, descending=[False, True, True, False, False], nulls_last=True)
        .unique("record", keep="first", maintain_order=True)
        .select("record", *TEXTS)
    )


def list_corrections(answers: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the corrections of ``rows``: `record`, `instruction` and `answer` as whole texts, `new_answer`, `quality`.

    Whoever rejects a row although they corrected it says that the correction does not save it; it is not used.
    """
    shown = rows.select(pl.col("id").alias("record"), *TEXTS)
    return (
        answers.filter(pl.col("corrected") & ~pl.col("rejects"))
        .select("record", "new_instruction", "new_answer", "quality")
        .join(shown, on="record", how="inner")
        .with_columns(pl.coalesce(f"new_{text}", text).alias(text) for text in TEXTS)
        .select("record", *TEXTS, "new_answer", "quality")
    )
