"""``semillero up``: a real server and worker that run what the page or a schedule starts."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from flows.server import api_url, is_healthy
from semillero.ports import free_port
from tests.flows.conftest import Grown
from tests.flows.prefect_api import ask

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def served(grown: Grown, tmp_path: Path) -> Iterator[tuple[Grown, str, Any]]:
    """The project, the API address of its ``semillero up``, and that process."""
    port = free_port()
    process = grown.start(
        "up", str(grown.file), "--port", str(port), PREFECT_HOME=str(tmp_path / "prefect"),
        PREFECT_API_URL="", PREFECT_WORKER_QUERY_SECONDS="1",
    )  # fmt: skip
    try:
        url = api_url(port)
        wait_for(lambda: is_healthy(url) and len(deployments(url)) == 2 and worker_is_online(url), process)
        yield grown, url, process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def wait_for(done: Any, process: Any, seconds: float = 240.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.2)


def deployments(url: str) -> dict[str, dict[str, Any]]:
    return {found["name"]: found for found in ask(url, "deployments/filter", {})}


def worker_is_online(url: str) -> bool:
    return any(worker["status"] == "ONLINE" for worker in ask(url, "work_pools/semillero/workers/filter", {}))


def finish(url: str, run: str, process: Any) -> dict[str, Any]:
    final = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
    wait_for(lambda: ask(url, f"flow_runs/{run}")["state"]["type"] in final, process)
    return dict(ask(url, f"flow_runs/{run}")["state"])


def test_the_page_starts_retries_and_schedules_the_same_pipeline(served: tuple[Grown, str, Any]) -> None:
    grown, url, process = served
    found = deployments(url)
    assert set(found) == {"prueba", "prueba-smoke"}
    whole = found["prueba"]
    assert whole["entrypoint"] == "flows.pipeline.pipeline"
    assert whole["parameters"]["project_file"] == str(grown.file)
    assert whole["global_concurrency_limit"]["limit"] == 1
    assert [(s["active"], s["schedule"]["cron"]) for s in whole["schedules"]] == [(False, "0 3 * * *")]

    # "Run" on the page: with the endpoint down it fails …
    address = grown.llm.base_url
    grown.change(corpus={"generator": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "scripted",
                                       "attempts": 1}})  # fmt: skip
    started = ask(url, f"deployments/{whole['id']}/create_flow_run", {"parameters": {"until": "curate"}})
    assert finish(url, started["id"], process)["type"] == "FAILED"
    # … and "Retry", once it is up again, goes on: the same run, made by the same code.
    grown.change(corpus={"generator": {"kind": "openai", "base_url": address, "model": "scripted", "concurrency": 4}})
    state = {"state": {"type": "SCHEDULED", "name": "AwaitingRetry"}, "force": True}
    ask(url, f"flow_runs/{started['id']}/set_state", state)
    wait_for(lambda: ask(url, f"flow_runs/{started['id']}")["state"]["type"] != "FAILED", process)
    assert finish(url, started["id"], process)["type"] == "COMPLETED"
    assert {path.name for path in (grown.folder / ".semillero" / "last").iterdir()} == {"generate", "curate"}
    again = grown.run("--until", "curate", "--json", PREFECT_API_URL=url)
    assert {stage["outcome"] for stage in json.loads(again.stdout)["stages"]} == {"reused"}
    check_ctrl_c_leaves_nothing_behind(url, process)  # at the end: starting a server and a worker takes long


def check_ctrl_c_leaves_nothing_behind(url: str, process: Any) -> None:
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2  # server and worker
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    assert process.returncode == 130
    assert not is_healthy(url)
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive
