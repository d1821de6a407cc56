"""`finetune_adapter` with its real child: the artifact, the hit, the refusals, the explained ends."""

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from semillero.errors import TrainingError
from semillero.project import TrainingSettings
from semillero.store import Artifact, Recipe, RunStore
from semillero.training import child, finetune_adapter
from semillero.training.spec import Exit
from tests.tiny_model import tiny_base
from tests.training_child import tiny_spec


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base") / "diminuto")


def dataset(store: RunStore, rows: int = 20) -> Artifact:
    with store.draft(Recipe("dataset", 1, {}, {"rows": rows})) as draft:
        for name, count in (("train", rows), ("validation", 4)):
            messages = [
                [
                    {"role": "user", "content": f"¿Plato {i}?"},
                    {"role": "assistant", "content": "Maíz y sal. " * (1 + i % 3)},
                ]
                for i in range(count)
            ]
            pl.DataFrame({"messages": messages}).write_parquet(draft.path / f"{name}.parquet")
    return draft.artifact


def settings(base: Path, **changes: Any) -> TrainingSettings:
    chosen = {"base": str(base), "lora_r": 4, "batch_size": 4, "threads": 1, "learning_rate": 0.02, "save_steps": 2}
    return TrainingSettings.model_validate(chosen | changes)


@pytest.mark.slow
def test_an_adapter_is_made_once_and_then_found(tmp_path: Path, base: Path) -> None:
    store = RunStore(str(tmp_path / "store"))
    rows = dataset(store)
    adapter = finetune_adapter(store, rows, settings(base))
    report = json.loads((store.folder(adapter) / "training.json").read_text())
    assert (store.folder(adapter) / "figures" / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert adapter.counts == {
        "trained": 20, "left_out": 0, "steps": 10, "supervised_tokens": report["supervised_tokens"],
    }  # fmt: skip
    facts = store.run_facts(adapter)
    assert facts["tokens_per_second"] > 0
    assert 50 < facts["peak_memory_mb"] < 4000
    data = b"".join((store.folder(adapter) / name).read_bytes() for name in adapter.files)
    assert str(tmp_path).encode() not in data
    # What does not change the adapter finds the same one; what does, does not.
    same = settings(base, threads=2, save_steps=9, keep_checkpoints=5, max_parameters=1e9)
    assert finetune_adapter(store, rows, same).reused
    with pytest.raises(TrainingError, match="parameters"):
        finetune_adapter(store, rows, settings(base, seed=99, max_parameters=10))


@pytest.mark.slow
@pytest.mark.chaos
def test_a_child_asked_to_stop_is_explained_and_the_next_call_goes_on(tmp_path: Path, base: Path) -> None:
    store = RunStore(str(tmp_path / "store"))
    rows = dataset(store, rows=40)
    chosen = settings(base, epochs=8, batch_size=2, save_steps=5, eval_steps=1000)
    stopper = threading.Thread(target=_stop_child_after_first_checkpoint, args=(tmp_path / "store" / "work",))
    stopper.start()
    with pytest.raises(TrainingError, match="a checkpoint is kept") as caught:
        finetune_adapter(store, rows, chosen)
    stopper.join()
    assert caught.value.retryable
    adapter = finetune_adapter(store, rows, chosen)
    assert store.run_facts(adapter)["resumed_from_step"] >= 5


def _stop_child_after_first_checkpoint(work: Path) -> None:
    deadline = time.monotonic() + 120
    while not list(work.glob("train/*/checkpoints/step-0*5")) and time.monotonic() < deadline:
        time.sleep(0.02)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"semillero.training" in words and str(work).encode() in b" ".join(words):
            os.kill(int(path.parent.name), signal.SIGTERM)


@pytest.mark.parametrize(
    ("code", "last", "found", "remedy"),
    [
        (Exit.EXPLAINED, {"event": "failed", "found": "no rows", "expected": "", "remedy": "more"}, "no rows", "more"),
        (Exit.OUT_OF_MEMORY, {"event": "failed", "found": "CUDA out of memory"}, "out of memory: CUDA", "batch_tokens"),
        (Exit.NOT_FINITE, {"event": "failed", "found": "loss is nan"}, "loss is nan", "learning_rate"),
        (Exit.STOPPED, {}, "checkpoint is kept", "goes on"),
        (-9, {}, "signal 9", "last checkpoint"),
        (1, {}, "KeyError: 'x'", "training.log"),
    ],
)
def test_each_end_of_the_child_is_explained(
    tmp_path: Path, base: Path, code: int, last: dict[str, Any], found: str, remedy: str
) -> None:
    log = tmp_path / "training.log"
    log.write_text("Traceback (most recent call last):\n  …\nKeyError: 'x'\n\n")
    error = child._explain(code, last, log, tiny_spec(tmp_path, base))
    assert found in error.found
    assert remedy in error.remedy


def test_the_figure_is_a_function_of_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib as mpl

    from semillero.training.figure import draw_loss

    curve = {"train": [[1, 3.5], [2, 3.0], [3, 2.5]], "validation": [[0, 3.6], [3, 2.8]]}
    report = {"curve": curve, "base_validation_loss": 3.6, "validation_loss": 2.8, "steps": 3}
    draw_loss(report, tmp_path / "a.png")
    monkeypatch.setitem(mpl.rcParams, "axes.facecolor", "red")  # the user's own settings
    draw_loss(report, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    draw_loss({**report, "validation_loss": 2.7}, tmp_path / "c.png")
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "c.png").read_bytes()
