"""In which order records are reviewed, and what the judge proposes for each: pure functions of rows and scores.

Visitors' votes come first of all: people outside are waiting. Then the varieties with the fewest accepted rows for what
was asked for; within a variety, the rows that the judge was least sure of. A judge is least sure near the line between
staying and going: a likelihood has no scale of its own, so the rank within the variety counts, and the line is where
automatic review would discard; a rubric's grade has one, and the line is the rating from which a row stays. A row
without a score is the least certain of all.
"""

import polars as pl

from semillero.project.models import Project
from semillero.review.questions import RATINGS
from semillero.review.votes import TECHNIQUE


def plan_review(project: Project, accepted: pl.DataFrame, scores: pl.DataFrame | None) -> pl.DataFrame:
    """Return the rows of ``accepted`` in the order of review.

    Args:
        project: its judge, discard share, rating to keep from, and requests a variety.
        accepted: the rows (ACCEPTED).
        scores: the judge's (SCORES), or None.

    Returns:
        The same columns and ``score``, ``certainty`` (0 to 1, null without a score), ``proposed`` (1 to 5, null without
        a score) and ``priority`` (1, 2, … within each variety). Ties are broken by id.
    """
    if scores is None:
        rows = accepted.with_columns(pl.lit(None, pl.Float64).alias("score"))
    else:
        rows = accepted.join(scores.select("id", "score"), on="id", how="left", maintain_order="left")
    rows = rows.with_columns(_place(project).alias("place"))
    line = _line(project)
    farthest = max(line, 1 - line)
    rows = rows.with_columns(
        ((pl.col("place") - line).abs() / farthest).round(4).alias("certainty"),
        _propose(project).alias("proposed"),
        _coverage(project).alias("coverage"),
    )
    is_row = pl.col("technique") != TECHNIQUE
    rows = rows.sort(is_row, "coverage", "variety", "certainty", "id", nulls_last=False)
    priority = pl.int_range(1, pl.len() + 1).over("variety").alias("priority")
    return rows.with_columns(priority).drop("place", "coverage")


def _is_rubric(project: Project) -> bool:
    return project.corpus.judge.kind == "rubric"


def _place(project: Project) -> pl.Expr:
    """Return where a score stands between worst (0) and best (1)."""
    if _is_rubric(project):
        return pl.col("score").clip(0.0, 1.0)
    count = pl.col("score").is_not_null().sum()
    return ((pl.col("score").rank("average") - 0.5) / count).over("variety")


def _line(project: Project) -> float:
    """Return the place of the line between staying and going."""
    lowest, highest = RATINGS[0], RATINGS[-1]
    return (project.review.keep_from - lowest) / (highest - lowest) if _is_rubric(project) else project.review.discard


def _propose(project: Project) -> pl.Expr:
    """Return the rating that the judge's score amounts to: a rubric's grade, or fifths of a variety's ranks."""
    lowest, highest = RATINGS[0], RATINGS[-1]
    if _is_rubric(project):
        rating = (lowest + pl.col("place") * (highest - lowest)).round()
    else:
        rating = (lowest + (pl.col("place") * len(RATINGS)).floor()).clip(lowest, highest)
    return rating.cast(pl.Int64)


def _coverage(project: Project) -> pl.Expr:
    requests = {variety.code: variety.requests for variety in project.corpus.varieties}
    asked = pl.col("variety").replace_strict(requests, default=1, return_dtype=pl.Int64)
    return (pl.len().over("variety") / asked).round(6)
