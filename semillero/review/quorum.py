"""Is there enough to go on, and if not, who is awaited?

In: accepted rows, responses, the review section and the time. Out: a `Quorum`. A record counts as answered when it has
as many submitted or discarded answers as its place asks for: ``review.overlap_submitted`` in the overlap,
``review.min_submitted`` elsewhere. The run goes on when the wanted share is answered, overall and in each variety, or
at the deadline with what there is if the project file says so, and if anybody has answered anything.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

import polars as pl

from semillero.project.models import ReviewSettings
from semillero.review.answers import count_answers
from semillero.review.routing import is_overlap


@dataclass(frozen=True)
class VarietyProgress:
    """How far one variety is.

    Attributes:
        variety: its code.
        records: accepted rows.
        wanted: records to be answered before the run goes on.
        answered: records with all the answers they need.
        missing: answers (not records) that the others still lack.
    """

    variety: str
    records: int
    wanted: int
    answered: int
    missing: int


@dataclass(frozen=True)
class PersonProgress:
    """How far one reviewer is: records ``answered``, and records still ``open`` to them, by variety."""

    reviewer: str
    answered: int
    open: dict[str, int]


@dataclass(frozen=True)
class Quorum:
    """Whether the run goes on, and what is missing.

    Attributes:
        reached: the run goes on.
        by_deadline: it goes on only because the deadline has passed.
        records, wanted, answered: in all varieties.
        deadline: when waiting ends (aware), or None; ``at_deadline`` says how, ``overdue`` that it has passed.
        varieties, people: in the order of their names; people are those of the project file.
    """

    reached: bool
    by_deadline: bool
    records: int
    wanted: int
    answered: int
    deadline: datetime | None
    at_deadline: str
    overdue: bool
    varieties: tuple[VarietyProgress, ...]
    people: tuple[PersonProgress, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return {**asdict(self), "deadline": self.deadline.isoformat() if self.deadline else None}


def measure_quorum(accepted: pl.DataFrame, responses: pl.DataFrame, review: ReviewSettings, now: datetime) -> Quorum:
    """Measure how far the reviewers are.

    Args:
        accepted: the rows (ACCEPTED).
        responses: what people answered (RESPONSES).
        review: gives shares, answers a record, people and deadline.
        now: the present; a time without a zone is UTC, as in the project file.
    """
    answers = count_answers(accepted, responses, review)
    records = _count_missing(accepted, answers, review)
    varieties = tuple(_measure_varieties(records, review))
    done, wanted = int((records["missing"] == 0).sum()), _share_of(records.height, review.quorum)
    reached = done >= wanted and all(part.answered >= part.wanted for part in varieties)
    deadline = _aware(review.deadline) if review.deadline else None
    overdue = deadline is not None and _aware(now) >= deadline
    by_deadline = not reached and overdue and review.at_deadline == "go_on" and answers.height > 0
    return Quorum(
        reached=reached or by_deadline,
        by_deadline=by_deadline,
        records=records.height,
        wanted=wanted,
        answered=done,
        deadline=deadline,
        at_deadline=review.at_deadline,
        overdue=overdue,
        varieties=varieties,
        people=tuple(_measure_people(records, answers, review)),
    )


def describe(quorum: Quorum) -> str:
    """Return where the review stands and who is awaited, as a few lines for a terminal or a message."""
    share = f"{quorum.answered} of {quorum.records} records answered ({quorum.wanted} wanted)"
    if quorum.reached:
        return f"{share}; " + ("the deadline has passed, going on" if quorum.by_deadline else "the quorum is reached")
    lines = [f"waiting for reviewers: {share}"]
    for part in quorum.varieties:
        if part.answered >= part.wanted and quorum.answered >= quorum.wanted:
            continue
        if part.missing:
            lines.append(
                f"  {part.variety}: {part.answered} of {part.records} answered ({part.wanted} wanted), "
                f"{part.missing} {'answer' if part.missing == 1 else 'answers'} missing; "
                f"open to {_name_awaited(quorum, part.variety)}"
            )
    if quorum.deadline:
        verb = "passed on" if quorum.overdue else "is"
        after = "the run then goes on with what there is" if quorum.at_deadline == "go_on" else "the run waits on"
        if quorum.overdue:
            after = "the run waits on" if quorum.at_deadline == "wait" else "nobody has answered anything"
        lines.append(f"  the deadline {verb} {quorum.deadline:%Y-%m-%d %H:%M} UTC; {after}")
    return "\n".join(lines)


def _name_awaited(quorum: Quorum, variety: str) -> str:
    awaited = [f"{p.reviewer} ({p.open[variety]})" for p in quorum.people if p.open.get(variety)]
    return ", ".join(awaited) or "nobody: add a reviewer who knows it to the project file"


def _count_missing(accepted: pl.DataFrame, answers: pl.DataFrame, review: ReviewSettings) -> pl.DataFrame:
    """Return `record`, `variety` and how many answers each record still needs (`missing`)."""
    needed = [
        review.overlap_submitted if is_overlap(record, review.overlap) else review.min_submitted
        for record in accepted["id"]
    ]
    counts = answers.group_by("record").len()
    return (
        accepted.select(pl.col("id").alias("record"), "variety", pl.Series("needed", needed, pl.Int64))
        .join(counts, on="record", how="left", maintain_order="left")
        .with_columns(missing=(pl.col("needed") - pl.col("len").fill_null(0).cast(pl.Int64)).clip(lower_bound=0))
    )


def _measure_varieties(records: pl.DataFrame, review: ReviewSettings) -> list[VarietyProgress]:
    rows = records.group_by("variety").agg(
        pl.len(), (pl.col("missing") == 0).sum().alias("answered"), pl.col("missing").sum()
    )
    return [
        VarietyProgress(code, count, _share_of(count, review.quorum_per_variety), answered, missing)
        for code, count, answered, missing in rows.sort("variety").iter_rows()
    ]


def _measure_people(records: pl.DataFrame, answers: pl.DataFrame, review: ReviewSettings) -> list[PersonProgress]:
    """Return the project file's reviewers; a record is open to whoever knows its variety and has not answered it."""
    missing = records.filter(pl.col("missing") > 0)
    people = []
    for person in sorted(review.reviewers, key=lambda person: person.name):
        theirs = answers.filter(pl.col("reviewer") == person.name)
        rest = missing.filter(pl.col("variety").is_in(person.varieties)).join(theirs, on="record", how="anti")
        counts = dict(rest.group_by("variety").len().sort("variety").iter_rows())
        people.append(PersonProgress(person.name, theirs.height, counts))
    return people


def _share_of(count: int, share: float) -> int:
    # Decimal, because 0.29 * 100 is 28.999999999999996 in floating point, and 0.07 * 100 is 7.000000000000001.
    return int((Decimal(str(share)) * count).to_integral_value(ROUND_CEILING))


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
