"""What a question is about: its words without the function words, cut to stems.

Two questions of one template ("¿Cuál es la capital de …?") share most of their words and are still two questions;
what tells them apart are the content words.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import polars as pl

from semillero.curation.words import read_words

STEM = 6  # letters of a word that count: colombia and colombiana, diferencia and diferencias are one
PLAIN_LETTERS = dict(zip("áéíóúüñàèìòùïçâêôãõ", "aeiouunaeiouicaeoao", strict=True))

_WORDS = {  # Spanish, Catalan, Galician and Portuguese, without accents
    "how": "como com", "when": "cuando quan quando", "where": "donde adonde onde", "who": "quien quienes qui quen quem",
    "how much": "cuanto cuanta cuantos cuantas quant quanta quants quantes quanto quantos quantas",
}  # fmt: skip
ASKING = {word: asked for asked, words in _WORDS.items() for word in words.split()}
WHY = {("por", "que"), ("per", "que")}


def fold_texts(plain: pl.Series) -> pl.Series:
    """Plain texts without accents, for comparisons that must not depend on how carefully a question was typed."""
    folded = plain.str.replace_many(PLAIN_LETTERS)
    rest = folded.str.contains(r"[^\x00-\x7F]")  # rare letters take the slow way, which is right for all
    if not rest.any():
        return folded
    mended = folded.filter(rest).str.normalize("NFD").str.replace_all(r"\p{M}+", "")
    return folded.scatter(rest.arg_true(), mended)


def content_stems(folded: Sequence[str]) -> frozenset[str]:
    """Return the content stems of a folded text's words; of a text of function words only, all its words' stems."""
    kept = [word for word in folded if word not in _function_words()]
    return frozenset(word[:STEM] for word in kept or folded)


def asking_words(folded: Sequence[str]) -> frozenset[str]:
    """Return which of how, when, where, who, how much and why a folded text asks.

    What and which are left out: "¿qué instrumentos…?" and "¿cuáles son los instrumentos…?" ask the same.
    """
    asked = {ASKING[word] for word in folded if word in ASKING}
    if any(pair in WHY for pair in pairwise(folded)):
        asked.add("why")
    return frozenset(asked)


@lru_cache(maxsize=1)
def _function_words() -> frozenset[str]:
    return frozenset(read_words("function_words"))
