"""`finetune_adapter` with its real child: the artifact, the hit, the refusals, the explained ends."""

import contextlib
import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from semillero.errors import InputError, TrainingError, TrainingPaused
from semillero.project import TrainingSettings
from semillero.project.models import settings_json
from semillero.store import Artifact, Recipe, RunStore
from semillero.training import finetune_adapter
from semillero.training.finetune import _irrelevant
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
def test_preferences_train_an_adapter_of_their_own(tmp_path: Path, base: Path) -> None:
    store = RunStore(str(tmp_path / "store"))
    with store.draft(Recipe("dataset", 1, {}, {"pairs": 12})) as draft:
        pairs = [
            {"history": None, "prompt": f"¿Plato {i}?", "chosen": "Maíz y sal.", "rejected": "No lo sé, la verdad."}
            for i in range(12)
        ]
        pl.DataFrame(pairs).write_parquet(draft.path / "preferences.parquet")
    chosen = settings(base, objective="dpo", epochs=6, beta=0.5, rpo_alpha=0.1)
    adapter = finetune_adapter(store, draft.artifact, chosen)
    report = json.loads((store.folder(adapter) / "training.json").read_text())
    assert (report["objective"], report["train_rows"], report["validation_rows"]) == ("dpo", 11, 1)
    assert report["curve"]["train"][-1][1] < report["curve"]["train"][0][1] / 2
    assert report["validation_preference_accuracy"] == 1.0
    assert finetune_adapter(store, draft.artifact, chosen).reused
    # Answers alone hold no preference: the stage says so before it starts a process.
    with pytest.raises(InputError, match="no preference pairs"):
        finetune_adapter(store, dataset(store), chosen)
    # What only one objective knows makes no other adapter of the other one.
    for_answers = settings(base)
    recipes = [_recipe_settings(for_answers.model_copy(update={"beta": beta})) for beta in (0.1, 0.7)]
    assert recipes[0] == recipes[1]
    assert _recipe_settings(chosen) != _recipe_settings(chosen.model_copy(update={"beta": 0.7}))


def _recipe_settings(training: TrainingSettings) -> dict[str, Any]:
    return settings_json(training, _irrelevant(training))


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_one_adapter_out_of_three_processes(tmp_path: Path, base: Path) -> None:
    """The first is killed, and the parent starts a second; that one is stopped, which pauses; the next call ends it."""
    store = RunStore(str(tmp_path / "store"))
    rows = dataset(store, rows=40)
    far = tmp_path / "far"
    chosen = settings(base, epochs=3, batch_size=2, save_steps=5, eval_steps=1000, checkpoint_copy=str(far))
    seen: list[tuple[int, int]] = []
    hand = threading.Thread(target=kill_then_stop, args=(tmp_path / "store" / "work", seen))
    hand.start()
    with pytest.raises(TrainingPaused, match="a checkpoint is kept") as caught:
        finetune_adapter(store, rows, chosen, lambda done, of: seen.append((done, of)))
    hand.join()
    assert caught.value.retryable
    assert {of for _, of in seen} == {60}
    adapter = finetune_adapter(store, rows, chosen)

    facts = store.run_facts(adapter)
    assert facts["resumed_from_step"] >= 17
    assert facts["processes"] == 1
    assert facts["tokens_per_second"] > 0
    assert 50 < facts["peak_memory_mb"] < 4000
    assert sorted(path.name for path in far.glob("*/step-*"))[-1] == "step-00000060"
    report = json.loads((store.folder(adapter) / "training.json").read_text())
    assert [step for step, _ in report["curve"]["train"]] == list(range(1, 61))
    assert (store.folder(adapter) / "figures" / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert adapter.counts == {
        "trained": 40, "left_out": 0, "steps": 60, "supervised_tokens": report["supervised_tokens"],
    }  # fmt: skip
    data = b"".join((store.folder(adapter) / name).read_bytes() for name in adapter.files)
    assert str(tmp_path).encode() not in data
    # What does not change the adapter finds the same one; what does, does not.
    how = {"threads": 2, "save_steps": 9, "keep_checkpoints": 5, "max_parameters": 1e9, "budget_minutes": 9}
    assert finetune_adapter(store, rows, chosen.model_copy(update={**how, "checkpoint_copy": None})).reused
    with pytest.raises(TrainingError, match="parameters"):
        finetune_adapter(store, rows, settings(base, seed=99, max_parameters=10))


def kill_then_stop(work: Path, seen: list[tuple[int, int]]) -> None:
    """SIGKILL the first child after step 7, SIGTERM the second after step 17."""
    wait_until(lambda: any(done >= 7 for done, _ in seen))
    first = find_child(work)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: find_child(work) not in (first, 0))
    told = len(seen)
    wait_until(lambda: any(done >= 17 for done, _ in seen[told:]))
    os.kill(find_child(work), signal.SIGTERM)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not true() and time.monotonic() < deadline:
        time.sleep(0.005)


def find_child(work: Path) -> int:
    """Return the pid of the training child that works in a folder, or 0."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"semillero.training" in words and str(work).encode() in b" ".join(words):
            return int(path.parent.name)
    return 0


@pytest.mark.slow
def test_the_child_needs_no_more_than_it_says(tmp_path: Path, base: Path) -> None:
    """On a bare GPU machine there are torch and the libraries of training, and not what the flows need."""
    spec = tiny_spec(tmp_path, base, max_steps=2, warmup_ratio=0.0)
    spec.output.mkdir()
    moved = {
        name: getattr(spec, name).relative_to(tmp_path) for name in ("train", "validation", "checkpoints", "output")
    }
    (tmp_path / "spec.json").write_text(spec.model_copy(update=moved).model_dump_json())  # relative to its own folder
    allowed = {*closure("torch", "transformers", "peft", "accelerate", "bitsandbytes", "datasets", "pydantic")}
    found = importlib.metadata.packages_distributions()
    blocked = {name for name, owners in found.items() if not {plain(owner) for owner in owners} & allowed}
    assert {"polars", "prefect", "distilabel"} <= blocked
    code = (
        "import runpy, sys\n"
        f"sys.modules.update(dict.fromkeys({sorted(blocked - {'semillero', 'tests', 'sitecustomize'})!r}))\n"
        f"sys.argv = ['child', {str(tmp_path / 'spec.json')!r}]\n"
        "runpy.run_module('semillero.training', run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (spec.output / "adapter" / "adapter_model.safetensors").is_file()


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(*names: str) -> Iterator[str]:
    """Yield the packages and all they require, extras aside."""
    waiting, seen = [plain(name) for name in names], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        yield name
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            wanted = [r for r in importlib.metadata.requires(name) or [] if "extra ==" not in r]
            waiting += [plain(re.split(r"[^A-Za-z0-9._-]", requirement)[0]) for requirement in wanted]


def test_the_figure_is_a_function_of_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib as mpl

    from semillero.training.figure import draw_loss

    curve = {"train": [[1, 3.5], [2, 3.0], [3, 2.5]], "validation": [[0, 3.6], [3, 2.8]]}
    report = {"objective": "sft", "curve": curve, "base_validation_loss": 3.6, "validation_loss": 2.8, "steps": 3}
    draw_loss(report, tmp_path / "a.png")
    monkeypatch.setitem(mpl.rcParams, "axes.facecolor", "red")  # the user's own settings
    draw_loss(report, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    draw_loss({**report, "validation_loss": 2.7}, tmp_path / "c.png")
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "c.png").read_bytes()
