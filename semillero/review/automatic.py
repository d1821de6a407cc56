"""Automatic review: the filters' and the judge's verdict stands, and everything says that no person looked.

In each variety the share ``discard`` of rows with the lowest judge scores is discarded. Shares are taken
variety by variety because likelihoods of different languages are not comparable: one threshold for all would
empty the language that the judge knows least.
"""

from decimal import Decimal
from typing import Any

import polars as pl

from semillero.project.models import ReviewSettings
from semillero.records import PREFERENCES, REVIEWED
from semillero.review.decisions import DECISIONS, Review

REASON = "judge-score-low"
FILTERS = "filters:curation"


def decide_by_score(
    accepted: pl.DataFrame, scores: pl.DataFrame | None, judge: dict[str, Any] | None, review: ReviewSettings
) -> Review:
    """Keep each row unless its score is among its variety's lowest.

    Args:
        accepted: the rows (ACCEPTED).
        scores: one score a row (SCORES), or None. A row without one (null) is kept on the filters' word.
        judge: what ``judge.json`` says, or None.
        review: gives the share to discard; a variety always keeps at least one row.

    Returns:
        The rows in the same order with their decisions, and the pairs that a model ranked when it wrote them.
    """
    if scores is None:
        rows = accepted.with_columns(pl.lit(None, pl.Float64).alias("score"))
    else:
        rows = accepted.join(scores.select("id", "score"), on="id", how="left", maintain_order="left")
    low = _lowest(rows, review.discard)
    judged = pl.col("score").is_not_null()
    discarded = pl.col("id").is_in(low)
    reviewed = rows.with_columns(
        pl.when(discarded).then(pl.lit("discarded")).otherwise(pl.lit("kept")).alias("decision"),
        pl.when(discarded).then(pl.lit(REASON)).otherwise(pl.lit(None, pl.String)).alias("reason"),
        pl.when(judged).then(pl.lit([judge_name(judge)])).otherwise(pl.lit([FILTERS])).alias("reviewers"),
        pl.col("instruction").alias("original_instruction"),
        pl.col("answer").alias("original_answer"),
    ).select(list(REVIEWED))
    pairs = pair_ranked(rows.filter(~discarded))
    return Review(reviewed, pairs, _describe(reviewed, judge, review, pairs))


def pair_ranked(kept: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs (PREFERENCES) of rows whose two answers a model ranked; each pair names that model."""
    ranked = kept.filter(pl.col("alternative").is_not_null() & pl.col("ranked_by").is_not_null())
    named = ranked.with_columns(prompt="instruction", chosen="answer", rejected="alternative")
    return named.filter(pl.col("chosen") != pl.col("rejected")).select(list(PREFERENCES)).sort("id")


def judge_name(judge: dict[str, Any] | None) -> str:
    """Return how a judge is named among the reviewers: ``judge:KIND:MODEL``."""
    return f"judge:{judge['kind']}:{judge['model']}" if judge else FILTERS


def _lowest(rows: pl.DataFrame, share: float) -> list[str]:
    """Return the ids to discard; equal scores are taken in the order of their ids."""
    low: list[str] = []
    for (_, total), group in (
        rows.with_columns(pl.len().over("variety").alias("total"))
        .filter(pl.col("score").is_not_null())
        .group_by("variety", "total", maintain_order=True)
    ):
        # Decimal, because 0.29 * 100 is 28.999999999999996 in floating point.
        count = min(int(Decimal(str(share)) * group.height), int(total) - 1)
        low += group.sort("score", "id")["id"].head(count).to_list()
    return low


def _describe(
    reviewed: pl.DataFrame, judge: dict[str, Any] | None, review: ReviewSettings, pairs: pl.DataFrame
) -> dict[str, Any]:
    counts = reviewed.group_by("variety").agg(
        pl.len().alias("accepted"),
        *((pl.col("decision") == name).sum().alias(name) for name in DECISIONS),
        pl.col("score").is_null().sum().alias("unscored"),
        pl.col("score").filter(pl.col("decision") == "discarded").max().alias("highest_discarded_score"),
    )
    return {
        "mode": "automatic",
        "human_reviewed": False,
        "statement": "No person has reviewed these rows. Filters accepted them"
        + (" and a model's score decided which were discarded." if judge else "; nothing judged them.")
        + (" Which of two answers is the better one, a model decided." if pairs.height else ""),
        "reviewers": sorted(set(reviewed["reviewers"].explode().drop_nulls())),
        "judge": judge,
        "discard_share": review.discard,
        "preferences": {
            "pairs": pairs.height,
            "ranked_by": dict(pairs["ranked_by"].value_counts(sort=True).iter_rows()),
        },
        "overlap": 1,  # each row was looked at once: agreement between reviewers is undefined
        "agreement": None,
        "varieties": {row.pop("variety"): row for row in counts.sort("variety").to_dicts()},
    }
