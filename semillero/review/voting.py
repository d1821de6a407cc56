"""From several people's answers about a row to one decision.

The rule, in this order, for a row with ``review.min_submitted`` answers or more:

1. **discarded** when more than half of the people rejected it, when the mean rating of those who submitted is below
   ``review.keep_from`` (a correction lifts its author's rating to it), or when more people say that it does not fit its
   variety than that it does;
2. **pending**, reason ``tie``, when exactly half rejected it, or as many say that it fits as that it does not: nobody
   has decided against it, and one more answer settles it;
3. **pending**, reason ``unrated``, when nobody rated it;
4. **kept** otherwise.

A row with fewer answers is pending without a reason. ``review.overlap_submitted`` decides how long to wait (`quorum`)
and not what counts: where waiting ends early, a row of the overlap needs no more answers than its neighbours.

The reason of a discarded row is the code that most of those against it gave (in a tie the first of the alphabet, and
``other`` last); without any it is ``wrong-variety``, ``rejected`` or ``quality-low``, whichever of the three is true
first. A row that only its variety speaks against is ``wrong-variety`` whatever they gave.
"""

import polars as pl

from semillero.project.models import ReviewSettings

WRONG_VARIETY, REJECTED, QUALITY_LOW = "wrong-variety", "rejected", "quality-low"
TIE, UNRATED = "tie", "unrated"
DIGITS = 9  # decimals in which means and ``keep_from`` are compared: the mean of 3, 3 and 4 is no round number
SPREAD = 2  # ratings that lie so far apart disagree about more than a nuance


def vote(answers: pl.DataFrame, review: ReviewSettings) -> pl.DataFrame:
    """Return one row a record that somebody answered.

    Args:
        answers: the answers that count (ANSWERS), sorted by record and reviewer.
        review: gives ``min_submitted`` and ``keep_from``.

    Returns:
        `record`, `answers`, `people` (names), `mean` (of the ratings), `decision`,
        `reason`, and the disagreements `split_verdict`, `split_variety`, `spread`.
    """
    fits = pl.col("fits_variety")
    rows = answers.group_by("record", maintain_order=True).agg(
        pl.len().alias("answers"),
        pl.col("reviewer").alias("people"),
        pl.col("rating").filter("submitted").mean().round(DIGITS).alias("mean"),
        pl.col("rejects").sum().alias("against"),
        (fits == "yes").sum().alias("fitting"),
        (fits == "no").sum().alias("strange"),
        (pl.col("verdict").drop_nulls().n_unique() > 1).alias("split_verdict"),
        ((fits == "yes").any() & (fits == "no").any()).alias("split_variety"),
        (pl.col("quality").max() - pl.col("quality").min() >= SPREAD).fill_null(False).alias("spread"),
    )
    return _decide(rows.join(_commonest_reasons(answers), on="record", how="left", maintain_order="left"), review)


def _decide(rows: pl.DataFrame, review: ReviewSettings) -> pl.DataFrame:
    few = pl.col("answers") < review.min_submitted
    low = pl.col("mean") < round(review.keep_from, DIGITS)
    strange = pl.col("strange") > pl.col("fitting")
    halved = (2 * pl.col("against") == pl.col("answers")) | (
        (pl.col("strange") == pl.col("fitting")) & (pl.col("strange") > 0)
    )
    cause = (
        pl.when(2 * pl.col("against") > pl.col("answers"))
        .then(pl.lit(REJECTED))
        .when(low)
        .then(pl.lit(QUALITY_LOW))
        .when(strange)
        .then(pl.lit(WRONG_VARIETY))
    )
    decision = pl.when(few).then(pl.lit("pending")).when(cause.is_not_null()).then(pl.lit("discarded"))
    waits = pl.when(halved).then(pl.lit(TIE)).when(pl.col("mean").is_null()).then(pl.lit(UNRATED))
    # What people gave as a reason says more than the rule that applied; without it, the variety says more than a "no".
    told = pl.coalesce("commonest", pl.when(strange).then(pl.lit(WRONG_VARIETY)), cause)
    reason = pl.when(cause == WRONG_VARIETY).then(cause).when(cause.is_not_null()).then(told).otherwise(waits)
    return rows.with_columns(
        decision.when(waits.is_not_null()).then(pl.lit("pending")).otherwise(pl.lit("kept")).alias("decision"),
        pl.when(~few).then(reason).alias("reason"),
    ).drop("against", "fitting", "strange", "commonest")


def _commonest_reasons(answers: pl.DataFrame) -> pl.DataFrame:
    """Return `record` and the reason code that most of those against it gave (`commonest`)."""
    given = answers.filter(pl.col("verdict") == "rejected").select("record", "reasons").explode("reasons").drop_nulls()
    return (
        given.group_by("record", "reasons")
        .len()
        .sort("record", "len", pl.col("reasons") == "other", "reasons", descending=[False, True, False, False])
        .unique("record", keep="first", maintain_order=True)
        .select("record", pl.col("reasons").alias("commonest"))
    )
