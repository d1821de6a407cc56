"""Listed insults: how many rows hold one, beside how often the lists are wrong.

The lists (`semillero.curation.offensive`) are run over sentences in which nobody is insulted and that were chosen to
mislead them (ordinary words that are insults elsewhere, texts about insults): their false-positive rate there is
the worst case. Groups of people are counted by the words that name them, each beside the flags of those texts.
"""

import re
from functools import lru_cache
from typing import Any

import polars as pl

from semillero.curation.offensive import find_offensive, offensive_words
from semillero.intervals import share_of
from semillero.reporting.words import read_clean, read_list


def measure_flags(rows: pl.DataFrame) -> dict[str, Any]:
    """Return flags by variety and by the group of people that a text names.

    Args:
        rows: has `variety`, `instruction`, `answer`, `offensive`.

    Returns:
        ``varieties``: the share of rows flagged, None for a language without a list; ``words``: how many rows each
        listed word stands in; ``groups``: for each group that some row names, the share of those rows flagged;
        ``others``: the share among rows that name none; ``false_positives``: flagged sentences among clean ones, in
        total and by variety. Shares have Wilson intervals.
    """
    flagged = pl.col("offensive").list.len() > 0
    by_variety = {}
    for (code,), part in sorted(rows.group_by("variety"), key=lambda item: str(item[0][0])):
        has_list = offensive_words(str(code)) is not None
        by_variety[str(code)] = share_of(part.filter(flagged).height, part.height) if has_list else None
    words = rows.select("offensive").explode("offensive").drop_nulls().group_by("offensive").len()
    named: dict[str, list[bool]] = {}
    for variety, instruction, answer, found in rows.select("variety", "instruction", "answer", "offensive").iter_rows():
        for group in find_groups(f"{instruction}\n{answer}", variety) or [""]:
            named.setdefault(group, []).append(bool(found))
    others = named.pop("", [])
    return {
        "varieties": by_variety,
        "words": dict(words.sort("len", "offensive", descending=[True, False]).iter_rows()),
        "groups": {group: share_of(sum(hits), len(hits)) for group, hits in sorted(named.items())},
        "others": share_of(sum(others), len(others)),
        "false_positives": measure_false_positives(),
    }


def measure_false_positives() -> dict[str, Any]:
    """Return the share of clean sentences that the lists flag, in total and by variety."""
    hits: dict[str, list[bool]] = {}
    for variety, text in read_clean():
        hits.setdefault(variety, []).append(bool(find_offensive(text, variety)))
    every = [hit for found in hits.values() for hit in found]
    by_variety = {code: share_of(sum(found), len(found)) for code, found in sorted(hits.items())}
    return {"all": share_of(sum(every), len(every)), "varieties": by_variety}


def find_groups(text: str, variety: str) -> list[str]:
    """Return the groups of people that a text names, by the list of its language."""
    lower = text.lower()
    return [group for group, pattern in _group_patterns(variety.split("-")[0]).items() if pattern.search(lower)]


@lru_cache(maxsize=8)
def _group_patterns(language: str) -> dict[str, re.Pattern[str]]:
    listed = read_list("groups").get(language, {})
    return {group: re.compile(rf"\b(?:{words})\b") for group, words in listed.items()}
