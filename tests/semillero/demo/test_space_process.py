"""The child process around a page: a stub app stands for the Space."""

import os
import signal
import subprocess
import sys
import textwrap
import time
import urllib.request
from pathlib import Path

import pytest

from semillero.demo import serve_space
from semillero.errors import InputError, SemilleroError

STUB = """
import http.server, os
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(repr(sorted(os.environ)).encode())
    def log_message(self, *args): pass
server = http.server.HTTPServer(("127.0.0.1", int(os.environ.get("GRADIO_SERVER_PORT", 0))), Page)
print(f"* Running on local URL:  http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
"""


@pytest.fixture
def stub(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(STUB)
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def is_refused(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except OSError:
        return True
    return False


def test_the_page_answers_inside_the_block_and_is_gone_after_it(stub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setenv("SPACE_ID", "someone/space")
    with serve_space(stub, stub, stub) as url:
        with urllib.request.urlopen(url, timeout=5) as reply:
            names = reply.read().decode()
        assert "SEMILLERO_ADAPTER" in names
        assert "HF_TOKEN" not in names
        assert "SPACE_ID" not in names
    assert is_refused(url)
    assert sorted(path.name for path in stub.iterdir()) == ["app.py", "config.json"]


def test_a_page_that_does_not_start_shows_why(stub: Path) -> None:
    (stub / "app.py").write_text("raise MemoryError('7B does not fit')")
    with pytest.raises(SemilleroError, match="ended with code 1") as caught, serve_space(stub, stub, stub):
        pass
    assert "7B does not fit" in str(caught.value)


def test_a_page_that_never_answers_is_given_up(stub: Path) -> None:
    (stub / "app.py").write_text("import time; time.sleep(600)")
    start = time.monotonic()
    with (
        pytest.raises(SemilleroError, match="took too long"),
        serve_space(stub, stub, stub, start_seconds=1),
    ):
        pass
    assert time.monotonic() - start < 8


def test_a_missing_folder_is_named(stub: Path) -> None:
    with pytest.raises(InputError, match="no base model"), serve_space(stub, stub / "none", stub):
        pass


@pytest.mark.chaos
def test_the_page_dies_with_a_killed_parent(stub: Path) -> None:
    script = textwrap.dedent(f"""
        import time
        from pathlib import Path
        from semillero.demo import serve_space
        folder = Path({str(stub)!r})
        with serve_space(folder, folder, folder) as url:
            (folder / "part").write_text(url)
            (folder / "part").rename(folder / "url")
            time.sleep(600)
    """)
    root = Path(__file__).parents[3]
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=root, env={**os.environ, "PYTHONPATH": str(root)})
    try:
        deadline = time.monotonic() + 60
        while not (stub / "url").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        url = (stub / "url").read_text()
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not is_refused(url):
        time.sleep(0.1)
    assert is_refused(url), "the page outlived its parent"
