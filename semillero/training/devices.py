"""This machine as the memory plan sees it, and the plan of a run on it.

Imports torch inside functions: `semillero check` asks too.
"""

from collections.abc import Sequence
from pathlib import Path

from semillero.models.precision import precision_here
from semillero.models.shape import Shape
from semillero.project.models import TrainingSettings
from semillero.training.plan import Device, Need, Plan, plan_training


def this_device() -> Device:
    """Return the first card, else the CPU with the memory that is free now."""
    import psutil
    import torch

    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        return Device(card.name, card.total_memory / 2**30, (card.major, card.minor))
    return Device("CPU", psutil.virtual_memory().available / 2**30)


def plan_run(
    base: Path,
    settings: TrainingSettings,
    lengths: Sequence[int],
    device: Device,
    budget: int | None,
    whole: bool = False,
) -> Plan:
    """Return the plan of a run.

    Args:
        base: folder of the base model.
        settings: the training section.
        lengths: tokens of each row.
        device: where it runs.
        budget: tokens a micro-batch; None: as many as pay.
        whole: float32 throughout.
    """
    shape = Shape.read(base)
    step = round(settings.batch_size * sum(lengths) / len(lengths))
    need = Need(
        rank=settings.lora_r,
        targets=settings.target_modules,
        quantize=settings.method == "qlora",
        longest=max(lengths),
        step_tokens=max(step, max(lengths)),
    )
    return plan_training(shape, device, need, precision_here(device.capability, shape.model_type, whole), budget)
