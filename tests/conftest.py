"""What all tests share: few threads, no colours, and a Prefect server and an Argilla for those that need one."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from flows.server import apply_settings, deliver_records, start_server
from semillero.ports import free_port
from tests.chromium import find_chromium

if TYPE_CHECKING:
    from semillero.review.server import LocalArgilla

# Contended OpenMP threads are many times slower than one thread each, and pytest runs two processes.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["NO_COLOR"] = "1"
# Before anything imports Prefect, which reads its settings once.
os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="semillero-prefect-")
apply_settings()
# One Argilla for all processes of a test run: xdist's workers inherit the name from the process that stops it.
ARGILLA_HOME = "SEMILLERO_TEST_ARGILLA"
os.environ.setdefault(ARGILLA_HOME, f"{tempfile.gettempdir()}/semillero-argilla-{os.getpid()}")


@pytest.fixture(scope="session")
def argilla_server() -> "LocalArgilla":
    """A real Argilla that every test of the run shares: give what you make in it a name of its own.

    Its packages are installed once a machine (where `semillero argilla up` has them, or SEMILLERO_ARGILLA_VENV says).
    """
    from semillero.review.server import start_argilla, stop_argilla

    home = Path(os.environ[ARGILLA_HOME])
    for other in home.parent.glob("semillero-argilla-*"):  # of a test run that was killed
        if not psutil.pid_exists(int(other.name.rpartition("-")[2])):
            stop_argilla(other)
            shutil.rmtree(other, ignore_errors=True)
    return start_argilla(home, port=0)


def pytest_sessionfinish() -> None:
    """Stop the Argilla, once no worker can need it any more."""
    home = Path(os.environ[ARGILLA_HOME])
    if "PYTEST_XDIST_WORKER" not in os.environ and home.exists():
        from semillero.review.server import stop_argilla

        stop_argilla(home)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[str]:
    """A real Prefect server with a database of its own, for this process and for those it starts."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with start_server(free_port()) as url, temporary_settings({PREFECT_API_URL: url}):
        os.environ["PREFECT_API_URL"] = url
        yield url
        deliver_records()
        del os.environ["PREFECT_API_URL"]
    shutil.rmtree(os.environ["PREFECT_HOME"], ignore_errors=True)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium; where SEMILLERO_REQUIRE_ALL is set (CI) its absence is a failure, not a skip."""
    if found := find_chromium():
        return found
    if os.environ.get("SEMILLERO_REQUIRE_ALL"):
        pytest.fail("Chromium and chromedriver are missing; install them (Debian: chromium, chromium-driver)")
    pytest.skip("needs chromium and chromedriver")
