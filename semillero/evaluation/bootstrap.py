"""Intervals by resampling groups, base and tuned paired.

Rows of one passage are alike, so rows are no independent sample: whole groups are drawn with replacement (the cluster
bootstrap; percentile intervals, Efron and Tibshirani 1993, chapter 13). Both models keep the same drawn groups, so the
interval of the difference is that of the paired difference.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

CHUNK = 1 << 23  # numbers held at once while drawing
DIGITS = 6


def compare_models(
    values: "Array",
    groups: "Array",
    samples: int,
    confidence: float,
    seed: int,
    transform: "Callable[[Array], Array] | None" = None,
) -> dict[str, Any] | None:
    """Return a measure of base and tuned and their difference, each ``{"value", "low", "high"}``.

    A measure is a ratio of sums (nats ÷ tokens, answers in Spanish ÷ answers judged); a plain mean has ones below.

    Args:
        values: (rows, 4): base above, base below, tuned above, tuned below the line.
        groups: (rows,) the group of each row.
        samples: how many resamples.
        confidence: level of the intervals, such as 0.95.
        seed: of the resampling.
        transform: applied to the ratios, such as exp for a perplexity.

    Returns:
        None when nothing stands below the line. ``low`` and ``high`` are None with fewer than two groups.
    """
    import numpy as np

    names, index = np.unique(groups, return_inverse=True)
    sums = np.zeros((len(names), 4))
    np.add.at(sums, index, values)
    point = _measure(sums.sum(axis=0, keepdims=True), transform)[0]
    if not np.isfinite(point).all():
        return None
    draws = _draw(sums, samples, seed, transform) if len(names) > 1 else np.empty((0, 3))
    draws = draws[np.isfinite(draws).all(axis=1)]
    tail = 100 * (1 - confidence) / 2
    measure: dict[str, Any] = {"rows": int(((values[:, 1] > 0) | (values[:, 3] > 0)).sum())}
    for column, name in enumerate(("base", "tuned", "difference")):
        low, high = np.percentile(draws[:, column], [tail, 100 - tail]) if len(draws) else (None, None)
        measure[name] = {"value": _round(point[column]), "low": _round(low), "high": _round(high)}
    return measure


def _draw(sums: "Array", samples: int, seed: int, transform: "Callable[[Array], Array] | None") -> "Array":
    import numpy as np

    random = np.random.default_rng(seed)
    size = len(sums)
    step = max(1, CHUNK // size)
    parts = []
    for start in range(0, samples, step):
        # How often each group is drawn, rather than which groups: the same distribution, one matrix product.
        drawn = random.multinomial(size, np.full(size, 1 / size), size=min(step, samples - start))
        parts.append(_measure(drawn @ sums, transform))
    return np.concatenate(parts)


def _measure(sums: "Array", transform: "Callable[[Array], Array] | None") -> "Array":
    """Return base, tuned and tuned − base from (n, 4) sums; NaN where nothing stands below the line."""
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = sums[:, [0, 2]] / sums[:, [1, 3]]
    if transform is not None:
        ratios = transform(ratios)
    return np.column_stack([ratios, ratios[:, 1] - ratios[:, 0]])


def _round(value: Any) -> float | None:
    return None if value is None else round(float(value), DIGITS)
