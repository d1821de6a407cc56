"""Starts the training child, shows its progress, and explains its end."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from semillero.errors import TrainingError
from semillero.processes import dies_with_parent
from semillero.progress import say, track
from semillero.training.spec import Exit, TrainingSpec

LOG = "training.log"  # what the child and its libraries print; kept in the working folder
STOP_SECONDS = 120.0  # to finish a step and write a checkpoint


def run_child(spec: TrainingSpec, work: Path) -> dict[str, Any]:
    """Train in a child process; return what it measured (seconds, throughput, memory, device).

    Args:
        spec: the run.
        work: folder for the specification and the log; it survives a killed run.

    Raises:
        TrainingError: the child ended without an adapter; says why and what to do.
    """
    spec_file = work / "spec.json"
    spec_file.write_text(spec.model_dump_json(indent=2), encoding="utf-8")
    with (work / LOG).open("w", encoding="utf-8") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "semillero.training", str(spec_file.resolve())],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            env=_environment(spec.threads),
            preexec_fn=dies_with_parent(),  # not start_new_session: Ctrl-C shall reach the child too
        )
        try:
            last = _follow(child)
            code = child.wait()
        except BaseException:
            _stop(child)
            raise
    if code == Exit.DONE and last.get("event") == "finished":
        return dict(last["run"])
    raise _explain(code, last, work / LOG, spec)


def _follow(child: "subprocess.Popen[str]") -> dict[str, Any]:
    """Show what the child says until it says no more; return its last event of weight."""
    last: dict[str, Any] = {}
    assert child.stdout is not None
    with contextlib.ExitStack() as bars:
        advance: Callable[[int], None] = lambda n: None  # noqa: E731
        for line in child.stdout:
            event = json.loads(line)
            if event["event"] == "started":
                say(f"training {event['parameters']:,} parameters for {event['steps']} steps")
                advance = bars.enter_context(track("training", total=event["steps"]))
                advance(event["done"])
            elif event["event"] == "step":
                advance(1)
            elif event["event"] == "validation":
                say(f"validation loss after step {event['step']}: {event['loss']:.4f}")
            elif event["event"] == "note":
                say(event["text"])
            else:
                last = event
    return last


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


def _explain(code: int, last: dict[str, Any], log: Path, spec: TrainingSpec) -> TrainingError:
    found = str(last.get("found", "")) or _last_line(log)
    if code == Exit.EXPLAINED and last.get("event") == "failed":
        return TrainingError(found, last["expected"], last["remedy"])
    if code == Exit.STOPPED:
        return TrainingError(
            "training was stopped; a checkpoint is kept", "", "run the same command again: it goes on", retryable=True
        )
    if code == Exit.OUT_OF_MEMORY:
        return TrainingError(
            f"training ran out of memory: {found}",
            f"room for {spec.settings.batch_tokens} tokens at once",
            "lower training.batch_tokens, then training.max_length; the batch_size of a step can stay",
        )
    if code == Exit.NOT_FINITE:
        return TrainingError(
            f"training left the numbers: {found}",
            "a finite loss and gradient",
            "lower training.learning_rate or raise training.warmup_ratio; if step 1 fails already, name another base",
        )
    if code < 0:
        return TrainingError(
            f"the training process was killed by signal {-code} (9 is often the system short of memory)",
            "",
            "run the same command again: it goes on from its last checkpoint",
            retryable=True,
        )
    return TrainingError(f"training failed: {found}", "", f"the whole story is in {log}")


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
