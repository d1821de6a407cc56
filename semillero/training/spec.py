"""What the parent tells the child (a JSON file), and how the child tells its end (its exit code)."""

from enum import IntEnum
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from semillero.project.models import TrainingSettings


class Exit(IntEnum):
    """Exit codes of the child."""

    DONE = 0
    EXPLAINED = 1  # its last event holds found, expected, remedy
    STOPPED = 75  # by SIGTERM, SIGINT or the end of its time, with a checkpoint; run again to go on
    CARD_FAULT = 76  # the GPU or its driver failed; a fresh process may do better
    OUT_OF_MEMORY = 77
    NOT_FINITE = 78
    RANK_LOST = 79  # one of several training processes ended


class BaseFacts(BaseModel):
    """What ``training.json`` and the adapter's configuration say of the base; no path."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    license: str
    parameters: int
    source: str
    digest: str


class Layout(BaseModel):
    """How a run is laid out in memory (see `semillero.training.plan`); it decides nothing about what is learned.

    Attributes:
        batch_tokens: most tokens a micro-batch holds. The sequences of each optimizer step stay the same.
        recomputed_layers: layers whose activations are computed again on the way back, the first ones.
        unpacked: NF4 numbers kept unpacked (on a CPU with room: the arithmetic is the same, unpacking is saved).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_tokens: int = Field(ge=1)
    recomputed_layers: int = Field(default=0, ge=0)
    unpacked: bool = False

    def __str__(self) -> str:
        layers = f", {self.recomputed_layers} layers recomputed" if self.recomputed_layers else ""
        return f"micro-batches of {self.batch_tokens} tokens{layers}{', NF4 unpacked' if self.unpacked else ''}"


class Attempt(BaseModel):
    """How one process tries it; the parent changes this after a failure, never what is trained on what.

    Attributes:
        layout: a smaller one than planned, after running out of memory; else the child plans.
        precision: float32 after a model overflowed in float16; ``auto`` is what suits the processor or card.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: Layout | None = None
    precision: Literal["auto", "float32"] = "auto"


class TrainingSpec(BaseModel):
    """One training run.

    Attributes:
        train, validation: parquet files with a ``messages`` column; for ``objective: dpo`` both are the file of
            preference pairs (``prompt``, ``chosen``, ``rejected``).
        base_folder: the base model.
        base: its facts.
        recipe: the settings the result depends on, as ``training.json`` shows them.
        fingerprint: what a checkpoint must have been made from to be resumed (data, base, settings).
        settings: the training section of the project file.
        threads: CPU threads.
        checkpoints: folder of the live checkpoints; survives kills.
        output: folder that gets ``adapter/`` and ``training.json``.
        copy_to: folder or fsspec URL that checkpoints are copied to in the background.
        attempt: how this process tries it.
        seconds: wall-clock time this process has, from its start; then it saves and stops.
        rung: try the heaviest rows first when the run is long (see `semillero.training.rung`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: Path
    validation: Path
    base_folder: Path
    base: BaseFacts
    recipe: dict[str, Any]
    fingerprint: dict[str, Any]
    settings: TrainingSettings
    threads: int
    checkpoints: Path
    output: Path
    copy_to: str | None = None
    attempt: Attempt = Attempt()
    seconds: float | None = None
    rung: bool = True

    @property
    def batch_tokens(self) -> int:
        """Most tokens a micro-batch holds in this attempt."""
        tokens = self.attempt.layout.batch_tokens if self.attempt.layout else self.settings.batch_tokens
        if tokens is None:
            raise RuntimeError("the memory plan decides this, and none was made")
        return tokens

    def laid_out(self, layout: Layout) -> Self:
        """Return the same run with its layout settled."""
        return self.model_copy(update={"attempt": self.attempt.model_copy(update={"layout": layout})})

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a specification; relative paths in it start from its own folder, so that both can be moved together."""
        spec = cls.model_validate_json(path.read_text(encoding="utf-8"))
        names = ("train", "validation", "base_folder", "checkpoints", "output")
        return spec.model_copy(update={name: path.parent / getattr(spec, name) for name in names})
