"""The rows of a benchmark run: real Spanish text with lognormal lengths, or random tokens for random weights."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHORTEST = 32
IGNORED = -100

Example = tuple[list[int], list[int]]  # input_ids, labels


@dataclass(frozen=True)
class Lengths:
    """Tokens of a row: lognormal, cut at both ends."""

    median: int
    sigma: float
    longest: int

    def draw(self, rows: int, seed: int) -> list[int]:
        """Return the lengths of so many rows."""
        random_ = random.Random(seed)
        drawn = [round(self.median * random_.lognormvariate(0, self.sigma)) for _ in range(rows)]
        return [min(self.longest, max(SHORTEST, length)) for length in drawn]


ON_CPU = Lengths(median=110, sigma=0.6, longest=512)  # questions and answers of a few sentences
ON_CARD = Lengths(median=387, sigma=0.75, longest=2048)  # 512 on average: 16 make 4 packs of 2,048


def write_text_rows(tokenizer: Any, folder: Path, rows: int, seed: int, file: Path) -> None:
    """Write ``{"train", "held_out"}`` from the quickstart's texts, rendered as training renders them.

    A training row is a question and running text cut to its drawn length; held-out rows are as they stand.
    """
    from semillero.models.chat import render_example

    seeds = _read(folder / "seeds.jsonl")
    words = _words(seeds, _read(folder / "passages.jsonl"))
    train: list[Example] = []
    for number, length in enumerate(ON_CPU.draw(rows, seed)):
        answer = " ".join(next(words) for _ in range(length))  # more than enough: a word is a token or more
        question = {"role": "user", "content": seeds[number % len(seeds)]["instruction"]}
        ids, labels = render_example(tokenizer, [question, {"role": "assistant", "content": answer}])
        train.append((ids[:length], labels[:length]))
    held_out = [
        render_example(
            tokenizer,
            [{"role": "user", "content": row["instruction"]}, {"role": "assistant", "content": row["answer"]}],
        )
        for row in _read(folder / "heldout.jsonl")[:24]
    ]
    train = [(ids, labels) for ids, labels in train if labels[-1] != IGNORED]  # a drawn length may end in the question
    file.write_text(json.dumps({"train": train, "held_out": held_out}), encoding="utf-8")


def write_random_rows(vocabulary: int, rows: int, seed: int, file: Path) -> None:
    """Write the same for a model with random weights: a third of each row is prompt."""
    draw = random.Random(seed)

    def row(length: int) -> Example:
        ids = [draw.randrange(10, vocabulary) for _ in range(length)]
        return ids, [IGNORED] * (length // 3) + ids[length // 3 :]

    lengths = ON_CARD.draw(rows, seed)
    data = {"train": [row(n) for n in lengths], "held_out": [row(n) for n in lengths[:8]]}
    file.write_text(json.dumps(data), encoding="utf-8")


def read_rows(file: Path) -> tuple[list[Example], list[Example]]:
    """Return the training and the held-out rows."""
    data = json.loads(file.read_text(encoding="utf-8"))
    return [(ids, labels) for ids, labels in data["train"]], [(ids, labels) for ids, labels in data["held_out"]]


def _read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def _words(seeds: list[dict[str, Any]], passages: list[dict[str, Any]]) -> Iterator[str]:
    while True:
        for row in [*passages, *seeds]:
            yield from (row["text"] if "text" in row else row["answer"]).split()
