"""Votes: what is written, what is masked, what is refused, and that none is lost on the way to the Hub."""

import base64
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from semillero.demo.building import HERE
from tests.json_handler import JsonHandler


def load_votes() -> Any:
    spec = importlib.util.spec_from_file_location("space_votes", HERE / "space" / "votes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


votes = load_votes()


def vote(question: str = "¿Qué es el tejate?", comment: str = "", **changes: Any) -> dict[str, Any]:
    values = {
        "variety": "es-MX", "register": "", "answers": {"base": "Nada.", "tuned": "Una bebida."},
        "order": ["tuned", "base"], "vote": "first", "model": {"id": "a/b", "revision": "c"},
    }  # fmt: skip
    line: dict[str, Any] = votes.new_vote(question, comment=comment, **{**values, **changes})
    return line


def test_a_line_holds_what_its_description_says() -> None:
    line = vote(comment="  x" * 400)
    keys = ["schema", "id", "time", "question", "variety", "register", "answers", "order", "vote", "comment", "model"]
    assert list(line) == [*keys, "consent"]
    assert all(key in votes.__doc__ for key in line)
    assert len(line["comment"]) <= votes.LONGEST_COMMENT
    assert line["time"].endswith("+00:00")
    with pytest.raises(ValueError, match="no such vote"):
        vote(vote="tuned")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Escríbeme a ana.maria@correo.com.mx, ¿sí?", "Escríbeme a [EMAIL], ¿sí?"),
        ("Mi cel es +52 (55) 1234-5678.", "Mi cel es [NUMERO]."),
        ("DNI 12.345.678-Z y RUT 12.345.678-5", "DNI [NUMERO] y RUT [NUMERO]"),
        ("CURP GOMC900101HDFRRL09", "CURP [NUMERO]"),
        ("cuenta ES91 2100 0418 4502 0005 1332", "cuenta [NUMERO]"),
        ("síganme en @la_ana.99", "síganme en [USUARIO]"),
        ("La guerra de 1810-1816 y las 1.500 familias de 1920", "La guerra de 1810-1816 y las 1.500 familias de 1920"),
    ],
)
def test_personal_data_is_masked_and_years_stay(text: str, masked: str) -> None:
    line = vote(question=text, comment=text, answers={"base": text, "tuned": "no"})
    assert (line["question"], line["comment"], line["answers"]["base"]) == (masked, masked, masked)


def test_a_visitor_and_everybody_together_have_their_limits() -> None:
    limits = votes.Limits(visitor=2, everybody=3)
    assert [limits.allow("ana", 0.0), limits.allow("ana", 1.0), limits.allow("ana", 2.0)] == [True, True, False]
    assert [limits.allow("eva", 3.0), limits.allow("luz", 4.0)] == [True, False]
    assert limits.allow("luz", 61.5)  # the first two have left the minute
    assert not limits.allow("ana", 62.0)
    assert limits.allow("ana", 601.5)


def test_a_segment_that_cannot_be_sent_is_sent_later_under_the_same_name(tmp_path: Path) -> None:
    tries: list[tuple[str, bytes]] = []

    def send(name: str, data: bytes) -> None:
        tries.append((name, data))
        if len(tries) < 3:
            raise OSError("the Hub is down")

    box = votes.VoteBox(tmp_path, send, every=0.05)
    box.drop(vote("¿Uno?"))
    wait_until(lambda: len(tries) >= 3)
    wait_until(lambda: not list(tmp_path.iterdir()))
    assert len({name for name, _ in tries}) == 1
    assert json.loads(tries[-1][1])["question"] == "¿Uno?"


