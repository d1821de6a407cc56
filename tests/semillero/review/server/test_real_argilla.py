"""The real thing: Argilla 2.8 with its worker, search engine and Redis, as `semillero argilla up` starts them."""

import base64
import contextlib
import hmac
import http.server
import json
import queue
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import psutil
import pytest

from semillero.review.server import LocalArgilla, argilla_status, start_argilla, stop_argilla
from semillero.review.server.keys import load_keys
from semillero.review.server.processes import find_strays, start_ticks

pytestmark = pytest.mark.slow

TEXTS = ("¿Qué se come el Día de Muertos?", "¿Cómo se dice autobús en La Habana?", "¿Quién escribió Rayuela?")


def ask(
    url: str, key: str = "", body: Any = None, form: dict[str, str] | None = None, method: str | None = None
) -> Any:
    """Return what Argilla's API answers to a GET, or to a POST where there is a body or a form."""
    data = urllib.parse.urlencode(form).encode() if form else None if body is None else json.dumps(body).encode()
    headers = {"X-Argilla-Api-Key": key} if key else {}
    headers |= {"Content-Type": "application/json"} if body is not None else {}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=30) as reply:
        return json.load(reply)


class Reviewing:
    """A dataset with three records, made and read through the API alone."""

    def __init__(self, argilla: LocalArgilla, name: str) -> None:
        self.api, self.key = f"{argilla.url}/api/v1", argilla.api_key
        workspace = self.ask("workspaces", {"name": name})["id"]
        self.dataset = self.ask("datasets", {"name": name, "workspace_id": workspace})["id"]
        self.ask(f"datasets/{self.dataset}/fields", {"name": "text", "title": "t", "settings": {"type": "text"}})
        rating = {"type": "rating", "options": [{"value": value} for value in (1, 2, 3)]}
        question = {"name": "good", "title": "g", "required": True, "settings": rating}
        self.ask(f"datasets/{self.dataset}/questions", question)
        self.ask(f"datasets/{self.dataset}/publish", method="PUT")
        items = [{"external_id": str(n), "fields": {"text": text}} for n, text in enumerate(TEXTS)]
        made = self.ask(f"datasets/{self.dataset}/records/bulk", {"items": items})["items"]
        self.records = [item["id"] for item in made]

    def ask(self, path: str, body: Any = None, method: str | None = None) -> Any:
        return ask(f"{self.api}/{path}", self.key, body, method=method)

    def find(self, words: str) -> list[str]:
        query = {"query": {"text": {"q": words}}}
        found = self.ask(f"me/datasets/{self.dataset}/records/search", query)
        return [item["record"]["external_id"] for item in found["items"]]

    def answer(self, number: int) -> None:
        self.ask(f"records/{self.records[number]}/responses", {"status": "submitted", "values": {"good": {"value": 3}}})

    def answered(self) -> list[str]:
        """Return the records that the search engine knows to be answered."""
        mine = {"type": "terms", "scope": {"entity": "response", "property": "status"}, "values": ["submitted"]}
        found = self.ask(f"me/datasets/{self.dataset}/records/search", {"filters": {"type": "and", "and": [mine]}})
        return sorted(item["record"]["external_id"] for item in found["items"])


@pytest.fixture
def own_home(tmp_path: Path) -> Iterator[Path]:
    """A home that no other test uses, so that its server can be killed."""
    yield tmp_path / "home"
    stop_argilla(tmp_path / "home")


def test_work_survives_the_death_of_every_process(own_home: Path, kill: Callable[[int], None]) -> None:
    argilla = start_argilla(own_home, port=0)
    reviewing = Reviewing(argilla, "survival")
    reviewing.answer(0)
    assert reviewing.find("Habana") == ["1"]
    assert reviewing.answered() == ["0"]

    for pid in argilla.pids.values():  # the power fails
        kill(pid)
    again = start_argilla(own_home)
    assert (again.url, again.api_key, again.outcome) == (argilla.url, argilla.api_key, "started")
    assert reviewing.find("Habana") == ["1"]
    assert reviewing.answered() == ["0"]

    kill(again.pids["search"])
    status = argilla_status(own_home)
    assert {part.name: part.state for part in status.parts} == {
        "search": "down",
        "redis": "up",
        "argilla": "up",
        "worker": "up",
    }
    assert status.contents == {"users": 1, "datasets": 1, "records": 3, "responses": 1}
    with pytest.raises(urllib.error.HTTPError):  # the index cannot be told, but the answer is in the database
        reviewing.answer(1)
    mended = start_argilla(own_home)
    assert (mended.outcome, mended.pids["argilla"]) == ("mended", again.pids["argilla"])
    assert reviewing.find("Rayuela") == ["2"]
    assert reviewing.answered() == ["0", "1"]
    reviewing.answer(2)
    assert reviewing.answered() == ["0", "1", "2"]

    assert stop_argilla(own_home)
    assert not [pid for pid in mended.pids.values() if start_ticks(pid) is not None]


