"""From the review stage's preference pairs to token sequences: for each pair the better answer's, then the worse's."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from semillero.digests import digest_json
from semillero.errors import TrainingError
from semillero.models.batches import Example
from semillero.models.chat import IGNORED, Message, render_example
from semillero.training.rows import read_columns

COLUMNS = ("history", "prompt", "chosen", "rejected")
VALIDATION = 0.1  # share of the prompts


@dataclass(frozen=True)
class Pairs:
    """Encoded preference pairs.

    Attributes:
        examples: ``(better, worse)`` of each pair, each ``(input_ids, labels)``; the two share their prompt.
        too_long: pairs left out because one of the two has more than ``max_length`` tokens.
    """

    examples: list[tuple[Example, Example]]
    too_long: int

    @cached_property
    def lengths(self) -> list[int]:
        """Tokens of each pair, both answers together."""
        return [len(better[0]) + len(worse[0]) for better, worse in self.examples]

    @cached_property
    def supervised(self) -> list[int]:
        """Labelled tokens of each pair."""
        return [sum(label != IGNORED for _, labels in pair for label in labels[1:]) for pair in self.examples]

    def sequences(self, rows: Sequence[int]) -> list[Example]:
        """Return the pairs' sequences, better and worse in turn."""
        return [sequence for row in rows for sequence in self.examples[row]]

    def only(self, rows: Sequence[int]) -> Self:
        """Return the chosen pairs alone."""
        return type(self)([self.examples[row] for row in rows], self.too_long)


def encode_pairs(path: Path, tokenizer: Any, max_length: int) -> Pairs:
    """Encode the ``prompt``, ``chosen`` and ``rejected`` columns of a parquet file, after the turns in ``history``.

    Raises:
        TrainingError: no pairs, none short enough, or a pair whose answers are the same tokens.
    """
    rows = read_columns(path, COLUMNS, "a parquet file of preference pairs")
    if not rows:
        raise TrainingError(
            f"{path.name} has no pairs",
            "at least one",
            "have people correct or rank answers (review.mode: argilla), or train without preferences",
        )
    encoded = [_encode(tokenizer, *row) for row in rows]
    same = sum(better[0] == worse[0] for better, worse in encoded)
    if same:
        raise TrainingError(f"{path.name} has {same} pairs whose answers are the same", "two different answers")
    kept = [pair for pair in encoded if max(len(ids) for ids, _ in pair) <= max_length]
    if not kept:
        raise TrainingError(
            f"every pair of {path.name} has an answer of more than {max_length} tokens",
            "pairs of at most training.max_length tokens an answer",
            "raise training.max_length",
        )
    return Pairs(kept, len(encoded) - len(kept))


def split_pairs(pairs: Pairs) -> tuple[Pairs, Pairs]:
    """Return the pairs to train on and those to validate on; pairs of one prompt stay together.

    Which prompts validate is decided by their digests: the same ones however many pairs are added elsewhere.

    Raises:
        TrainingError: all pairs have the same prompt.
    """
    digests = [_digest_prompt(better) for better, _ in pairs.examples]
    prompts = sorted(set(digests))
    if len(prompts) < 2:
        raise TrainingError(
            f"all {len(digests)} preference pairs have the same prompt",
            "two prompts or more: one at least to validate on",
            "have people correct or rank more answers (review.mode: argilla)",
        )
    held = set(prompts[: max(1, round(VALIDATION * len(prompts)))])
    chosen = [row for row, digest in enumerate(digests) if digest not in held]
    return pairs.only(chosen), pairs.only([row for row, digest in enumerate(digests) if digest in held])


def _digest_prompt(example: Example) -> str:
    ids, labels = example
    return digest_json([token for token, label in zip(ids, labels, strict=True) if label == IGNORED])


def _encode(
    tokenizer: Any, history: Sequence[Message] | None, prompt: str, chosen: str, rejected: str
) -> tuple[Example, Example]:
    before = [*(history or ()), {"role": "user", "content": prompt}]
    better, worse = (
        render_example(tokenizer, [*before, {"role": "assistant", "content": answer}]) for answer in (chosen, rejected)
    )
    return better, worse
