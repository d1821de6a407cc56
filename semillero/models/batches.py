"""Batches filled by token budget, with the little padding that sorting by length leaves.

Training: each epoch is one random order of all rows, cut into optimizer steps of ``batch_size`` sequences. A step is
therefore a fair sample of the data; only inside it rows are sorted by length and split into micro-batches, which
changes the arithmetic's cost and not its result. Judging and evaluation sort everything.
"""

import random
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from semillero.models.chat import IGNORED

if TYPE_CHECKING:
    import torch

# What one more micro-batch is taken to cost, in padded tokens: a group is not split to save less padding than this.
SPLIT_COST = 16

Example = tuple[Sequence[int], Sequence[int]]  # input_ids, labels


def plan_epoch(
    lengths: Sequence[int], batch_size: int, batch_tokens: int, seed: int, epoch: int
) -> list[list[list[int]]]:
    """Return an epoch's optimizer steps, each a list of micro-batches of row numbers.

    The same arguments give the same plan on every machine; every row is in exactly one micro-batch.

    Args:
        lengths: tokens of each row.
        batch_size: sequences an optimizer step.
        batch_tokens: most tokens a micro-batch holds, padding included; a longer row is alone.
        seed, epoch: decide the order.
    """
    return [split_by_tokens(rows, lengths, batch_tokens) for rows in _steps(len(lengths), batch_size, seed, epoch)]


def plan_packs(
    lengths: Sequence[int], batch_size: int, batch_tokens: int, seed: int, epoch: int, multiple: int = 1
) -> list[list[list[int]]]:
    """Return the same optimizer steps as `plan_epoch`, their rows in packs without padding (see `pack`).

    A step is cut into as few packs of ``batch_tokens`` as hold it, about equally full, and a ``multiple`` of them.
    """
    return [
        split_evenly(rows, lengths, batch_tokens, multiple) for rows in _steps(len(lengths), batch_size, seed, epoch)
    ]


def _steps(count: int, batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Return the rows of each optimizer step of an epoch."""
    order = list(range(count))
    random.Random(f"{seed}/{epoch}").shuffle(order)
    return [order[start : start + batch_size] for start in range(0, count, batch_size)]


def plan_batches(lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Return batches over all rows, longest first (so that what does not fit in memory fails at once)."""
    batches: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if batches and lengths[batches[-1][0]] * (len(batches[-1]) + 1) <= batch_tokens:
            batches[-1].append(row)
        else:
            batches.append([row])
    return batches


def split_by_tokens(rows: Sequence[int], lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Split rows, sorted by length, into the micro-batches with the least padding (dynamic programming)."""
    rows = sorted(rows, key=lambda i: (-lengths[i], i))
    best: list[tuple[int, int]] = [(0, 0)]  # of the first n rows: cost in padded tokens, start of the last batch
    for end in range(1, len(rows) + 1):
        options = []
        for start in range(end - 1, -1, -1):
            tokens = lengths[rows[start]] * (end - start)
            if tokens > batch_tokens and end - start > 1:
                break
            options.append((best[start][0] + tokens + SPLIT_COST, start))
        best.append(min(options))
    batches: list[list[int]] = []
    end = len(rows)
    while end:
        start = best[end][1]
        batches.append(rows[start:end])
        end = start
    return batches[::-1]


def split_evenly(rows: Sequence[int], lengths: Sequence[int], batch_tokens: int, multiple: int = 1) -> list[list[int]]:
    """Split rows into packs of at most ``batch_tokens``: the longest row left goes to the emptiest pack.

    The number of packs is a multiple of ``multiple``, while there are rows enough.
    """
    rows = sorted(rows, key=lambda i: (-lengths[i], i))
    count = max(1, -(-sum(lengths[i] for i in rows) // batch_tokens))
    while True:
        packs: list[list[int]] = [[] for _ in range(min(-(-count // multiple) * multiple, len(rows)))]
        held = [0] * len(packs)
        for row in rows:
            emptiest = held.index(min(held))
            packs[emptiest].append(row)
            held[emptiest] += lengths[row]
        if all(tokens <= batch_tokens or len(pack) == 1 for pack, tokens in zip(packs, held, strict=True)):
            return packs
        count += 1


def padding_share(lengths: Sequence[int], batches: Sequence[Sequence[int]]) -> float:
    """Return the share of the tokens in ``batches`` that is padding."""
    held = sum(len(batch) * max(lengths[i] for i in batch) for batch in batches)
    return 1 - sum(lengths[i] for batch in batches for i in batch) / held if held else 0.0


def collate(examples: Sequence[Example], pad_id: int, device: str = "cpu") -> "dict[str, torch.Tensor]":
    """Return a batch padded on the right: ``input_ids``, ``attention_mask``, ``labels`` (sequences × tokens)."""
    import torch

    width = max(len(ids) for ids, _ in examples)
    columns: dict[str, list[list[int]]] = {
        "input_ids": [[*ids, *[pad_id] * (width - len(ids))] for ids, _ in examples],
        "attention_mask": [[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in examples],
        "labels": [[*labels, *[IGNORED] * (width - len(labels))] for _, labels in examples],
    }
    return {name: torch.tensor(rows, dtype=torch.long, device=device) for name, rows in columns.items()}


def pack(examples: Sequence[Example], device: str = "cpu") -> "dict[str, torch.Tensor]":
    """Return sequences behind one another, without padding: ``input_ids``, ``position_ids``, ``labels`` (1 × tokens).

    ``documents`` (on the CPU) holds each one's tokens. Positions start anew with each, and its first token, which no
    token of its own predicts, has no label.
    """
    import torch

    columns: dict[str, list[int]] = {
        "input_ids": [token for ids, _ in examples for token in ids],
        "position_ids": [position for ids, _ in examples for position in range(len(ids))],
        "labels": [label for _, labels in examples for label in (IGNORED, *labels[1:])],
    }
    tensors = {name: torch.tensor([row], dtype=torch.long, device=device) for name, row in columns.items()}
    return {**tensors, "documents": torch.tensor([len(ids) for ids, _ in examples])}


def each_batch(
    examples: Sequence[Example], batches: Sequence[Sequence[int]], pad_id: int, device: str = "cpu"
) -> "Iterator[tuple[Sequence[int], dict[str, Any]]]":
    """Yield each batch's row numbers and tensors."""
    for rows in batches:
        yield rows, collate([examples[i] for i in rows], pad_id, device)
