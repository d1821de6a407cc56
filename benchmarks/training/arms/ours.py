"""Semillero: the product's own loop, told what the other arms are told."""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.training.arms.stock import PAD
from benchmarks.training.job import ALPHA, RANK, TARGETS, Job, Result
from benchmarks.training.meter import Meter


def train(job: Job, rows: list[Any], result: Result) -> tuple[Any, Meter]:
    """Train; return the model and what was counted."""
    from semillero.models.loading import default_device
    from semillero.training.adapter import build_model
    from semillero.training.devices import plan_run
    from semillero.training.loop import Loop
    from semillero.training.rows import Split

    spec = specify(job)
    lengths = [len(ids) for ids, _ in rows]
    plan = plan_run(job.base, spec.settings, lengths, held_device(job))
    spec = spec.laid_out(plan.layout)
    model = build_model(spec, default_device(), plan.layout)
    result.recomputed = plan.layout.recomputed_layers
    result.notes.append(f"planned peak {plan.footprint.peak / 2**30:.2f} GiB, {plan.layout}")
    loop = Loop(spec, model, Split(rows, 0), Split(rows[:1], 0), PAD)
    meter = Meter(model.get_base_model().base_model, PAD)
    meter.mark()
    for _ in range(job.steps):
        loop.step()
        meter.mark()
    return model, meter


def held_device(job: Job) -> Any:
    """Return this machine, a card with the memory and the capability that the job holds it to."""
    from semillero.training.devices import this_device
    from semillero.training.plan import Device

    found = this_device()
    return Device("held to a T4's limits", job.gibibytes, (7, 5)) if job.gibibytes else found


def specify(job: Job) -> Any:
    """Return the job as a training specification."""
    from semillero.project import TrainingSettings
    from semillero.training.spec import BaseFacts, TrainingSpec

    settings = TrainingSettings.model_validate(
        {
            "base": str(job.base), "method": job.method, "lora_r": RANK, "lora_alpha": ALPHA, "target_modules": TARGETS,
            "learning_rate": job.learning_rate, "warmup_ratio": 1 / job.steps, "batch_size": job.batch,
            "batch_tokens": None, "max_steps": job.steps, "seed": job.seed, "threads": job.threads,
        }
    )  # fmt: skip
    work = Path(tempfile.mkdtemp(prefix="semillero-bench-"))
    facts = BaseFacts(name=job.base.name, license="", parameters=0, source="", digest="")
    return TrainingSpec(
        train=work, validation=work, base_folder=job.base, base=facts, recipe={}, fingerprint={}, settings=settings,
        threads=job.threads, checkpoints=work / "checkpoints", output=work / "output",
    )  # fmt: skip
