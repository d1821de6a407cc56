"""Train, validation and test: whole components, shares kept within every variety and topic.

Rows of a component (a group, or groups merged because their rows are near-duplicates) always travel together. First
every variety with at least three components puts one in each split. Then the others are walked variety by variety
and topic by topic, and each goes to the split that is furthest behind its share (error diffusion, as in dithering):
so every stretch of the walk, hence every variety and nearly every topic, has the shares asked for. Chance enters only
through a hash of the seed, so equal rows and settings give equal splits on every machine.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from semillero.errors import CorpusError
from semillero.project.models import SplitSettings

SPLITS = ("train", "validation", "test")
SCARCE_FIRST = ("test", "validation", "train")
ALL = ("all", "")
Label = tuple[str, str]  # ("variety", "es-MX"), ("topic", "cocina") or ALL
# Shares within a variety come first: a variety's guaranteed components make the whole look ahead of its share early on.
WEIGHTS = {"all": 0.1, "variety": 1.0, "topic": 0.25}


@dataclass(frozen=True)
class Component:
    """Rows that must stay together.

    Attributes:
        name: its name.
        rank: a hash of seed and name: the order of components among equals.
        labels: how many of its rows carry each label.
    """

    name: str
    rank: str
    labels: Counter[Label]

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.labels[ALL]

    def main(self, kind: str) -> str:
        """Return the label of a kind that most of its rows carry."""
        return min((-count, value) for (of, value), count in self.labels.items() if of == kind)[1]


def assign_splits(rows: pl.DataFrame, splits: SplitSettings) -> dict[str, str]:
    """Return the split of each component.

    Args:
        rows: columns `component`, `variedad`, `tema`.
        splits: shares and seed.

    Raises:
        CorpusError: fewer than three components, so that some split would be empty.
    """
    components = _collect(rows, splits.seed)
    if len(components) < len(SPLITS):
        raise CorpusError(
            f"the corpus has {len(components)} independent groups of rows ({rows.height} rows)",
            f"at least {len(SPLITS)}: one each for {', '.join(SPLITS)}",
            "ask for more rows, or name more passages or seeds; rows made from the same one stay together",
        )
    walk = _Walk(splits)
    _place_one_in_each_split(components, walk)
    for component in sorted(components, key=lambda c: _position(c, splits.seed)):
        if component.name not in walk.placed:
            walk.place(component, walk.furthest_behind(component))
    return walk.placed


def _collect(rows: pl.DataFrame, seed: int) -> list[Component]:
    labels: dict[str, Counter[Label]] = defaultdict(Counter)
    counted = rows.group_by("component", "variedad", "tema").len().sort("component", "variedad", "tema")
    for name, variety, topic, count in counted.iter_rows():
        for label in (ALL, ("variety", variety), ("topic", topic)):
            labels[name][label] += count
    return [Component(name, _rank(seed, name), counts) for name, counts in labels.items()]


class _Walk:
    """Where components have been placed so far, and how far each split is behind its share of each label."""

    def __init__(self, splits: SplitSettings) -> None:
        train = 1.0 - splits.validation - splits.test
        self.shares = {"train": train, "validation": splits.validation, "test": splits.test}
        self.placed: dict[str, str] = {}
        self.rows: dict[Label, Counter[str]] = defaultdict(Counter)

    def place(self, component: Component, split: str) -> None:
        self.placed[component.name] = split
        for label, count in component.labels.items():
            self.rows[label][split] += count

    def furthest_behind(self, component: Component) -> str:
        return max(SPLITS, key=lambda split: (self._behind(component, split), self.shares[split]))

    def _behind(self, component: Component, split: str) -> float:
        behind = 0.0
        for label, count in component.labels.items():
            seen = self.rows[label].total() + count
            behind += WEIGHTS[label[0]] * (self.shares[split] * seen - self.rows[label][split])
        return behind


def _place_one_in_each_split(components: Sequence[Component], walk: _Walk) -> None:
    """Give each split one component of each variety that has three, and one of any variety at all.

    Small components go first, but before them those whose topics others have too: a topic's only rows belong in train.
    """
    holders = Counter(label for component in components for label in component.labels)
    having: dict[Label, list[Component]] = defaultdict(list)
    for component in sorted(components, key=lambda c: (min(holders[label] for label in c.labels) < 2, c.rows, c.rank)):
        for label in component.labels:
            if label[0] != "topic":
                having[label].append(component)
    varieties = sorted(label for label, found in having.items() if label != ALL and len(found) >= len(SPLITS))
    for label in [*sorted(varieties, key=lambda v: len(having[v])), ALL]:
        for split in SCARCE_FIRST:
            if not walk.rows[label][split]:
                free = next((c for c in having[label] if c.name not in walk.placed), None)
                if free is not None:
                    walk.place(free, split)


def _position(component: Component, seed: int) -> tuple[str, str, str]:
    variety, topic = component.main("variety"), component.main("topic")
    return variety, _rank(seed, f"{variety}/{topic}"), component.rank


def _rank(seed: int, text: str) -> str:
    return hashlib.sha256(f"{seed}/{text}".encode()).hexdigest()
