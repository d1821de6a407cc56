"""Before and after each mitigation: what every filter, deduplication and quota did, for better and for worse.

Each rejected row left for one reason, the first that applied, and reasons apply in a fixed order; so the corpus before
a filter is what the filters before it let through. The same measures are taken of it before and after. A change is
called *clear* when neither value lies in the other's interval, and every other change may be chance.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from semillero.intervals import share_of

# Measure and which way is better: +1 up, -1 down, 0 towards one half.
MEASURES = {"smallest_variety": 1, "topics": 1, "evidence": 1, "contradiction": -1, "feminine": 0, "offensive": -1}


def measure_mitigations(
    rows: pl.DataFrame, order: Sequence[str], removed: Mapping[str, int], varieties: Sequence[str]
) -> list[dict[str, Any]]:
    """Return one entry a reason for which rows left, in the order in which they apply.

    Args:
        rows: marked rows (`semillero.reporting.rows.mark_rows`) with `reason`.
        order: the reasons, first to last.
        removed: how many rows left for each reason, of all rows and not of the sample.
        varieties: those of the project: one that has lost all its rows counts as 0.

    Returns:
        ``reason``, ``removed``, ``before`` and ``after`` (rows of the sample and the measures), ``worse`` and
        ``better`` (names of measures that moved), ``clear`` (those of them that moved clearly).
    """
    entries = []
    left, before = rows, measure_rows(rows, varieties)
    for reason in order:
        if not removed.get(reason):
            continue
        left = left.filter(pl.col("reason").ne_missing(reason))
        after = measure_rows(left, varieties)
        moved = compare(before, after)
        entries.append({"reason": reason, "removed": removed[reason], "before": before, "after": after, **moved})
        before = after
    return entries


def measure_rows(rows: pl.DataFrame, varieties: Sequence[str]) -> dict[str, Any]:
    """Return the measures of some rows.

    Returns:
        ``rows``; ``smallest_variety`` (rows of the smallest variety over what an equal share would be; 1 is balance);
        ``topics`` (how many have a row); shares with Wilson intervals: ``evidence`` and ``contradiction`` (rows with
        markers for and against their variety), ``feminine`` (among singular professions with two forms), ``offensive``.
    """
    counts = dict(rows.group_by("variety").len().iter_rows())
    smallest = min((counts.get(code, 0) for code in varieties), default=0)
    found = {name: int(rows[name].sum() or 0) for name in ("evidence", "contradiction", "feminine", "masculine")}
    known = rows["evidence"].len() - rows["evidence"].null_count()
    return {
        "rows": rows.height,
        "smallest_variety": round(smallest * len(varieties) / rows.height, 4) if rows.height else None,
        "topics": rows["topic"].n_unique(),
        "evidence": share_of(found["evidence"], known),
        "contradiction": share_of(found["contradiction"], known),
        "feminine": share_of(found["feminine"], found["feminine"] + found["masculine"]),
        "offensive": share_of(rows.filter(pl.col("offensive").list.len() > 0).height, rows.height),
    }


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return which measures moved, and how."""
    moved: dict[str, list[str]] = {"better": [], "worse": [], "clear": []}
    for name, direction in MEASURES.items():
        old, new = _value(before[name]), _value(after[name])
        if old is None or new is None or old == new:
            continue
        gain = (new - old) * direction if direction else abs(old - 0.5) - abs(new - 0.5)
        moved["better" if gain > 0 else "worse"].append(name)
        if isinstance(before[name], dict) and not (_holds(before[name], new) or _holds(after[name], old)):
            moved["clear"].append(name)
    return moved


def _holds(share: Mapping[str, Any], value: float) -> bool:
    return bool(share["low"] <= value <= share["high"])


def _value(measure: Any) -> float | None:
    return measure["rate"] if isinstance(measure, dict) else measure
