"""What training minimises: the answers' loss (SFT), or the preference loss over pairs of answers (DPO).

The loop asks an objective for a step's units, a batch's tensors and a batch's summed loss; everything that makes a run
survive stays in the loop, the same for both. A step's loss is its sum over all micro-batches divided by all its units,
so that how a step is cut changes nothing.

Imports torch: for the training child only.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import torch
from torch.nn.functional import logsigmoid

from semillero.models.batches import Example, collate, pack
from semillero.models.loss import answer_loss, answer_losses, sequence_losses

Batch = dict[str, torch.Tensor]


class Rows(Protocol):
    """A split: `semillero.training.rows.Split`, or `semillero.training.pairs.Pairs`."""

    @property
    def examples(self) -> Sequence[Any]:
        """The encoded rows."""

    @property
    def too_long(self) -> int:
        """Rows left out because they are too long."""

    @property
    def lengths(self) -> list[int]:
        """Tokens of each row."""

    @property
    def supervised(self) -> list[int]:
        """Labelled tokens of each row."""

    def sequences(self, rows: Sequence[int]) -> list[Example]:
        """Return the sequences of rows: one each, or a pair each, the better answer first."""

    def only(self, rows: Sequence[int]) -> "Rows":
        """Return a split of these rows alone."""


class Objective(Protocol):
    """What a step minimises."""

    def count(self, split: Rows, rows: Sequence[int]) -> int:
        """Return the units in rows that the loss is a mean over."""

    def loss(self, model: Any, batch: Batch) -> torch.Tensor:
        """Return the differentiable sum of a batch's loss over its units."""

    def measure(self, model: Any, batch: Batch) -> tuple[float, int]:
        """Return the sum of a batch's loss and its units, without gradients."""


class AnswerLikelihood:
    """SFT: negative log-likelihood of the answers, in nats a supervised token."""

    def count(self, split: Rows, rows: Sequence[int]) -> int:
        """Return the supervised tokens."""
        return sum(split.supervised[row] for row in rows)

    def loss(self, model: Any, batch: Batch) -> torch.Tensor:
        """Return the batch's sum of nats."""
        return answer_loss(model, batch)[0]

    @torch.no_grad()
    def measure(self, model: Any, batch: Batch) -> tuple[float, int]:
        """Return nats and supervised tokens."""
        sums, counts = sequence_losses(model, batch)
        return sums.double().sum().item(), int(counts.sum())


class Preference:
    """DPO (Rafailov et al. 2023): −log σ(β · how much more the model than the base prefers the better answer).

    The reference is the same model with its adapter switched off: no second model in memory, and nothing to keep in
    step when a run is resumed.

    Args:
        beta: how dearly departing from the reference is paid; 0.1 is usual.
        rpo_alpha: weight of the better answer's own loss, in nats a token (RPO, Pang et al. 2024); 0: plain DPO.
    """

    def __init__(self, beta: float = 0.1, rpo_alpha: float = 0.0) -> None:
        self.beta, self.rpo_alpha = beta, rpo_alpha

    def count(self, split: Rows, rows: Sequence[int]) -> int:
        """Return the pairs."""
        return len(rows)

    def loss(self, model: Any, batch: Batch) -> torch.Tensor:
        """Return the batch's sum over its pairs; sequences alternate, the better answer first."""
        with torch.no_grad(), model.disable_adapter():
            reference, _ = answer_losses(model, batch)
        nats, counts = answer_losses(model, batch)
        margins = self._margins(nats, reference)
        total = -logsigmoid(self.beta * margins).sum()
        if self.rpo_alpha:
            total = total + self.rpo_alpha * (nats[0::2] / counts[0::2]).sum()
        return total

    @torch.no_grad()
    def measure(self, model: Any, batch: Batch) -> tuple[float, int]:
        """Return the loss and the pairs."""
        total = self.loss(model, batch)
        return total.item(), len(batch.get("documents", batch["input_ids"])) // 2

    @torch.no_grad()
    def margins(self, model: Any, batch: Batch) -> torch.Tensor:
        """Return how much more than the reference the model prefers each pair's better answer, in nats."""
        with model.disable_adapter():
            reference, _ = answer_losses(model, batch)
        return self._margins(answer_losses(model, batch)[0], reference)

    @staticmethod
    def _margins(nats: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        gained = reference - nats  # log-ratios against the reference, (sequences,)
        return gained[0::2] - gained[1::2]


@torch.no_grad()
def count_won(objective: Preference, model: Any, batches: Iterable[Batch]) -> tuple[int, int]:
    """Return in how many pairs the better answer gained more, against the reference, than the worse one; and all."""
    won = [margin > 0 for batch in batches for margin in objective.margins(model, batch).tolist()]
    return sum(won), len(won)


def batch_of(split: Rows, rows: Sequence[int], pad_id: int, device: str, packed: bool) -> Batch:
    """Return the tensors of a micro-batch's rows."""
    sequences = split.sequences(rows)
    return pack(sequences, device) if packed else collate(sequences, pad_id, device)
