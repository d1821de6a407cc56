"""Unsloth with its own packing."""

from typing import Any

from benchmarks.training.arms import unsloth_plain
from benchmarks.training.job import Job, Result
from benchmarks.training.meter import Meter

prepare = unsloth_plain.prepare


def train(job: Job, rows: list[Any], result: Result) -> tuple[Any, Meter]:
    """Train; return the model and what was counted."""
    return unsloth_plain.train(job, rows, result, packed=True)
