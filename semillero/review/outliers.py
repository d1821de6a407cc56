"""Who disagrees with everyone: alpha with and without each person.

For each person, alpha over the varieties they answered is compared with alpha when their answers are left out, in the
same resamples of the records. A person is named for a question when

- alpha rises by `CLEAR_RISE` at least without them, and
- the interval of the rise lies above 0, at a level that is shared out over people and questions (Bonferroni), so that
  few teams without such a person accuse somebody by chance (about 3 % in simulations), and
- they share `SHARED_RECORDS` records or more with others.

Where two people answered a variety nobody is named: nothing says which of the two is right. A person who is named may
be the only careful one; the report asks for a talk, and no answer is dropped.
"""

from typing import TYPE_CHECKING, Any

from semillero.review.alpha import MISSING
from semillero.review.ratings import CONFIDENCE, Ratings, as_number, interval, name_undefined

if TYPE_CHECKING:
    from semillero.review.ratings import Array, Part

SHARED_RECORDS = 20  # fewer records in common with others say too little about a person
CLEAR_RISE = 0.05
# What a person is judged by; the variety they hear and the answer they like better may honestly differ.
QUESTIONS = ("verdict", "quality", "fits_variety")


def leave_out(ratings: Ratings, samples: int, seed: int) -> list[dict[str, Any]]:
    """Return each person's ``records`` shared with others, alpha ``with`` and ``without`` them, ``rise`` and ``clear``.

    ``rise`` is alpha without minus alpha with them, with its interval; nulls where either is undefined.
    """
    people = range(len(ratings.reviewers))
    parts = [part for person in people for part in _compare(ratings, person)]
    draws = ratings.draw(parts, samples, seed)
    both = [slice(2 * person, 2 * person + 2) for person in people]
    return [_judge(ratings, person, parts[both[person]], draws[both[person]]) for person in people]


def _compare(ratings: Ratings, person: int) -> "list[Part]":
    """Return two parts, everybody and everybody else, over the varieties that a person answered."""
    import numpy as np

    within = np.isin(ratings.varieties, ratings.varieties[ratings.codes[person] != MISSING])
    others = [place for place in range(len(ratings.reviewers)) if place != person]
    return [ratings.part(within=within), ratings.part(others, within)]


def _judge(ratings: Ratings, person: int, parts: "list[Part]", drawn: "list[Array]") -> dict[str, Any]:
    present, absent = (ratings.alpha(part) for part in parts)
    rise, draws = absent - present, drawn[1] - drawn[0]
    defined = rise == rise
    low, high = interval(draws) if defined else (None, None)
    chances = len(ratings.reviewers) * len(QUESTIONS)
    strict = interval(draws, 1 - (1 - CONFIDENCE) / chances)[0] if defined else None
    shared = int(ratings.counts[ratings.codes[person] != MISSING].sum())
    return {
        "reviewer": ratings.reviewers[person],
        "records": shared,
        "with": as_number(present),
        "without": as_number(absent),
        "rise": {"value": as_number(rise), "low": low, "high": high},
        "clear": strict is not None and strict > 0 and rise >= CLEAR_RISE and shared >= SHARED_RECORDS,
    } | name_undefined(parts[1])


def name_outliers(questions: dict[str, Any]) -> list[dict[str, Any]]:
    """Return who disagrees with everyone, and in which questions."""
    named: dict[str, list[str]] = {}
    for question in QUESTIONS:
        for found in questions[question]["without"]:
            if found["clear"]:
                named.setdefault(found["reviewer"], []).append(question)
    return [{"reviewer": reviewer, "questions": asked} for reviewer, asked in sorted(named.items())]
