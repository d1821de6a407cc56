"""Intervals of measured shares and means, by scipy: what a small corpus can and cannot say of itself.

scipy is imported inside: it takes most of a second.
"""

from collections.abc import Sequence
from typing import Any

CONFIDENCE = 0.95
RESAMPLES = 2000
SEED = 13
DIGITS = 4


def share_of(hits: int, of: int) -> dict[str, Any]:
    """Return a share with its Wilson score interval (Wilson 1927), which holds near 0 and 1 and for few cases.

    Args:
        hits: how many of them.
        of: how many there are.

    Returns:
        ``hits``, ``of``, ``rate``, ``low``, ``high`` (95 %); the last three are None when ``of`` is 0.
    """
    if not of:
        return {"hits": 0, "of": 0, "rate": None, "low": None, "high": None}
    from scipy.stats import binomtest

    interval = binomtest(hits, of).proportion_ci(CONFIDENCE, method="wilson")
    rate, low, high = (round(float(x), DIGITS) for x in (hits / of, interval.low, interval.high))
    return {"hits": hits, "of": of, "rate": rate, "low": low, "high": high}


def mean_of(values: Sequence[float]) -> dict[str, Any]:
    """Return a mean with its bootstrap percentile interval (Efron and Tibshirani 1993, chapter 13).

    Args:
        values: one number a drawn unit; the interval is None for fewer than three, or when all are equal.
    """
    if not values:
        return {"n": 0, "mean": None, "low": None, "high": None}
    import numpy as np

    mean = round(float(np.mean(values)), DIGITS)
    if len(values) < 3 or len(set(values)) == 1:
        return {"n": len(values), "mean": mean, "low": None, "high": None}
    from scipy.stats import bootstrap

    drawn = bootstrap(
        (np.asarray(values),),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=SEED,
    )
    low, high = drawn.confidence_interval
    return {"n": len(values), "mean": mean, "low": round(float(low), DIGITS), "high": round(float(high), DIGITS)}
