"""SIGKILL in every stage, then the same command: the same contents as an undisturbed run."""

import random
import signal
import time
from collections.abc import Callable

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
def test_killed_in_every_stage_and_run_again(new_project: Callable[..., Grown]) -> None:
    undisturbed = new_project("undisturbed")
    undisturbed.run()
    expected = undisturbed.contents()
    asked = undisturbed.llm.requests

    killed = new_project("killed")
    killed.llm.latency = 0.02
    chance = random.Random(7)
    slow = {"generate": 0.3, "train": 1.0, "evaluate": 1.0}
    in_time = {stage: kill_in(killed, stage, chance.uniform(0.0, slow.get(stage, 0.005))) for stage in KILLED}
    assert sum(in_time.values()) >= len(KILLED) - 2, in_time  # the shortest stages may be over before the signal
    killed.run()
    assert killed.contents() == expected
    in_flight = 4  # the generator's concurrency
    assert killed.llm.requests - asked <= asked + in_flight
