"""The way to the endpoint: one client and one limit of requests in flight, shared by all shards of a run.

A channel owns an event loop in a thread of its own, because distilabel's tasks call their model synchronously, and
several shards must be in flight at once for the endpoint never to run dry between two of them. A request holds its
slot until its reply is on disk; while it backs off it keeps it, so trouble at the endpoint slows us down.
"""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Coroutine, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from semillero.digests import digest_json
from semillero.generation.endpoint import Endpoint, open_session
from semillero.generation.ledger import Entry, Ledger, Status
from semillero.generation.retries import Fault, choose_wait, explain_error, explain_status
from semillero.project import GeneratorSettings

if TYPE_CHECKING:
    import aiohttp

Result = TypeVar("Result")
STOPPED = "stopped"  # not asked, because the run is over; never recorded


@dataclass(frozen=True)
class Request:
    """What is asked for one item: the JSON body of a chat completion, without the model's name."""

    item: str
    payload: Mapping[str, Any]

    def digest(self, identity: str) -> str:
        """Return the request's name in ledgers: equal model, body and item have equal names."""
        return digest_json({"model": identity, "payload": dict(self.payload), "item": self.item})


@dataclass(frozen=True)
class Outcome:
    """A request's end: a reply, or the code of why there is none."""

    reply: str | None = None
    error: str | None = None


class Channel:
    """Sends requests, within limits, and records what becomes of them.

    Args:
        endpoint: where they go.
        generator: concurrency, timeout and attempts.
        known: answered requests of earlier plans, by digest; they are not asked again.
    """

    def __init__(self, endpoint: Endpoint, generator: GeneratorSettings, known: Mapping[str, Entry]) -> None:
        self.endpoint = endpoint
        self.faults: Counter[tuple[str, str]] = Counter()
        self.sent = 0
        self.fatal: Fault | None = None
        self._generator = generator
        self._known = known
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="requests")
        self._slots = asyncio.Semaphore(generator.concurrency)
        self._halted = asyncio.Event()
        self._open_at = 0.0  # no request is sent before: the endpoint asked for a pause
        self._gate = threading.Lock()
        self._closed = False
        self._session: aiohttp.ClientSession

    def __enter__(self) -> "Channel":
        self._thread.start()
        self.run(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._gate:
            self._closed = True
            ended = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        ended.result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine on the channel's loop and wait for it (from any other thread).

        Raises:
            CancelledError: the run is over.
        """
        with self._gate:  # a shard that comes late must not wait for a loop that has stopped
            if self._closed:
                work.close()
                raise CancelledError
            running = asyncio.run_coroutine_threadsafe(work, self._loop)
        return running.result()

    def halt(self) -> None:
        """Send nothing any more; requests in flight are waited for, because they are paid for."""
        self._loop.call_soon_threadsafe(self._halted.set)

    async def ask(self, request: Request, ledger: Ledger) -> Outcome:
        """Return the reply to a request: from a ledger, or from the endpoint once it is in this ledger.

        Raises:
            StoreError: the ledger cannot be written.
        """
        name = request.digest(self.endpoint.identity)
        if entry := ledger.answers.get(name):
            return Outcome(entry.reply)
        if entry := self._known.get(name):
            await ledger.write(replace(entry, attempt=0, seconds=0.0))
            return Outcome(entry.reply)
        async with self._slots:
            for attempt in range(1, self._generator.attempts + 1):
                await self._wait_until(self._open_at)
                if self._halted.is_set():
                    return Outcome(error=STOPPED)
                tried, fault = await self._try(request, name, attempt)
                await ledger.write(tried)
                if fault is None:
                    return Outcome(tried.reply)
                if tried.status == "failed":
                    return Outcome(error=tried.error)
                await self._wait_until(time.monotonic() + choose_wait(attempt, fault))
        raise AssertionError("the last attempt is answered or failed")

    async def _try(self, request: Request, name: str, attempt: int) -> tuple[Entry, Fault | None]:
        started = time.monotonic()
        self.sent += 1
        reply, finish, usage, fault = await self._send(request)
        seconds = round(time.monotonic() - started, 3)
        if fault is None:
            return Entry(name, request.item, "answered", attempt, reply, finish, usage, None, seconds), None
        self._note(fault)
        last = not fault.retry or attempt == self._generator.attempts
        status: Status = "failed" if last else "retried"
        return Entry(name, request.item, status, attempt, error=fault.code, seconds=seconds), fault

    async def _send(self, request: Request) -> tuple[str, str | None, dict[str, int] | None, Fault | None]:
        import aiohttp

        body = {"model": self.endpoint.model, **request.payload}
        try:
            async with (
                asyncio.timeout(self._generator.timeout),
                self._session.post("chat/completions", json=body, allow_redirects=False) as response,
            ):
                content = await response.read()
            if response.status != 200:
                fault = explain_status(response.status, response.headers.get("Retry-After"), content)
                return "", None, None, fault
            reply, finish, usage = read_completion(content)
        except (aiohttp.ClientError, OSError, ValueError) as error:  # anything else is a bug of ours: let it out
            return "", None, None, explain_error(error)
        return reply, finish, usage, None if reply.strip() else Fault("empty-reply")

    def _note(self, fault: Fault) -> None:
        self.faults[fault.code, fault.detail] += 1
        if fault.fatal:
            self.fatal = self.fatal or fault
            self._halted.set()
        if fault.wait:
            self._open_at = max(self._open_at, time.monotonic() + fault.wait)

    async def _wait_until(self, moment: float) -> None:
        while (left := moment - time.monotonic()) > 0 and not self._halted.is_set():
            try:
                await asyncio.wait_for(self._halted.wait(), left)
            except TimeoutError:
                moment = max(moment, self._open_at)

    async def _end(self) -> None:
        self._halted.set()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._session.close()

    async def _open(self) -> None:
        self._session = open_session(self.endpoint, self._generator.concurrency)


def read_completion(body: bytes) -> tuple[str, str | None, dict[str, int] | None]:
    """Return a chat completion's text, finish reason and token counts; the text is empty when there is none.

    Raises:
        ValueError: the body is not a chat completion.
    """
    value = json.loads(body)
    choices = value.get("choices") if isinstance(value, dict) else None
    if not isinstance(choices, list):
        raise ValueError(f"not a chat completion: {body[:200].decode(errors='replace')}")
    if not choices:
        return "", None, None
    message = choices[0].get("message") if isinstance(choices[0], dict) else None
    text = message.get("content") if isinstance(message, dict) else None
    finish, counts = choices[0].get("finish_reason") if message else None, value.get("usage")
    usage = {
        key: counts[key]
        for key in ("prompt_tokens", "completion_tokens")
        if isinstance(counts, dict) and isinstance(counts.get(key), int)
    }
    # A lone surrogate is legal in JSON's escapes and in no file.
    clean = text.encode("utf-8", "replace").decode() if isinstance(text, str) else ""
    return clean, finish if isinstance(finish, str) else None, usage or None
