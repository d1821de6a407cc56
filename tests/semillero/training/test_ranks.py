"""Several processes that train together: one adapter, the same as one process makes, and one end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from safetensors.numpy import load_file

from semillero.models.batches import plan_packs
from semillero.training import attempts
from semillero.training.child import run_child
from semillero.training.spec import Exit, TrainingSpec
from tests.tiny_model import tiny_base
from tests.training_child import tiny_spec

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base"))


def spec_for(folder: Path, base: Path, name: str, **settings: Any) -> TrainingSpec:
    spec = tiny_spec(folder, base, name, lora_dropout=0.0, max_steps=6, batch_tokens=None, **settings)
    spec.output.mkdir()
    return spec


def losses(spec: TrainingSpec) -> list[float]:
    import json

    report = json.loads((spec.output / "training.json").read_text(encoding="utf-8"))
    return [loss for part in ("train", "validation") for _, loss in report["curve"][part]]


def test_two_processes_learn_what_one_learns(tmp_path: Path, base: Path) -> None:
    alone, together = (spec_for(tmp_path, base, f"ranks{n}", processes=n) for n in (1, 2))
    for spec in (alone, together):
        end = run_child(spec, spec.checkpoints.parent)
        assert (end.code, end.last["event"]) == (Exit.DONE, "finished"), end
        assert end.last["run"]["ranks"] == spec.settings.processes
    assert losses(together) == pytest.approx(losses(alone), abs=1e-4)
    one, two = (load_file(spec.output / "adapter" / "adapter_model.safetensors") for spec in (alone, together))
    assert all(abs(one[name] - two[name]).max() < 1e-3 for name in one)


@pytest.mark.chaos
def test_processes_stop_together_and_go_on_and_one_that_dies_ends_all(tmp_path: Path, base: Path) -> None:
    undisturbed, stopped = (spec_for(tmp_path, base, name, processes=2, save_steps=1) for name in ("a", "b"))
    assert run_child(undisturbed, undisturbed.checkpoints.parent).code == Exit.DONE

    child = start(stopped)
    wait_for_step(stopped, 1)
    (helper,) = psutil.Process(child.pid).children()
    helper.kill()
    assert child.wait(60) == Exit.RANK_LOST  # not for ever, in a sum that nobody adds to

    child = start(stopped)
    wait_for_step(stopped, 2)
    (helper,) = psutil.Process(child.pid).children()
    os.kill(child.pid, signal.SIGTERM)
    helper.send_signal(signal.SIGTERM)  # as Slurm does: it tells every process
    assert child.wait(60) in (Exit.STOPPED, Exit.DONE)
    helper.wait(30)

    facts = attempts.train_to_the_end(stopped, stopped.checkpoints.parent)
    assert facts["ranks"] == 2
    assert losses(stopped) == losses(undisturbed)


def start(spec: TrainingSpec) -> "subprocess.Popen[bytes]":
    file = spec.checkpoints.parent / "spec.json"
    file.write_text(spec.model_dump_json(), encoding="utf-8")
    log = (spec.checkpoints.parent / "log").open("ab")
    return subprocess.Popen([sys.executable, "-m", "semillero.training", str(file)], stdout=log, stderr=log)


def wait_for_step(spec: TrainingSpec, step: int) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if any(int(path.name.split("-")[1]) >= step for path in spec.checkpoints.glob("step-????????")):
            return
        time.sleep(0.02)
    raise AssertionError("it never came so far")


def test_a_step_is_cut_into_a_share_for_each_process() -> None:
    lengths = [30, 70, 20, 90, 40, 60, 10, 80, 50, 100]
    for ranks in (1, 2, 3, 4):
        for packs in plan_packs(lengths, 5, 120, 13, 0, ranks):
            assert len(packs) % ranks == 0 or len(packs) == 5  # no more packs than rows
            assert sorted(row for pack in packs for row in pack) == sorted({row for pack in packs for row in pack})
    assert plan_packs(lengths, 5, 120, 13, 0, 1) == plan_packs(lengths, 5, 120, 13, 0)