def test_what_a_killed_page_left_is_sent_by_the_next_one_and_a_torn_line_stays_alone(tmp_path: Path) -> None:
    first = votes.VoteBox(tmp_path)
    first.drop(vote("¿Uno?"))
    with (tmp_path / "votes.jsonl").open("ab") as file:
        file.write(b'{"schema": 1, "id"')  # killed in the middle of a line
    (tmp_path / "segment-abc.jsonl").write_bytes(b'{"question": "on its way"}\n')
    sent: list[bytes] = []
    second = votes.VoteBox(tmp_path, lambda name, data: sent.append(data), every=0.05)
    second.drop(vote("¿Dos?"))
    wait_until(lambda: len(b"".join(sent).splitlines()) == 4)
    lines = b"".join(sent).decode().splitlines()
    questions = {json.loads(line)["question"] for line in lines if line.endswith("}")}
    assert questions == {"¿Uno?", "¿Dos?", "on its way"}


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    sent: list[bytes] = []
    box = votes.VoteBox(tmp_path, lambda name, data: sent.append(data), every=0.01)
    threads = [threading.Thread(target=lambda: [box.drop(vote()) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    box.flush()
    lines = [json.loads(line) for line in b"".join(sent).splitlines()]
    assert len({line["id"] for line in lines}) == len(lines) == 80


def wait_until(condition: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


# -- a stopped Space, with the real client ---------------------------------------------------------------------------

STUB_PAGE = """
import time
from votes import new_vote

def vote(question):
    return new_vote(question, "", "", {"base": "a", "tuned": "b"}, ["base", "tuned"], "both_bad", "", {"id": "m"})

class Page:
    def __init__(self, votes):
        self.votes, self.blocks = votes, self
    def queue(self, max_size): ...
    def launch(self, **settings):
        self.votes.drop(vote("¿La primera?"))
        while list(self.votes.folder.iterdir()):
            time.sleep(0.05)  # it is sent at once; the second one has to wait for its turn
        self.votes.drop(vote("¿La última?"))
        print("ready", flush=True)
        time.sleep(600)
"""


class FakeHub(JsonHandler):
    """The two calls of a commit."""

    commits: list[tuple[str, str, list[dict[str, Any]]]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        kind = type(self)
        if "/preupload/" in self.path:
            names = [file["path"] for file in json.loads(body)["files"]]
            modes = {"uploadMode": "regular", "shouldIgnore": False}
            self.answer(200, {"files": [{"path": name, **modes} for name in names]})
        else:
            kind.commits.append((self.path, self.headers["Authorization"], [json.loads(x) for x in body.splitlines()]))
            commit = f"http://{self.headers['Host']}/datasets/equipo/prueba-votes/commit/{'1' * 40}"
            self.answer(200, {"commitUrl": commit, "commitOid": "1" * 40, "success": True})

    def do_GET(self) -> None:
        self.answer(200, {"id": "equipo/prueba-votes", "sha": "0" * 40, "siblings": [], "private": True})


@pytest.fixture
def hub() -> Iterator[tuple[str, type[FakeHub]]]:
    handler = type("Hub", (FakeHub,), {"commits": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()


@pytest.mark.slow
def test_a_stopped_space_brings_its_last_votes_away(tmp_path: Path, hub: tuple[str, type[FakeHub]]) -> None:
    url, handler = hub
    for name in ("app.py", "votes.py", "settings.py", "wording.json", "style.css"):
        (tmp_path / name).write_bytes((HERE / "space" / name).read_bytes())
    (tmp_path / "page.py").write_text(STUB_PAGE)
    (tmp_path / "config.json").write_text(json.dumps({"votes": "equipo/prueba-votes"}))
    environment = {**os.environ, "HF_ENDPOINT": url, "VOTES_TOKEN": "only-for-votes", "HOME": str(tmp_path)}
    environment = {k: v for k, v in environment.items() if k not in ("HF_HUB_OFFLINE", "SEMILLERO_VOTES", "HF_TOKEN")}
    child = subprocess.Popen([sys.executable, tmp_path / "app.py"], stdout=subprocess.PIPE, env=environment)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 0
    finally:
        child.kill()
        child.communicate()
    assert {token for _, token, _ in handler.commits} == {"Bearer only-for-votes"}
    assert {path for path, _, _ in handler.commits} == {"/api/datasets/equipo/prueba-votes/commit/main"}
    files = [line["value"] for _, _, lines in handler.commits for line in lines if line["key"] == "file"]
    assert len({file["path"] for file in files}) == len(files) == 2
    questions = [json.loads(base64.b64decode(file["content"]))["question"] for file in files]
    assert questions == ["¿La primera?", "¿La última?"]
