"""The same question in other words: neighbours by the TF-IDF of character 4-grams.

Other endings, another order, a word put in: that is what *reworded* means here. A paraphrase in other words altogether
is not found; the small English sentence model that works offline would find fewer still in Spanish. Two rows are
neighbours when the cosine of their vectors reaches the threshold, all content words of one are in the other, which has
at most `MORE_WORDS` others, and both ask the same (how, when, who …). Two questions of one template that differ in a
name are not.

Candidates need not be guessed. Order each row's content stems from the rarest to the commonest: the two rarest of the
row with fewer are among the other's 2 + `MORE_WORDS` rarest (a prefix filter, Chaudhuri et al. 2006), so that rows
which share no pair of these need no comparison.
"""

import functools
import operator
from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING

import polars as pl

from semillero.curation.candidates import PAIR, Candidates
from semillero.curation.content_words import asking_words, content_stems, fold_texts

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

GRAM = 4
MORE_WORDS = 2
BATCH = 50_000  # pairs whose vectors are multiplied at once


def find_reworded(texts: pl.DataFrame, threshold: float) -> tuple[pl.DataFrame, int]:
    """Find the pairs of rows of one variety that ask the same in other words.

    Args:
        texts: `row`, `plain_asked` of the rows of one variety, sorted by row.
        threshold: least cosine.

    Returns:
        verified pairs (`PAIR`), and how many were left out because too many rows shared a 4-gram.
    """
    import numpy as np

    if texts.height < 2:
        return pl.DataFrame(schema=PAIR), 0
    folded = fold_texts(texts["plain_asked"]).to_list()
    stems = [content_stems(text.split()) for text in folded]
    asked = [asking_words(text.split()) for text in folded]
    found = Candidates()
    found.pair_up(*_rarest_pairs(stems))
    left, right = _may_be_nested(stems, *found.pairs())
    ends = zip(left.tolist(), right.tolist(), strict=True)
    same = [_are_nested(stems[a], stems[b]) and (asked[a] == asked[b] or not (asked[a] and asked[b])) for a, b in ends]
    left, right = left[np.array(same, dtype=bool)], right[np.array(same, dtype=bool)]
    vectors = weigh_grams(folded)
    cosines = np.concatenate([np.zeros(0), *(_cosines(vectors, left, right, n) for n in range(0, len(left), BATCH))])
    close, rows = np.flatnonzero(cosines >= threshold), texts["row"]
    pairs = pl.DataFrame({"left": rows[left[close]], "right": rows[right[close]], "similarity": cosines[close]})
    return pairs.cast(PAIR), found.not_compared


def weigh_grams(folded: list[str]) -> "csr_matrix":
    """Return a vector of length 1 a text: (1 + ln tf) · (ln((1 + n) / (1 + df)) + 1) of its 4-grams of UTF-8 bytes."""
    import numpy as np
    from scipy.sparse import csr_matrix

    lines = [f" {text} \n".encode() for text in folded]
    codes = np.frombuffer(b"".join(lines) + b"\n" * GRAM, dtype=np.uint8).astype(np.uint32)
    grams = np.zeros(len(codes) - GRAM, dtype=np.uint32)
    broken = np.zeros(len(grams), dtype=bool)
    for offset in range(GRAM):
        part = codes[offset : offset + len(grams)]
        grams = (grams << np.uint32(8)) | part
        broken |= part == ord("\n")
    owners = np.repeat(np.arange(len(lines), dtype=np.int32), [len(line) for line in lines])[~broken]
    names, columns = np.unique(grams[~broken], return_inverse=True)
    counts = csr_matrix((np.ones(len(owners), np.float32), (owners, columns)), shape=(len(lines), len(names)))
    frequency = np.bincount(counts.indices, minlength=len(names))
    counts.data = (1 + np.log(counts.data)) * (np.log((1 + len(lines)) / (1 + frequency)) + 1)[counts.indices]
    norms = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel())
    counts.data /= np.repeat(np.maximum(norms, 1e-12), np.diff(counts.indptr))
    return counts


def _rarest_pairs(stems: list[frozenset[str]]) -> tuple["np.ndarray", "np.ndarray"]:
    """Return (row, key): a key for each pair of a row's rarest stems, and for the only stem of a row with one."""
    import numpy as np

    frequency = Counter(stem for each in stems for stem in each)
    numbers = {stem: n for n, stem in enumerate(sorted(frequency, key=lambda stem: (frequency[stem], stem)), start=1)}
    owners: list[int] = []
    keys: list[int] = []
    for row, each in enumerate(stems):
        rarest = sorted(numbers[stem] for stem in each)[: 2 + MORE_WORDS]
        own = [one << 32 | other for one, other in combinations(rarest, 2)]
        if len(each) <= 1 + MORE_WORDS:
            own += rarest
        owners += [row] * len(own)
        keys += own
    return np.array(owners, dtype=np.uint32), np.array(keys, dtype=np.uint64)


def _may_be_nested(
    stems: list[frozenset[str]], left: "np.ndarray", right: "np.ndarray"
) -> tuple["np.ndarray", "np.ndarray"]:
    """Return the pairs that `_are_nested` need be asked about: 64 bits a row tell most of the others apart."""
    import numpy as np

    bits = {stem: 1 << n % 64 for n, stem in enumerate(sorted({stem for each in stems for stem in each}))}
    masks = np.array([functools.reduce(operator.or_, map(bits.__getitem__, each), 0) for each in stems], np.uint64)
    one, other = masks[left], masks[right]
    shared = one & other
    may = (shared == one) | (shared == other)
    return left[may], right[may]


def _are_nested(one: frozenset[str], other: frozenset[str]) -> bool:
    return (one <= other or other <= one) and abs(len(one) - len(other)) <= MORE_WORDS


def _cosines(vectors: "csr_matrix", left: "np.ndarray", right: "np.ndarray", start: int) -> "np.ndarray":
    import numpy as np

    some = slice(start, start + BATCH)
    return np.asarray(vectors[left[some]].multiply(vectors[right[some]]).sum(axis=1)).ravel()
