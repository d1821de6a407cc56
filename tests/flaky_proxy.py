"""A proxy in front of a real server that loses requests, loses answers, or answers with a fault."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import httpx

PASS, LOSE_REQUEST, LOSE_ANSWER = "pass", "lose-request", "lose-answer"
Fate = Literal["pass", "lose-request", "lose-answer"] | int
HOP_BY_HOP = {"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding", "host"}


@dataclass
class FlakyProxy:
    """What passes through; ``decide`` says what happens to each request (method, path): a fate or a status."""

    url: str
    decide: Callable[[str, str], Fate]
    seen: list[tuple[str, str]] = field(default_factory=list)


@contextlib.contextmanager
def open_proxy(target: str, decide: Callable[[str, str], Fate]) -> Iterator[FlakyProxy]:
    """Serve a flaky proxy to ``target`` on a free loopback port."""
    client = httpx.Client(base_url=target, timeout=120)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            with lock:
                proxy.seen.append((self.command, self.path))
                fate = proxy.decide(self.command, self.path)
            if isinstance(fate, int):
                return self._answer(httpx.Response(fate, json={"detail": "a fault"}))
            if fate == LOSE_REQUEST:
                return self._hang_up()
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
            try:
                answer = client.request(self.command, self.path, content=body, headers=headers)
            except httpx.TransportError:
                return self._hang_up()  # the server itself was lost
            return self._hang_up() if fate == LOSE_ANSWER else self._answer(answer)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815

        def _answer(self, answer: httpx.Response) -> None:
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def _hang_up(self) -> None:
            self.close_connection = True
            self.connection.close()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy = FlakyProxy(f"http://127.0.0.1:{server.server_address[1]}", decide)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        client.close()
