"""Which groups must stay together because rows of theirs say nearly the same.

A split by groups leaks when two groups hold the same text in other words. Two rows are neighbours when their
questions are the same, or when their answers, or question and answer together, share enough word bigrams (Jaccard).
Questions alone are not compared by similarity: "¿Cuál es la capital de …?" is one template and many facts.
MinHash only proposes pairs; each is verified on the texts. Here, unlike in curation, similarity is made transitive:
it decides who stays together, not who is dropped.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from semillero.curation.normalisation import plain_text
from semillero.curation.signatures import jaccard, word_bigrams

PERMUTATIONS, BANDS, SEED = 128, 32, 42  # bands of 4 rows propose 99.9 % of pairs with a Jaccard similarity of 0.7


@dataclass(frozen=True)
class Neighbours:
    """Groups merged into components.

    Attributes:
        component: the component's name (its first group's, in alphabetical order) by group.
        links: pairs of groups found to hold neighbouring rows.
    """

    component: dict[str, str]
    links: int

    @property
    def merged(self) -> int:
        """How many groups ceased to stand alone: groups minus components."""
        return len(self.component) - len(set(self.component.values()))


def merge_neighbours(rows: pl.DataFrame, threshold: float) -> Neighbours:
    """Merge groups whose rows are near-duplicates.

    Args:
        rows: columns `pregunta`, `respuesta`, `grupo`.
        threshold: least Jaccard similarity of word bigrams.
    """
    questions = rows.select(plain_text(pl.col("pregunta"))).to_series().to_list()
    answers = rows.select(plain_text(pl.col("respuesta"))).to_series().to_list()
    groups: list[str] = rows["grupo"].to_list()
    parent = {group: group for group in groups}
    both = [f"{question}\n{answer}" for question, answer in zip(questions, answers, strict=True)]
    links = {
        *_equal_texts(questions, groups),
        *_similar_texts(answers, groups, threshold),
        *_similar_texts(both, groups, threshold),
    }
    for one, other in sorted(links):
        first, second = sorted((_root(parent, one), _root(parent, other)))
        parent[second] = first
    return Neighbours({group: _root(parent, group) for group in parent}, len(links))


def _root(parent: dict[str, str], group: str) -> str:
    while parent[group] != group:
        parent[group] = parent[parent[group]]
        group = parent[group]
    return group


def _equal_texts(texts: Sequence[str], groups: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield a pair of groups (in order) for each text that both hold."""
    first: dict[str, str] = {}
    for text, group in zip(texts, groups, strict=True):
        other = first.setdefault(text, group)
        if other != group:
            yield min(other, group), max(other, group)


def _similar_texts(texts: Sequence[str], groups: Sequence[str], threshold: float) -> Iterator[tuple[str, str]]:
    """Yield each pair of groups (in order) that holds texts at least ``threshold`` similar."""
    from rensa import RMinHash, RMinHashLSH

    yield from _equal_texts(texts, groups)
    holders: dict[str, set[str]] = defaultdict(set)
    for text, group in zip(texts, groups, strict=True):
        holders[text].add(group)
    unique = [text for text in holders if text]
    hashes = RMinHash.from_token_sets([sorted(word_bigrams(text)) for text in unique], PERMUTATIONS, SEED)
    index = RMinHashLSH(threshold, PERMUTATIONS, BANDS)
    for number, minhash in enumerate(hashes):
        index.insert(number, minhash)
    for number, candidates in enumerate(index.query_all(hashes)):
        mine = min(holders[unique[number]])
        for other in candidates:
            theirs = min(holders[unique[other]])
            if (
                other > number
                and mine != theirs
                and jaccard(word_bigrams(unique[number]), word_bigrams(unique[other])) >= threshold
            ):
                yield min(mine, theirs), max(mine, theirs)
