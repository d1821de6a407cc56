"""One question's answers as a matrix, and the alpha of any part of it with its interval.

A part is some of the people on some of the records. Every part of a matrix sees the same resamples of its records, so
two parts can be compared draw by draw.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from semillero.review.alpha import MISSING, Level, alpha_of, coincidences, resample_tables

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Part = tuple[Array, Array]  # columns of the records with two answers or more, and their coincidences

CONFIDENCE = 0.95
UNDEFINED_DRAWS = 0.05
DIGITS = 4


@dataclass(frozen=True)
class Ratings:
    """The answers to one question, on the records that have two people's answers or more.

    Attributes:
        codes: (reviewers, columns) positions in `values`; -1 where a person did not answer.
        counts: how many records have exactly these answers; large reviews have far fewer columns than records.
        values: what they stand for, ascending.
        reviewers, varieties: the name of each row, and the variety of each column.
        level: how values are compared.
    """

    codes: "Array"
    counts: "Array"
    values: "Array"
    reviewers: list[str]
    varieties: "Array"
    level: Level

    def part(self, people: "Sequence[int] | None" = None, within: "Array | None" = None) -> "Part":
        """Return the columns that two or more of ``people`` answered, among those ``within``, and their tables."""
        import numpy as np

        codes = self.codes if people is None else self.codes[list(people)]
        shared = (codes != MISSING).sum(axis=0) > 1
        index = np.flatnonzero(shared if within is None else shared & within)
        return index, coincidences(codes[:, index], len(self.values))

    def records(self, part: "Part") -> int:
        """Return how many records a part has."""
        return int(self.counts[part[0]].sum())

    def alpha(self, part: "Part") -> float:
        """Return a part's alpha; NaN where it is undefined."""
        tables = (part[1] * self.counts[part[0], None, None]).sum(axis=0)
        return float(alpha_of(tables, self.values, self.level))

    def draw(self, parts: "Sequence[Part]", samples: int, seed: int) -> "list[Array]":
        """Return each part's alpha in each resample, NaN where it is undefined."""
        import numpy as np

        if not len(self.counts):
            return [np.empty(0) for _ in parts]
        drawn = resample_tables(parts, self.counts, samples, seed)
        return [alpha_of(tables, self.values, self.level) for tables in drawn]


def read_ratings(answers: pl.DataFrame, value: pl.Expr, level: Level) -> Ratings:
    """Return the matrix of one question; ``value`` takes it from the answers (ANSWERS), null where not answered."""
    import numpy as np

    rows = answers.select("record", "reviewer", "variety", value.alias("value")).drop_nulls("value")
    rows = rows.filter(pl.len().over("record") > 1)
    axes = {name: rows[name].unique().sort() for name in ("reviewer", "record", "value")}
    places = [axis.search_sorted(rows[name]).to_numpy() for name, axis in axes.items()]
    codes = np.full((axes["reviewer"].len(), axes["record"].len()), MISSING)
    codes[places[0], places[1]] = places[2]
    values = np.arange(axes["value"].len()) if level == "nominal" else axes["value"].to_numpy()
    names, spoken = np.unique(rows.unique("record").sort("record")["variety"].to_numpy(), return_inverse=True)
    columns, counts = np.unique(np.vstack([codes, spoken]), axis=1, return_counts=True)
    return Ratings(columns[:-1], counts, values.astype(float), axes["reviewer"].to_list(), names[columns[-1]], level)


def measure_parts(ratings: Ratings, parts: "Sequence[Part]", samples: int, seed: int) -> list[dict[str, Any]]:
    """Return ``records``, ``alpha``, ``low`` and ``high`` of each part, and why alpha is undefined where it is."""
    measured = []
    for part, draws in zip(parts, ratings.draw(parts, samples, seed), strict=True):
        records = ratings.records(part)
        low, high = interval(draws if records > 1 else draws[:0])
        found = {"records": records, "alpha": as_number(ratings.alpha(part)), "low": low, "high": high}
        measured.append(found | name_undefined(part))
    return measured


def name_undefined(part: "Part") -> dict[str, str]:
    """Return why a part's alpha is undefined, or nothing where it is defined."""
    used = int((part[1].sum(axis=(0, 1)) > 0).sum())
    return {} if used > 1 else {"undefined": "one-value" if used else "no-overlap"}


def interval(draws: "Array", confidence: float = CONFIDENCE) -> tuple[float | None, float | None]:
    """Return the percentile interval of the draws; None where too many of them are undefined."""
    import numpy as np

    finite = draws[np.isfinite(draws)]
    if not len(finite) or len(finite) < (1 - UNDEFINED_DRAWS) * len(draws):
        return None, None
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(finite, [tail, 100 - tail])
    return as_number(low), as_number(high)


def as_number(value: Any) -> float | None:
    """Return a rounded number, so that libraries that add in another order change no byte; None for NaN."""
    return None if value != value else round(float(value), DIGITS) + 0.0
