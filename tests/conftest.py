"""What all tests share: few threads, no colours, and a Prefect server for those that need one."""

import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest

from flows.server import apply_settings, deliver_records, free_port, start_server

# Contended OpenMP threads are many times slower than one thread each, and pytest runs two processes.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["NO_COLOR"] = "1"
# Before anything imports Prefect, which reads its settings once.
os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="semillero-prefect-")
apply_settings()


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
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found and shutil.which("chromedriver"):
        return found
    if os.environ.get("SEMILLERO_REQUIRE_ALL"):
        pytest.fail("Chromium and chromedriver are missing; install them (Debian: chromium, chromium-driver)")
    pytest.skip("needs chromium and chromedriver")
