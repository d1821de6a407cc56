"""Krippendorff's alpha with bootstrap intervals: arithmetic only, on whole arrays.

The coincidence form (Krippendorff, *Content Analysis*, 4th ed. 2019, chapter 12; missing answers are simply not
paired): a record with m answers puts each ordered pair of them into a table of values × values with weight
1 / (m - 1). Alpha needs nothing but the sum of these tables, so a resample of records is a weighted sum, and all
resamples are one matrix product. Records with the same answers of the same people share a column.

Records are resampled whole with replacement (percentile intervals, Efron and Tibshirani 1993, chapter 13); the people
are taken as they are. Every part that is compared sees the same resamples, so differences are paired.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Level = Literal["nominal", "ordinal", "interval"]
CHUNK = 1 << 22  # weights held at once while resampling
MISSING = -1


def krippendorff_alpha(ratings: "Array", level: Level) -> float | None:
    """Return the agreement of several people on many records: 1 is perfect, 0 is what chance gives.

    Args:
        ratings: (reviewers, records) numbers; NaN where a person did not answer.
        level: how values are compared: ``nominal`` (equal or not), ``ordinal`` (ranks), ``interval`` (differences).

    Returns:
        None where alpha is undefined: no record with two answers, or one value only.
    """
    import numpy as np

    ratings = np.asarray(ratings, dtype=float)
    values = np.unique(ratings[~np.isnan(ratings)])
    if not len(values):
        return None
    codes = np.where(np.isnan(ratings), MISSING, np.searchsorted(values, ratings))
    alpha = float(alpha_of(coincidences(codes, len(values)).sum(axis=0), values, level))
    return None if np.isnan(alpha) else alpha


def coincidences(codes: "Array", size: int) -> "Array":
    """Return each record's table of paired values, (records, size, size); zeros with fewer than two answers.

    Args:
        codes: (reviewers, records) positions of values; -1 where a person did not answer.
        size: how many values there are.
    """
    import numpy as np

    counts = (codes[..., None] == np.arange(size)).sum(axis=0).astype(float)
    answers = counts.sum(axis=-1)
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs[:, np.arange(size), np.arange(size)] -= counts  # nobody is paired with themselves
    weight = np.where(answers > 1, 1 / np.maximum(answers - 1, 1), 0.0)
    return pairs * weight[:, None, None]


def alpha_of(tables: "Array", values: "Array", level: Level) -> "Array":
    """Return the alpha of each coincidence table, (…, size, size) → (…); NaN where it is undefined.

    Args:
        tables: summed coincidences.
        values: (size,) what the positions stand for, ascending; only ``interval`` looks at them.
        level: see `krippendorff_alpha`.
    """
    import numpy as np

    margins = tables.sum(axis=-1)
    total = margins.sum(axis=-1)
    if level == "nominal":
        observed = total - np.trace(tables, axis1=-2, axis2=-1)
        expected = total**2 - (margins**2).sum(axis=-1)
    else:
        # The ordinal distance of two values is that of their mid-ranks, so both levels are squared differences.
        places = values if level == "interval" else np.cumsum(margins, axis=-1) - margins / 2
        places = np.broadcast_to(places, margins.shape)
        distance = (places[..., :, None] - places[..., None, :]) ** 2
        observed = (tables * distance).sum(axis=(-2, -1))
        expected = (margins[..., :, None] * margins[..., None, :] * distance).sum(axis=(-2, -1))
    defined = (margins > 0).sum(axis=-1) > 1
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(defined, 1 - (total - 1) * observed / np.where(defined, expected, 1.0), np.nan)


def resample_tables(parts: "Sequence[tuple[Array, Array]]", counts: "Array", samples: int, seed: int) -> "list[Array]":
    """Return each part's coincidence table in every resample of the records, (samples, size, size) each.

    Args:
        parts: which columns a part is about (positions in ``counts``), and their tables (columns of it, size, size).
        counts: how many records each column stands for.
        samples: how many resamples.
        seed: of the resampling; the same for parts that are to be compared.
    """
    import numpy as np

    drawn: list[list[Array]] = [[] for _ in parts]
    for weights in _draw(counts, samples, seed):
        for place, (index, tables) in enumerate(parts):
            drawn[place].append(weights[:, index] @ tables.reshape(len(index), tables.shape[-1] ** 2))
    sizes = [tables.shape[-1] for _, tables in parts]
    return [np.concatenate(chunks).reshape(samples, size, size) for chunks, size in zip(drawn, sizes, strict=True)]


def _draw(counts: "Array", samples: int, seed: int) -> "Iterator[Array]":
    """Yield how often a record of each column is drawn, (some samples, columns) at a time."""
    import numpy as np

    random = np.random.default_rng(seed)
    step = max(1, CHUNK // len(counts))
    for start in range(0, samples, step):
        size = min(step, samples - start)
        yield random.multinomial(counts.sum(), counts / counts.sum(), size=size).astype(float)
