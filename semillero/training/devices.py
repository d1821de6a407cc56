"""This machine as the memory plan sees it, and the plan of a run on it.

Imports torch inside functions: `semillero check` asks too.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from semillero.digests import digest_json
from semillero.models.batches import plan_packs
from semillero.models.precision import precision_here
from semillero.models.shape import Shape
from semillero.project.models import TrainingSettings
from semillero.training.plan import Device, Need, Plan, plan_training, smaller
from semillero.training.spec import Layout, TrainingSpec

REMEMBERED = "plan.json"  # beside the checkpoints
ANY_NUMBER = 10**9  # of tokens: a step in one pack


class _Remembered(BaseModel):
    """A layout, and the digest of the run, device and precision that it was chosen for."""

    model_config = ConfigDict(extra="forbid")

    chosen_for: str
    layout: Layout


def this_device() -> Device:
    """Return the first card, else the CPU with the memory that is free now."""
    import psutil
    import torch

    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        return Device(card.name, card.total_memory / 2**30, (card.major, card.minor))
    return Device("CPU", psutil.virtual_memory().available / 2**30)


def plan_run(
    base: Path, settings: TrainingSettings, lengths: Sequence[int], device: Device, whole: bool = False
) -> Plan:
    """Return the plan of a run.

    Args:
        base: folder of the base model.
        settings: the training section; its ``batch_tokens`` is kept where it is given.
        lengths: tokens of each row.
        device: where it runs.
        whole: float32 throughout.
    """
    shape = Shape.read(base)
    precision = precision_here(device.capability, shape.model_type, whole)
    return plan_training(shape, device, need_of(settings, lengths), precision, settings.batch_tokens)


def need_of(settings: TrainingSettings, lengths: Sequence[int]) -> Need:
    """Return what the memory plan must know of the adapter and the rows."""
    steps = plan_packs(lengths, settings.batch_size, ANY_NUMBER, settings.seed, epoch=0)
    return Need(
        rank=settings.lora_r,
        targets=settings.target_modules,
        quantize=settings.method == "qlora",
        longest=max(lengths),
        step_tokens=max(sum(lengths[row] for row in rows) for (rows,) in steps),
    )


def settle_layout(spec: TrainingSpec, lengths: Sequence[int], device: Device) -> Layout:
    """Return the layout of this attempt.

    After running out of memory the parent has chosen the layout. Else it is what an earlier process of this run chose
    on this device, since what is free now may differ from what was free then; else it is planned now.
    """
    whole = spec.attempt.precision == "float32"
    file = spec.checkpoints.parent / REMEMBERED
    chosen_for = digest_json({"run": spec.fingerprint, "device": device.name, "whole": whole})
    layout = spec.attempt.layout or _recall(file, chosen_for)
    if layout is None:
        layout = plan_run(spec.base_folder, spec.settings, lengths, device, whole).layout
        remembered = _Remembered(chosen_for=chosen_for, layout=layout)
        file.write_text(remembered.model_dump_json(), encoding="utf-8")
    return layout


def layout_below(spec: TrainingSpec, lengths: Sequence[int]) -> Layout | None:
    """Return the layout to try when a settled one runs out of memory; None when there is none."""
    layout = spec.attempt.layout
    return layout and smaller(layout, Shape.read(spec.base_folder), need_of(spec.settings, lengths))


def _recall(file: Path, chosen_for: str) -> Layout | None:
    try:
        found = _Remembered.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None
    return found.layout if found.chosen_for == chosen_for else None
