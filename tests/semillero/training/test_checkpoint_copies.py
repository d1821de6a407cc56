"""Copies of checkpoints: made in the background, tried again, verified when they are needed."""

import shutil
import threading
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem

from semillero.errors import TrainingError
from semillero.training.checkpoints import load_checkpoint, save_checkpoint
from semillero.training.copies import fetch_newest
from semillero.training.mirror import Mirror
from tests.tiny_model import tiny_base
from tests.training_child import made, tiny_spec, train_here


class HeldUp(LocalFileSystem):
    """A file system that waits to be let through, and fails as often as it is told."""

    protocol = "heldup"
    cachable = False
    gate, failures = threading.Event(), 0

    def put_file(self, path1: str, path2: str, *args: Any, **options: Any) -> None:
        assert self.gate.wait(30)
        if HeldUp.failures:
            HeldUp.failures -= 1
            raise OSError("503 Slow Down")
        self.makedirs(path2.rpartition("/")[0], exist_ok=True)
        super().put_file(path1, path2, *args, **options)


@pytest.fixture
def slow_url(tmp_path: Path) -> str:
    fsspec.register_implementation("heldup", HeldUp, clobber=True)
    HeldUp.gate.clear()
    HeldUp.failures = 0
    return f"heldup://{tmp_path}/far"


def save(folder: Path, step: int, score: float | None = None) -> Path:
    import torch

    state = {"adapter": {"a": torch.ones(2)}, "trainer": {"rng": torch.get_rng_state()}, "progress": {"step": step}}
    return save_checkpoint(folder, step, state, {"run": 1}, keep=2, score=score)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_training_never_waits_for_a_copy_and_only_the_newest_is_made_up_for(tmp_path: Path, slow_url: str) -> None:
    near, far, said = tmp_path / "near", tmp_path / "far", list[str]()
    mirror = Mirror(slow_url, 2, said.append)
    for step in range(1, 7):
        mirror.offer(save(near, step))  # would hang here if it waited: nothing gets through yet
    assert not far.exists()
    assert not mirror.close(0.01)
    assert "could not be copied" in said[0]
    HeldUp.gate.set()
    mirror = Mirror(slow_url, 2, said.append)
    for step in (7, 8):
        mirror.offer(save(near, step))
    assert mirror.close(30)
    assert names(far)[-1] == "step-00000008"
    assert not (set(names(far)) & {"step-00000002", "step-00000003", "step-00000004"})  # overtaken before their turn
    assert load_checkpoint(far, {"run": 1}, said.append)["progress"]["step"] == 8  # type: ignore[index]


def test_a_copy_that_fails_is_said_once_and_tried_until_it_works(tmp_path: Path, slow_url: str) -> None:
    HeldUp.gate.set()
    HeldUp.failures = 3
    said: list[str] = []
    mirror = Mirror(slow_url, 2, said.append, pause=0.01)
    mirror.offer(save(tmp_path / "near", 1))
    assert mirror.close(30)
    assert ["503 Slow Down" in said[0], "works again" in said[1]] == [True, True]
    assert len(said) == 2
    assert names(tmp_path / "far") == ["step-00000001"]
    assert names(tmp_path / "near") == ["step-00000001"]  # nothing left of the hard links


def test_the_newest_and_the_best_are_kept_on_both_sides(tmp_path: Path) -> None:
    near, far = tmp_path / "near", tmp_path / "far"
    mirror = Mirror(str(far), 2, pytest.fail)
    for step, score in ((1, 3.0), (2, 2.0), (3, 2.5), (4, None), (5, 2.6)):
        mirror.offer(save(near, step, score))
        while not (far / f"step-{step:08d}" / "manifest.json").exists():
            threading.Event().wait(0.01)
    assert mirror.close(30)
    assert names(near) == names(far) == ["step-00000002", "step-00000004", "step-00000005"]


def test_a_damaged_copy_is_passed_over_and_an_older_one_is_not_fetched(tmp_path: Path) -> None:
    near, far, said = tmp_path / "near", tmp_path / "far", list[str]()
    for step in (3, 4):
        save(far, step)
    (far / "step-00000004" / "state.pt").write_bytes(b"half")
    assert not fetch_newest(str(far), near, 3, said.append)
    assert fetch_newest(str(far), near, -1, said.append)
    assert "step-00000004" in said[-2]
    assert "damaged state.pt" in said[-2]
    assert names(near) == ["step-00000003"]
    with pytest.raises(TrainingError, match="cannot be copied to nosuch"):
        fetch_newest("nosuch://x", near, -1, said.append)


def test_a_lost_disk_goes_on_from_the_copies_bit_for_bit(tmp_path: Path) -> None:
    base = tiny_base(tmp_path / "base")
    undisturbed = tiny_spec(tmp_path, base, "a", max_steps=6)
    train_here(undisturbed)
    lost = tiny_spec(tmp_path, base, "b", max_steps=6, copy_to="memory://copies/b")
    train_here(lost, steps=3)
    shutil.rmtree(lost.checkpoints)
    heard = train_here(lost)
    assert heard.of("started")[0]["done"] == 3
    assert heard.notes == [
        "checkpoint step-00000003 was fetched from memory://copies/b", "training goes on after step 3 of 6",
    ]  # fmt: skip
    assert made(lost) == made(undisturbed)
    assert any(path.endswith("step-00000006") for path in fsspec.filesystem("memory").ls("/copies/b", detail=False))
