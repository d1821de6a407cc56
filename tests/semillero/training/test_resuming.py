"""Stopped inside a step, or with a damaged checkpoint: the run goes on as if nothing had happened."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from semillero.training.__main__ import _train
from semillero.training.outcomes import Stopped
from semillero.training.spec import TrainingSpec
from tests.damage import flip, truncate
from tests.tiny_model import tiny_base
from tests.training_child import Heard, made, tiny_spec, train_here

STEPS = 6


def run_spec(folder: Path, base: Path, name: str) -> TrainingSpec:
    return tiny_spec(folder, base, name, max_steps=STEPS, batch_tokens=100)  # several micro-batches a step


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, base: Path) -> dict[str, bytes]:
    spec = run_spec(tmp_path_factory.mktemp("undisturbed"), base, "whole")
    train_here(spec)
    return made(spec)


@pytest.mark.parametrize("breaths", [1, 3, 9, 12, 17])
def test_a_stop_inside_a_step_or_a_validation_is_answered_at_once(
    tmp_path: Path, base: Path, undisturbed: dict[str, bytes], breaths: int
) -> None:
    spec, heard = run_spec(tmp_path, base, "stopped"), Heard()
    spec.output.mkdir()
    with pytest.raises(Stopped):
        _train(spec, heard, lambda: len(heard.of("alive")) >= breaths)  # type: ignore[arg-type]
    assert len(heard.of("alive")) == breaths  # not one micro-batch more
    train_here(spec)
    assert made(spec) == undisturbed


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Path:
    """A folder with a run that was stopped after step 5; its checkpoints are of steps 4 and 5."""
    folder = tmp_path_factory.mktemp("stopped")
    train_here(run_spec(folder, base, "run"), steps=5)
    return folder


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.parametrize("damage", [truncate, flip, Path.unlink])
@pytest.mark.parametrize("file", ["adapter.safetensors", "state.pt", "progress.json", "manifest.json"])
def test_any_damage_to_any_file_repeats_a_step_and_changes_nothing(
    tmp_path: Path, base: Path, stopped: Path, undisturbed: dict[str, bytes], file: str, damage: Callable[[Path], Any]
) -> None:
    shutil.copytree(stopped, tmp_path / "copy")
    spec = run_spec(tmp_path / "copy", base, "run")
    damage(spec.checkpoints / "step-00000005" / file)
    heard = train_here(spec)
    assert heard.of("started")[0]["done"] == 4
    assert "checkpoint step-00000005" in heard.notes[0]
    assert "put aside" in heard.notes[0]
    assert made(spec) == undisturbed
