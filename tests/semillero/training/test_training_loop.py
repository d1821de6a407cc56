"""The loop in this process: orderly stops, refusals, and what it hands over."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch

from semillero.errors import TrainingError
from semillero.training.__main__ import _explain, _train
from semillero.training.outcomes import NotFinite, Stopped
from semillero.training.spec import Exit
from tests.tiny_model import tiny_base
from tests.training_child import Heard, made, tiny_spec
from tests.training_child import train_here as train


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base"))


@pytest.mark.parametrize("objective", ["sft", "dpo"])
def test_a_stopped_run_goes_on_bit_for_bit(tmp_path: Path, base: Path, objective: str) -> None:
    how = {"objective": objective, "max_steps": 10}
    undisturbed, stopped = tiny_spec(tmp_path, base, "a", **how), tiny_spec(tmp_path, base, "b", **how)
    whole = train(undisturbed)
    first, second = train(stopped, steps=3), train(stopped, steps=2)
    last = train(stopped)
    assert [len(h.of("step")) for h in (whole, first, second, last)] == [10, 3, 2, 5]
    assert last.of("started")[0]["done"] == 5
    assert last.of("finished")[0]["run"]["resumed_from_step"] == 5
    assert made(stopped) == made(undisturbed)
    assert len(list(stopped.checkpoints.glob("step-*"))) == 1  # the last one alone is kept in the end
    report = json.loads(made(undisturbed)["training.json"])
    assert [step for step, _ in report["curve"]["validation"]] == [0, 4, 10]  # 8 would be right before the end
    assert report["validation_loss"] < report["base_validation_loss"]
    assert report["supervised_tokens"] < report["tokens"]


def test_the_adapter_loads_with_peft_and_names_no_path(tmp_path: Path, base: Path) -> None:
    from peft import PeftModel

    from semillero.models.chat import load_tokenizer
    from semillero.models.loading import load_base_model
    from semillero.training.rows import encode_split

    spec = tiny_spec(tmp_path, base, max_steps=2, warmup_ratio=0.0)
    report = train(spec)
    for name, data in made(spec).items():
        assert str(tmp_path).encode() not in data, name
        assert str(base).encode() not in data, name
    config = json.loads((spec.output / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "tests/tiny"
    assert (spec.output / "adapter" / "chat_template.jinja").is_file()
    model = PeftModel.from_pretrained(
        load_base_model(base, quantize=True, device="cpu"), spec.output / "adapter"
    ).eval()
    from semillero.models.batches import collate
    from semillero.models.loss import sequence_losses

    split = encode_split(spec.validation, load_tokenizer(spec.output / "adapter"), 512)
    sums, counts = sequence_losses(model, collate(split.examples, 0))
    assert sums.sum().item() / int(counts.sum()) == pytest.approx(report.of("validation")[-1]["loss"], abs=1e-4)


def test_micro_batches_do_not_change_the_step(tmp_path: Path, base: Path) -> None:
    losses = []
    for tokens in (64, 2048):
        spec = tiny_spec(tmp_path, base, f"tokens{tokens}", batch_tokens=tokens, lora_dropout=0.0, max_steps=4)
        losses.append([event["loss"] for event in train(spec).of("step")])
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_a_loss_that_is_not_a_number_stops_the_run(tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from semillero.training import objectives

    original, calls = objectives.answer_loss, 0

    def broken(model: Any, batch: Any) -> Any:
        nonlocal calls
        calls += 1
        value, count = original(model, batch)
        return (value * float("nan") if calls == 5 else value), count

    monkeypatch.setattr(objectives, "answer_loss", broken)
    heard, spec = Heard(), tiny_spec(tmp_path, base, batch_tokens=2048)
    spec.output.mkdir()
    assert _explain(lambda: _train(spec, heard, lambda: False), heard) is Exit.NOT_FINITE  # type: ignore[arg-type]
    assert "loss is nan" in heard.of("failed")[0]["found"]
    assert not made(spec)


def test_an_adapter_that_changes_nothing_is_refused(tmp_path: Path, base: Path) -> None:
    with pytest.raises(TrainingError, match="changed nothing"):
        train(tiny_spec(tmp_path, base, learning_rate=1e-12, max_steps=1))


def test_a_broken_adapter_is_refused(base: Path) -> None:
    from semillero.training.adapter import check_adapter

    model = torch.nn.Module()
    model.lora_B = torch.nn.Parameter(torch.tensor([1.0, float("nan")]))
    with pytest.raises(TrainingError, match="not finite"):
        check_adapter(model, 2.0, 1.0)


@pytest.mark.parametrize(
    ("messages", "settings", "match"),
    [
        ([], {}, "has no rows"),
        ([("¿Qué?", "Nada. " * 40)], {"max_length": 32}, "every row of train-0.parquet is longer than 32"),
        ([("¿Qué?", "Sí."), ("¿Qué?", "  ")], {}, "1 rows without an answer"),
        ([("¿Qué?", "Sí.")], {"target_modules": ("no_such",)}, "no adapter fits"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_the_first_step(
    tmp_path: Path, base: Path, messages: list[tuple[str, str]], settings: dict[str, Any], match: str
) -> None:
    spec = tiny_spec(tmp_path, base, rows=0, **settings)
    rows = [[{"role": "user", "content": q}, {"role": "assistant", "content": a}] for q, a in messages]
    kind = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))
    pl.DataFrame({"messages": rows}, schema={"messages": kind}).write_parquet(spec.train)
    with pytest.raises(TrainingError, match=match):
        train(spec)


def test_long_rows_are_left_out_and_counted(tmp_path: Path, base: Path) -> None:
    spec = tiny_spec(tmp_path, base, max_length=64, max_steps=1, warmup_ratio=0.0)
    train(spec)
    report = json.loads((spec.output / "training.json").read_text())
    assert report["train_rows_too_long"] > 0
    assert report["train_rows"] + report["train_rows_too_long"] == 20


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Stopped(), Exit.STOPPED),
        (NotFinite("x"), Exit.NOT_FINITE),
        (TrainingError("x"), Exit.EXPLAINED),
        (MemoryError(), Exit.OUT_OF_MEMORY),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), Exit.OUT_OF_MEMORY),
        (torch.OutOfMemoryError("CUDA out of memory."), Exit.OUT_OF_MEMORY),
    ],
)
def test_each_end_has_its_exit_code(error: Exception, code: Exit) -> None:
    def fail() -> None:
        raise error

    assert _explain(fail, Heard()) is code  # type: ignore[arg-type]


def test_an_unknown_fault_keeps_its_traceback_for_the_log() -> None:
    def fail() -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        _explain(fail, Heard())  # type: ignore[arg-type]


def test_a_run_keeps_the_layout_it_was_planned_with_though_the_free_memory_changes(
    tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from semillero.training import devices
    from semillero.training.plan import Device

    lengths = [40, 60, 80, 100, 30, 50, 70, 90]
    planned = []
    for gibibytes in (8.0, 1.1, 8.0):
        spec = tiny_spec(tmp_path, base, batch_tokens=None)
        planned.append(devices.settle_layout(spec, lengths, Device("CPU", gibibytes)))
    assert planned[0] == planned[1] == planned[2]
    # A step of four rows is one micro-batch where that fits, and other rows are another run with a plan of its own.
    assert planned[0].batch_tokens == max(
        sum(lengths[row] for row in rows) for (rows,) in devices.plan_packs(lengths, 4, devices.ANY_NUMBER, 13, 0)
    )
    other = tiny_spec(tmp_path, base, batch_tokens=None, lora_r=8)
    assert devices.settle_layout(other, [10] * 8, Device("CPU", 8.0)) != planned[0]
    (spec.checkpoints.parent / devices.REMEMBERED).write_text("{torn")
    assert devices.settle_layout(spec, lengths, Device("CPU", 8.0)) == planned[0]
