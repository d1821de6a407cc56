"""Character n-gram profiles of 17 languages: the second opinion beside py3langid, which knows no ay, ast and nah.

A profile is a column of log-probabilities of hashed 2-, 3- and 4-grams, less the mean over the languages, so that an
n-gram no language has seen says nothing (multinomial naive Bayes; Cavnar and Trenkle 1994 for the idea of profiles).
`benchmarks/language_profiles.py` makes the file; `profiles/README.md` names its sources and their licences.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).parent / "profiles" / "profiles.npz"
BITS = 17  # buckets of the hash, as a power of two
ORDERS = (2, 3, 4)
UNIT = 1 / 16  # one step of the stored weights, in nats
SLICE = 200  # texts scored at a time: what is gathered for them fits in the processor's cache

_MULTIPLIER, _SPREAD = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_SPACE, _APOSTROPHE = 0x20, 0x27
_KNOWN = 0x2020  # characters from here on count as spaces, as do those below that are not Latin
_LATIN = (*range(0x250), *range(0x1E00, 0x1F00))
_MARKS = range(0x300, 0x370)  # combining marks: the tilde of Guarani's g̃


class Profiles(NamedTuple):
    """Languages, and their weights: one row a bucket and a last row of zeros, in steps of `UNIT`."""

    languages: tuple[str, ...]
    weights: NDArray[np.int16]


@lru_cache(maxsize=1)
def load_profiles() -> Profiles:
    """Return the profiles that Semillero comes with."""
    with np.load(FILE, allow_pickle=False) as stored:
        weights = stored["weights"].astype(np.int16)
        return Profiles(tuple(stored["languages"].tolist()), np.vstack([weights, np.zeros_like(weights[:1])]))


def score_texts(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return how well each text fits each profile.

    Args:
        texts: any texts.

    Returns:
        one row a text, one column a language (in the order of ``load_profiles().languages``): mean nats per n-gram
        above the languages' average. A text without letters has zeros.
    """
    parts = [_score_slice(texts[start : start + SLICE]) for start in range(0, len(texts), SLICE)]
    return np.concatenate(parts) if parts else np.zeros((0, len(load_profiles().languages)))


def _score_slice(texts: Sequence[str]) -> NDArray[np.float64]:
    weights = load_profiles().weights
    letters = letters_of("".join(f" {text} " for text in texts))
    starts = np.cumsum([0, *(len(text) + 2 for text in texts[:-1])])
    total = np.zeros((len(letters), weights.shape[1]), np.int16)
    grams = np.zeros(len(letters), np.int64)
    for buckets in hash_grams(letters):
        total += weights[buckets]
        grams += buckets < len(weights) - 1
    sums = np.add.reduceat(total, starts, axis=0, dtype=np.int64)
    return sums * UNIT / np.maximum(np.add.reduceat(grams, starts), 1)[:, None]


def letters_of(text: str) -> NDArray[np.uint64]:
    """Return the text's code points: lower case, without length marks, apostrophes alike, all else a space."""
    points = np.frombuffer(text.encode("utf-32-le", errors="replace"), dtype=np.uint32)
    return _letter_table()[np.minimum(points, _KNOWN)]


def hash_grams(letters: NDArray[np.uint64]) -> list[NDArray[np.int64]]:
    """Return, for each order, the bucket of the n-gram that starts at each place.

    An n-gram may open or close with a space and has none within; at other places the bucket is the row of zeros.
    """
    padded = np.append(letters, np.full(max(ORDERS), _SPACE, np.uint64))
    space = padded == _SPACE
    size, none = len(letters), 1 << BITS
    code, inner, found = letters.copy(), np.zeros(size, bool), []
    for order in range(2, max(ORDERS) + 1):
        code = code * _MULTIPLIER + padded[order - 1 : order - 1 + size]
        if order > 2:
            inner = inner | space[order - 2 : order - 2 + size]
        empty = inner if order > 2 else space[:size] & space[1 : 1 + size]
        if order in ORDERS:
            buckets = (code * _SPREAD) >> np.uint64(64 - BITS)
            found.append(np.where(empty, none, buckets.astype(np.int64)))
    return found


@lru_cache(maxsize=1)
def _letter_table() -> NDArray[np.uint64]:
    table = np.full(_KNOWN + 1, _SPACE, np.uint64)
    for point in _LATIN:
        letter = chr(point).lower()
        if letter.isalpha() and len(letter) == 1:
            table[point] = ord(letter)
    table[_MARKS] = _MARKS
    for long, short in zip("āēīōū", "aeiou", strict=True):
        table[[ord(long), ord(long.upper())]] = ord(short)
    for mark in "'’‘ʼ`´":
        table[ord(mark)] = _APOSTROPHE
    return table
