"""The parent: which end of a child leads to another attempt, a smaller one, a pause, or an explained error."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from semillero.errors import TrainingError, TrainingPaused
from semillero.training import attempts, child, ladder
from semillero.training.child import End
from semillero.training.spec import Attempt, Exit, Layout, TrainingSpec
from tests.tiny_model import tiny_base
from tests.training_child import Heard, made, tiny_spec

HELD, BELOW = Layout(batch_tokens=200, recomputed_layers=4), Layout(batch_tokens=100, recomputed_layers=4)
DATA = {"longest": 60, "layout": HELD.model_dump(), "smaller": BELOW.model_dump(), "precision": "no", "done": 4}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PAUSE_SECONDS", 0.0)


@pytest.fixture
def spec(tmp_path: Path, base: Path) -> TrainingSpec:
    (tmp_path / "training.log").write_text("Traceback (most recent call last):\n  …\nKeyError: 'x'\n\n")
    return tiny_spec(tmp_path, base, budget_minutes=30)


def choose(spec: TrainingSpec, end: End, fruitless: int = 1, told: bool = False) -> ladder.Next:
    return ladder.choose_next(spec, end, fruitless, spec.train.parent / "training.log", told)


def failed(found: str, **facts: Any) -> dict[str, Any]:
    return {"event": "failed", "found": found, "expected": "", "remedy": "", **facts}


@pytest.mark.parametrize(
    ("end", "attempt", "said"),
    [
        (End(-9, data=DATA, step=9), Attempt(), "killed by signal 9; a new process goes on from the last checkpoint"),
        (End(-11), Attempt(), "killed by signal 11"),
        (End(-9, hung=True), Attempt(), "hung"),
        (End(Exit.CARD_FAULT, failed("CUDA error: launch failure")), Attempt(), "CUDA error"),
        (
            End(Exit.OUT_OF_MEMORY, failed("CUDA out of memory"), DATA),
            Attempt(layout=BELOW),
            "micro-batches of 100 tokens, 4 layers recomputed instead of micro-batches of 200 tokens",
        ),
        (
            End(Exit.NOT_FINITE, failed("loss is nan"), {**DATA, "precision": "fp16"}),
            Attempt(precision="float32"),
            "goes on in float32",
        ),
    ],
)
def test_what_a_fresh_process_may_mend_is_tried_and_said(
    spec: TrainingSpec, end: End, attempt: Attempt, said: str
) -> None:
    chosen = choose(spec, end)
    assert chosen.attempt == attempt
    assert said in chosen.why


@pytest.mark.parametrize(
    ("end", "found", "remedy"),
    [
        (End(Exit.EXPLAINED, failed("no rows", remedy="more")), "no rows", "more"),
        (End(Exit.OUT_OF_MEMORY, failed("CUDA out of memory")), "out of memory", "max_length"),
        (End(Exit.OUT_OF_MEMORY, failed("x"), {**DATA, "smaller": None}), "the longest row alone", "max_length"),
        (End(Exit.NOT_FINITE, failed("loss is nan"), DATA), "loss is nan", "learning_rate"),
        (End(1), "KeyError: 'x'", "training.log"),
    ],
)
def test_what_would_fail_again_is_explained(spec: TrainingSpec, end: End, found: str, remedy: str) -> None:
    with pytest.raises(TrainingError) as caught:
        choose(spec, end)
    assert found in caught.value.found
    assert remedy in caught.value.remedy
    assert not isinstance(caught.value, TrainingPaused)


def test_attempts_that_come_no_further_are_counted_and_end(spec: TrainingSpec) -> None:
    end = End(-11, data=DATA, step=7)
    choose(spec, end, fruitless=ladder.FRUITLESS - 1)
    with pytest.raises(TrainingError, match=r"after step 7, 3 times in a row"):
        choose(spec, end, fruitless=ladder.FRUITLESS)
    # The kernel kills what takes too much memory with signal 9: the second time in vain, micro-batches shrink.
    assert choose(spec, End(-9, data=DATA, step=7), fruitless=2).attempt == Attempt(layout=BELOW)


def test_a_stop_is_a_pause_that_may_go_on_at_once_unless_everything_stops(spec: TrainingSpec) -> None:
    stopped = End(Exit.STOPPED, {"event": "stopped", "found": "after step 7 of 9", "why": "signal"}, DATA, step=7)
    for told in (False, True):
        with pytest.raises(TrainingPaused, match="stopped after step 7 of 9; a checkpoint is kept") as caught:
            choose(spec, stopped, told=told)
        assert caught.value.retryable is not told
        assert caught.value.exit_code == 75


def test_a_child_stopped_with_its_parent_before_it_could_listen_is_no_failure(spec: TrainingSpec) -> None:
    with pytest.raises(TrainingPaused, match="stopped before its first step"):
        choose(spec, End(-15), told=True)
    assert choose(spec, End(-15), told=False).attempt == Attempt()


def test_float32_is_float32_everywhere(spec: TrainingSpec) -> None:
    import torch

    from semillero.training.adapter import build_model

    model = build_model(spec.model_copy(update={"attempt": Attempt(precision="float32")}), "cpu")
    layers = [module for module in model.modules() if hasattr(module, "compute_dtype")]
    assert layers
    assert {layer.compute_dtype for layer in layers} == {torch.float32}
    assert model.get_output_embeddings().weight.dtype == torch.float32


@pytest.mark.parametrize(("step", "remedy"), [(7, "it goes on"), (4, "raise training.budget_minutes")])
def test_the_end_of_the_budget_is_a_pause_for_the_next_run(spec: TrainingSpec, step: int, remedy: str) -> None:
    end = End(Exit.STOPPED, {"event": "stopped", "found": "after step 7 of 9", "why": "budget"}, DATA, step=step)
    with pytest.raises(TrainingPaused, match=r"budget_minutes \(30\) are over") as caught:
        choose(spec, end)
    assert not caught.value.retryable
    assert remedy in caught.value.remedy


def speaking(code: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_a_child_that_hangs_or_ignores_the_end_of_its_time_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
    monkeypatch.setattr(child, "SILENCE_SECONDS", 0.5)
    late = time.monotonic() + 0.5
    for silence, deadline in ((0.5, None), (60.0, late)):
        monkeypatch.setattr(child, "SILENCE_SECONDS", silence)
        process, end = speaking(silent), End()
        assert not list(child._events(process, end, deadline))
        assert end.hung
        assert process.wait(10) == -9


def test_a_line_that_a_kill_cut_short_is_no_event() -> None:
    process, end = speaking("""print('{"event": "alive"}'); print('{"event": "st', end='')"""), End()
    assert list(child._events(process, end, None)) == [{"event": "alive"}]
    assert process.wait(10) == 0
    assert not end.hung


def child_here(before: Callable[[TrainingSpec], None] = lambda spec: None) -> tuple[Any, list[Heard]]:
    """A stand-in for the child process that trains in this one and ends as the process would."""
    from semillero.training.__main__ import _explain, _train

    heard: list[Heard] = []

    def run(spec: TrainingSpec, work: Path, on_progress: Any = None) -> End:
        before(spec)
        heard.append(events := Heard())
        code = _explain(lambda: _train(spec, events, lambda: False), events)  # type: ignore[arg-type]
        weight = [e for e in events.events if e["event"] in ("finished", "failed", "stopped")]
        data = {key: value for e in events.of("data") + events.of("started") for key, value in e.items()}
        return End(int(code), weight[-1], data, max((e["step"] for e in events.of("step")), default=-1))

    return run, heard


def test_out_of_memory_goes_on_smaller_with_the_same_rows_in_the_same_order(
    tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from semillero.training import objectives

    original, room, said = objectives.answer_loss, 150, list[str]()

    def cramped(model: Any, batch: Any) -> Any:
        if batch["input_ids"].numel() > room and not model.training:
            return original(model, batch)
        if batch["input_ids"].numel() > room:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return original(model, batch)

    roomy = tiny_spec(tmp_path, base, "roomy", lora_dropout=0.0, batch_tokens=512, max_steps=6)
    roomy.output.mkdir()
    run, _ = child_here()
    monkeypatch.setattr(attempts, "run_child", run)
    attempts.train_to_the_end(roomy, roomy.checkpoints.parent)

    spec = roomy.model_copy(update={"checkpoints": tmp_path / "c" / "checkpoints", "output": tmp_path / "c" / "output"})
    spec.output.mkdir(parents=True)
    run, heard = child_here()
    monkeypatch.setattr(attempts, "run_child", run)
    monkeypatch.setattr(attempts, "tell", said.append)
    monkeypatch.setattr(objectives, "answer_loss", cramped)
    facts = attempts.train_to_the_end(spec, tmp_path / "c")
    tried = [Layout.model_validate(events.of("data")[0]["layout"]) for events in heard]
    assert facts["processes"] == len(tried) == len(set(tried)) > 3
    # What changes the arithmetic least is given up first: both layers are recomputed before a micro-batch shrinks.
    assert [layout.recomputed_layers for layout in tried[:3]] == [0, 1, 2]
    assert len({layout.batch_tokens for layout in tried[:3]}) == 1
    assert facts["micro_batch_tokens"] <= room
    assert "the same 4 sequences a step in the same order" in said[0]
    cramped_loss, roomy_loss = (json.loads(made(s)["training.json"])["curve"]["train"] for s in (spec, roomy))
    assert [x for _, x in cramped_loss] == pytest.approx([x for _, x in roomy_loss], abs=1e-4)
    # What this machine turned out to have room for is known to the next run.
    assert attempts._read(tmp_path / "c").layout == tried[-1]
