"""Decontamination: no reserved question, reserved answer or benchmark text may stand in the corpus.

Two tests, because 8-grams miss short questions and character n-grams alone take every question of one template for
another: (1) enough of a text's word trigrams stand in the row's instruction or answer; (2) for questions, enough of
its content words *and* of its character trigrams stand in the instruction, whatever their order.

Neither compares every row with every text. A text of which at least m of n parts must be found has at least k of its
n - m + k rarest parts found (Wang et al. 2012, after the prefix filter of Chaudhuri et al. 2006): only those are in
the index, which is joined with the parts of all rows at once, and only pairs with k hits are compared.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import polars as pl

from semillero.curation.content_words import STEM, content_stems, fold_texts
from semillero.curation.funnel import VERDICT
from semillero.curation.grams import list_grams, list_words
from semillero.curation.normalisation import plain_text
from semillero.digests import digest_json
from semillero.project.sources import Sources

MIN_WORDS = 8  # shorter texts are only compared by content words and characters
MAX_QUESTION_WORDS = 40  # longer texts are passages: word trigrams tell them
# Rare parts that a row must share with a text before they are compared: k above. Trigrams of a template are common.
STEM_HITS, TRIGRAM_HITS = 3, 4

Parts = frozenset[str]
HOLDER = pl.Schema({"part": pl.String(), "number": pl.UInt32(), "hits": pl.UInt32()})
PACKED = 1 << 32  # two numbers in one are grouped several times as fast


class Protected:
    """The texts that must not be in the corpus, indexed by their rarest parts.

    Args:
        sources: whose reserved pairs and benchmark texts are protected.
        threshold: share of a text's word trigrams (or content words) from which it counts as found.
    """

    def __init__(self, sources: Sources, threshold: float) -> None:
        texts = list_protected(sources)
        self._names: list[str] = texts["name"].to_list()
        self._texts: list[str] = texts["text"].to_list()
        self._threshold = threshold
        words = [text.split() for text in self._texts]
        stems = {n: content_stems(each) for n, each in enumerate(words) if len(each) <= MAX_QUESTION_WORDS}
        trigrams = {n: word_trigrams(each) for n, each in enumerate(words) if len(each) >= MIN_WORDS}
        self._questions = _Index(stems, threshold, STEM_HITS)
        self._passages = _Index(trigrams, threshold, TRIGRAM_HITS)

    def find(self, asked: pl.Series, told: pl.Series) -> dict[int, str]:
        """Return evidence of the first protected text found, by the place of the row that holds it.

        Args:
            asked, told: instructions and answers of the same rows, plain and folded.
        """
        words = list_words(asked)
        found = list(self._match(asked, words))
        for texts, parts in ((asked, words), (told, list_words(told))):
            for place, n, shared, size in self._passages.find(texts, list_grams(parts, 3), word_trigrams):
                found.append((place, n, f"{shared / size:.2f} of its word trigrams"))
        first = {place: (n, evidence) for place, n, evidence in sorted(found, reverse=True)}
        said = f"(threshold {self._threshold})"
        return {place: f"{self._names[n]}: {evidence} {said}" for place, (n, evidence) in first.items()}

    def __len__(self) -> int:
        return len(self._texts)

    def _match(self, asked: pl.Series, words: pl.DataFrame) -> Iterator[tuple[int, int, str]]:
        stems = words.with_columns(pl.col("part").str.head(STEM))
        for place, number, shared, size in self._questions.find(asked, stems, content_stems):
            # The bar for characters lies halfway to 1, because texts share many trigrams by chance; higher still where
            # one content word is all there is to share: what is said of it stands in the function words.
            bar = (1 + self._threshold) / 2 if size > 1 else (3 + self._threshold) / 4
            share = _best_window(self._texts[number], asked[place].split(), bar)
            if share >= bar:
                yield place, number, f"{shared} of its content words, {share:.2f} of its characters"


class _Index:
    """Finds the sets of which a share of at least ``threshold`` lies in a text's own set."""

    def __init__(self, sets: dict[int, Parts], threshold: float, most_hits: int) -> None:
        frequency = Counter(part for parts in sets.values() for part in parts)
        self._wanted: dict[int, tuple[Parts, int]] = {}
        holders: list[tuple[str, int, int]] = []
        for number, parts in sets.items():
            needed = max(1, math.ceil(round(threshold * len(parts), 9)))  # 0.6 * 5 is 3.0000000000000004
            hits = min(most_hits, needed)
            rarest = sorted(parts, key=lambda part: (frequency[part], part))
            holders += [(part, number, hits) for part in rarest[: len(parts) - needed + hits]]
            self._wanted[number] = parts, needed
        table = pl.DataFrame(holders, schema=HOLDER, orient="row")
        self._parts = table.select("part").unique(maintain_order=True).with_row_index("id")
        self._holders = table.join(self._parts, on="part").select("id", "number", "hits")

    def find(
        self, texts: pl.Series, parts: pl.DataFrame, split: Callable[[Sequence[str]], Parts]
    ) -> Iterator[tuple[int, int, int, int]]:
        """Yield (place of a text, number of a set, parts shared, parts wanted) of each set that is found.

        Args:
            texts: words separated by spaces.
            parts: `place`, `part`: at least the parts that ``split`` makes of each text.
            split: makes a text's set of its words.
        """
        known = parts.join(self._parts, on="part").select(_pack("place", "id")).unique()
        pairs = known.select(_unpack("place", "id")).join(self._holders, on="id")
        counts = pairs.group_by(_pack("place", "number")).agg(pl.len(), pl.first("hits"))
        candidates = counts.filter(pl.col("len") >= pl.col("hits")).sort("packed").select(_unpack("place", "number"))
        last, own = -1, Parts()
        for place, number in candidates.iter_rows():
            if place != last:
                last, own = place, split(texts[place].split())
            wanted, needed = self._wanted[number]
            shared = len(wanted & own)
            if shared >= needed:
                yield place, number, shared, len(wanted)


