"""The Prefect server of a run: the one that is configured, the one ``semillero up`` started, or one of our own.

A run without any server would be *ephemeral*, which takes several times as long to start as a server of our own
(benchmarks/README.md) and loses nothing else: all three write the same database, so every run shows on the page.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from semillero.errors import SemilleroError
from semillero.ports import HOST, free_port
from semillero.processes import dies_with_parent

PORT = 4200
START_SECONDS = 90.0
DRAIN_SECONDS = 10.0

# Each of these has cost somebody a run; docs/operations.md says which.
SETTINGS: Mapping[str, str] = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "semillero",
    "PREFECT_CLI_PROMPT": "false",
}


def apply_settings(console_level: str = "CRITICAL") -> None:
    """Set Prefect's environment for this process and its children; what the user has set wins.

    Args:
        console_level: level of Prefect's own lines on the terminal; its page gets all of them anyway.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", console_level)


@contextlib.contextmanager
def server_for_run() -> Iterator[str]:
    """Yield the API address of a server for one run; starts one, and stops it afterwards, if none is there.

    Raises:
        SemilleroError: PREFECT_API_URL names a server that does not answer, or ours does not start.
    """
    configured = os.environ.get("PREFECT_API_URL")
    if configured:
        if not is_healthy(configured):
            raise SemilleroError(
                f"no Prefect server answers at PREFECT_API_URL={configured}",
                "a running server",
                "start it, or unset PREFECT_API_URL to have one started for the run",
            )
        yield configured
        return
    shared = api_url(PORT)
    if is_healthy(shared):
        os.environ["PREFECT_API_URL"] = shared
        yield shared
        return
    with start_server(free_port()) as url:
        os.environ["PREFECT_API_URL"] = url
        try:
            yield url
        finally:
            deliver_records()
            os.environ.pop("PREFECT_API_URL", None)


@contextlib.contextmanager
def start_server(port: int) -> Iterator[str]:
    """Start a Prefect server on loopback; it is stopped when the block ends and dies with this process."""
    log = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser() / "semillero-server.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]
    url = api_url(port)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, "PREFECT_SERVER_UI_API_URL": url},  # the page asks port 4200 otherwise
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            preexec_fn=dies_with_parent(),
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_healthy(url):
            if process.poll() is not None or time.monotonic() > deadline:
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
                raise SemilleroError(f"the Prefect server did not start:\n{tail}", "", f"read {log}")
            time.sleep(0.1)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def deliver_records() -> None:
    """Send the log lines and events still queued; a stopped server would keep this process waiting at its exit."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogHandler

    APILogHandler().flush()
    EventsWorker.drain_all(timeout=DRAIN_SECONDS)


def is_healthy(url: str) -> bool:
    """Tell whether a Prefect server answers at an API address."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def api_url(port: int) -> str:
    """Return the API address of a server on loopback."""
    return f"http://{HOST}:{port}/api"
