"""TRL with packing and Liger's kernels (cards only)."""

from typing import Any

from benchmarks.training.arms import trl_packed
from benchmarks.training.job import Job, Result
from benchmarks.training.meter import Meter


def train(job: Job, rows: list[Any], result: Result) -> tuple[Any, Meter]:
    """Train; return the model and what was counted."""
    return trl_packed.train(job, rows, result, liger=True)
