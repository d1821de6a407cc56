"""Trains until the adapter is there: one child process after another, each going on where the last one ended."""

import time
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from semillero.processes import was_told_to_stop
from semillero.training.child import LOG, OnProgress, run_child, tell
from semillero.training.ladder import choose_next
from semillero.training.spec import Attempt, Exit, TrainingSpec

LEARNED = "attempt.json"  # in the working folder: what this machine turned out to be able to do
PAUSE_SECONDS = 2.0  # before another process, so that the system has its memory back


def train_to_the_end(spec: TrainingSpec, work: Path, on_progress: OnProgress | None = None) -> dict[str, Any]:
    """Train in child processes until the adapter is written; return what the last one measured.

    Args:
        spec: the run.
        work: folder for specification, log and what was learned; it survives a killed run.
        on_progress: called after each optimizer step with the steps done and their number.

    Returns:
        Facts of this run: seconds, throughput, memory, device, processes needed.

    Raises:
        TrainingPaused: the time was up or somebody asked for the end; a checkpoint is kept.
        TrainingError: no adapter can be had this way; says why and what to do.
    """
    budget = spec.settings.budget_minutes
    ends_at = time.monotonic() + budget * 60 if budget else None
    attempt, furthest, fruitless, number = _read(work), -1, 0, 0
    while True:
        number += 1
        left = max(ends_at - time.monotonic(), 0.0) if ends_at else None
        tried = spec.model_copy(update={"attempt": attempt, "seconds": left})
        end = run_child(tried, work, on_progress)
        if end.code == Exit.DONE and end.last.get("event") == "finished":
            return {**end.last["run"], "processes": number}
        fruitless = 1 if end.step > furthest else fruitless + 1
        furthest = max(furthest, end.step)
        chosen = choose_next(tried, end, fruitless, work / LOG, was_told_to_stop())
        tell(chosen.why)
        attempt = chosen.attempt
        (work / LEARNED).write_text(attempt.model_dump_json(), encoding="utf-8")
        time.sleep(PAUSE_SECONDS)


def _read(work: Path) -> Attempt:
    try:
        return Attempt.model_validate_json((work / LEARNED).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return Attempt()
