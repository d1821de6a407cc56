"""Several training processes on one machine, a card each, that share the work of every optimizer step.

The child that the parent starts is rank 0: it starts the others with the variables that torch's own launcher would set,
speaks and writes for all of them, and ends when one of them ends. They hold the same adapter at every moment, because
each adds the same sum of gradients; so a checkpoint of rank 0 is a checkpoint of all.

Imports torch: for the training child only.
"""

import os
import signal
import subprocess
import sys
import threading
from typing import Any, TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, reduce

from semillero.ports import HOST, free_port
from semillero.processes import dies_with_parent
from semillero.project.models import TrainingSettings
from semillero.training.events import Reporter
from semillero.training.spec import Exit

Part = TypeVar("Part")


def count_ranks(settings: TrainingSettings) -> int:
    """Return how many processes train: what the settings say, else one a card, or one on a CPU."""
    return settings.processes or max(1, torch.cuda.device_count())


def is_helper() -> bool:
    """Tell whether this process is one that rank 0 started."""
    return int(os.environ.get("RANK", "0")) > 0


def start_helpers(count: int, spec_file: str, reporter: Reporter) -> None:
    """Start ranks 1 to ``count`` − 1, and end this process when one of them fails."""
    if count == 1:
        return
    shared = {"WORLD_SIZE": str(count), "MASTER_ADDR": HOST, "MASTER_PORT": str(free_port())}
    os.environ |= {**shared, "RANK": "0", "LOCAL_RANK": "0"}
    for rank in range(1, count):
        helper = subprocess.Popen(
            [sys.executable, "-m", "semillero.training", spec_file],
            stdin=subprocess.DEVNULL,
            stdout=2,  # the log: events are rank 0's alone
            env={**os.environ, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            preexec_fn=dies_with_parent(signal.SIGKILL),
        )
        threading.Thread(target=_end_with, args=(helper, rank, count, reporter), daemon=True).start()


def _end_with(helper: "subprocess.Popen[bytes]", rank: int, count: int, reporter: Reporter) -> None:
    """End this process when a helper fails: the others would wait for it for ever, inside a sum of gradients."""
    code = helper.wait()
    if code == 0:
        return
    known = code in (Exit.OUT_OF_MEMORY, Exit.CARD_FAULT)
    how = f"ended by signal {-code}" if code < 0 else f"failed with code {code}"
    reporter.send("failed", found=f"process {rank + 1} of {count} {how}", expected="", remedy="")
    os._exit(code if known else Exit.RANK_LOST)


class Ranks:
    """This process among all that train together; alone it is rank 0 of 1."""

    def __init__(self, on_cpu: bool) -> None:
        self._state = PartialState(cpu=on_cpu)
        self.rank, self.count = self._state.process_index, self._state.num_processes

    @property
    def speaks(self) -> bool:
        """Whether this one reports, and writes checkpoints, for all."""
        return self.rank == 0

    def mine(self, parts: list[Part]) -> list[Part]:
        """Return this process's share of the parts."""
        return parts[self.rank :: self.count]

    def total(self, numbers: list[float]) -> list[float]:
        """Return the sums of everybody's numbers."""
        if self.count == 1:
            return numbers
        mine = torch.tensor(numbers, dtype=torch.float64, device=self._state.device)
        return [float(number) for number in reduce(mine, "sum")]

    def add_gradients(self, weights: list[torch.nn.Parameter]) -> None:
        """Make each weight's gradient the sum of everybody's."""
        if self.count == 1:
            return
        parts = [p.grad if p.grad is not None else torch.zeros_like(p) for p in weights]
        summed = reduce(torch.cat([part.flatten() for part in parts]), "sum")
        for weight, part in zip(weights, summed.split([p.numel() for p in parts]), strict=True):
            weight.grad = part.view_as(weight).clone()

    def tell_all(self, fact: Any) -> Any:
        """Return what rank 0 holds."""
        if self.count == 1:
            return fact
        shared = [fact]
        broadcast_object_list(shared, from_process=0)
        return shared[0]

    def wait(self) -> None:
        """Wait until all have come here."""
        self._state.wait_for_everyone()
