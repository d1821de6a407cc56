"""Pairs of a better and a worse answer to the same instruction, from corrections and from rankings.

From corrections of rows that are kept: the corrected answer over the answer that was shown, to the instruction as the
same person left it. A correction of the instruction alone makes no pair: it compares no two answers.

From rankings: the answer that most people preferred, when ``first`` or ``second`` has more votes than any other
choice; ``both_good`` and ``both_bad`` are votes for no pair, and ties make none. The first answer counts as it stands
in the corpus: whoever prefers it to the second one would not mind its correction. Besides kept rows, rankings count on
rows that were discarded for nothing but the quality of their first answer (`FORGIVEN`) where the second is preferred:
that is what such a ranking says. Of rows that leave for any other reason nothing is published.
"""

from typing import Any

import polars as pl

from semillero.records import PREFERENCES
from semillero.review.answers import squeeze
from semillero.review.corrections import list_corrections
from semillero.review.voting import QUALITY_LOW

RANKINGS = ("first", "second", "both_good", "both_bad")
FORGIVEN = (QUALITY_LOW, "false", "ungrammatical")  # about an answer, and harmless beside a better one


def find_preferences(answers: pl.DataFrame, rows: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Return the pairs (PREFERENCES, sorted) and how many came from where.

    Args:
        answers: the answers that count (ANSWERS).
        rows: all accepted rows (REVIEWED, and `alternative`), their texts as they stand after review.

    Returns:
        The pairs; and counts ``pairs``, ``from_corrections``, ``from_rankings``, ``doubled`` (found twice, kept once),
        and of the ranked rows ``ranked``, ``both_good``, ``both_bad``, ``tied`` (which make no pair).
    """
    corrected = _pair_corrections(answers, rows)
    ranked, counts = _pair_rankings(answers, rows)
    pairs = pl.concat([corrected, ranked]).filter(squeeze(pl.col("chosen")) != squeeze(pl.col("rejected")))
    known = pairs.unique(["variety", "prompt", "chosen", "rejected"], keep="first", maintain_order=True)
    origin = dict(known.group_by("origin").len().iter_rows())
    named = known.join(rows.select("id", "history"), on="id", how="left").with_columns(ranked_by=pl.lit("people"))
    return named.select(list(PREFERENCES)).sort("id", "variety", "prompt", "chosen", "rejected"), {
        "pairs": known.height,
        "from_corrections": origin.get("correction", 0),
        "from_rankings": origin.get("ranking", 0),
        "doubled": pairs.height - known.height,
        **counts,
    }


def _pair_corrections(answers: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    kept = rows.filter(pl.col("decision") == "kept")
    shown = kept.select("id", instruction="original_instruction", answer="original_answer")
    about = kept.select(pl.col("id").alias("record"), "variety", "original_answer")
    return (
        list_corrections(answers, shown)
        .filter(pl.col("new_answer").is_not_null())
        .join(about, on="record", how="inner")
        .select(
            pl.col("record").alias("id"),
            "variety",
            pl.col("instruction").alias("prompt"),
            pl.col("new_answer").alias("chosen"),
            pl.col("original_answer").alias("rejected"),
            pl.lit("correction").alias("origin"),
        )
        .sort("id", "prompt", "chosen")
    )


def _pair_rankings(answers: pl.DataFrame, rows: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    votes = (
        answers.filter(pl.col("ranking").is_in(RANKINGS))
        .group_by(pl.col("record").alias("id"))
        .agg((pl.col("ranking") == name).sum().alias(name) for name in RANKINGS)
    )
    most = pl.max_horizontal(RANKINGS)
    alone = pl.sum_horizontal((pl.col(name) == most).cast(pl.Int8) for name in RANKINGS) == 1
    winner = pl.coalesce(pl.when(pl.col(name) == most).then(pl.lit(name)) for name in RANKINGS)
    ranked = votes.with_columns(pl.when(alone).then(winner).otherwise(pl.lit("tied")).alias("choice"))
    counts = dict(ranked.group_by("choice").len().iter_rows())
    kept = pl.col("decision") == "kept"
    given = answers.select("record", "reasons").explode("reasons").drop_nulls()
    accused = given.filter(~pl.col("reasons").is_in(FORGIVEN))["record"].to_list()
    forgiven = (pl.col("decision") == "discarded") & pl.col("reason").is_in(FORGIVEN) & ~pl.col("id").is_in(accused)
    first = pl.col("choice") == "first"
    pairs = (
        rows.join(ranked.filter(pl.col("choice").is_in(RANKINGS[:2])), on="id", how="inner")
        .filter(kept | (forgiven.fill_null(False) & ~first))
        .select(
            "id",
            "variety",
            pl.col("instruction").alias("prompt"),
            pl.when(first).then("answer").otherwise("alternative").alias("chosen"),
            pl.when(first).then("alternative").otherwise("original_answer").alias("rejected"),
            pl.lit("ranking").alias("origin"),
        )
        .sort("id")
    )
    told = {name: int(counts.get(name, 0)) for name in ("both_good", "both_bad", "tied")}
    return pairs, {"ranked": ranked.height, **told}
