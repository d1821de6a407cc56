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
from semillero.training.events import Reporter, Silent
from semillero.training.spec import Exit, TrainingSpec

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "alloc_failed")
CARD_FAULT = ("cuda error", "cudnn error", "cublas_status", "nccl error", "cuda driver")


def main(path: str) -> int:
    """Train as the specification says; return the exit code."""
    started, stop = time.monotonic(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())  # only a flag: a checkpoint inside a step would be half a step
    from semillero.training.ranks import count_ranks, is_helper, start_helpers

    spec = TrainingSpec.read(Path(path))
    spec.checkpoints.mkdir(parents=True, exist_ok=True)
    if is_helper():
        return _explain(lambda: _train(spec, Silent(), lambda: False), Silent())
    reporter = Reporter()

    def asked_to_stop() -> bool:
        return stop.is_set() or (spec.seconds is not None and time.monotonic() - started >= spec.seconds)

    with (spec.checkpoints / "lock").open("w") as lock:
        _wait_for(lock.fileno(), reporter)
        start_helpers(count_ranks(spec.settings), path, reporter)
        return _explain(lambda: _train(spec, reporter, asked_to_stop), reporter, stop.is_set)


def _train(spec: TrainingSpec, reporter: Silent, asked_to_stop: Callable[[], bool]) -> None:
    import torch

    from semillero.models.chat import load_tokenizer
    from semillero.models.documents import check_packing
    from semillero.models.loading import default_device
    from semillero.models.loss import check_compact_loss
    from semillero.training.adapter import build_model, check_adapter, save_adapter
    from semillero.training.devices import layout_below, settle_layout, this_device
    from semillero.training.loop import Loop
    from semillero.training.material import load_material
    from semillero.training.preparation import takes_packs
    from semillero.training.ranks import Ranks
    from semillero.training.report import describe_run, measure_run, write_report
    from semillero.training.rung import climb_rung

    device = default_device()
    ranks = Ranks(on_cpu=device == "cpu")
    torch.set_num_threads(max(1, spec.threads // ranks.count))
    tokenizer = load_tokenizer(spec.base_folder)
    train, validation, objective = load_material(spec, tokenizer)
    layout = settle_layout(spec, train.lengths, this_device()) if ranks.speaks else None
    spec = spec.laid_out(ranks.tell_all(layout))
    model = build_model(spec, device, spec.attempt.layout)
    if takes_packs(model):
        check_packing(model, train.sequences(range(len(train.lengths)))[:2], tokenizer.pad_token_id, device)
    check_compact_loss(model, torch.tensor(train.sequences([0])[0][0], device=device))
    loop = Loop(spec, model, train, validation, tokenizer.pad_token_id, objective)
    below = layout_below(spec, train.lengths)
    reporter.send(
        "data", longest=max(train.lengths), layout=spec.attempt.layout and spec.attempt.layout.model_dump(),
        smaller=below and below.model_dump(), precision=loop.precision,
    )  # fmt: skip
    if climb_rung(loop, tokenizer, reporter, asked_to_stop):
        loop = Loop(spec, model, train, validation, tokenizer.pad_token_id, objective)  # with a fresh optimizer
    loop.run(reporter, asked_to_stop)
    check_adapter(model, loop.progress.validation[0][1], loop.progress.validation[-1][1])
    report = describe_run(loop)
    if not ranks.speaks:
        return
    save_adapter(model, tokenizer, spec.base.name, spec.output / "adapter")
    write_report(report, spec.output)
    reporter.send("finished", run=measure_run(loop, loop.resumed_from))


def _explain(work: Callable[[], None], reporter: Silent, told: Callable[[], bool] = lambda: True) -> Exit:
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


def _wait_for(descriptor: int, reporter: Silent) -> None:
    # A child whose parent was killed may still be writing its last checkpoint into the same folder.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        reporter.say("waiting for an earlier training process to write its checkpoint")
        fcntl.flock(descriptor, fcntl.LOCK_EX)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
