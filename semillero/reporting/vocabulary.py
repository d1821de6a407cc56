"""Do varieties use words of their own? Overlap of vocabularies less its null, and the words that tell them apart.

Proper names and quotations are masked first: Oaxaca and Galicia would tell any two corpora apart. Rows of one group
(one passage) share words, so groups and not rows are what chance may move.
"""

import random
from collections import Counter
from itertools import combinations
from statistics import mean
from typing import TYPE_CHECKING, Any

import polars as pl

from semillero.curation.varieties import mask_names
from semillero.curation.words import read_words
from semillero.reporting.genders import WORD

if TYPE_CHECKING:
    import numpy as np

GROUPS = 400  # of a variety, by the order of their names' hashes: what is looked at at most
DRAWS = 40
SEED = 13
WORDS = 10  # shown for each variety
LEAST = 4  # occurrences of a word that is shown
SIGNIFICANT = 1.96
Bag = Counter[str]


def count_words(rows: pl.DataFrame) -> dict[str, list[Bag]]:
    """Return the words of each group of rows, by variety; an answer that several rows share counts once.

    Args:
        rows: has `id`, `group`, `variety`, `instruction`, `answer`.
    """
    bags: dict[str, dict[str, tuple[Bag, set[str]]]] = {}
    function_words = set(read_words("function_words"))
    for variety, group, *texts in rows.sort("id").select("variety", "group", "instruction", "answer").iter_rows():
        groups = bags.setdefault(variety, {})
        if group not in groups and len(groups) >= GROUPS:
            continue
        bag, seen = groups.setdefault(group, (Counter(), set()))
        for text in texts:
            if text not in seen:
                seen.add(text)
                bag.update(w for w in WORD.findall(mask_names(text)) if len(w) > 2 and w not in function_words)
    return {variety: [bag for bag, _ in groups.values()] for variety, groups in sorted(bags.items())}


def measure_overlap(bags: dict[str, list[Bag]]) -> list[dict[str, Any]]:
    """Return, for every two varieties of one language, how much of their vocabulary they share beyond chance.

    The overlap is Jaccard's, of the sets of words. Its null: the groups of both are shuffled and dealt into two heaps
    of the same sizes, `DRAWS` times (a split-half null). ``excess`` is overlap − null: about 0 means that the varieties
    share as many words as two halves of one heap do, so the difference in name is not one in words; below
    ``low − null`` they have words of their own.

    Args:
        bags: from `count_words`.

    Returns:
        One entry a pair: ``varieties``, ``overlap``, ``null``, ``low``, ``high`` (the null's central 95 %), ``excess``.
    """
    found = []
    for first, second in combinations(bags, 2):
        one, other = bags[first], bags[second]
        if first.split("-")[0] != second.split("-")[0] or len(one) < 2 or len(other) < 2:
            continue
        overlap = _jaccard(one, other)
        null = sorted(_deal(one + other, len(one), f"{SEED}/{first}/{second}"))
        tail = round(0.025 * (len(null) - 1))
        entry = {"overlap": overlap, "null": mean(null), "low": null[tail], "high": null[-1 - tail]}
        entry["excess"] = overlap - entry["null"]
        found.append({"varieties": [first, second], **{name: round(value, 4) for name, value in entry.items()}})
    return found


def rank_words(bags: dict[str, list[Bag]]) -> dict[str, list[dict[str, Any]]]:
    """Return the words that each variety uses more than the other varieties of its language.

    Log-odds ratio with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008, equations 16 to 22); the prior
    is the pooled vocabulary, as heavy as the variety's own text.

    Args:
        bags: from `count_words`.

    Returns:
        By variety at most `WORDS` entries ``word``, ``z``, ``count``, ``elsewhere``, the highest z first.
    """
    totals = {variety: sum(groups, Counter()) for variety, groups in bags.items()}
    ranked = {}
    for variety, own in totals.items():
        language = variety.split("-")[0]
        rest = sum((t for code, t in totals.items() if code != variety and code.split("-")[0] == language), Counter())
        ranked[variety] = _rank(own, rest) if own and rest else []
    return ranked


def _rank(own: Bag, rest: Bag) -> list[dict[str, Any]]:
    import numpy as np

    words = sorted(own | rest)
    mine, theirs = (np.array([bag[word] for word in words], dtype=float) for bag in (own, rest))
    prior = (mine + theirs) / (mine + theirs).sum() * mine.sum()
    difference = _log_odds(mine, prior) - _log_odds(theirs, prior)
    z = difference / np.sqrt(1 / (mine + prior) + 1 / (theirs + prior))
    shown = [n for n in np.argsort(-z, kind="stable") if mine[n] >= LEAST and z[n] > SIGNIFICANT][:WORDS]
    return [
        {"word": words[n], "z": round(float(z[n]), 2), "count": int(mine[n]), "elsewhere": int(theirs[n])}
        for n in shown
    ]


def _log_odds(counts: "np.ndarray[Any, Any]", prior: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    import numpy as np

    posterior = counts + prior
    odds: np.ndarray[Any, Any] = np.log(posterior / (posterior.sum() - posterior))
    return odds


def _jaccard(one: list[Bag], other: list[Bag]) -> float:
    mine, theirs = set().union(*one), set().union(*other)
    return len(mine & theirs) / max(len(mine | theirs), 1)


def _deal(groups: list[Bag], size: int, seed: str) -> list[float]:
    chance = random.Random(seed)
    found = []
    for _ in range(DRAWS):
        shuffled = chance.sample(groups, len(groups))
        found.append(_jaccard(shuffled[:size], shuffled[size:]))
    return found
