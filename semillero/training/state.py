"""What a checkpoint remembers beside the adapter: progress, optimizer, schedule, loss scale and random generators.

Imports torch: for the training child only.
"""

from dataclasses import dataclass, field
from typing import Any

import torch

Rng = dict[str, Any]


@dataclass
class Progress:
    """What a checkpoint remembers beside tensors; losses are nats a supervised token, by optimizer step."""

    step: int = 0
    seconds: float = 0.0
    train: list[tuple[int, float]] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)


def capture_rng(device: str) -> Rng:
    """Return the state of the random generators that training uses."""
    return {
        "rng": torch.get_rng_state(),
        "cuda_rng": torch.cuda.get_rng_state_all() if device != "cpu" else [],
    }


def restore_rng(rng: Rng, device: str) -> None:
    """Put the random generators back; those of the cards only when there are as many cards as then."""
    torch.set_rng_state(rng["rng"])
    if device != "cpu" and len(rng["cuda_rng"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(rng["cuda_rng"])


def capture_trainer(optimizer: Any, scheduler: Any, scaler: Any, rng: Rng) -> dict[str, Any]:
    """Return the ``trainer`` part of a checkpoint's state."""
    return {
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "scaler": scaler.state_dict() if scaler else {},
        **rng,
    }


def restore_trainer(trainer: dict[str, Any], optimizer: Any, scheduler: Any, scaler: Any, device: str) -> None:
    """Put back what `capture_trainer` took."""
    optimizer.load_state_dict(trainer["optimizer"])
    scheduler.load_state_dict(trainer["scheduler"])
    if scaler and trainer["scaler"]:
        scaler.load_state_dict(trainer["scaler"])
    restore_rng(trainer, device)
