"""What orchestration costs: a run with everything cached, with a Prefect server up and without one.

    python benchmarks/orchestration.py projects/quickstart.yaml

The project must have been run before. Prints seconds of `semillero run`, of `semillero --help`, and of Prefect's
ephemeral mode for comparison (a trivial flow with no server).
"""

import os
import subprocess
import sys
import tempfile
import time

from flows.server import apply_settings, start_server
from semillero.ports import free_port

TRIVIAL = "from prefect import flow\n@flow\ndef nothing():\n    return 1\nnothing()"


def seconds(command: list[str], **environment: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, env={**os.environ, **environment}, capture_output=True)
    return time.perf_counter() - start


def main(file: str) -> None:
    run = [sys.executable, "-m", "flows.cli", "run", file]
    with tempfile.TemporaryDirectory() as home:
        os.environ["PREFECT_HOME"] = home
        apply_settings()
        rows = [("semillero --help", seconds([sys.executable, "-m", "flows.cli", "--help"]))]
        seconds(run)  # creates the database
        rows.append(("cached run, no server: starts its own", seconds(run)))
        with start_server(free_port()) as url:
            rows += [("cached run, server up", seconds(run, PREFECT_API_URL=url)) for _ in range(3)]
        rows.append(("a trivial flow in Prefect's ephemeral mode", seconds([sys.executable, "-c", TRIVIAL])))
    for name, took in rows:
        print(f"| {name} | {took:.1f} s |")


if __name__ == "__main__":
    main(sys.argv[1])
