"""What can go wrong between a client and the Hub, ordered by a test: the request is counted, then one of `Action`."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

# An HTTP status; ("429", seconds) with that Retry-After; the connection cut before, or its answer lost after the
# request was handled; silence before or after; a function that may change the world first, and may return a status.
Named = Literal["reset", "hang", "lose-response", "hang-after"]
Action = int | Named | tuple[str | int, float] | Callable[[], int | None]


@dataclass
class Request:
    """What arrived; ``status`` is 0 while there is no answer, or if there never was one."""

    method: str
    path: str
    query: str
    token: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status or '-'}"


@dataclass
class Fault:
    """A fault of the requests whose ``METHOD /path`` matches, once ``after`` of them went well."""

    match: re.Pattern[str]
    action: Action
    times: int | None
    after: int
    struck: int = 0

    def strikes(self, request: Request) -> bool:
        """Tell whether this request is one of those, and count it."""
        if (self.times is not None and self.struck >= self.times) or not self.match.search(
            f"{request.method} {request.path}"
        ):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.struck += 1
        return True


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def answer(request: web.Request, handler: Handler, faults: list[Fault], seen: Request) -> web.StreamResponse:
    """Answer a request as the first fault that strikes has it, or as the Hub would."""
    fault = next((fault for fault in faults if fault.strikes(seen)), None)
    action = fault.action if fault else None
    if callable(action):
        # In a thread, so that it may itself ask this server.
        action = await asyncio.to_thread(action)
    if isinstance(action, tuple):
        status, seconds = action
        return _refuse(int(status), {"Retry-After": str(seconds)})
    if isinstance(action, int):
        return _refuse(action)
    if action == "reset":
        _cut(request)
    if action == "hang":
        await asyncio.Event().wait()
    response = await handler(request)
    if action == "lose-response":
        seen.status = response.status  # what the client never learns
        _cut(request)
    if action == "hang-after":
        seen.status = response.status
        await asyncio.Event().wait()
    return response


def _refuse(status: int, headers: dict[str, str] | None = None) -> web.Response:
    message = {401: "Invalid credentials in Authorization header"}.get(status, f"ordered fault {status}")
    headers = {"X-Error-Message": message, **(headers or {})}
    return web.json_response({"error": message}, status=status, headers=headers)


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionResetError("an ordered fault")
