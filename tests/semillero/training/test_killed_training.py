"""SIGKILL at any moment, then again: the adapter and its loss curve are those of an undisturbed run, bit for bit."""

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from semillero.training.spec import TrainingSpec
from tests.tiny_model import tiny_base
from tests.training_child import made, start_child, tiny_spec

pytestmark = [pytest.mark.slow, pytest.mark.chaos]
KILLS, EPOCHS = 30, 16  # enough steps for all the kills
FLUSHES = 6  # of one checkpoint: three files, the manifest, its folder, the folder above


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base"))


def prepare(folder: Path, base: Path, name: str, epochs: int = 3) -> TrainingSpec:
    spec = tiny_spec(folder, base, name, rows=24, save_steps=1, eval_steps=10, epochs=epochs, lora_r=16)
    spec.output.mkdir(exist_ok=True)
    return spec


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, base: Path) -> dict[str, bytes]:
    spec = prepare(tmp_path_factory.mktemp("run"), base, "undisturbed")
    finish(spec)  # starts the server that children are forked from
    return made(spec)


def newest_step(spec: TrainingSpec) -> int:
    return max((int(path.name.split("-")[1]) for path in spec.checkpoints.glob("step-*")), default=-1)


def finish(spec: TrainingSpec) -> None:
    child = start_child(spec)
    child.join()
    log = (spec.checkpoints.parent / "child.log").read_text()
    assert child.exitcode == 0, log


@pytest.mark.timeout(600)
def test_killed_thirty_times_at_random_moments(tmp_path: Path, base: Path) -> None:
    undisturbed, killed = (prepare(tmp_path, base, name, epochs=EPOCHS) for name in ("undisturbed", "killed"))
    finish(undisturbed)
    generator, kills = random.Random(), 0
    while not (killed.output / "training.json").exists():
        child = start_child(killed)
        if kills < KILLS:
            target = newest_step(killed) + generator.randint(1, 3)
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
    assert kills == KILLS
    assert made(killed) == made(undisturbed)


def test_killed_at_every_moment_of_writing_a_checkpoint(
    tmp_path: Path, base: Path, undisturbed: dict[str, bytes]
) -> None:
    killed = prepare(tmp_path, base, "killed")
    for flush in range(1, FLUSHES + 1):
        child = start_child(killed, dies_at_flush=2 * FLUSHES + flush)  # two checkpoints further, and one half
        child.join()
        assert child.exitcode == -signal.SIGKILL
    finish(killed)
    assert made(killed) == undisturbed
    assert not list(killed.checkpoints.glob(".aside-*"))


def test_sigterm_and_the_end_of_the_time_end_with_a_checkpoint_and_their_own_code(
    tmp_path: Path, base: Path, undisturbed: dict[str, bytes]
) -> None:
    stopped = prepare(tmp_path, base, "stopped")
    child = start_child(stopped)
    while not list(stopped.checkpoints.glob("step-*2")):
        assert child.is_alive()
        time.sleep(0.005)
    os.kill(child.pid, signal.SIGTERM)
    child.join()
    assert child.exitcode == 75
    reached = newest_step(stopped)
    child = start_child(stopped.model_copy(update={"seconds": 0.0}))
    child.join()
    assert child.exitcode == 75
    log = (stopped.checkpoints.parent / "child.log").read_text()
    assert [json.loads(line)["why"] for line in log.splitlines() if '"stopped"' in line] == ["signal", "budget"]
    assert newest_step(stopped) == reached >= 2
    finish(stopped)
    assert made(stopped) == undisturbed