def test_only_loopback_can_reach_it(argilla_server: LocalArgilla) -> None:
    families = [psutil.Process(pid) for pid in argilla_server.pids.values()]
    families += [child for process in families for child in process.children(recursive=True)]
    listening = {c.laddr.ip for p in families for c in p.net_connections() if c.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}


def test_each_process_can_be_told_by_its_token(argilla_server: LocalArgilla) -> None:
    """What a killed `up` could not record is found again by it."""
    token = load_keys(argilla_server.home / "keys.json").token
    assert {process.pid for process in find_strays(token, ())} >= set(argilla_server.pids.values())


def test_the_page_is_there_and_the_owner_can_log_in(argilla_server: LocalArgilla) -> None:
    with urllib.request.urlopen(f"{argilla_server.url}/sign-in", timeout=30) as reply:
        page = reply.read().decode()
    assert re.search(r"<title>\s*Argilla", page)
    keys = load_keys(argilla_server.home / "keys.json")
    form = {"username": "semillero", "password": keys.password}
    assert ask(f"{argilla_server.url}/api/v1/token", form=form)["access_token"]
    assert ask(f"{argilla_server.url}/api/v1/me", argilla_server.api_key)["role"] == "owner"


def test_argillas_default_accounts_are_not_there(argilla_server: LocalArgilla) -> None:
    for form in ({"username": "argilla", "password": "1234"}, {"username": "semillero", "password": "12345678"}):
        with pytest.raises(urllib.error.HTTPError, match="401"):
            ask(f"{argilla_server.url}/api/v1/token", form=form)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        ask(f"{argilla_server.url}/api/v1/me", "argilla.apikey")


def test_other_websites_may_not_use_it(argilla_server: LocalArgilla) -> None:
    request = urllib.request.Request(f"{argilla_server.url}/api/v1/version", headers={"Origin": "https://example.org"})
    with urllib.request.urlopen(request, timeout=30) as reply:
        assert "access-control-allow-origin" not in {name.lower() for name in reply.headers}


def test_redis_wants_its_password(argilla_server: LocalArgilla) -> None:
    from semillero.review.server.parts import answers
    from semillero.review.server.state import read_state

    keys, state = load_keys(argilla_server.home / "keys.json"), read_state(argilla_server.home / "state.json")
    assert answers("redis", keys, state.ports, 5)
    other = type(keys)(**{**vars(keys), "redis_password": "none"})
    assert not answers("redis", other, state.ports, 5)


def test_the_logs_hold_no_key(argilla_server: LocalArgilla) -> None:
    keys = vars(load_keys(argilla_server.home / "keys.json")).values()
    for log in (argilla_server.home / "logs").iterdir():
        text = log.read_text(encoding="utf-8", errors="replace")
        assert not any(key in text for key in keys), log.name


def test_the_worker_delivers_signed_webhooks(argilla_server: LocalArgilla) -> None:
    reviewing = Reviewing(argilla_server, "webhooks")
    with receiving() as (url, received):
        webhook = reviewing.ask("webhooks", {"url": url, "events": ["response.created"], "description": "a test"})
        try:
            reviewing.answer(1)
            headers, body = received.get(timeout=60)
        finally:
            reviewing.ask(f"webhooks/{webhook['id']}", method="DELETE")
    assert json.loads(body)["data"]["record"]["external_id"] == "1"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    secret = base64.b64decode(webhook["secret"].removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{signature}"


@contextlib.contextmanager
def receiving() -> Iterator[tuple[str, queue.Queue[tuple[Message, bytes]]]]:
    """Listen on a free port for what is posted there."""
    received: queue.Queue[tuple[Message, bytes]] = queue.Queue()

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.put((self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

    with http.server.HTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", received
        server.shutdown()
