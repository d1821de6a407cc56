"""The smoke rung: errors of the heaviest rows come first, and a run that climbed it gives the same adapter."""

from pathlib import Path
from typing import Any

import pytest

from semillero.training import objectives
from semillero.training.order import Order
from semillero.training.rung import heaviest_rows
from semillero.training.spec import TrainingSpec
from tests.tiny_model import tiny_base
from tests.training_child import Heard, tiny_spec, train_here


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base"))


def long_spec(folder: Path, base: Path, name: str) -> TrainingSpec:
    # Two or three rows a rung, forty rows an epoch: a long run, but stopped soon.
    return tiny_spec(folder, base, name, rows=40, batch_tokens=64, batch_size=2, epochs=20, save_steps=100)


def rungs(heard: Heard) -> list[str]:
    return [note for note in heard.notes if note.startswith("smoke rung")]


def test_a_rung_changes_nothing_and_is_climbed_once(tmp_path: Path, base: Path) -> None:
    climbed, plain = long_spec(tmp_path, base, "a"), long_spec(tmp_path, base, "b")
    first = train_here(climbed, steps=4)
    without = train_here(plain.model_copy(update={"rung": False}), steps=4)
    assert "passed in" in rungs(first)[1]
    assert not rungs(without)
    assert first.of("step") == without.of("step")  # to the last bit
    assert [path.name for path in climbed.checkpoints.parent.glob("rung*")] == ["rung.json"]
    newest = [spec.checkpoints / "step-00000004" / "state.pt" for spec in (climbed, plain)]
    assert newest[0].read_bytes() == newest[1].read_bytes()  # dropout's generator included
    assert not rungs(train_here(climbed, steps=1))
    (climbed.checkpoints.parent / "rung.json").write_text("of another machine")
    assert rungs(train_here(climbed, steps=1))


def test_what_the_longest_row_breaks_breaks_before_the_first_step(
    tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, original = long_spec(tmp_path, base, "c"), objectives.answer_loss
    longest = 0

    def cramped(model: Any, batch: Any) -> Any:
        nonlocal longest
        longest = max(longest, batch["input_ids"].shape[1])
        if batch["input_ids"].shape[1] >= 50:
            raise RuntimeError("CUDA out of memory")
        return original(model, batch)

    monkeypatch.setattr(objectives, "answer_loss", cramped)
    spec.output.mkdir()
    heard = Heard()
    from semillero.training.__main__ import _explain, _train

    assert _explain(lambda: _train(spec, heard, lambda: False), heard) == 77  # type: ignore[arg-type]
    assert not heard.of("step")
    assert heard.of("data")[0]["longest"] == longest
    assert not (spec.checkpoints.parent / "rung.json").exists()


def test_a_short_run_is_its_own_rung(tmp_path: Path, base: Path) -> None:
    assert not rungs(train_here(tiny_spec(tmp_path, base, "d", max_steps=2, warmup_ratio=0.0)))


def test_the_rows_of_a_rung_are_the_extremes(tmp_path: Path, base: Path) -> None:
    lengths = [10, 90, 30, 31, 32, 33, 5]
    settings = tiny_spec(tmp_path, base, batch_size=7).settings
    rows = heaviest_rows(lengths, Order(lengths, settings, 140))
    assert {1, 6} <= set(rows)  # longest and shortest
    assert {2, 3, 4, 5} <= set(rows)  # 4 × 33 tokens weigh more than the longest row alone
