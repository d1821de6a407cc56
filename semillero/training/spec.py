"""What the parent tells the child (a JSON file), and how the child tells its end (its exit code)."""

from enum import IntEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from semillero.project.models import TrainingSettings


class Exit(IntEnum):
    """Exit codes of the child."""

    DONE = 0
    EXPLAINED = 1  # its last event holds found, expected, remedy
    STOPPED = 75  # by SIGTERM or SIGINT, with a checkpoint; run again to go on
    OUT_OF_MEMORY = 77
    NOT_FINITE = 78


class BaseFacts(BaseModel):
    """What ``training.json`` and the adapter's configuration say of the base; no path."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    license: str
    parameters: int
    source: str
    digest: str


class TrainingSpec(BaseModel):
    """One training run.

    Attributes:
        train, validation: parquet files with a ``messages`` column.
        base_folder: the base model.
        base: its facts.
        recipe: the settings the result depends on, as ``training.json`` shows them.
        fingerprint: what a checkpoint must have been made from to be resumed (data, base, settings).
        settings: the training section of the project file.
        threads: CPU threads.
        checkpoints: folder of the live checkpoints; survives kills.
        output: folder that gets ``adapter/`` and ``training.json``.
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
