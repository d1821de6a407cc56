"""``semillero review listen``: Argilla tells when somebody has answered, and the run goes on once it is enough.

A message only says that it is time to look: answers are collected and counted as in any other run.
"""

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import typer

from flows.reviewing import find_review, people_project
from semillero.errors import SemilleroError
from semillero.ports import HOST, free_port
from semillero.processes import dies_with_parent
from semillero.project import Project
from semillero.review.quorum import describe

SETTLE_SECONDS = 5.0  # people answer in bursts: collected once a burst, not once an answer


def listen(file: Path, port: int | None, public_url: str | None) -> None:
    """Collect whenever people have answered; ends with the run that goes on, or with Ctrl-C.

    Args:
        file: the project file.
        port: where to listen on 127.0.0.1; a free one by default.
        public_url: how Argilla reaches this port when it is not on this machine (a tunnel's address).
    """
    import uvicorn

    from semillero.review.connection import connect
    from semillero.review.webhooks import PATH, receiver, registered

    project = people_project(file)
    client = connect(project.review)
    port = port or free_port()
    answered = threading.Event()
    with registered(client, (public_url or f"http://{HOST}:{port}").rstrip("/") + PATH) as secret:
        config = uvicorn.Config(receiver(secret, answered.set), host=HOST, port=port, log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True, name="webhook")
        thread.start()
        while not server.started:
            if not thread.is_alive():
                raise SemilleroError(f"port {port} cannot be listened on", "a free port", "name another --port")
            time.sleep(0.05)
        typer.echo(f"Listening for answers on http://{HOST}:{port}{PATH}  (Ctrl-C stops)")
        try:
            wait_until_enough(file, project, client, answered)
        finally:
            server.should_exit = True
            thread.join(timeout=10)
    go_on(file)


def wait_until_enough(file: Path, project: Project, client: Any, answered: threading.Event) -> None:
    """Collect after each burst of answers until the run can go on."""
    from semillero.review.people import collect
    from semillero.store import RunStore

    answered.set()  # what was answered before anybody listened counts as well
    while True:
        answered.wait()
        while answered.is_set():
            answered.clear()
            answered.wait(SETTLE_SECONDS)
        try:
            collect(RunStore(project.store_root), project, client)
        except SemilleroError as error:
            if not error.retryable:
                raise
            typer.echo(f"{error.found}; the next answer tries again", err=True)
            continue
        quorum = find_review(file).quorum
        typer.echo(describe(quorum).splitlines()[0])
        if quorum.reached:
            return


def go_on(file: Path) -> None:
    """Run the pipeline in a process of its own: it takes up what has been answered.

    Raises:
        SemilleroError: the run failed; its lines say why.
    """
    command = [sys.executable, "-m", "flows.cli", "run", str(file)]
    code = subprocess.run(command, check=False, preexec_fn=dies_with_parent()).returncode
    if code:
        raise SemilleroError(f"the run ended with exit code {code}", "", f"semillero run {file}")
