"""What an arm is told (a JSON file), and what it answers (another)."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
RANK, ALPHA = 16, 32


@dataclass(frozen=True)
class Job:
    """One arm's run: every arm gets the same model, rows and optimizer.

    Attributes:
        arm: module under ``benchmarks.training.arms``.
        base: folder of the model.
        data: JSON file of `benchmarks.training.data.Rows`.
        steps: optimizer steps over ``batch`` sequences each; arms that pack take as many mean tokens a step.
        batch: sequences an optimizer step.
        micro: sequences a micro-batch of the stock trainers.
        batch_tokens: tokens a micro-batch of ours, and a pack of the others'.
        method: ``qlora`` (NF4) or ``lora``.
        gibibytes: most memory the card's allocator may take; 0 on a CPU.
        seed: of the adapter and the order.
    """

    arm: str
    base: Path
    data: Path
    steps: int
    batch: int
    micro: int
    batch_tokens: int
    method: str = "qlora"
    learning_rate: float = 5e-4
    gibibytes: float = 0.0
    threads: int = 1
    seed: int = 13

    def as_json(self) -> dict[str, Any]:
        """Return the fields, paths as text."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}


@dataclass
class Result:
    """What an arm measured; rates leave out its first step.

    Attributes:
        real, held: tokens of the rows, and tokens that went through the layers (with padding), of the timed steps.
        seconds, cpu_seconds: of the timed steps.
        peak_gib: allocator's peak on a card; on a CPU the process's largest resident memory.
        before, after: loss on the held-out rows, nats a supervised token.
        recomputed: layers whose forward pass is done twice.
        notes: what a reader should know.
    """

    real: int = 0
    held: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_gib: float = 0.0
    before: float = 0.0
    after: float = 0.0
    steps: int = 0
    recomputed: int = 0
    notes: list[str] = field(default_factory=list)
