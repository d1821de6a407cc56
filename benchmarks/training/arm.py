"""One arm in a process of its own: ``python -m benchmarks.training.arm JOB.json RESULT.json``."""

import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.training.data import read_rows
from benchmarks.training.job import Job, Result


def main(job_file: str, result_file: str) -> None:
    """Train the arm's way, then measure the held-out loss as all arms do."""
    fields = json.loads(Path(job_file).read_text(encoding="utf-8"))
    job = Job(**{**fields, "base": Path(fields["base"]), "data": Path(fields["data"])})
    arm = importlib.import_module(f"benchmarks.training.arms.{job.arm}")
    if hasattr(arm, "prepare"):
        arm.prepare()  # Unsloth wants to be imported before transformers
    import torch

    torch.set_num_threads(job.threads)
    if job.gibibytes:
        _hold_to_t4(job.gibibytes)
    train, held_out = read_rows(job.data)
    result = Result()
    model, meter = arm.train(job, train, result)
    meter.read(result)
    result.after = held_out_loss(model, held_out)
    Path(result_file).write_text(json.dumps(asdict(result)), encoding="utf-8")


def held_out_loss(model: Any, rows: list[Any]) -> float:
    """Return the loss on rows, nats a supervised token: one way of measuring for all arms."""
    import torch

    from semillero.models.batches import each_batch, plan_batches
    from semillero.models.loss import sequence_losses

    model.eval()
    device = next(model.parameters()).device
    nats, count = 0.0, 0
    with torch.autocast(device.type, torch.float16, enabled=device.type == "cuda"):
        for _, batch in each_batch(rows, plan_batches([len(ids) for ids, _ in rows], 2048), 0, str(device)):
            sums, counts = sequence_losses(model, batch)
            nats, count = nats + sums.sum().item(), count + int(counts.sum())
    return nats / count


def _hold_to_t4(gibibytes: float) -> None:
    """Make a larger card behave like a T4: its memory, its kernels, its capability."""
    import torch

    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, gibibytes * 2**30 / total))
    torch.backends.cuda.enable_flash_sdp(False)
    torch.backends.cuda.enable_cudnn_sdp(False)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.cuda.get_device_capability = lambda device=None: (7, 5)  # so that every arm chooses float16


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
