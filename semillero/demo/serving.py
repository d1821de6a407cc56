"""Run a Space's folder on this machine, in a process that ends with ours."""

import contextlib
import json
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
from semillero.models.base import resolve_base
from semillero.models.embedded import assemble_embedded_gguf
from semillero.processes import dies_with_parent
from semillero.project import Project

LOCAL_URL = re.compile(rb"http://127\.0\.0\.1:\d+")
START_SECONDS = 300.0  # a 7B base loads slowly from a cold disk
STOP_SECONDS = 10.0


def find_base(folder: Path, project: Project) -> Path:
    """Return the base that a Space's folder wants: a GGUF file for llama.cpp, a model folder for transformers."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config["engine"] == "transformers":
        return resolve_base(project.training.base, project.training.base_revision).folder
    base = config["gguf"]["base"]
    if "package" in base:
        return assemble_embedded_gguf()
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(base["repo"], base["file"], revision=base["revision"]))
    except Exception as error:  # any transport fault, of whichever HTTP client the Hub library uses
        raise InputError(
            f"demo.base_gguf {base['repo']}/{base['file']} cannot be fetched: {error}", "ORG/NAME/FILE.gguf on the Hub"
        ) from None


@contextlib.contextmanager
def serve_space(
    folder: Path,
    base: Path,
    adapter: Path,
    port: int | None = None,
    start_seconds: float = START_SECONDS,
    votes: Path | None = None,
) -> Iterator[str]:
    """Serve a Space's folder on 127.0.0.1 with local weights; yields its URL once it answers.

    Args:
        folder: the Space's folder; nothing is written into it.
        base: folder of the base model, or its GGUF file.
        adapter: folder of the adapter, tokenizer and chat template.
        port: the port; the first free one from 7860 by default.
        start_seconds: how long the model may take to load.
        votes: folder for visitors' votes; without it the page asks for none.

    Raises:
        InputError: a folder is missing.
        SemilleroError: the page did not start; the last lines of its log are shown.
    """
    if not (folder / "app.py").is_file():
        raise InputError(f"{folder} is no Space: it has no app.py", "", "run `semillero run` first")
    if not (base.is_file() or (base / "config.json").is_file()):
        raise InputError(f"{base} is no base model: it has no config.json", "", "run `semillero run` first")
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
        # The first would open the page to the network, it needs no token, and the last two are ours to set.
        for name in ("SPACE_ID", "HF_TOKEN", "VOTES_TOKEN", "SEMILLERO_VOTES", "GRADIO_SERVER_PORT"):
            environment.pop(name, None)
        if votes is not None:
            environment["SEMILLERO_VOTES"] = str(votes.resolve())
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
