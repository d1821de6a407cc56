"""Processes that outlive the command that started them, and are stopped only when they are proven to be ours.

A pid alone proves nothing: the kernel gives it to somebody else after its process has died. A recorded process is
ours if it started at the recorded moment. A process that nobody recorded (its starter was killed in between) is ours
if its environment holds this Argilla's token.
"""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psutil

from semillero.review.server.state import Started

TOKEN_VARIABLE = "SEMILLERO_ARGILLA_TOKEN"
AMBIENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")  # nothing else is handed down: no tokens, no ARGILLA_* of the user's
STOP_SECONDS = 10.0
POLL_SECONDS = 0.02

_children: list[subprocess.Popen[bytes]] = []  # kept, because Python complains of forgotten children


def spawn(command: Sequence[str], settings: Mapping[str, str], folder: Path, log: Path, recipe: str) -> Started:
    """Start a process in a session of its own, its output appended to a log."""
    environment = {name: os.environ[name] for name in AMBIENT if name in os.environ}
    with log.open("ab") as output:
        child = subprocess.Popen(
            list(command),
            env={**environment, **settings},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children.append(child)
    return Started(child.pid, start_ticks(child.pid) or 0, recipe)


def start_ticks(pid: int) -> int | None:
    """Return when a process started, or None if it is dead.

    On Linux in clock ticks since boot, which setting the clock does not change; elsewhere in hundredths of a second.
    """
    try:
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return None
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists():
            # The second field is the name in parentheses, which may hold spaces; the start is the 22nd.
            return int(stat.read_text().rpartition(")")[2].split()[19])
        return round(psutil.Process(pid).create_time() * 100)
    except (psutil.Error, OSError, IndexError, ValueError):
        return None


def is_ours(started: Started | None) -> bool:
    """Tell whether a recorded process lives."""
    return started is not None and start_ticks(started.pid) == started.ticks


def find_strays(token: str, recorded: Iterable[Started]) -> list[psutil.Process]:
    """Return the processes that hold the token but belong to no recorded process's session."""
    sessions = {started.pid for started in recorded if is_ours(started)}
    return [process for process in _holders(token) if _session(process.pid) not in sessions]


def stop(started: Iterable[Started], token: str, seconds: float | None = None) -> int:
    """Ask recorded processes to end, then end them and what they left in their sessions; return how many lived."""
    ours = [entry for entry in started if is_ours(entry)]
    sessions = {entry.pid for entry in ours}
    leaders = [process for process in map(_process, sessions) if process]
    members = [process for process in _holders(token) if _session(process.pid) in sessions]
    _end(leaders, STOP_SECONDS if seconds is None else seconds)
    kill(members)
    return len(ours)


def stop_strays(strays: Sequence[psutil.Process]) -> None:
    """End processes that hold our token but are recorded nowhere."""
    _end(strays, STOP_SECONDS)


def kill(processes: Sequence[psutil.Process]) -> None:
    """End processes at once. psutil compares start times itself, so a recycled pid is left alone."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    _wait(processes, STOP_SECONDS)


def _end(processes: Sequence[psutil.Process], seconds: float) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    kill(_wait(processes, seconds))


def _wait(processes: Sequence[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until processes are dead; return those that are not.

    Zombies count as dead: they hold nothing, and in some containers nobody ever collects them.
    """
    deadline = time.monotonic() + seconds
    while alive := [process for process in processes if _lives(process)]:
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    _children[:] = [child for child in _children if child.poll() is None]  # collects our own
    return alive


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _holders(token: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(TOKEN_VARIABLE) == token:
                found.append(process)
    return found


def _process(pid: int) -> psutil.Process | None:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid)
    return None


def _session(pid: int) -> int:
    with contextlib.suppress(OSError):
        return os.getsid(pid)
    return -1
