"""Words and runs of words of many texts at once, as tables: where a loop over texts would be slow."""

import polars as pl


def list_words(texts: pl.Series) -> pl.DataFrame:
    """Return the words of all texts.

    Args:
        texts: words separated by single spaces.

    Returns:
        `place` (of the text), `part` (a word); in order, an empty text has one empty word.
    """
    places = pl.int_range(pl.len(), dtype=pl.UInt32).alias("place")
    return texts.alias("part").to_frame().select(places, pl.col("part").str.split(" ")).explode("part")


def list_grams(words: pl.DataFrame, length: int) -> pl.DataFrame:
    """Return each run of ``length`` neighbouring words, joined by spaces; none of a shorter text.

    Args:
        words: see `list_words`.

    Returns:
        `place`, `part`; in order.
    """
    inside = words["place"] == words["place"].shift(1 - length)
    following = [pl.col("part").shift(-step) for step in range(1, length)]
    return words.with_columns(pl.concat_str("part", *following, separator=" ")).filter(inside)
