"""What the whole corpus is compared by: a few hundred bytes a row instead of its texts.

MinHash (Broder 1997; rensa) sketches the word bigrams of instruction and answer. A *band* is a slice of both sketches
together, hashed: two rows that share a band are candidates. That instruction and answer must be alike together is what
keeps rows of one template apart ("¿Cuál es el plato típico de Oaxaca?", "… de Puebla?") before any text is compared.
"""

from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from semillero.curation.content_words import asking_words, content_stems, fold_texts
from semillero.curation.grams import list_grams, list_words

if TYPE_CHECKING:
    import numpy as np

PERMUTATIONS = 128
SEED = 13
RECALL = 0.8  # of pairs whose instructions and answers both lie at the threshold; far above it for equal answers
# What a row is known by, where its table has the column.
KNOWN_BY = ("row", "id", "variety", "topic", "group", "parallel")


def sign_rows(rows: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """Return the signature of each row.

    Args:
        rows: has `row`, `id`, `variety`, `plain_asked`, `plain_answer`.
        threshold: Jaccard similarity from which two texts count as alike.

    Returns:
        the columns of `KNOWN_BY` that are there; hashes of the instruction (`asked`), of the answer (`told`) and of the
        instruction's content stems and asking words (`matter`); `bands`, an array of 32-bit hashes; and `sketch`, the
        last eight bits of each of the instruction's minima (b-bit MinHash, Li and König 2010). Hashes are comparable
        within one version of polars only: they are never stored in an artifact.
    """
    import numpy as np

    folded = fold_texts(rows["plain_asked"])
    words = [text.split() for text in folded]
    matter = [" ".join([*sorted(content_stems(each)), *sorted(asking_words(each))]) for each in words]
    known = rows.select(name for name in KNOWN_BY if name in rows.columns)
    asked, told = _sketch(rows["plain_asked"]), _sketch(rows["plain_answer"])
    return known.with_columns(
        rows["plain_asked"].hash().alias("asked"),
        rows["plain_answer"].hash().alias("told"),
        pl.Series("matter", matter, dtype=pl.String).hash(),
        _hash_bands(asked, told, choose_rows(threshold)),
        pl.Series("sketch", asked.astype(np.uint8), dtype=pl.Array(pl.UInt8(), PERMUTATIONS)),
    )


def choose_rows(threshold: float) -> int:
    """Return the rows of each sketch in a band: as many as still find `RECALL` at the threshold."""
    for rows in (16, 8, 4, 2):
        if 1 - (1 - threshold ** (2 * rows)) ** (PERMUTATIONS // rows) >= RECALL:
            return rows
    return 1


def jaccard(a: set[str], b: set[str]) -> float:
    """Return the Jaccard similarity of two sets (of two empty ones 1.0)."""
    return len(a & b) / len(a | b) if a or b else 1.0


def word_bigrams(plain: str) -> set[str]:
    """Return the distinct neighbouring word pairs of a plain text; of a single word, the word."""
    words = plain.split()
    return {f"{a} {b}" for a, b in pairwise(words)} or set(words)


def _hash_bands(asked: "np.ndarray", told: "np.ndarray", rows: int) -> pl.Series:
    import numpy as np

    bands = PERMUTATIONS // rows
    each = [sketch.reshape(-1, bands, rows) for sketch in (asked, told)]
    keys = np.zeros((len(asked), bands), dtype=np.uint64)
    for row in range(rows):
        for sketch in each:
            keys = (keys ^ sketch[:, :, row]) * np.uint64(0x9E3779B97F4A7C15)  # the golden ratio's bits mix well
            keys ^= keys >> np.uint64(29)
    return pl.Series("bands", (keys >> np.uint64(32)).astype(np.uint32), dtype=pl.Array(pl.UInt32(), bands))


def _sketch(texts: pl.Series) -> "np.ndarray":
    import numpy as np
    from rensa import RMinHash

    words = list_words(texts)
    bigrams = list_grams(words, 2)
    # The minimum over a text's bigrams does not ask how often each occurs, so that they need not be made distinct.
    tokens = pl.concat([bigrams, words.join(bigrams, on="place", how="anti")]).sort("place", maintain_order=True)
    offsets = np.searchsorted(tokens["place"].to_numpy(), np.arange(len(texts) + 1)).astype(np.uint64)
    hashes = tokens["part"].hash().to_numpy()
    digests = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, PERMUTATIONS, SEED).to_rows()
    return np.array(digests, dtype=np.uint64).reshape(-1, PERMUTATIONS)
