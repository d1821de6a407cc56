"""How far people agree: Krippendorff's alpha per question, variety and pair of people, and without each person.

In: the answers that count (`semillero.review.answers`). Out: one JSON value for ``agreement.json``. Alpha says how
much of the disagreement that chance would give is absent: 1 is perfect, 0 is chance, below 0 is systematic
disagreement. Where it is undefined it is null with a reason, never 0:

- ``no-overlap``: no record has two people's answers;
- ``one-value``: everybody gave the same answer everywhere, so there is nothing that chance could have confused.

An interval is null with one record, or where too many resamples have no alpha. Reasons are measured one by one, as
named or not named: a distance between sets (MASI) would hide which reason people see differently.
"""

from itertools import combinations
from typing import Any

import polars as pl

from semillero.review.alpha import Level, krippendorff_alpha
from semillero.review.outliers import CLEAR_RISE, QUESTIONS, SHARED_RECORDS, leave_out, name_outliers
from semillero.review.ratings import CONFIDENCE, Ratings, measure_parts, read_ratings

__all__ = ["agreement_report", "krippendorff_alpha"]

SAMPLES = 1000
SEED = 13
LEVELS: dict[str, Level] = {
    "verdict": "nominal",
    "quality": "ordinal",
    "fits_variety": "nominal",
    "variety_label": "nominal",
    "ranking": "nominal",
}


def agreement_report(answers: pl.DataFrame, samples: int = SAMPLES, seed: int = SEED) -> dict[str, Any]:
    """Return everything ``agreement.json`` says about agreement.

    Args:
        answers: the answers that count (ANSWERS).
        samples: bootstrap resamples of the records.
        seed: of the resampling.

    Returns:
        ``questions`` by name (``level``, ``overall``, ``varieties``, ``pairs``, ``without``), ``reasons`` by code,
        ``outliers`` (who disagrees with everyone, in which questions), and how it was measured. People stand under
        the keys ``reviewer`` and ``reviewers``.
    """
    questions = {}
    for name, level in LEVELS.items():
        # A ranking exists only where rows have two answers; without any there is nothing to tell.
        if name != "ranking" or answers["ranking"].count():
            questions[name] = _measure_question(read_ratings(answers, pl.col(name), level), samples, seed)
    return {
        "measure": "Krippendorff's alpha",
        "confidence": CONFIDENCE,
        "samples": samples,
        "seed": seed,
        "resampled": "records",
        "naming": {"clear_rise": CLEAR_RISE, "shared_records": SHARED_RECORDS, "questions": list(QUESTIONS)},
        "questions": questions,
        "reasons": _measure_reasons(answers, samples, seed),
        "outliers": name_outliers(questions),
    }


def _measure_question(ratings: Ratings, samples: int, seed: int) -> dict[str, Any]:
    varieties = sorted(set(ratings.varieties.tolist()))
    couples = {pair: ratings.part(pair) for pair in combinations(range(len(ratings.reviewers)), 2)}
    couples = {pair: part for pair, part in couples.items() if len(part[0])}
    parts = [ratings.part(), *(ratings.part(within=ratings.varieties == code) for code in varieties), *couples.values()]
    overall, *rest = measure_parts(ratings, parts, samples, seed)
    return {
        "level": ratings.level,
        "overall": overall,
        "varieties": dict(zip(varieties, rest, strict=False)),
        "pairs": [
            {"reviewers": [ratings.reviewers[place] for place in pair], **found}
            for pair, found in zip(couples, rest[len(varieties) :], strict=True)
        ],
        "without": leave_out(ratings, samples, seed),
    }


def _measure_reasons(answers: pl.DataFrame, samples: int, seed: int) -> dict[str, Any]:
    measured = {}
    for code in sorted(answers["reasons"].explode().drop_nulls().unique()):
        named = pl.col("reasons").list.contains(code)
        ratings = read_ratings(answers, named.cast(pl.Int8), "nominal")
        found = measure_parts(ratings, [ratings.part()], samples, seed)[0]
        measured[code] = {"named": int(answers.select(named.sum()).item()), **found}
    return measured
