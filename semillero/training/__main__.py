"""The training child: ``python -m semillero.training SPEC``.

Says on standard output what happens (JSON lines, see `semillero.training.events`) and by its exit code how it ended
(`semillero.training.spec.Exit`). SIGTERM and SIGINT make it finish the step, write a checkpoint and exit with 75.
"""

import fcntl
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from semillero.errors import SemilleroError
from semillero.training.events import Reporter
from semillero.training.spec import Exit, TrainingSpec


def main(path: str) -> int:
    """Train as the specification says; return the exit code."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())  # only a flag: a checkpoint inside a step would be half a step
    reporter = Reporter()
    spec = TrainingSpec.model_validate_json(Path(path).read_text(encoding="utf-8"))
    spec.checkpoints.mkdir(parents=True, exist_ok=True)
    with (spec.checkpoints / "lock").open("w") as lock:
        _wait_for(lock.fileno(), reporter)
        return _explain(lambda: _train(spec, reporter, stop.is_set), reporter)


def _train(spec: TrainingSpec, reporter: Reporter, asked_to_stop: Callable[[], bool]) -> None:
    import torch

    torch.set_num_threads(spec.threads)
    from semillero.models.chat import load_tokenizer
    from semillero.models.loading import default_device
    from semillero.models.loss import check_compact_loss
    from semillero.training.adapter import build_model, check_adapter, save_adapter
    from semillero.training.loop import Loop
    from semillero.training.report import measure_run, write_report
    from semillero.training.rows import encode_split

    tokenizer = load_tokenizer(spec.base_folder)
    train = encode_split(spec.train, tokenizer, spec.settings.max_length)
    validation = encode_split(spec.validation, tokenizer, spec.settings.max_length)
    device = default_device()
    model = build_model(spec, device)
    check_compact_loss(model, torch.tensor(train.examples[0][0], device=device))
    loop = Loop(spec, model, train, validation, tokenizer.pad_token_id)
    loop.run(reporter, asked_to_stop)
    check_adapter(model, loop.progress.validation[0][1], loop.progress.validation[-1][1])
    save_adapter(model, tokenizer, spec.base.name, spec.output / "adapter")
    write_report(loop)
    reporter.send("finished", run=measure_run(loop, loop.resumed_from))


def _explain(work: Callable[[], None], reporter: Reporter) -> Exit:
    """Run ``work`` and turn what it raises into an exit code and, where there is more to say, an event."""
    from semillero.training.outcomes import NotFinite, Stopped

    try:
        work()
    except Stopped as stopped:
        reporter.say(f"training stopped {stopped}; a checkpoint is kept")
        return Exit.STOPPED
    except NotFinite as error:
        reporter.send("failed", found=str(error), expected="", remedy="")
        return Exit.NOT_FINITE
    except SemilleroError as error:
        reporter.send("failed", found=error.found, expected=error.expected, remedy=error.remedy)
        return Exit.EXPLAINED
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        reporter.send("failed", found=str(error).splitlines()[0] if str(error) else "", expected="", remedy="")
        return Exit.OUT_OF_MEMORY
    return Exit.DONE


def _is_out_of_memory(error: BaseException) -> bool:
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text


def _wait_for(descriptor: int, reporter: Reporter) -> None:
    # A child whose parent was killed may still be writing its last checkpoint into the same folder.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        reporter.say("waiting for an earlier training process to write its checkpoint")
        fcntl.flock(descriptor, fcntl.LOCK_EX)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
