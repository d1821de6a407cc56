"""Starts one training child, shows what it says, and notices when it ends, hangs or outstays its time."""

import contextlib
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from semillero.processes import dies_with_parent, told_with_parent
from semillero.progress import say, track
from semillero.training.spec import TrainingSpec

LOG = "training.log"  # what the child and its libraries print; kept in the working folder
STOP_SECONDS = 120.0  # to finish a micro-batch, write a checkpoint and copy it
SILENCE_SECONDS = 1800.0  # a child says something every few seconds, but one micro-batch may take minutes on a CPU

log = logging.getLogger("semillero.training")
OnProgress = Callable[[int, int], None]  # optimizer steps done, of how many


@dataclass
class End:
    """How a child ended.

    Attributes:
        code: its exit code; negative for a signal.
        last: its last event of weight (``finished``, ``failed`` or ``stopped``).
        data: what it said of its data and precision, empty if it never came that far.
        step: the furthest optimizer step it reached.
        hung: it was silent for too long and was killed.
    """

    code: int = 0
    last: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    step: int = -1
    hung: bool = False


def run_child(spec: TrainingSpec, work: Path, on_progress: OnProgress | None = None) -> End:
    """Train in one child process.

    Args:
        spec: the run, and how this process tries it.
        work: folder for the specification and the log; it survives a killed run.
        on_progress: called after each optimizer step.
    """
    spec_file = work / "spec.json"
    spec_file.write_text(spec.model_dump_json(indent=2), encoding="utf-8")
    deadline = None if spec.seconds is None else time.monotonic() + spec.seconds + STOP_SECONDS
    with (work / LOG).open("a", encoding="utf-8") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "semillero.training", str(spec_file.resolve())],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            env=_environment(spec.threads),
            preexec_fn=dies_with_parent(),  # not start_new_session: Ctrl-C shall reach the child too
        )
        end = End()
        with told_with_parent(child):
            try:
                _follow(child, end, on_progress, deadline)
                end.code = child.wait()
            except BaseException:
                _stop(child)
                raise
    return end


def _follow(child: "subprocess.Popen[str]", end: End, on_progress: OnProgress | None, deadline: float | None) -> None:
    """Show what the child says until it says no more."""
    with contextlib.ExitStack() as bars:
        advance: Callable[[int], None] = lambda n: None  # noqa: E731
        for event in _events(child, end, deadline):
            kind, steps = event["event"], end.data.get("steps", 0)
            if kind == "started":
                end.data |= event
                end.step = event["done"]
                tell(f"training {event['parameters']:,} parameters for {event['steps']} steps")
                advance = bars.enter_context(track("training", total=event["steps"]))
                advance(event["done"])
            elif kind == "step":
                end.step = event["step"]
                advance(1)
                if on_progress:
                    on_progress(end.step, steps)
            elif kind == "validation":
                tell(f"validation loss after step {event['step']}: {event['loss']:.4f}")
            elif kind == "note":
                tell(event["text"])
            elif kind == "data":
                end.data |= event
            elif kind != "alive":
                end.last = event


def _events(child: "subprocess.Popen[str]", end: End, deadline: float | None) -> Iterator[dict[str, Any]]:
    """Yield the child's events; kill it when it is silent for too long or ignores the end of its time."""
    lines: queue.Queue[str | None] = queue.Queue()
    stream = child.stdout
    assert stream is not None

    def read() -> None:
        for line in stream:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, name="training events", daemon=True).start()
    while True:
        patience = SILENCE_SECONDS if deadline is None else min(SILENCE_SECONDS, deadline - time.monotonic())
        try:
            line = lines.get(timeout=max(patience, 0.0))
        except queue.Empty:
            end.hung = True
            child.kill()  # it answers nothing, so SIGTERM would not be answered either
            tell("the training process does not answer any more; it was killed")
            return
        if line is None:
            return
        try:
            event = json.loads(line)
        except ValueError:  # the child was killed while it wrote this line
            continue
        yield event


def tell(text: str) -> None:
    """Say something on the terminal and in the log, which the Prefect page shows."""
    say(text)
    log.info(text)


def _stop(child: "subprocess.Popen[str]") -> None:
    """Let the child write its checkpoint; kill it only when it does not end."""
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _environment(threads: int) -> dict[str, str]:
    return {
        # Threads that wait by spinning take the core from whoever they wait for: with the cores shared, two waiting
        # threads needed twice the time of two sleeping ones.
        "OMP_WAIT_POLICY": "PASSIVE",
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",  # everything it needs is in folders it was given
        "TRANSFORMERS_VERBOSITY": "error",
        "PYTHONUNBUFFERED": "1",
    }
