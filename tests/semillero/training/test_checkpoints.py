"""Checkpoints: read back exactly, whole or passed over with a word, never those of another run."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from semillero.errors import TrainingError
from semillero.training import checkpoints
from semillero.training.checkpoints import load_checkpoint, save_checkpoint
from semillero.training.keeping import Keeper
from tests.damage import flip, truncate

FINGERPRINT = {
    "data": {"train": "abc"},
    "settings": {"seed": 1, "learning_rate": 0.1},
    "parameters": {"a.weight": [2, 3]},
}


def state(step: int) -> dict[str, Any]:
    torch.manual_seed(step)
    trainer = {"optimizer": {"state": {0: {"exp_avg": torch.randn(2, 3)}}}, "rng": torch.get_rng_state()}
    return {
        "adapter": {"a.weight": torch.randn(2, 3)},
        "trainer": trainer,
        "progress": {"step": step, "train": [[1, 0.1]]},
    }


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    for step in (2, 4, 6):
        save_checkpoint(tmp_path, step, state(step), FINGERPRINT, keep=2)
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_is_read_back_exactly_and_old_ones_go(saved: Path) -> None:
    assert names(saved) == ["step-00000004", "step-00000006"]
    said: list[str] = []
    found = load_checkpoint(saved, FINGERPRINT, said.append)
    expected = state(6)
    assert found is not None
    assert found["progress"] == expected["progress"]
    assert torch.equal(found["adapter"]["a.weight"], expected["adapter"]["a.weight"])
    assert torch.equal(found["trainer"]["rng"], expected["trainer"]["rng"])
    assert not said


@pytest.mark.parametrize("damage", [truncate, flip, Path.unlink])
@pytest.mark.parametrize("file", ["adapter.safetensors", "state.pt", "progress.json", "manifest.json"])
def test_any_damage_to_any_file_falls_back_to_the_one_before(
    saved: Path, file: str, damage: Callable[[Path], None]
) -> None:
    damage(saved / "step-00000006" / file)
    said: list[str] = []
    found = load_checkpoint(saved, FINGERPRINT, said.append)
    assert found is not None
    assert found["progress"]["step"] == 4
    assert len(said) == 1
    assert "step-00000006" in said[0]
    assert [path.name[:13] for path in (saved / "damaged").iterdir()] == ["step-00000006"]
    save_checkpoint(saved, 6, state(6), FINGERPRINT, keep=2)  # the step is taken again
    assert load_checkpoint(saved, FINGERPRINT, said.append)["progress"]["step"] == 6  # type: ignore[index]


def test_when_all_are_damaged_it_is_said_aloud(saved: Path) -> None:
    for path in saved.glob("step-*/state.pt"):
        flip(path)
    said: list[str] = []
    assert Keeper(saved, FINGERPRINT, 2, None).load(said.append) is None
    assert len(said) == 3
    assert "from its beginning" in said[-1]


def test_the_best_stays_beside_the_newest(tmp_path: Path) -> None:
    for step, score in ((2, 3.0), (4, 2.0), (6, None), (8, 2.5), (10, 2.4)):
        save_checkpoint(tmp_path, step, state(step), FINGERPRINT, keep=2, score=score)
    assert names(tmp_path) == ["step-00000004", "step-00000008", "step-00000010"]
    save_checkpoint(tmp_path, 12, state(12), FINGERPRINT, keep=1, score=1.9)
    assert names(tmp_path) == ["step-00000012"]


def test_a_kill_while_the_same_step_is_saved_again_loses_neither(saved: Path) -> None:
    newest = saved / "step-00000006"
    newest.rename(saved / ".replaced-step-00000006")
    assert load_checkpoint(saved, FINGERPRINT, pytest.fail)["progress"]["step"] == 6  # type: ignore[index]
    save_checkpoint(saved, 6, state(7), FINGERPRINT, keep=2)
    assert load_checkpoint(saved, FINGERPRINT, pytest.fail)["progress"]["step"] == 7  # type: ignore[index]
    assert names(saved) == ["step-00000004", "step-00000006"]


@pytest.mark.parametrize(
    ("ours", "named"),
    [
        ({**FINGERPRINT, "data": {"train": "xyz"}}, 'data.train ("abc" there, "xyz" here)'),
        ({**FINGERPRINT, "settings": {"seed": 2, "learning_rate": 0.1}}, "settings.seed (1 there, 2 here)"),
        ({**FINGERPRINT, "parameters": {"a.weight": [2, 4]}}, "parameters.a.weight ([2, 3] there, [2, 4] here)"),
        ({**FINGERPRINT, "parameters": {}}, "parameters.a.weight ([2, 3] there, nothing here)"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_the_field_named(
    saved: Path, ours: dict[str, Any], named: str
) -> None:
    with pytest.raises(TrainingError) as caught:
        load_checkpoint(saved, ours, lambda text: None)
    assert caught.value.found.endswith(f"what differs: {named}")
    assert names(saved) == ["step-00000004", "step-00000006"]


def test_what_a_kill_left_half_written_is_cleared_away(saved: Path) -> None:
    (saved / ".aside-1234").mkdir()
    (saved / ".aside-1234" / "state.pt").write_bytes(b"half")
    assert load_checkpoint(saved, FINGERPRINT, lambda text: None)["progress"]["step"] == 6  # type: ignore[index]
    assert names(saved) == ["step-00000004", "step-00000006"]


def test_a_full_disk_is_explained_and_costs_no_older_checkpoint(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(checkpoints, "flush", full)
    with pytest.raises(TrainingError, match=r"checkpoint of step 8 cannot be written .*No space left") as caught:
        save_checkpoint(saved, 8, state(8), FINGERPRINT, keep=1)
    assert "free some space" in caught.value.remedy
    assert names(saved) == ["step-00000004", "step-00000006"]


def test_an_empty_folder_has_no_checkpoint_and_nothing_to_say(tmp_path: Path) -> None:
    said: list[str] = []
    assert load_checkpoint(tmp_path / "new", FINGERPRINT, said.append) is None
    assert not said


def test_code_in_a_checkpoint_is_not_run(saved: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (saved / "evil",))

    save_checkpoint(saved, 8, {**state(8), "trainer": {"optimizer": Evil()}}, FINGERPRINT, keep=3)
    said: list[str] = []
    assert load_checkpoint(saved, FINGERPRINT, said.append)["progress"]["step"] == 6  # type: ignore[index]
    assert "cannot be read" in said[0]
    assert not (saved / "evil").exists()
