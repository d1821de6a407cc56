"""Decontamination: no reserved question, reserved answer or benchmark text may stand in the corpus.

Two tests, because 8-grams miss short questions and character n-grams alone take every question of one template for
another: (1) enough of a text's word trigrams stand in the row's instruction or answer; (2) for questions, enough of
its content words *and* of its character trigrams stand in the instruction, whatever their order.

Neither compares every row with every text. A text of which at least m of n parts must be found has at least one of
its n - m + 1 rarest parts found (the prefix filter of Chaudhuri et al. 2006), so that only those are in the index.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import polars as pl

from semillero.curation.content_words import content_stems, fold_texts
from semillero.curation.funnel import VERDICT
from semillero.curation.normalisation import plain_text
from semillero.digests import digest_json
from semillero.project.sources import Sources

MIN_WORDS = 8  # shorter texts are only compared by content words and characters
MAX_QUESTION_WORDS = 40  # longer texts are passages: word trigrams tell them

Parts = frozenset[str]


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
        self._questions, self._passages = _Index(stems, threshold), _Index(trigrams, threshold)

    def find(self, instruction: str, answer: str) -> str | None:
        """Return evidence of the first protected text found in a row (plain, folded texts), or None."""
        asked, told = instruction.split(), answer.split()
        found = [(n, f"{shared} of its content words, {share}") for n, shared, share in self._match(asked)]
        for words in (asked, told):
            for n, shared, size in self._passages.find(word_trigrams(words)):
                found.append((n, f"{shared / size:.2f} of its word trigrams"))
        if not found:
            return None
        number, evidence = min(found)
        return f"{self._names[number]}: {evidence} (threshold {self._threshold})"

    def __len__(self) -> int:
        return len(self._texts)

    def _match(self, asked: list[str]) -> Iterator[tuple[int, int, str]]:
        for number, shared, size in self._questions.find(content_stems(asked)):
            share = _best_window(self._texts[number], asked)
            # The bar for characters lies halfway to 1, because texts share many trigrams by chance; higher still where
            # one content word is all there is to share: what is said of it stands in the function words.
            bar = (1 + self._threshold) / 2 if size > 1 else (3 + self._threshold) / 4
            if share >= bar:
                yield number, shared, f"{share:.2f} of its characters"


class _Index:
    """Finds the sets of which a share of at least ``threshold`` lies in a given set."""

    def __init__(self, sets: dict[int, Parts], threshold: float) -> None:
        frequency = Counter(part for parts in sets.values() for part in parts)
        self._holders: dict[str, list[int]] = defaultdict(list)
        self._wanted: dict[int, tuple[Parts, int]] = {}
        for number, parts in sets.items():
            needed = max(1, math.ceil(round(threshold * len(parts), 9)))  # 0.6 * 5 is 3.0000000000000004
            rarest = sorted(parts, key=lambda part: (frequency[part], part))
            for part in rarest[: len(parts) - needed + 1]:
                self._holders[part].append(number)
            self._wanted[number] = parts, needed

    def find(self, parts: Parts) -> Iterator[tuple[int, int, int]]:
        """Yield (number, parts shared, parts wanted) of each set that is found."""
        candidates: set[int] = set()
        for part in self._holders.keys() & parts:
            candidates.update(self._holders[part])
        for number in candidates:
            wanted, needed = self._wanted[number]
            shared = len(wanted & parts)
            if shared >= needed:
                yield number, shared, len(wanted)


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
    texts = zip(rows["row"], fold_texts(rows["plain_instruction"]), fold_texts(rows["plain_answer"]), strict=True)
    found = [(row, "contaminated", protected.find(asked, told)) for row, asked, told in texts]
    return pl.DataFrame([line for line in found if line[2]], schema=VERDICT, orient="row")


def character_trigrams(text: str) -> set[str]:
    """Return the character trigrams of a text, with a space at each end."""
    padded = f" {text} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}


def word_trigrams(words: Sequence[str]) -> Parts:
    """Return three neighbouring words each, joined by spaces."""
    return frozenset(map(" ".join, zip(words, words[1:], words[2:], strict=False)))


def _best_window(question: str, words: Sequence[str]) -> float:
    """Return the largest share of a question's character trigrams in as many words of a text as half as much again.

    A question that was wrapped, or whose words were turned round, stands close together; in a long text most of a
    short question's trigrams can be found far apart without it being there.
    """
    wanted = character_trigrams(question)
    width = len(question.split()) * 3 // 2
    windows = (" ".join(words[at : at + width]) for at in range(max(1, len(words) - width + 1)))
    return max(len(wanted & character_trigrams(window)) for window in windows) / len(wanted)


def digest_protected(sources: Sources) -> str:
    """Return the digest of every protected text as it was given, for the recipe."""
    reserved = [[pair.id, pair.instruction, pair.answer] for pair in sources.reserved]
    return digest_json({"reserved": reserved, "benchmarks": list(sources.benchmarks)})
