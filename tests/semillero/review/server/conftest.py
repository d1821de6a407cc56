"""A local Argilla of fake programs, and how to kill its processes."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from semillero.review.server import stop_argilla
from semillero.review.server.environment import VARIABLE
from semillero.review.server.processes import start_ticks
from tests.fake_argilla import install_fake_argilla


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A complete environment of fake programs."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "environments"))
    return install_fake_argilla()


@pytest.fixture
def home(tmp_path: Path, environment: Path) -> Iterator[Path]:
    """A home that is stopped at the end."""
    yield tmp_path / "home"
    stop_argilla(tmp_path / "home")


@pytest.fixture
def kill() -> Callable[[int], None]:
    """Kill a process at once and wait until it is gone."""

    def kill_and_wait(pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        while start_ticks(pid) is not None:  # a zombie has none
            time.sleep(0.01)

    return kill_and_wait
