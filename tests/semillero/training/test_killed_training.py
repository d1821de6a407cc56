"""SIGKILL at any moment, then again: the adapter and its loss curve are those of an undisturbed run, bit for bit."""

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from semillero.training.spec import TrainingSpec
from tests.tiny_model import tiny_base
from tests.training_child import start_child, tiny_spec

pytestmark = [pytest.mark.slow, pytest.mark.chaos]
FLUSHES = 6  # of one checkpoint: three files, the manifest, its folder, the folder above


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base"))


def prepare(folder: Path, base: Path, name: str) -> TrainingSpec:
    spec = tiny_spec(folder, base, name, rows=24, save_steps=1, epochs=3, lora_r=16)
    spec.output.mkdir(exist_ok=True)
    return spec


def newest_step(spec: TrainingSpec) -> int:
    return max((int(path.name.split("-")[1]) for path in spec.checkpoints.glob("step-*")), default=-1)


def finish(spec: TrainingSpec) -> None:
    child = start_child(spec)
    child.join()
    log = (spec.checkpoints.parent / "child.log").read_text()
    assert child.exitcode == 0, log


def made(spec: TrainingSpec) -> dict[str, bytes]:
    files = [p for p in spec.output.rglob("*") if p.is_file()]
    return {p.relative_to(spec.output).as_posix(): p.read_bytes() for p in files}


def test_killed_at_random_moments(tmp_path: Path, base: Path) -> None:
    undisturbed = prepare(tmp_path, base, "undisturbed")
    finish(undisturbed)  # starts the server that children are forked from
    killed = prepare(tmp_path, base, "killed")
    generator, kills = random.Random(), 0
    while not (killed.output / "training.json").exists():
        child = start_child(killed)
        target = newest_step(killed) + generator.randint(1, 4)
        while child.is_alive() and newest_step(killed) < target:
            time.sleep(0.002)
        time.sleep(generator.uniform(0, 0.1))
        if child.is_alive():
            os.kill(child.pid, signal.SIGKILL)
            kills += 1
        child.join()
        if child.exitcode != 0:  # the parent hands each attempt an output folder of its own
            shutil.rmtree(killed.output)
            killed.output.mkdir()
    assert kills >= 3
    assert made(killed) == made(undisturbed)


def test_killed_at_every_moment_of_writing_a_checkpoint(tmp_path: Path, base: Path) -> None:
    undisturbed, killed = prepare(tmp_path, base, "undisturbed"), prepare(tmp_path, base, "killed")
    finish(undisturbed)
    for flush in range(1, FLUSHES + 1):
        child = start_child(killed, dies_at_flush=2 * FLUSHES + flush)  # two checkpoints further, and one half
        child.join()
        assert child.exitcode == -signal.SIGKILL
    finish(killed)
    assert made(killed) == made(undisturbed)
    assert not list(killed.checkpoints.glob(".aside-*"))


def test_sigterm_ends_with_a_checkpoint_and_its_own_code(tmp_path: Path, base: Path) -> None:
    undisturbed, stopped = prepare(tmp_path, base, "undisturbed"), prepare(tmp_path, base, "stopped")
    finish(undisturbed)
    child = start_child(stopped)
    while not list(stopped.checkpoints.glob("step-*2")):
        assert child.is_alive()
        time.sleep(0.005)
    os.kill(child.pid, signal.SIGTERM)
    child.join()
    assert child.exitcode == 75
    finish(stopped)
    assert made(stopped) == made(undisturbed)
