"""Duplicates within a variety, judged on the instruction; the first row in the order of the input is kept.

With back-translation several rows share one passage as their answer: two different questions about it both stay, the
same question twice does not. So the answer alone never makes a duplicate:

- exact: the plain instructions are equal (another answer to the same question is a duplicate too);
- near: the instructions' word bigrams have a Jaccard similarity of at least the threshold, and either both ask about
  the same things (equal content stems) or their answers are as similar. "¿Cuál es el plato típico de Oaxaca?" and
  "… de Puebla?" differ in a content word and in their answers: two rows.

A row is compared with kept rows only: no transitive union, so that a chain of small differences cannot eat a corpus.
Candidates come from MinHash (rensa, Broder 1997) and are verified exactly.
"""

from collections.abc import Iterable
from itertools import pairwise

import polars as pl

from semillero.curation.content_words import content_stems, fold_text
from semillero.curation.funnel import VERDICT
from semillero.progress import track

BATCH = 5_000
PERMUTATIONS = 64
SEED = 13
RECALL = 0.95  # share of the pairs at the threshold that the bands must find


def find_exact_duplicates(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a verdict for each row whose instruction was already kept for its variety.

    Args:
        rows: has `row`, `id`, `variety`, `plain_instruction`, in the order in which rows are kept.
    """
    key = ["variety", "plain_instruction"]
    first = rows.unique(key, keep="first", maintain_order=True).select(*key, kept="id", kept_row="row")
    again = rows.join(first, on=key, maintain_order="left").filter(pl.col("row") != pl.col("kept_row"))
    evidence = pl.concat_str(pl.lit("same instruction as "), "kept")
    return again.select("row", pl.lit("exact_duplicate").alias("reason"), evidence.alias("evidence"))


def find_near_duplicates(rows: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """Return a verdict for each row that nearly repeats the instruction of a kept row of its variety.

    Args:
        rows: has `row`, `id`, `variety`, `plain_instruction`, `plain_answer`, in the order in which rows are kept.
        threshold: least Jaccard similarity of word bigrams.
    """
    parts = [pl.DataFrame(schema=VERDICT)]
    for part in rows.partition_by("variety", maintain_order=True):
        parts.append(_find_in_variety(part, threshold))
    return pl.concat(parts)


def choose_bands(threshold: float) -> int:
    """Return the number of bands with the fewest false candidates that still finds `RECALL` at the threshold."""
    for rows in (16, 8, 4, 2):
        bands = PERMUTATIONS // rows
        if 1 - (1 - threshold**rows) ** bands >= RECALL:
            return bands
    return PERMUTATIONS


def jaccard(a: set[str], b: set[str]) -> float:
    """Return the Jaccard similarity of two sets."""
    return len(a & b) / len(a | b)


def word_bigrams(plain: str) -> set[str]:
    """Return the distinct neighbouring word pairs of a plain text; of a single word, the word."""
    words = plain.split()
    return {f"{a} {b}" for a, b in pairwise(words)} or set(words)


def _find_in_variety(rows: pl.DataFrame, threshold: float) -> pl.DataFrame:
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(threshold=threshold, num_perm=PERMUTATIONS, num_bands=choose_bands(threshold))
    texts, same = rows["plain_instruction"], _Alike(rows, threshold)
    found: list[tuple[int, str, str]] = []
    with track(f"near-duplicates, {rows['variety'][0]}", total=rows.height) as advance:
        for start in range(0, rows.height, BATCH):
            grams = [word_bigrams(text) for text in texts[start : start + BATCH]]
            # Sorted: a set's order differs from process to process, and nothing may depend on it.
            sketches = RMinHash.from_token_sets([sorted(each) for each in grams], PERMUTATIONS, SEED)
            for at, (own, sketch) in enumerate(zip(grams, sketches, strict=True), start=start):
                match = same.first_match(at, own, index.query(sketch))
                if match is None:
                    index.insert(at, sketch)
                else:
                    found.append((rows["row"][at], "near_duplicate", match))
            advance(len(grams))
    return pl.DataFrame(found, schema=VERDICT, orient="row")


class _Alike:
    """Verifies candidates exactly; word sets are rebuilt when needed instead of kept, for memory's sake."""

    def __init__(self, rows: pl.DataFrame, threshold: float) -> None:
        stems = content_stems(fold_text(pl.col("plain_instruction"))).list.sort()
        self._ids, self._questions = rows["id"], rows["plain_instruction"].to_list()
        self._answers, self._stems = rows["plain_answer"], rows.select(stems).to_series()
        self._threshold = threshold

    def first_match(self, at: int, own: set[str], candidates: Iterable[int]) -> str | None:
        """Return evidence naming the earliest kept row that row ``at`` nearly repeats, or None."""
        for other in sorted(candidates):
            similarity = jaccard(own, word_bigrams(self._questions[other]))
            if similarity >= self._threshold and self._same_matter(at, other):
                return f"Jaccard {similarity:.2f} with {self._ids[other]} (threshold {self._threshold})"
        return None

    def _same_matter(self, at: int, other: int) -> bool:
        own, answer = self._answers[at], self._answers[other]
        if own == answer or self._stems[at].to_list() == self._stems[other].to_list():
            return True
        return jaccard(word_bigrams(own), word_bigrams(answer)) >= self._threshold
