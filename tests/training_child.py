"""Training children that start in milliseconds (forked from a server that has torch loaded) and die on command."""

import multiprocessing
import os
import signal
import sys
from pathlib import Path
from typing import Any

import polars as pl

from semillero.project import TrainingSettings
from semillero.training.spec import BaseFacts, TrainingSpec

PRELOADED = ["torch", "transformers", "peft", "accelerate", "bitsandbytes", "semillero.training.loop", __name__]


def tiny_spec(
    folder: Path, base: Path, name: str = "run", rows: int = 20, copy_to: str | None = None, **settings: Any
) -> TrainingSpec:
    """A training run over a few short rows, of its own working folder ``folder/name``."""
    split = {"train": rows, "validation": 4}
    for file, count in split.items():
        path = folder / f"{file}-{rows}.parquet"
        if not path.exists():
            pl.DataFrame({"messages": [_conversation(i) for i in range(count)]}).write_parquet(path)
    pairs = folder / f"pairs-{rows}.parquet"
    if not pairs.exists():
        pl.DataFrame([_pair(i) for i in range(rows)]).write_parquet(pairs)
    chosen = {
        "base": str(base), "lora_r": 4, "batch_size": 4, "batch_tokens": 256, "save_steps": 2, "eval_steps": 4,
        "learning_rate": 0.02, "lora_dropout": 0.1, "threads": 1, "keep_checkpoints": 2, **settings,
    }  # fmt: skip
    work = folder / name
    work.mkdir(exist_ok=True)
    by_preference = settings.get("objective") == "dpo"
    return TrainingSpec(
        train=pairs if by_preference else folder / f"train-{rows}.parquet",
        validation=pairs if by_preference else folder / f"validation-{rows}.parquet",
        base_folder=base,
        base=BaseFacts(name="tests/tiny", license="mit", parameters=100_000, source="a test", digest="0"),
        recipe=settings,
        fingerprint={"data": {"train": str(rows)}, "settings": settings},
        settings=TrainingSettings.model_validate(chosen),
        threads=1,
        checkpoints=work / "checkpoints",
        output=work / "output",
        copy_to=copy_to,
    )


def start_child(spec: TrainingSpec, dies_at_flush: int = 0) -> Any:
    """Start a training child; with ``dies_at_flush`` it kills itself at that flush of a checkpoint's file."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    work = spec.checkpoints.parent
    (work / "spec.json").write_text(spec.model_dump_json())
    child = context.Process(target=_train, args=(str(work / "spec.json"), dies_at_flush))
    child.start()
    return child


class Heard:
    """Keeps events in a list, as a reporter."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def send(self, event: str, **facts: Any) -> None:
        self.events.append({"event": event, **facts})

    def say(self, text: str) -> None:
        self.send("note", text=text)

    def pulse(self) -> None:
        self.send("alive")

    def of(self, event: str) -> list[dict[str, Any]]:
        return [e for e in self.events if e["event"] == event]

    @property
    def notes(self) -> list[str]:
        return [e["text"] for e in self.of("note")]


def train_here(spec: TrainingSpec, steps: int | None = None) -> Heard:
    """Train in this process, or stop after so many steps."""
    from semillero.training.__main__ import _train
    from semillero.training.outcomes import Stopped

    heard = Heard()
    spec.output.mkdir(exist_ok=True)
    try:
        _train(spec, heard, lambda: steps is not None and len(heard.of("step")) >= steps)  # type: ignore[arg-type]
    except Stopped:
        assert steps is not None
    return heard


def made(spec: TrainingSpec) -> dict[str, bytes]:
    """Everything a run handed over, by file name."""
    files = [p for p in spec.output.rglob("*") if p.is_file()]
    return {p.relative_to(spec.output).as_posix(): p.read_bytes() for p in files}


def _conversation(number: int) -> list[dict[str, str]]:
    return [
        {"role": "user", "content": f"¿Qué es el plato número {number}?"},
        {"role": "assistant", "content": "Es maíz con sal y limón. " * (1 + number % 4)},
    ]


def _pair(number: int) -> dict[str, str | None]:
    question, answer = (turn["content"] for turn in _conversation(number))
    return {"history": None, "prompt": question, "chosen": answer, "rejected": "No lo sé, pregunta a otra persona."}


def _train(spec: str, dies_at_flush: int) -> None:
    from semillero.training import __main__, checkpoints

    flushed, flush = 0, checkpoints.flush

    def flush_or_die(path: Path) -> None:
        nonlocal flushed
        flushed += 1
        if flushed == dies_at_flush:
            os.kill(os.getpid(), signal.SIGKILL)
        flush(path)

    checkpoints.flush = flush_or_die
    sys.stdout.flush()
    with (Path(spec).parent / "child.log").open("a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    sys.exit(__main__.main(spec))
