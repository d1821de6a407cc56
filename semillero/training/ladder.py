"""What to do after an attempt that did not finish: try again, try smaller, try in float32, pause, or explain.

Whatever is changed is said aloud, and none of it changes which rows an optimizer step learns from, or in which order.
"""

import signal
from dataclasses import dataclass
from pathlib import Path

from semillero.errors import TrainingError, TrainingPaused
from semillero.training.child import LOG, End
from semillero.training.spec import Attempt, Exit, Layout, TrainingSpec

FRUITLESS = 3  # attempts that came no further than those before
GOES_ON = "run the same command again: it goes on from its last checkpoint"


@dataclass(frozen=True)
class Next:
    """The next attempt, and why."""

    attempt: Attempt
    why: str


def choose_next(spec: TrainingSpec, end: End, fruitless: int, log: Path, told: bool) -> Next:
    """Decide what follows an attempt.

    Args:
        spec: of the attempt.
        end: how it ended.
        fruitless: how many attempts in a row, this one included, came no further than those before.
        log: what the child and its libraries printed.
        told: this process itself was asked to end.

    Raises:
        TrainingPaused: the time was up, or somebody asked for the end; a checkpoint is kept.
        TrainingError: another attempt would fail the same way.
    """
    if told and end.code in (Exit.STOPPED, -signal.SIGTERM, -signal.SIGINT):
        raise _pause(spec, end, told)  # also one that was stopped before it could listen
    if end.hung:
        return _same(spec, end, fruitless, "the training process hung")
    if end.code == Exit.STOPPED:
        raise _pause(spec, end, told)
    if end.code == Exit.OUT_OF_MEMORY:
        return _smaller(spec, end, f"training ran out of memory ({end.last.get('found', '')})")
    if end.code == Exit.NOT_FINITE:
        return _in_float32(spec, end)
    if end.code < 0:
        why = f"the training process was killed by signal {-end.code}"
        if end.code == -signal.SIGKILL and fruitless > 1 and end.data.get("smaller"):
            return _smaller(spec, end, f"{why} again, as a system short of memory does")
        return _same(spec, end, fruitless, why)
    found = str(end.last.get("found", "")) or _last_line(log)
    if end.code == Exit.RANK_LOST:
        return _same(spec, end, fruitless, found)
    if end.code == Exit.CARD_FAULT:
        return _same(spec, end, fruitless, f"the card or its driver failed ({found})")
    if end.last.get("event") == "failed":
        raise TrainingError(found, end.last["expected"], end.last["remedy"])
    raise TrainingError(f"training failed: {found}", "", f"the whole story is in {log}")


def _same(spec: TrainingSpec, end: End, fruitless: int, why: str) -> Next:
    if fruitless < FRUITLESS:
        return Next(spec.attempt, f"{why}; a new process goes on from the last checkpoint")
    where = f"after step {end.step}" if end.step >= 0 else "before its first step"
    log = spec.checkpoints.parent / LOG
    raise TrainingError(f"{why} {where}, {fruitless} times in a row", "", f"see {log}; then {GOES_ON}")


def _smaller(spec: TrainingSpec, end: End, why: str) -> Next:
    """Follow with the next smaller layout, which the child names once it knows its data."""
    if not end.data.get("smaller"):
        longest = end.data.get("longest", spec.settings.max_length)
        raise TrainingError(
            f"{why}, and there is nothing left to give up: the longest row alone is too much",
            f"room for {longest} tokens at once, with all layers recomputed",
            "lower training.max_length, name a smaller base, or use a card with more memory",
        )
    held, layout = Layout.model_validate(end.data["layout"]), Layout.model_validate(end.data["smaller"])
    return Next(
        spec.attempt.model_copy(update={"layout": layout}),
        f"{why}; a new process goes on with {layout} instead of {held}, "
        f"the same {spec.settings.batch_size} sequences a step in the same order",
    )


def _in_float32(spec: TrainingSpec, end: End) -> Next:
    found = end.last.get("found", "")
    if end.data.get("precision") == "fp16":
        return Next(
            spec.attempt.model_copy(update={"precision": "float32"}),
            f"training left the range of float16 ({found}); a new process goes on in float32, which is slower",
        )
    raise TrainingError(
        f"training left the numbers: {found}",
        "a finite loss and gradient",
        "lower training.learning_rate or raise training.warmup_ratio; if step 1 fails already, name another base",
    )


def _pause(spec: TrainingSpec, end: End, told: bool) -> TrainingPaused:
    where = end.last.get("found", "")
    if end.last.get("why") == "budget":
        minutes = f"training.budget_minutes ({spec.settings.budget_minutes:g}) are over"
        stuck = end.step <= end.data.get("done", 0)
        remedy = "raise training.budget_minutes: not one step was finished in it" if stuck else GOES_ON
        return TrainingPaused(f"{minutes}; training is paused {where}, a checkpoint is kept", "", remedy)
    where = f"{where}; a checkpoint is kept" if where else "before its first step"
    return TrainingPaused(f"training was stopped {where}", "", GOES_ON, retryable=not told)


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
