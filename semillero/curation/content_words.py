"""What a question is about: its words without the function words, cut to stems.

Two questions of one template ("¿Cuál es la capital de …?") share most of their words and are still two questions;
what tells them apart are the content words.
"""

import polars as pl

from semillero.curation.words import read_words

STEM = 6  # letters of a word that count: colombia and colombiana, diferencia and diferencias are one


def fold_text(plain: pl.Expr) -> pl.Expr:
    """Plain text without accents, for comparisons that must not depend on how carefully a question was typed."""
    return plain.str.normalize("NFD").str.replace_all(r"\p{M}+", "")


def content_stems(folded: pl.Expr) -> pl.Expr:
    """Return the distinct content stems of folded text as a list; of a text of function words only, all its words."""
    words = folded.str.split(" ")
    kept = words.list.filter(~pl.element().is_in(list(read_words("function_words"))) & (pl.element() != ""))
    chosen = pl.when(kept.list.len() > 0).then(kept).otherwise(words)
    return chosen.list.eval(pl.element().str.slice(0, STEM)).list.unique(maintain_order=True)
