"""The run waits until enough is answered, says from whom it waits, and knows when a deadline has passed."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import polars as pl
import pytest

from semillero.review.quorum import Quorum, describe, measure_quorum
from semillero.review.routing import is_overlap
from tests.review_answers import drops, people, rows_of, says, table

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def measure(rows: pl.DataFrame, *responses: dict[str, Any], now: datetime = NOW, **review: Any) -> Quorum:
    return measure_quorum(rows, table(*responses), people("ana", "eva", **{"overlap": 0.0, **review}), now)


def test_reached_when_every_record_has_its_answers() -> None:
    rows = rows_of("es-MX", "es-AR")
    waiting = measure(rows, says("r0", "ana"))
    assert (waiting.reached, waiting.answered, waiting.wanted) == (False, 1, 2)
    done = measure(rows, says("r0", "ana"), drops("r1", "ana"))  # a discard is an answer
    assert (done.reached, done.by_deadline) == (True, False)
    assert describe(done) == "2 of 2 records answered (2 wanted); the quorum is reached"
    assert not measure(rows, says("r0", "ana"), says("r1", "ana", status="draft")).reached


def test_two_answers_are_two_peoples() -> None:
    rows = rows_of("es-MX")
    again = [says("r0", "ana"), says("r0", "ana", 5, updated_at="2026-11-22T00:00:00.000000+00:00")]
    assert not measure(rows, *again, min_submitted=2).reached
    assert measure(rows, *again, says("r0", "eva"), min_submitted=2).reached


def test_the_overlap_asks_for_more_answers() -> None:
    rows = rows_of(*["es-MX"] * 40)
    inside = [record for record in rows["id"] if is_overlap(record, 0.5)]
    assert 0 < len(inside) < 40
    ones = [says(record, "ana") for record in rows["id"]]
    quorum = measure(rows, *ones, overlap=0.5, overlap_submitted=2)
    assert quorum.answered == 40 - len(inside)
    assert quorum.varieties[0].missing == len(inside)
    assert quorum.people[1].open == {"es-MX": len(inside)}
    twos = [says(record, "eva") for record in inside]
    assert measure(rows, *ones, *twos, overlap=0.5, overlap_submitted=2).reached


def test_each_variety_needs_its_share() -> None:
    rows = rows_of(*["es-MX"] * 9, "es-AR")
    ones = [says(f"r{n}", "ana") for n in range(9)]
    assert not measure(rows, *ones, quorum=0.5).reached
    assert measure(rows, *ones, quorum=0.5, quorum_per_variety=0.0).reached
    shares = {part.variety: (part.answered, part.wanted) for part in measure(rows, *ones).varieties}
    assert shares == {"es-AR": (0, 1), "es-MX": (9, 9)}


@pytest.mark.parametrize(("share", "wanted"), [(0.29, 29), (0.07, 7), (0.999, 100), (0.0, 0), (1.0, 100)])
def test_shares_are_exact(share: float, wanted: int) -> None:
    assert measure(rows_of(*["es-MX"] * 100), quorum=share).wanted == wanted


def test_says_who_is_awaited_and_for_how_much() -> None:
    rows = rows_of("es-MX", "es-MX", "es-AR")
    review = people("ana", "eva", overlap=0.0)
    speakers = (review.reviewers[0], review.reviewers[1].model_copy(update={"varieties": ("es-AR",)}))
    review = review.model_copy(update={"reviewers": speakers})
    quorum = measure_quorum(rows, table(says("r0", "ana")), review, NOW)
    assert [(p.reviewer, p.answered, p.open) for p in quorum.people] == [
        ("ana", 1, {"es-AR": 1, "es-MX": 1}), ("eva", 0, {"es-AR": 1}),
    ]  # fmt: skip
    assert describe(quorum).splitlines() == [
        "waiting for reviewers: 1 of 3 records answered (3 wanted)",
        "  es-AR: 0 of 1 answered (1 wanted), 1 answer missing; open to ana (1), eva (1)",
        "  es-MX: 1 of 2 answered (2 wanted), 1 answer missing; open to ana (1)",
    ]


def test_says_when_nobody_can_answer_what_is_missing() -> None:
    quorum = measure(rows_of("es-MX"), says("r0", "ana"), says("r0", "eva"), min_submitted=3, overlap_submitted=3)
    assert "open to nobody: add a reviewer" in describe(quorum)


@pytest.mark.parametrize(
    "deadline",
    ["2026-11-23T12:00:00", "2026-11-23T12:00:00+00:00", "2026-11-23T06:00:00-06:00", "2026-11-23T13:00:00+01:00"],
)
def test_a_deadline_without_a_zone_is_utc(deadline: str) -> None:
    settings: dict[str, Any] = {"deadline": deadline, "at_deadline": "go_on"}
    rows, answer = rows_of("es-MX", "es-MX"), says("r0", "ana")
    before = measure(rows, answer, now=NOW - timedelta(seconds=1), **settings)
    assert (before.reached, before.overdue) == (False, False)
    assert "the deadline is 2026-11-23 12:00 UTC; the run then goes on" in describe(before)
    for now in (NOW, NOW.replace(tzinfo=None), NOW.astimezone(timezone(timedelta(hours=-6)))):
        after = measure(rows, answer, now=now, **settings)
        assert (after.reached, after.by_deadline) == (True, True)
        assert "the deadline has passed, going on" in describe(after)


def test_a_deadline_that_waits_only_reminds() -> None:
    quorum = measure(rows_of("es-MX", "es-MX"), says("r0", "ana"), deadline="2026-11-20T00:00:00")
    assert (quorum.reached, quorum.overdue) == (False, True)
    assert describe(quorum).endswith("the deadline passed on 2026-11-20 00:00 UTC; the run waits on")


def test_nothing_goes_on_with_nothing() -> None:
    quorum = measure(rows_of("es-MX"), deadline="2026-11-20T00:00:00", at_deadline="go_on")
    assert not quorum.reached
    assert describe(quorum).endswith("nobody has answered anything")


def test_a_quorum_is_a_json_value() -> None:
    quorum = measure(rows_of("es-MX"), says("r0", "ana"), deadline="2026-12-01T00:00:00")
    value = json.loads(json.dumps(quorum.as_json()))
    assert value["deadline"] == "2026-12-01T00:00:00+00:00"
    assert value["varieties"] == [{"variety": "es-MX", "records": 1, "wanted": 1, "answered": 1, "missing": 0}]
    assert value["people"][0] == {"reviewer": "ana", "answered": 1, "open": {}}
