"""Pairs of rows worth comparing, found by sorting keys; and which row of each pair is kept.

A pair is (`left`, `right`) with ``left < right``: row numbers in the stable order of items, so that nothing here
depends on shards or workers.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import numpy as np

# In a bucket of more rows each is compared with the bucket's first so many: repeats of one question are all found by
# its first row, and a thousand rows of one template do not become half a million pairs. What is left out is counted.
MOST_IN_BUCKET = 64
FEW = 1_000_000  # pairs that are kept several times over until they are sorted
PAIR = pl.Schema({"left": pl.UInt32(), "right": pl.UInt32(), "similarity": pl.Float64()})
KEPT = pl.Schema({"row": pl.UInt32(), "kept": pl.UInt32(), "similarity": pl.Float64()})


@dataclass
class Candidates:
    """Collects distinct pairs of rows that share a key.

    Attributes:
        not_compared: pairs left out because their bucket was too full (a pair in several buckets counts in each).
    """

    not_compared: int = 0
    _packed: list["np.ndarray"] = field(default_factory=list)
    _distinct: int = 0  # how many they were when last made distinct

    def pair_up(self, rows: "np.ndarray", keys: "np.ndarray") -> None:
        """Add the pairs of ``rows`` (ascending row numbers, repeated where a row has several keys) with equal keys."""
        import numpy as np

        order = np.argsort(keys, kind="stable")  # stable: within a bucket rows stay in ascending order
        rows, keys = rows[order].astype(np.uint64), keys[order]
        opens = np.concatenate([[True], keys[1:] != keys[:-1]]) if len(keys) else np.zeros(0, bool)
        starts = np.flatnonzero(opens)
        sizes = np.diff(np.append(starts, len(keys)))
        rank = np.arange(len(keys)) - np.repeat(starts, sizes)
        late = rank[rank > MOST_IN_BUCKET]
        self.not_compared += int((late - MOST_IN_BUCKET).sum())
        at = np.flatnonzero(rank)
        for step in range(MOST_IN_BUCKET):
            at = at[rank[at] > step]
            if not len(at):
                break
            first = at - rank[at] + step
            self._packed.append((rows[first] << np.uint64(32)) | rows[at])
        # Made distinct whenever they have doubled, not for every key: sorting is what takes the time.
        if sum(map(len, self._packed)) > 2 * max(FEW, self._distinct):
            self._make_distinct()

    def _make_distinct(self) -> None:
        import numpy as np

        # Not np.unique: since numpy 2.3 that hashes before it sorts, which takes several times as long on millions.
        packed = np.sort(np.concatenate([np.zeros(0, np.uint64), *self._packed]))
        packed = packed[np.append(True, packed[1:] != packed[:-1])[: len(packed)]]
        self._packed, self._distinct = [packed], len(packed)

    def pairs(self) -> tuple["np.ndarray", "np.ndarray"]:
        """Return the distinct pairs as two arrays, sorted by left and right."""
        import numpy as np

        self._make_distinct()
        packed = self._packed[0]
        left, right = packed >> np.uint64(32), packed & np.uint64(0xFFFFFFFF)
        return left.astype(np.uint32), right.astype(np.uint32)


def keep_first(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return each row that repeats an earlier *kept* row, with that row (`KEPT`).

    No transitive union: a row that is like a dropped row only stays, or a chain of small differences would eat a
    corpus.

    Args:
        pairs: verified pairs (`PAIR`).
    """
    gone: set[int] = set()
    found: list[tuple[int, int, float]] = []
    for left, right, similarity in pairs.sort("right", "left").iter_rows():
        if left not in gone and right not in gone:
            gone.add(right)
            found.append((right, left, similarity))
    return pl.DataFrame(found, schema=KEPT, orient="row")
