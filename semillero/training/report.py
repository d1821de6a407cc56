"""``training.json``: what a run trained, on what, and how the loss went. No times: they differ from run to run.

Imports torch (through the loop): for the training child only.
"""

import json
import resource
from pathlib import Path
from typing import Any

import torch

from semillero.models.batches import padding_share
from semillero.training.loop import Loop
from semillero.training.objectives import Preference, count_won


def describe_run(loop: Loop) -> dict[str, Any]:
    """Return what ``training.json`` holds."""
    spec, progress = loop.spec, loop.progress
    plans = [loop.order.plan(step) for step in range(loop.steps)]
    batches = [batch for plan in plans for batch in plan]
    rows = [row for batch in batches for row in batch]
    report: dict[str, Any] = {
        "objective": spec.settings.objective,
        "base_model": spec.base.name,
        "base": spec.base.model_dump(),
        "settings": spec.recipe,
        "steps": loop.steps,
        "steps_per_epoch": loop.order.steps_per_epoch,
        "trainable_parameters": loop.trainable_parameters,
        "train_rows": len(loop.train.examples),
        "train_rows_too_long": loop.train.too_long,
        "validation_rows": len(loop.validation.examples),
        "validation_rows_too_long": loop.validation.too_long,
        "tokens": sum(loop.train.lengths[row] for row in rows),
        "supervised_tokens": sum(loop.train.supervised[row] for row in rows),
        "padding_share": 0.0 if loop.order.packed else round(padding_share(loop.train.lengths, batches), 4),
        "base_validation_loss": progress.validation[0][1],
        "validation_loss": progress.validation[-1][1],
        "curve": {"train": progress.train, "validation": progress.validation},
    }
    if isinstance(loop.objective, Preference):
        loop.model.eval()
        won, pairs = loop.ranks.total(list(count_won(loop.objective, loop.model, loop.validation_batches())))
        report["validation_preference_accuracy"] = round(won / pairs, 4)
    return report


def write_report(report: dict[str, Any], folder: Path) -> None:
    """Write ``training.json``."""
    text = json.dumps(report, indent=2, ensure_ascii=False, sort_keys=True, allow_nan=False)
    (folder / "training.json").write_text(text + "\n", encoding="utf-8")


def measure_run(loop: Loop, resumed_from: int) -> dict[str, Any]:
    """Return what differs from run to run: seconds, throughput, memory, device."""
    on_cpu = loop.device == "cpu"
    tokens = sum(loop.train.lengths[row] for step in range(loop.steps) for b in loop.order.plan(step) for row in b)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 if on_cpu else torch.cuda.max_memory_allocated()
    core = loop.model.get_base_model()
    return {
        "training_seconds": round(loop.progress.seconds, 1),  # of the steps alone, over all attempts
        "tokens_per_second": round(tokens / loop.progress.seconds, 1) if loop.progress.seconds else None,
        "peak_memory_mb": round(peak / 1e6),
        "device": "cpu" if on_cpu else torch.cuda.get_device_name(loop.device),
        "threads": torch.get_num_threads(),
        "ranks": loop.ranks.count,
        "dtype": str(core.get_output_embeddings().weight.dtype).removeprefix("torch."),
        "resumed_from_step": resumed_from,
        "micro_batch_tokens": loop.spec.batch_tokens,
        "recomputed_layers": loop.spec.attempt.layout.recomputed_layers if loop.spec.attempt.layout else 0,
        "mixed_precision": loop.precision,
    }
