"""The smoke rung: before a long run, the same code over the heaviest rows, so that errors surface in a minute.

Two optimizer steps over the heaviest micro-batch, the longest and the shortest row; validation; a checkpoint written,
read back and gone on from; the adapter written. Then everything is put back as it was: a run that climbed the rung
gives the same adapter, bit for bit, as one that did not. A rung that passed is not climbed again on the same machine.

Imports torch (through the loop): for the training child only.
"""

import shutil
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from semillero.digests import digest_json
from semillero.models.batches import plan_batches
from semillero.training.adapter import save_adapter, trainable
from semillero.training.events import Silent
from semillero.training.loop import Loop
from semillero.training.objectives import Rows
from semillero.training.order import Order
from semillero.training.outcomes import Stopped
from semillero.training.spec import TrainingSpec
from semillero.training.state import capture_rng, restore_rng

LONG = 20  # the rung is climbed when the run has this many times its tokens: it costs under a twentieth
STEPS = 2
PASSED = "rung.json"  # beside the checkpoints: digest of what passed


class _Quiet(Silent):
    """A reporter for the rung: its steps are none of the run's."""

    def __init__(self, reporter: Silent) -> None:
        self._reporter, self.steps = reporter, 0

    def pulse(self) -> None:
        self._reporter.pulse()

    def send(self, event: str, **facts: Any) -> None:
        self.steps += event == "step"

    def say(self, text: str) -> None:
        pass


def climb_rung(loop: Loop, tokenizer: Any, reporter: Silent, asked_to_stop: Callable[[], bool]) -> bool:
    """Try the heaviest rows when the run is long and this has not been tried here before; tell whether it was.

    Raises:
        Stopped, NotFinite, TrainingError, and whatever training itself would have met later.
    """
    rows = heaviest_rows(loop.train.lengths, loop.order)
    tokens, all_tokens = (sum(loop.train.lengths[i] for i in part) for part in (rows, range(len(loop.train.lengths))))
    passed, digest = loop.spec.checkpoints.parent / PASSED, _digest(loop)
    is_long = loop.steps / loop.order.steps_per_epoch * all_tokens >= LONG * STEPS * tokens
    known = passed.is_file() and passed.read_text(encoding="utf-8") == digest
    if not (loop.spec.rung and is_long) or loop.ranks.tell_all(known):
        return False
    started = time.monotonic()
    reporter.say(f"smoke rung: {STEPS} steps over the {len(rows)} heaviest rows")
    validation = loop.validation.only(_first_and_last(plan_batches(loop.validation.lengths, loop.spec.batch_tokens)))
    folder = loop.spec.checkpoints.parent / "rung"
    weights = {name: p.detach().clone() for name, p in trainable(loop.model).items()}
    rng = capture_rng(loop.device)
    _remove(loop, folder)
    try:
        _climb(_small(loop.spec, folder, len(rows)), loop, loop.train.only(rows), validation, reporter, asked_to_stop)
        if loop.ranks.speaks:
            save_adapter(loop.model, tokenizer, loop.spec.base.name, folder / "adapter")
    finally:
        _remove(loop, folder)
    with torch.no_grad():
        for name, p in trainable(loop.model).items():
            p.copy_(weights[name])
            p.grad = None
    restore_rng(rng, loop.device)
    if loop.ranks.speaks:
        passed.write_text(digest, encoding="utf-8")
    reporter.say(f"smoke rung: passed in {time.monotonic() - started:.0f} s")
    return True


def _climb(
    spec: TrainingSpec, loop: Loop, train: Rows, validation: Rows, reporter: Silent, asked: Callable[[], bool]
) -> None:
    quiet = _Quiet(reporter)
    for ends in (lambda: quiet.steps > 0, lambda: False):  # stopped after the first step, and gone on from there
        try:
            small = Loop(spec, loop.model, train, validation, loop.pad_id, loop.objective)
            small.run(quiet, lambda ends=ends: asked() or ends())  # type: ignore[arg-type,misc]
        except Stopped:
            if asked():
                raise Stopped("during the smoke rung") from None


def _remove(loop: Loop, folder: Path) -> None:
    if loop.ranks.speaks:
        shutil.rmtree(folder, ignore_errors=True)


def heaviest_rows(lengths: list[int], order: Order) -> list[int]:
    """Return the rows of the heaviest micro-batch, and the longest and the shortest row of all."""
    by_length = sorted(range(len(lengths)), key=lengths.__getitem__)
    return sorted({*order.heaviest, by_length[0], by_length[-1]})


def _small(spec: TrainingSpec, folder: Path, rows: int) -> TrainingSpec:
    changes = {"max_steps": STEPS, "batch_size": rows, "save_steps": 1, "eval_steps": 1, "warmup_ratio": 0.0}
    return spec.model_copy(
        update={"settings": spec.settings.model_copy(update=changes), "checkpoints": folder, "copy_to": None}
    )


def _first_and_last(batches: list[list[int]]) -> list[int]:
    return sorted({*batches[0], *batches[-1]})


def _digest(loop: Loop) -> str:
    spec = loop.spec
    versions = {name: version(name) for name in ("torch", "transformers", "peft", "accelerate", "bitsandbytes")}
    device = "cpu" if loop.device == "cpu" else torch.cuda.get_device_name(loop.device)
    recipe = {"run": dict(spec.fingerprint), "attempt": spec.attempt.model_dump(), "device": device}
    return digest_json({**recipe, "versions": versions})
