"""The order of review and what the judge proposes: pure functions."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from semillero.review.priority import plan_review
from tests.reviewing import make_accepted, make_project, make_scores

RUBRIC = {"kind": "rubric", "base_url": "http://localhost:1/v1"}


def plan(judge: dict[str, str] | None = None, **review: float) -> pl.DataFrame:
    project = make_project("orden", people=2, **review)
    if judge:
        corpus = project.corpus.model_dump() | {"judge": judge}
        project = project.model_validate({**project.model_dump(), "corpus": corpus})
    accepted = make_accepted()
    return plan_review(project, accepted, make_scores(accepted))


def test_rows_without_a_score_come_first_then_those_nearest_to_the_line() -> None:
    planned = plan(discard=0.3).filter(pl.col("variety") == "es-AR")
    assert planned["priority"].to_list() == list(range(1, 16))
    assert planned["score"][0] is None
    assert planned["certainty"][1:].is_sorted()
    ranks = planned["score"].rank("ordinal").to_list()
    assert ranks[1] in (4, 5)  # of 14 scored rows, rank 4 and 5 are the nearest to 30 %
    assert ranks[-1] == 14  # the best one is the surest


def test_every_row_is_there_once_and_the_plan_does_not_depend_on_the_order_of_rows() -> None:
    accepted = make_accepted()
    project, scores = make_project("orden", people=2), make_scores(accepted)
    planned = plan_review(project, accepted, scores)
    assert sorted(planned["id"]) == sorted(accepted["id"])
    # Not `reverse`: in polars 2.1 it forgets the type of a list column that is null throughout.
    backwards = accepted.sort("id", descending=True)
    assert_frame_equal(planned, plan_review(project, backwards, scores.sample(fraction=1, shuffle=True, seed=3)))


def test_the_variety_with_the_least_coverage_comes_first() -> None:
    accepted = make_accepted().filter(~((pl.col("variety") == "es-MX") & pl.col("group").str.ends_with("p00")))
    planned = plan_review(make_project("orden", people=2), accepted, make_scores(accepted))
    assert planned["variety"].unique(maintain_order=True).to_list() == ["es-MX", "es-AR"]


def test_proposals_are_fifths_of_the_ranks_for_a_likelihood() -> None:
    scored = plan().drop_nulls("score").filter(pl.col("variety") == "es-MX").sort("score")
    assert scored["proposed"].to_list() == [n for n in range(1, 6) for _ in range(3)]


def test_a_rubrics_grade_is_proposed_as_it_is_and_the_line_is_keep_from() -> None:
    accepted = make_accepted(("es-MX",), groups=2)
    project = make_project("orden", ("es-MX",), people=2, keep_from=3.0)
    corpus = {**project.corpus.model_dump(), "judge": RUBRIC}
    project = project.model_validate({**project.model_dump(), "corpus": corpus})
    grades = [0.0, 0.25, 0.5, 0.75, 1.0, None]
    scores = make_scores(accepted).with_columns(pl.Series("score", grades))
    planned = plan_review(project, accepted, scores)
    by_score = dict(zip(planned["score"], planned["proposed"], strict=True))
    assert by_score == {0.0: 1, 0.25: 2, 0.5: 3, 0.75: 4, 1.0: 5, None: None}
    assert planned["score"].to_list()[:2] == [None, 0.5]
    assert set(planned["score"].to_list()[-2:]) == {0.0, 1.0}


def test_without_a_judge_nothing_is_proposed_and_the_order_is_stable() -> None:
    accepted = make_accepted()
    planned = plan_review(make_project("orden", people=2), accepted, None)
    assert planned["proposed"].null_count() == accepted.height
    for _, part in planned.group_by("variety"):
        assert part["id"].is_sorted()


@pytest.mark.parametrize("score", [0.5, None])
def test_one_row_alone_can_be_planned(score: float | None) -> None:
    accepted = make_accepted(("es-MX",), groups=1).head(1)
    scores = make_scores(accepted).with_columns(pl.lit(score, pl.Float64).alias("score"))
    assert plan_review(make_project("orden", people=2), accepted, scores)["priority"].to_list() == [1]
