"""The figures of ``agreement.json``: who answered, how much, what they agreed and disagreed about.

People's names stand under the keys ``name``, ``reviewer`` and ``reviewers`` only; `anonymity` takes them out.
"""

from typing import Any

import polars as pl

from semillero.project.models import ReviewSettings
from semillero.review.decisions import DECISIONS
from semillero.review.routing import is_overlap
from semillero.review.voting import TIE, UNRATED, WRONG_VARIETY


def summarise(
    rows: pl.DataFrame, answers: pl.DataFrame, responses: pl.DataFrame, review: ReviewSettings
) -> dict[str, Any]:
    """Return what ``agreement.json`` says besides agreement and preferences.

    Args:
        rows: all accepted rows (REVIEWED, with what `voting` added and `corrected`).
        answers: the answers that count (ANSWERS).
        responses: all there were (RESPONSES).
        review: the project file's review section.
    """
    answered = rows.filter(pl.col("answers") > 0)
    several = answered.filter(pl.col("answers") > 1)
    people = _describe_people(answers, review)
    counts = {"rows": rows.height, "answered": answered.height, "several": several.height, "people": len(people)}
    return {
        "mode": "argilla",
        "human_reviewed": answers.height > 0,
        **_state(counts),
        "reviewers": people,
        "rules": {"min_submitted": review.min_submitted, "keep_from": review.keep_from},
        "answers": {
            "rows": answered.height,
            "counted": answers.height,
            "drafts": responses.filter(pl.col("status") == "draft").height,
            "of_other_rows": responses.join(rows, left_on="record", right_on="id", how="anti").height,
            "by_count": {str(n): rows for n, rows in answered.group_by("answers").len().sort("answers").iter_rows()},
        },
        "overlap": {
            "share": review.overlap,
            "asked": review.overlap_submitted,
            "rows": sum(is_overlap(row, review.overlap) for row in rows["id"]),
            "answered_by_several": several.height,
        },
        "disagreement": {
            "ties": rows.filter(pl.col("reason") == TIE).height,
            "unrated": rows.filter(pl.col("reason") == UNRATED).height,
            **{name: int(several[name].sum()) for name in ("split_verdict", "split_variety", "spread")},
        },
        "corrections": {
            "handed_in": answers.filter("corrected").height,
            "rows_corrected": int(rows["corrected"].sum()),
        },
        "varieties": _describe_varieties(rows, answers),
    }


def _state(counts: dict[str, int]) -> dict[str, str]:
    """Return the sentence that says what people did, in English and Spanish."""
    if not counts["answered"]:
        return {
            "statement": "No person has reviewed these rows yet.",
            "statement_es": "Ninguna persona ha revisado todavía estas filas.",
        }
    one = counts["people"] == 1
    people = "One person" if one else f"{counts['people']} people"
    personas = "Una persona respondió" if one else f"{counts['people']} personas respondieron"
    return {
        "statement": f"{people} answered {counts['answered']} of {counts['rows']} accepted rows, "
        f"{counts['several']} of them by two people or more; rows without enough answers are left out.",
        "statement_es": f"{personas} {counts['answered']} de {counts['rows']} filas aceptadas, "
        f"{counts['several']} de ellas por dos personas o más; las filas sin respuestas suficientes quedan fuera.",
    }


def _describe_people(answers: pl.DataFrame, review: ReviewSettings) -> list[dict[str, Any]]:
    """Return everybody who answered, in the order of their names; a person the file does not list has no country."""
    known = {reviewer.name: reviewer for reviewer in review.reviewers}
    counts = answers.group_by("reviewer").agg(
        pl.len().alias("answered"), pl.col("rejects").sum().alias("rejected"), pl.col("corrected").sum()
    )
    people = []
    for row in counts.sort("reviewer").to_dicts():
        person = known.get(row["reviewer"])
        people.append(
            {
                "name": row.pop("reviewer"),
                "listed": person is not None,
                "role": person.role if person else "",
                "country": person.country if person else "",
                "varieties": list(person.varieties) if person else [],
                **row,
            }
        )
    return people


def _describe_varieties(rows: pl.DataFrame, answers: pl.DataFrame) -> dict[str, Any]:
    """Return counts and mean rating of each variety, and which varieties people heard in its ``wrong-variety`` rows."""
    counts = rows.group_by("variety").agg(
        pl.len().alias("accepted"),
        *((pl.col("decision") == name).sum().alias(name) for name in DECISIONS),
        (pl.col("answers") > 0).sum().alias("answered"),
        (pl.col("answers") > 1).sum().alias("answered_by_several"),
        pl.col("corrected").sum(),
    )
    ratings = answers.group_by("variety").agg(
        pl.col("reviewer").n_unique().alias("people"), pl.col("quality").mean().round(4).alias("mean_quality")
    )
    table = counts.join(ratings, on="variety", how="left").with_columns(pl.col("people").fill_null(0)).sort("variety")
    strange = rows.filter(pl.col("reason") == WRONG_VARIETY).select(pl.col("id").alias("record"))
    heard = answers.join(strange, on="record", how="semi").drop_nulls("variety_label")
    labels: dict[str, dict[str, int]] = {}
    for variety, label, count in heard.group_by("variety", "variety_label").len().sort(pl.all()).iter_rows():
        labels.setdefault(variety, {})[label] = count
    return {(code := row.pop("variety")): {**row, "heard_instead": labels.get(code, {})} for row in table.to_dicts()}
