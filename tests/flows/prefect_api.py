"""What a Prefect server says of its runs, asked over its own API as its page does."""

import json
import time
import urllib.error
import urllib.request
from typing import Any

BUSY = 503  # SQLite was locked for a moment; Prefect's own clients ask again, too


def ask(server: str, path: str, body: Any = None) -> Any:
    """POST ``body`` to the API (GET without one) and return its answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{server}/{path}", data, {"Content-Type": "application/json"})
    for attempt in range(10):
        try:
            with urllib.request.urlopen(request) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            if error.code != BUSY or attempt == 9:
                raise
            time.sleep(1.0)
    return None


def list_flow_runs(server: str) -> list[dict[str, Any]]:
    """Flow runs, the newest first."""
    return list(ask(server, "flow_runs/filter", {"sort": "EXPECTED_START_TIME_DESC"}))


def newest_flow_run(server: str) -> dict[str, Any]:
    """The newest flow run."""
    return list_flow_runs(server)[0]


def task_states(server: str, flow_run: str) -> dict[str, str]:
    """Name of each task run of a flow run → name of its state."""
    runs = ask(server, "task_runs/filter", {"flow_runs": {"id": {"any_": [flow_run]}}})
    return {run["name"]: run["state"]["name"] for run in runs}
