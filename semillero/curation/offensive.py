"""Words that insult somebody: they flag a row for a person to look at, and never drop it.

A list of words cannot tell an insult from a text about insults, and half of the Spanish insults are ordinary words
somewhere: *coger* is what one does to a bus in Spain, *concha* is a shell, *pico* a mountain or a tool, *polla* a
lottery in Chile. So each variety has a list of its own (``words/offensive.yaml``), words that are ordinary in it are
left out of it, and words with two senses are listed only inside a phrase. How often the lists are wrong is measured on
sentences in which nobody is insulted (`semillero.reporting.flags`).
"""

import re
from functools import lru_cache

import polars as pl

from semillero.curation.words import read_offensive

FLAG = "offensive_word"


@lru_cache(maxsize=64)
def offensive_words(variety: str) -> str | None:
    """Return the variety's list as alternatives of a regular expression (Rust's and Python's); None: there is none."""
    listed = read_offensive()
    language = variety.split("-")[0]
    shared = listed["languages"].get(language)
    if shared is None:
        return None
    own = listed["varieties"].get(variety, {})
    ordinary = set(own.get("ordinary", []))
    return "|".join(word for word in (*shared, *own.get("offensive", [])) if word not in ordinary)


def flag_offensive(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a flag for each row whose instruction or answer holds a word of its variety's list.

    Args:
        rows: has `row`, `variety`, `instruction`, `answer`.
    """
    found = [pl.DataFrame(schema={"row": pl.UInt32(), "flag": pl.String()})]
    for (variety,), part in rows.group_by("variety", maintain_order=True):
        words = offensive_words(str(variety))
        if words is not None:
            pattern = rf"(?i)(?:^|\W)(?:{words})(?:\W|$)"  # Rust's \b is slow on accented text
            holds = pl.any_horizontal(pl.col(name).str.contains(pattern) for name in ("instruction", "answer"))
            found.append(part.filter(holds).select(pl.col("row").cast(pl.UInt32), pl.lit(FLAG).alias("flag")))
    return pl.concat(found)


def find_offensive(text: str, variety: str) -> list[str]:
    """Return the listed words that a text of a variety holds, in lower case, each once."""
    words = offensive_words(variety)
    return [] if words is None else sorted({match.lower() for match in re.findall(rf"(?i)\b(?:{words})\b", text)})
