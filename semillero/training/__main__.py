"""The training child: ``python -m semillero.training SPEC``.

Says on standard output what happens (JSON lines, see `semillero.training.events`) and by its exit code how it ended
(`semillero.training.spec.Exit`). SIGTERM, SIGINT and the end of its time make it write a checkpoint of the last whole
step and exit with 75.
"""

import fcntl
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from semillero.errors import SemilleroError
from semillero.training.events import Reporter
from semillero.training.spec import Exit, TrainingSpec

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "alloc_failed")
CARD_FAULT = ("cuda error", "cudnn error", "cublas_status", "nccl error", "cuda driver")


def main(path: str) -> int:
    """Train as the specification says; return the exit code."""
    started, stop = time.monotonic(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())  # only a flag: a checkpoint inside a step would be half a step
    reporter = Reporter()
    spec = TrainingSpec.read(Path(path))
    spec.checkpoints.mkdir(parents=True, exist_ok=True)

    def asked_to_stop() -> bool:
        return stop.is_set() or (spec.seconds is not None and time.monotonic() - started >= spec.seconds)

    with (spec.checkpoints / "lock").open("w") as lock:
        _wait_for(lock.fileno(), reporter)
        return _explain(lambda: _train(spec, reporter, asked_to_stop), reporter, stop.is_set)


def _train(spec: TrainingSpec, reporter: Reporter, asked_to_stop: Callable[[], bool]) -> None:
    import torch

    torch.set_num_threads(spec.threads)
    from semillero.models.chat import load_tokenizer
    from semillero.models.documents import check_packing
    from semillero.models.loading import default_device
    from semillero.models.loss import check_compact_loss
    from semillero.training.adapter import build_model, check_adapter, save_adapter
    from semillero.training.devices import plan_run, this_device
    from semillero.training.loop import Loop
    from semillero.training.preparation import takes_packs
    from semillero.training.report import measure_run, write_report
    from semillero.training.rows import encode_split
    from semillero.training.rung import climb_rung

    tokenizer = load_tokenizer(spec.base_folder)
    train = encode_split(spec.train, tokenizer, spec.settings.max_length)
    validation = encode_split(spec.validation, tokenizer, spec.settings.max_length)
    device = default_device()
    plan = plan_run(
        spec.base_folder, spec.settings, train.lengths, this_device(), spec.batch_tokens,
        whole=spec.attempt.precision == "float32",
    )  # fmt: skip
    model = build_model(spec, device, plan)
    if takes_packs(model):
        check_packing(model, train.examples[:2], tokenizer.pad_token_id, device)
    check_compact_loss(model, torch.tensor(train.examples[0][0], device=device))
    loop = Loop(spec, model, train, validation, tokenizer.pad_token_id)
    heaviest = loop.order.weigh(loop.order.heaviest)
    reporter.send("data", longest=max(train.lengths), heaviest=heaviest, precision=loop.precision)
    if climb_rung(loop, tokenizer, reporter, asked_to_stop):
        loop = Loop(spec, model, train, validation, tokenizer.pad_token_id)  # with a fresh optimizer
    loop.run(reporter, asked_to_stop)
    check_adapter(model, loop.progress.validation[0][1], loop.progress.validation[-1][1])
    save_adapter(model, tokenizer, spec.base.name, spec.output / "adapter")
    write_report(loop)
    reporter.send("finished", run=measure_run(loop, loop.resumed_from))


def _explain(work: Callable[[], None], reporter: Reporter, told: Callable[[], bool] = lambda: True) -> Exit:
    """Run ``work`` and turn what it raises into an exit code and, where there is more to say, an event.

    Args:
        work: trains.
        reporter: where events go.
        told: whether a signal asked this process to stop (else its time was up).
    """
    from semillero.training.outcomes import NotFinite, Stopped

    try:
        work()
    except Stopped as stopped:
        reporter.send("stopped", found=str(stopped), why="signal" if told() else "budget")
        return Exit.STOPPED
    except NotFinite as error:
        reporter.send("failed", found=str(error), expected="", remedy="")
        return Exit.NOT_FINITE
    except SemilleroError as error:
        reporter.send("failed", found=error.found, expected=error.expected, remedy=error.remedy)
        return Exit.EXPLAINED
    except (MemoryError, RuntimeError) as error:
        code = _classify(error)
        if code is None:
            raise
        reporter.send("failed", found=str(error).splitlines()[0] if str(error) else "", expected="", remedy="")
        return code
    return Exit.DONE


def _classify(error: BaseException) -> Exit | None:
    """Tell running out of memory and a faulty card from our own mistakes, by what torch says."""
    text = str(error).lower()
    if isinstance(error, MemoryError) or any(words in text for words in OUT_OF_MEMORY):
        return Exit.OUT_OF_MEMORY
    return Exit.CARD_FAULT if any(words in text for words in CARD_FAULT) else None


def _wait_for(descriptor: int, reporter: Reporter) -> None:
    # A child whose parent was killed may still be writing its last checkpoint into the same folder.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        reporter.say("waiting for an earlier training process to write its checkpoint")
        fcntl.flock(descriptor, fcntl.LOCK_EX)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
