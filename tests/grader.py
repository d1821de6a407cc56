"""A model that grades: chat completions as ordered by a test."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from typing import Any

from tests.json_handler import JsonHandler


class Grader(ThreadingHTTPServer):
    """Answers chat completions with ``reply(prompt)``: a text, or a status code."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply: Callable[[str], str | int] = lambda prompt: '{"razon": "clara", "nota": 4}'
        self.bodies: list[dict[str, Any]] = []
        self.keys: set[str | None] = set()

    @property
    def prompts(self) -> list[str]:
        """What it was asked, in the order of arrival."""
        return [body["messages"][0]["content"] for body in self.bodies]

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(JsonHandler):
    server: Grader

    def do_GET(self) -> None:
        self.answer(200, {"object": "list", "data": []})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body)
        self.server.keys.add(self.headers["Authorization"])
        reply = self.server.reply(body["messages"][0]["content"])
        if isinstance(reply, int):
            self.answer(reply, {"error": {"message": "ordered"}})
        else:
            message = {"role": "assistant", "content": reply}
            self.answer(200, {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})


@contextlib.contextmanager
def open_grader() -> Iterator[Grader]:
    """Serve on loopback until the block ends."""
    with Grader() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()
