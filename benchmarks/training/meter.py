"""Counts tokens and time of any trainer: a hook in front of the layers, a mark after each optimizer step."""

import resource
import time
from typing import Any

from benchmarks.training.job import Result

Mark = tuple[float, float, int, int]  # seconds, CPU seconds, real tokens, held tokens


class Meter:
    """Counts what goes through ``body`` (the layers without the head) while it trains.

    Attributes:
        pad_id: this token is padding wherever it stands; no row holds it.
    """

    def __init__(self, body: Any, pad_id: int) -> None:
        self.pad_id, self.real, self.held = pad_id, 0, 0
        self.marks: list[Mark] = []
        body.register_forward_pre_hook(self._count, with_kwargs=True)

    def mark(self) -> None:
        """Note the end of an optimizer step (and, called once before, their beginning)."""
        import torch

        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.marks.append((time.perf_counter(), time.process_time(), int(self.real), self.held))

    def read(self, result: Result) -> None:
        """Write what was counted after the first step into ``result``."""
        first, last = self.marks[1], self.marks[-1]
        result.seconds, result.cpu_seconds = last[0] - first[0], last[1] - first[1]
        result.real, result.held, result.steps = last[2] - first[2], last[3] - first[3], len(self.marks) - 1
        result.peak_gib = peak_gib()

    def _count(self, module: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        ids = named.get("input_ids", arguments[0] if arguments else None)
        if ids is not None and module.training:
            self.real = self.real + (ids != self.pad_id).sum()  # stays on the card: reading it here would wait
            self.held += ids.numel()


def peak_gib() -> float:
    """Return the allocator's peak on a card, else the process's largest resident memory."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 2**30
