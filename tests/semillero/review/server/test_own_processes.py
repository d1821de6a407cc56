"""Processes are stopped only when they are proven to be ours."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from semillero.review.server.processes import (
    TOKEN_VARIABLE,
    find_strays,
    is_ours,
    spawn,
    start_ticks,
    stop,
    stop_strays,
)
from semillero.review.server.state import Started

SLEEP = (sys.executable, "-ISc", "import time; time.sleep(60)")
STUBBORN = (
    sys.executable,
    "-ISc",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)",
)
PARENT = (
    sys.executable,
    "-ISc",
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-ISc', 'import time; time.sleep(60)']);"
    "print(child.pid, flush=True); time.sleep(60)",
)
Start = Callable[..., Started]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a command with a token; whatever is left of it is killed at the end."""
    begun: list[Started] = []

    def run(command: tuple[str, ...] = SLEEP, token: str = str(tmp_path)) -> Started:
        begun.append(spawn(command, {TOKEN_VARIABLE: token}, tmp_path, tmp_path / "log", "recipe"))
        return begun[-1]

    yield run
    stop(begun, str(tmp_path), seconds=0)
    stop_strays(find_strays(str(tmp_path), ()))


def read_when_written(log: Path) -> str:
    for _ in range(200):
        if log.exists() and "\n" in log.read_text():
            break
        time.sleep(0.05)
    return log.read_text()


def test_a_started_process_is_ours_until_it_is_stopped(start: Start, tmp_path: Path) -> None:
    started = start()
    assert is_ours(started)
    assert stop([started], str(tmp_path)) == 1
    assert not is_ours(started)
    assert stop([started], str(tmp_path)) == 0


def test_a_recycled_pid_is_never_ended(start: Start, tmp_path: Path) -> None:
    innocent = start(token="of nobody")
    recycled = replace(innocent, ticks=innocent.ticks - 1)
    assert not is_ours(recycled)
    assert stop([recycled], str(tmp_path)) == 0
    assert is_ours(innocent)
    stop([innocent], "of nobody")


def test_a_process_of_another_argilla_is_no_stray(start: Start, tmp_path: Path) -> None:
    other = start(token="of another")
    assert find_strays(str(tmp_path), ()) == []
    stop([other], "of another")


def test_an_unrecorded_process_is_found_by_its_token(start: Start, tmp_path: Path) -> None:
    recorded, forgotten = start(), start()
    strays = find_strays(str(tmp_path), [recorded])
    assert [process.pid for process in strays] == [forgotten.pid]
    stop_strays(strays)
    assert not is_ours(forgotten)
    assert is_ours(recorded)


def test_what_ignores_the_polite_signal_is_killed(start: Start, tmp_path: Path) -> None:
    started = start(STUBBORN)
    assert "ready" in read_when_written(tmp_path / "log")
    assert stop([started], str(tmp_path), seconds=0.2) == 1
    assert not is_ours(started)


def test_children_end_with_their_parent(start: Start, tmp_path: Path) -> None:
    started = start(PARENT)
    child = int(read_when_written(tmp_path / "log"))
    assert psutil.pid_exists(child)
    stop([started], str(tmp_path))
    assert start_ticks(child) is None


def test_children_of_a_dead_parent_are_strays(start: Start, tmp_path: Path) -> None:
    started = start(PARENT)
    child = int(read_when_written(tmp_path / "log"))
    psutil.Process(started.pid).kill()
    psutil.Process(started.pid).wait(5)
    assert [process.pid for process in find_strays(str(tmp_path), [started])] == [child]


def test_only_the_ambient_environment_is_handed_down(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("ARGILLA_DATABASE_URL", "sqlite:///elsewhere.db")
    handed_down = psutil.Process(start().pid).environ()
    assert "HF_TOKEN" not in handed_down
    assert "ARGILLA_DATABASE_URL" not in handed_down
    assert handed_down["PATH"]


def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-ISc", ""])
    for _ in range(100):
        if psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.02)
    assert start_ticks(child.pid) is None
    child.wait()
