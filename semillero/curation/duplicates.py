"""Duplicates within a variety, judged on the instruction; the first row in the order of items is kept.

With back-translation several rows share one passage as their answer: two different questions about it both stay, the
same question twice does not. So the answer alone never makes a duplicate:

- exact: the plain instructions are equal (another answer to the same question is a duplicate too);
- near: the instructions' word bigrams have a Jaccard similarity of at least the threshold, and either both ask
  the same about the same things (equal asking words and content stems) or their answers are as similar. "¿Cuál es el
  plato típico de Oaxaca?" and "… de Puebla?" differ in a content word and in their answers: two rows.

Across varieties nothing is a duplicate: two countries' answers to one question are what a corpus of varieties is for.
Such rows are *linked*. Candidates come from signatures; those whose instructions' sketches agree about as often as the
threshold asks are verified on the texts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from semillero.curation.candidates import PAIR, Candidates, keep_first
from semillero.curation.funnel import VERDICT
from semillero.curation.signatures import jaccard, word_bigrams

if TYPE_CHECKING:
    import numpy as np

# Takes row numbers; returns their `row`, `plain_asked`, `plain_answer`, sorted by row.
FetchTexts = Callable[[pl.Series], pl.DataFrame]
FETCHED = 200_000  # pairs whose texts, or sketches, are in memory at once
# A sketch may agree less often than its texts are alike: by more than this in 4 of 100,000 pairs at a threshold of 0.7
# (four standard deviations of 128 draws). Those of lower similarity, nearly all of one template's, need no texts.
SLACK = 0.16


@dataclass(frozen=True)
class Alike:
    """Verified pairs of rows that ask nearly the same.

    Attributes:
        pairs: `PAIR`, and `across` (the rows are of two varieties).
        candidates: how many pairs were compared.
        not_compared: how many were not, because too many rows shared a key (`candidates.MOST_IN_BUCKET`).
    """

    pairs: pl.DataFrame
    candidates: int
    not_compared: int


def find_exact_duplicates(signed: pl.DataFrame) -> pl.DataFrame:
    """Return a verdict for each row whose instruction an earlier row of its variety has.

    Args:
        signed: signatures in the order of rows. Equal 64-bit hashes count as equal texts: among a million different
            instructions the chance of one such accident is 3 in 100 million.
    """
    key = ["variety", "asked"]
    first = signed.unique(key, keep="first", maintain_order=True).select(*key, kept="id", kept_row="row")
    again = signed.join(first, on=key, maintain_order="left").filter(pl.col("row") != pl.col("kept_row"))
    evidence = pl.concat_str(pl.lit("same instruction as "), "kept")
    return again.select("row", pl.lit("exact_duplicate").alias("reason"), evidence.alias("evidence"))


def find_alike(signed: pl.DataFrame, fetch: FetchTexts, threshold: float) -> Alike:
    """Find the pairs of rows, of any varieties, that ask nearly the same.

    Args:
        signed: signatures in the order of rows, without exact duplicates.
        fetch: gives the texts of candidates.
        threshold: least Jaccard similarity of word bigrams.
    """
    found = Candidates()
    if signed.height:
        rows, bands = signed["row"].to_numpy(), signed["bands"].to_numpy()
        found.pair_up(rows, signed["matter"].to_numpy())
        for band in range(bands.shape[1]):
            found.pair_up(rows, bands[:, band])
    candidates = found.pairs()
    left, right = _agree(signed, *candidates, threshold - SLACK)
    parts = [pl.DataFrame(schema={**PAIR, "across": pl.Boolean()})]
    known = signed.select(name for name in ("row", "variety", "parallel", "told", "matter") if name in signed.columns)
    for start in range(0, len(left), FETCHED):
        pairs = pl.DataFrame({"left": left[start : start + FETCHED], "right": right[start : start + FETCHED]})
        parts.append(_verify(pairs, known, fetch, threshold))
    return Alike(pl.concat(parts), len(candidates[0]), found.not_compared)


def find_near_duplicates(signed: pl.DataFrame, alike: Alike, threshold: float) -> pl.DataFrame:
    """Return a verdict for each row that nearly repeats the instruction of a kept row of its variety."""
    return describe(
        keep_first(alike.pairs.filter(~pl.col("across")).select(list(PAIR))), signed, "near_duplicate", threshold
    )


def describe(repeats: pl.DataFrame, signed: pl.DataFrame, reason: str, threshold: float) -> pl.DataFrame:
    """Return the verdicts on rows that repeat a kept row (`candidates.KEPT`), naming it."""
    named = repeats.join(signed.select(kept="row", name="id"), on="kept", maintain_order="left")
    measure = {"near_duplicate": "Jaccard", "reworded": "cosine"}[reason]
    evidence = pl.format(f"{measure} {{}} with {{}} (threshold {threshold})", pl.col("similarity").round(2), "name")
    return named.select("row", pl.lit(reason).alias("reason"), evidence.alias("evidence")).cast(VERDICT)


def _verify(pairs: pl.DataFrame, known: pl.DataFrame, fetch: FetchTexts, threshold: float) -> pl.DataFrame:
    """Return the pairs of which a comparison of the texts says that they are alike."""
    for side in ("left", "right"):
        sided = known.rename({name: f"{side}_{name}" for name in known.columns if name != "row"})
        pairs = pairs.join(sided, left_on=side, right_on="row", maintain_order="left")
    if (
        "parallel" in known.columns
    ):  # one prompt asked in several varieties on purpose: neither repeated nor to be linked
        asked_together = pl.col("left_parallel") == pl.col("right_parallel")
        across = pl.col("left_variety") != pl.col("right_variety")
        pairs = pairs.filter(~(asked_together & across).fill_null(False))
    involved = pl.concat([pairs["left"], pairs["right"]]).unique().sort()
    texts = fetch(involved)
    asked = dict(zip(texts["row"], texts["plain_asked"], strict=True))
    answers = dict(zip(texts["row"], texts["plain_answer"], strict=True))
    similarity = [_similarity(asked, left, right) for left, right in pairs.select("left", "right").iter_rows()]
    pairs = pairs.with_columns(pl.Series("similarity", similarity, dtype=pl.Float64))
    pairs = pairs.filter(pl.col("similarity") >= threshold)
    same = (pairs["left_matter"] == pairs["right_matter"]) | (pairs["left_told"] == pairs["right_told"])
    sides = zip(pairs["left"], pairs["right"], same, strict=True)
    alike = [known_same or _similarity(answers, left, right) >= threshold for left, right, known_same in sides]
    across = (pl.col("left_variety") != pl.col("right_variety")).alias("across")
    return pairs.filter(pl.Series(alike, dtype=pl.Boolean)).select(*PAIR, across)


def _agree(
    signed: pl.DataFrame, left: "np.ndarray", right: "np.ndarray", least: float
) -> tuple["np.ndarray", "np.ndarray"]:
    """Return the pairs of rows whose sketches agree in a share of at least ``least``."""
    import numpy as np

    sketches, rows = signed["sketch"].to_numpy(), signed["row"].to_numpy()
    stays = [np.zeros(0, dtype=bool)]
    for start in range(0, len(left), FETCHED):
        ends = (np.searchsorted(rows, side[start : start + FETCHED]) for side in (left, right))
        one, other = (sketches[places] for places in ends)
        stays.append((one == other).mean(axis=1) >= least)
    kept = np.concatenate(stays)
    return left[kept], right[kept]


def _similarity(texts: dict[int, str], left: int, right: int) -> float:
    return jaccard(word_bigrams(texts[left]), word_bigrams(texts[right]))
