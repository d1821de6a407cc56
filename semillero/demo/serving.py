"""Run a Space's folder on this machine, in a process that ends with ours."""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from semillero.errors import InputError, SemilleroError
from semillero.processes import dies_with_parent

LOCAL_URL = re.compile(rb"http://127\.0\.0\.1:\d+")
START_SECONDS = 300.0  # a 7B base loads slowly from a cold disk
STOP_SECONDS = 10.0


@contextlib.contextmanager
def serve_space(
    folder: Path, base: Path, adapter: Path, port: int | None = None, start_seconds: float = START_SECONDS
) -> Iterator[str]:
    """Serve a Space's folder on 127.0.0.1 with local weights; yields its URL once it answers.

    Args:
        folder: the Space's folder; nothing is written into it.
        base: folder of the base model.
        adapter: folder of the adapter, tokenizer and chat template.
        port: the port; the first free one from 7860 by default.
        start_seconds: how long the model may take to load.

    Raises:
        InputError: a folder is missing.
        SemilleroError: the page did not start; the last lines of its log are shown.
    """
    for name, path, file in (("Space", folder, "app.py"), ("base model", base, "config.json")):
        if not (path / file).is_file():
            raise InputError(f"{path} is no {name}: it has no {file}", "", "run `semillero run` first")
    with tempfile.TemporaryDirectory(prefix="semillero-demo-") as scratch:
        log = Path(scratch) / "log.txt"
        environment = {
            **os.environ,
            "SEMILLERO_BASE": str(base.resolve()),
            "SEMILLERO_ADAPTER": str(adapter.resolve()),
            "GRADIO_TEMP_DIR": scratch,
            "HF_HUB_OFFLINE": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
        }
        for name in ("SPACE_ID", "HF_TOKEN"):  # the first would open the page to the network; it needs no second
            environment.pop(name, None)
        environment.pop("GRADIO_SERVER_PORT", None)
        if port is not None:
            environment["GRADIO_SERVER_PORT"] = str(port)
        with log.open("wb") as output:
            child = subprocess.Popen(
                [sys.executable, str((folder / "app.py").resolve())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=scratch,
                preexec_fn=dies_with_parent(),
            )
        try:
            yield _wait_for_page(child, log, start_seconds)
        finally:
            _stop(child)


def _wait_for_page(child: subprocess.Popen[bytes], log: Path, seconds: float) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if child.poll() is not None:
            break
        if (found := LOCAL_URL.search(log.read_bytes())) and _answers(found.group().decode()):
            return found.group().decode()
        time.sleep(0.2)
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
    what = "took too long to start" if child.poll() is None else f"ended with code {child.returncode}"
    raise SemilleroError(f"the demo {what}; the end of its log:\n{tail}", "a page on 127.0.0.1")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/config", timeout=5) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
