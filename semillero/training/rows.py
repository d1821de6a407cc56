"""From a split's parquet file to token sequences with labels; rows that cannot be learned from leave with a count."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from semillero.errors import TrainingError
from semillero.models.batches import Example
from semillero.models.chat import IGNORED, render_example


@dataclass(frozen=True)
class Split:
    """The encoded rows of a split.

    Attributes:
        examples: ``(input_ids, labels)`` of each row that is used.
        too_long: rows left out because they have more than ``max_length`` tokens.
    """

    examples: list[Example]
    too_long: int

    @cached_property
    def lengths(self) -> list[int]:
        """Tokens of each row."""
        return [len(ids) for ids, _ in self.examples]

    @cached_property
    def supervised(self) -> list[int]:
        """Labelled tokens of each row (the first token of a sequence is never predicted)."""
        return [sum(label != IGNORED for label in labels[1:]) for _, labels in self.examples]

    def sequences(self, rows: Sequence[int]) -> list[Example]:
        """Return the sequences of rows, one each."""
        return [self.examples[row] for row in rows]

    def only(self, rows: Sequence[int]) -> "Split":
        """Return a split of these rows alone."""
        return Split([self.examples[row] for row in rows], 0)


def read_columns(path: Path, columns: Sequence[str], expected: str) -> list[tuple[Any, ...]]:
    """Return the rows of a parquet file, these columns of each.

    Raises:
        TrainingError: it cannot be read, or lacks a column.
    """
    try:
        # pyarrow comes with datasets; polars would be one more package on a machine that only trains.
        table = pq.read_table(path, columns=list(columns))
        return list(zip(*(table[name].to_pylist() for name in columns), strict=True))
    except (pa.ArrowException, KeyError, OSError) as error:
        raise TrainingError(f"{path.name} cannot be read: {error}", expected) from None


def encode_split(path: Path, tokenizer: Any, max_length: int) -> Split:
    """Encode the ``messages`` column of a parquet file.

    Raises:
        TrainingError: no rows, none short enough, or rows without an answer to learn from.
    """
    conversations = [
        messages for (messages,) in read_columns(path, ["messages"], "a parquet file with a messages column")
    ]
    if not conversations:
        raise TrainingError(
            f"{path.name} has no rows",
            "at least one",
            "generate more rows, or change corpus.splits in the project file",
        )
    encoded = [render_example(tokenizer, messages) for messages in conversations]
    kept: list[Example] = [(ids, labels) for ids, labels in encoded if len(ids) <= max_length]
    if not kept:
        raise TrainingError(
            f"every row of {path.name} is longer than {max_length} tokens (the shortest has "
            f"{min(len(ids) for ids, _ in encoded)})",
            "rows of at most training.max_length tokens",
            "raise training.max_length",
        )
    empty = sum(not messages[-1]["content"].strip() for messages in conversations)
    if empty or not all(any(label != IGNORED for label in labels[1:]) for _, labels in kept):
        raise TrainingError(
            f"{path.name} has {empty or 'some'} rows without an answer: nothing could be learned from them",
            "an answer in every row",
            "look at the dataset stage's rows; this is a fault of the corpus, not of the training settings",
        )
    return Split(kept, len(encoded) - len(kept))
