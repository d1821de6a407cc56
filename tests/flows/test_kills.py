"""SIGKILL in every stage, then the same command: the same contents as an undisturbed run."""

import random
import signal
import time
from typing import Any

import pytest

from flows.steps import STAGES
from tests.flows.conftest import Grown

pytestmark = [pytest.mark.slow, pytest.mark.chaos]
KILLED = [stage for stage in STAGES if stage != "judge"]  # the test project has no judge


def kill_in(grown: Grown, stage: str, delay: float) -> bool:
    """Run the project and kill it once ``stage`` has begun; tells whether the kill came in time."""
    process = grown.start("run", str(grown.file))
    drafts = grown.folder / ".semillero" / "work" / "drafts"
    work = grown.folder / ".semillero" / "work" / stage
    while process.poll() is None:
        if any(drafts.glob(f"{stage}-*")) or (stage in ("generate", "train") and any(work.glob("*/*"))):
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return process.returncode == -signal.SIGKILL
        time.sleep(0.001)
    process.communicate()
    return False


@pytest.mark.timeout(900)
def test_killed_in_every_stage_and_run_again(first_run: tuple[Grown, dict[str, Any], int], grown: Grown) -> None:
    undisturbed, _, asked = first_run
    before = grown.llm.requests
    grown.llm.latency = 0.02
    chance = random.Random(7)
    slow = {"generate": 0.3, "train": 1.0, "evaluate": 1.0}
    in_time = {stage: kill_in(grown, stage, chance.uniform(0.0, slow.get(stage, 0.005))) for stage in KILLED}
    assert sum(in_time.values()) >= len(KILLED) - 2, in_time  # the shortest stages may be over before the signal
    grown.llm.latency = 0.0
    grown.run()
    assert grown.contents() == undisturbed.contents()
    in_flight = 4  # the generator's concurrency
    assert grown.llm.requests - before <= asked + in_flight
