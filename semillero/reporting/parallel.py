"""Parallel groups: the same question asked in several varieties. Do the answers agree?

People in Spain and in Mexico give the same most frequent answer to the same question about everyday culture only 26.5 %
of the time (BLEnD, Myung et al. 2024). Varieties whose answers agree far more often than that differ in name only. The
comparison is one of magnitude: BLEnD's answers are single words that people gave, ours are sentences.
"""

from collections import defaultdict
from itertools import combinations, product
from typing import Any

import polars as pl

from semillero.curation.content_words import content_stems, fold_texts
from semillero.curation.normalisation import plain_text
from semillero.intervals import share_of

PEOPLE = 0.265  # BLEnD: Spain and Mexico share the top answer
SAME = 0.5  # Jaccard similarity of content stems from which two answers count as the same one


def measure_parallel(rows: pl.DataFrame) -> dict[str, Any] | None:
    """Return how often answers to one question agree between varieties.

    Args:
        rows: `id`, `variety`, `answer` and, where records have it, `parallel`: equal and not null for rows that ask the
            same in several varieties.

    Returns:
        ``agreement`` (share of pairs of rows of one parallel group in two varieties of one language whose answers are
        the same, with a Wilson interval), ``chance`` (the same for answers of neighbouring groups), ``pairs`` by pair
        of varieties and ``people``; None when no two rows are parallel.
    """
    if "parallel" not in rows.columns:
        return None
    known = rows.filter(pl.col("parallel").is_not_null()).sort("parallel", "variety", "id")
    folded = fold_texts(known.select(plain_text(pl.col("answer"))).to_series())
    groups: dict[str, list[tuple[str, frozenset[str]]]] = defaultdict(list)
    for group, variety, answer in zip(known["parallel"], known["variety"], folded, strict=True):
        groups[group].append((variety, content_stems(answer.split())))
    ordered = list(groups.values())
    found: dict[str, list[bool]] = defaultdict(list)
    chance: list[bool] = []
    for place, group in enumerate(ordered):
        for (one, mine), (other, theirs) in combinations(group, 2):
            if _comparable(one, other):
                found[f"{one} · {other}"].append(_same(mine, theirs))
        for (one, mine), (other, theirs) in product(group, ordered[(place + 1) % len(ordered)]):
            if _comparable(one, other):
                chance.append(_same(mine, theirs))
    if not found:
        return None
    every = [same for pairs in found.values() for same in pairs]
    return {
        "groups": len(ordered),
        "agreement": share_of(sum(every), len(every)),
        "chance": share_of(sum(chance), len(chance)),
        "pairs": {name: share_of(sum(pairs), len(pairs)) for name, pairs in sorted(found.items())},
        "people": PEOPLE,
        "same_from": SAME,
    }


def _comparable(one: str, other: str) -> bool:
    return one != other and one.split("-")[0] == other.split("-")[0]


def _same(mine: frozenset[str], theirs: frozenset[str]) -> bool:
    return len(mine & theirs) >= SAME * len(mine | theirs)
