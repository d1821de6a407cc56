"""Which rows each optimizer step learns from, and in which micro-batches: a function of lengths, settings and seed."""

import math
from collections.abc import Sequence

from semillero.models.batches import plan_epoch, plan_packs
from semillero.project.models import TrainingSettings


class Order:
    """The optimizer steps of a run, the same on every machine and after every resume.

    Args:
        lengths: tokens of each row.
        settings: the training section.
        batch_tokens: most tokens a micro-batch holds; it decides how a step is cut, never which rows are in it.
        packed: whether micro-batches are packs, without padding.
        ranks: processes that share each step's micro-batches.
    """

    def __init__(
        self, lengths: Sequence[int], settings: TrainingSettings, batch_tokens: int, packed: bool = False,
        ranks: int = 1,
    ) -> None:  # fmt: skip
        self._lengths, self._settings, self._tokens = lengths, settings, batch_tokens
        self.packed, self._ranks = packed, ranks
        self.steps_per_epoch = math.ceil(len(lengths) / settings.batch_size)
        self.steps = settings.max_steps or max(1, round(settings.epochs * self.steps_per_epoch))
        self._epoch, self._plan = -1, [[[0]]]

    def plan(self, step: int) -> list[list[int]]:
        """Return the micro-batches of an optimizer step, counted from 0 over all epochs."""
        epoch, index = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._plan = epoch, self.plan_epoch(epoch)
        return self._plan[index]

    def plan_epoch(self, epoch: int) -> list[list[list[int]]]:
        """Return the optimizer steps of an epoch, each a list of micro-batches of row numbers."""
        how = (self._lengths, self._settings.batch_size, self._tokens, self._settings.seed, epoch)
        return plan_packs(*how, self._ranks) if self.packed else plan_epoch(*how)

    @property
    def heaviest(self) -> list[int]:
        """The rows of the first epoch's largest micro-batch, padding included."""
        return max((batch for step in self.plan_epoch(0) for batch in step), key=self.weigh)

    def weigh(self, micro_batch: Sequence[int]) -> int:
        """Return the tokens a micro-batch holds, padding included."""
        if self.packed:
            return sum(self._lengths[row] for row in micro_batch)
        return len(micro_batch) * max(self._lengths[row] for row in micro_batch)