def list_protected(sources: Sources) -> pl.DataFrame:
    """Return what must not be in the corpus: `name` (for evidence) and `text` (plain, folded), each text once."""
    rows = [(f"reserved {pair.id}", pair.instruction) for pair in sources.reserved]
    rows += [(f"answer of reserved {pair.id}", pair.answer) for pair in sources.reserved]
    rows += [(f"benchmark text {number}", text) for number, text in enumerate(sources.benchmarks, start=1)]
    frame = pl.DataFrame(rows, schema={"name": pl.String(), "text": pl.String()}, orient="row")
    frame = frame.with_columns(fold_texts(frame.select(plain_text(pl.col("text"))).to_series()).alias("text"))
    return frame.filter(pl.col("text") != "").unique("text", keep="first", maintain_order=True)


def find_contaminated(rows: pl.DataFrame, protected: Protected) -> pl.DataFrame:
    """Return a verdict for each row that holds a protected text.

    Args:
        rows: has `row`, `plain_instruction`, `plain_answer`.
        protected: what must not be found.
    """
    if not len(protected):
        return pl.DataFrame(schema=VERDICT)
    found = protected.find(fold_texts(rows["plain_instruction"]), fold_texts(rows["plain_answer"]))
    verdicts = [(rows["row"][place], "contaminated", evidence) for place, evidence in sorted(found.items())]
    return pl.DataFrame(verdicts, schema=VERDICT, orient="row")


def character_trigrams(text: str) -> set[str]:
    """Return the character trigrams of a text, with a space at each end."""
    padded = f" {text} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}


def word_trigrams(words: Sequence[str]) -> Parts:
    """Return three neighbouring words each, joined by spaces."""
    return frozenset(map(" ".join, zip(words, words[1:], words[2:], strict=False)))


def _pack(first: str, second: str) -> pl.Expr:
    return (pl.col(first).cast(pl.UInt64) * PACKED + pl.col(second)).alias("packed")


def _unpack(first: str, second: str) -> list[pl.Expr]:
    packed = pl.col("packed")
    return [(packed // PACKED).cast(pl.UInt32).alias(first), (packed % PACKED).cast(pl.UInt32).alias(second)]


def _best_window(question: str, words: Sequence[str], least: float) -> float:
    """Return the largest share of a question's character trigrams in as many words of a text as half as much again.

    A question that was wrapped, or whose words were turned round, stands close together; in a long text most of a
    short question's trigrams can be found far apart without it being there. Where not even the whole text has a share
    of ``least``, windows are not looked at and the result is 0.0.
    """
    wanted = character_trigrams(question)
    if len(wanted & character_trigrams(" ".join(words))) < least * len(wanted):
        return 0.0
    width = len(question.split()) * 3 // 2
    windows = (" ".join(words[at : at + width]) for at in range(max(1, len(words) - width + 1)))
    return max(len(wanted & character_trigrams(window)) for window in windows) / len(wanted)


def digest_protected(sources: Sources) -> str:
    """Return the digest of every protected text as it was given, for the recipe."""
    reserved = [[pair.id, pair.instruction, pair.answer] for pair in sources.reserved]
    return digest_json({"reserved": reserved, "benchmarks": list(sources.benchmarks)})
