"""Professions by grammatical gender: who does what in the corpus, per variety.

A masculine plural (*los maestros*) may mean women as well, and an epicene noun (*la artista*, *artista*) tells its
gender by its article or not at all: both are counted apart, and the share of women is that of singular nouns with two
forms. A singular counts only after an article or another word that a noun follows, because *artesana* and *pescadora*
are adjectives too. Professions come from a list (``words/professions.yaml``); a language without one is not measured.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import polars as pl

from semillero.intervals import share_of
from semillero.reporting.words import read_list

WORD = re.compile(r"[^\W\d_]+(?:·[^\W\d_]+)?")
KINDS = (
    "feminine", "masculine", "feminine_plural", "masculine_plural", "both_named",
    "epicene_feminine", "epicene_masculine", "epicene_unmarked",
)  # fmt: skip
JOINING = {"y", "e", "o", "u", "i", "las", "les", "los", "els"}  # maestros y maestras, els mestres i les mestres
SHOWN = 12


@dataclass(frozen=True)
class Mention:
    """A profession in a text: its masculine singular (or its only form), and one of `KINDS`."""

    profession: str
    kind: str


def find_mentions(text: str, variety: str) -> set[Mention]:
    """Return the professions that a text names, each once a kind; an empty set for a language without a list."""
    forms = _read_forms(variety.split("-")[0])
    if not forms:
        return set()
    words = WORD.findall(text.lower())
    found = set()
    for place, word in enumerate(words):
        if (known := forms.get(word)) is not None:
            kind = _decide(words, place, known, forms)
            if kind:
                found.add(Mention(known.profession, kind))
    return found


def measure_genders(rows: pl.DataFrame) -> dict[str, Any]:
    """Return professions by gender, in total and by variety.

    Args:
        rows: has `variety`, `instruction`, `answer`.

    Returns:
        By variety (and ``all``): ``mentions`` (texts that name a profession in each of `KINDS`; a text counts once a
        profession and kind, and equal texts count once), ``feminine`` (share of women among singular nouns with two
        forms) and ``epicene_feminine`` (among epicene nouns with a gendered article), each with a Wilson interval;
        ``professions``: the most named ones with their counts. None for a variety whose language has no list.
    """
    varieties = rows["variety"].unique().sort().to_list()
    counted = {code: _count(rows.filter(pl.col("variety") == code), code) for code in varieties}
    known = {code: counts for code, counts in counted.items() if _read_forms(code.split("-")[0])}
    total: Counter[Mention] = sum(known.values(), Counter())
    by_variety = {code: _describe(known[code]) if code in known else None for code in varieties}
    return {"all": _describe(total), "varieties": by_variety, "kinds": list(KINDS)}


def _count(rows: pl.DataFrame, variety: str) -> Counter[Mention]:
    counts: Counter[Mention] = Counter()
    for column in ("instruction", "answer"):  # a passage stands in several rows as their answer: once is enough
        for text in rows[column].unique().sort():
            counts.update(find_mentions(text, variety))
    return counts


def _describe(counts: Counter[Mention]) -> dict[str, Any]:
    kinds = dict.fromkeys(KINDS, 0)
    professions: dict[str, dict[str, int]] = {}
    for mention, count in counts.items():
        kinds[mention.kind] += count
        of = professions.setdefault(mention.profession, dict.fromkeys(KINDS, 0))
        of[mention.kind] += count
    top = sorted(professions, key=lambda name: (-sum(professions[name].values()), name))[:SHOWN]
    return {
        "mentions": kinds,
        "feminine": share_of(kinds["feminine"], kinds["feminine"] + kinds["masculine"]),
        "epicene_feminine": share_of(kinds["epicene_feminine"], kinds["epicene_feminine"] + kinds["epicene_masculine"]),
        "professions": {name: professions[name] for name in top},
    }


@dataclass(frozen=True)
class _Form:
    profession: str
    kind: str  # of KINDS, or epicene, epicene_plural


def _decide(words: list[str], place: int, form: _Form, forms: dict[str, _Form]) -> str | None:
    before = words[place - 1] if place else ""
    if form.kind in ("feminine", "masculine"):
        return form.kind if before in _before("feminine", "masculine", "any") else None
    if form.kind == "masculine_plural":
        return "both_named" if _other_half(words, place, form, forms, "feminine_plural") else form.kind
    if form.kind == "feminine_plural":
        return None if _other_half(words, place, form, forms, "masculine_plural") else form.kind
    if before in _before("feminine"):
        return "epicene_feminine"
    if before in _before("masculine"):
        return "epicene_masculine"
    return "masculine_plural" if before in _before("plural") else "epicene_unmarked"


def _other_half(words: list[str], place: int, form: _Form, forms: dict[str, _Form], kind: str) -> bool:
    """Tell whether the other gender of the same profession stands beside it: maestros y maestras, or the reverse."""
    for step in (1, -1):
        at = place + step
        while 0 <= at < len(words) and words[at] in JOINING:
            at += step
        if 0 <= at < len(words) and forms.get(words[at]) == _Form(form.profession, kind):
            return True
    return False


@lru_cache(maxsize=8)
def _read_forms(language: str) -> dict[str, _Form]:
    listed = read_list("professions").get(language)
    forms: dict[str, _Form] = {}
    for pair in (listed or {}).get("pairs", []):
        masculine, feminine = pair.split()
        forms[_pluralise(masculine, language)] = _Form(masculine, "masculine_plural")
        forms[_pluralise(feminine, language)] = _Form(masculine, "feminine_plural")
        forms[masculine], forms[feminine] = _Form(masculine, "masculine"), _Form(masculine, "feminine")
    for word in (listed or {}).get("epicene", []):
        forms[word] = forms[_pluralise(word, language)] = _Form(word, "epicene")
    return forms


@lru_cache(maxsize=8)
def _before(*kinds: str) -> frozenset[str]:
    listed = read_list("professions")["before"]
    return frozenset(word for kind in kinds for word in listed[kind].split())


def _pluralise(word: str, language: str) -> str:
    if language == "ca":
        if word[-1] == "a":
            return word[:-1] + "es"
        if word[-1] in "íà":  # ballarí, artesà
            return word[:-1] + {"í": "ins", "à": "ans"}[word[-1]]
        return word[:-2] + "esos" if word.endswith("ès") else word + "s"
    if word[-1] == "z":
        return word[:-1] + "ces"
    if word.endswith("ín"):
        return word[:-2] + "ines"
    return word + ("s" if word[-1] in "aeiouáéó" else "es")
