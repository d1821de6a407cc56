"""The way to the endpoint: one client and one limit of requests in flight, shared by all shards of a run.

A channel has an event loop in a thread of its own, because distilabel's tasks call their model synchronously, and
several shards must be in flight at once for the endpoint never to run dry between two of them. A request holds its
slot until its reply is on disk; while it backs off it keeps it, so trouble at the endpoint slows us down. How many
slots there are, `semillero.generation.limits` finds out; what may be spent, `semillero.generation.budget` says.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from itertools import count
from types import TracebackType
from typing import Any, TypeVar

from semillero.digests import digest_json
from semillero.errors import SemilleroError
from semillero.generation.attempts import HEDGED, Attempts
from semillero.generation.budget import Cost, Purse, charge
from semillero.generation.endpoint import Endpoint, open_session
from semillero.generation.ledger import Entry, Ledger, Status
from semillero.generation.limits import START, Limit, Slot
from semillero.generation.loop import LoopThread
from semillero.generation.retries import TOO_LONG, TOO_MUCH, Fault, choose_wait
from semillero.generation.sending import Received
from semillero.project import BudgetSettings, GeneratorSettings, Price

Result = TypeVar("Result")
STOPPED = "stopped"  # not asked, because the run is over; never recorded
SPREAD = 0.5  # seconds over which requests set out again after a pause that the endpoint asked for
GRACE = 5.0  # seconds that requests in flight get when a person interrupts the run
# What a search found for an endpoint, for the next group of shards in this process.
_found: dict[tuple[str, str], int] = {}


@dataclass(frozen=True)
class Request:
    """What is asked for one item: the JSON body of a chat completion, without the model's name."""

    item: str
    payload: Mapping[str, Any]

    def digest(self, identity: str) -> str:
        """Return the request's name in ledgers: equal model, body and item have equal names."""
        return digest_json({"model": identity, "payload": dict(self.payload), "item": self.item})

    def add(self, extra: Mapping[str, Any]) -> "Request":
        """Return the request with ``extra`` in its body; a null there takes the key out."""
        kept = {key: value for key, value in self.payload.items() if key not in extra}
        return Request(self.item, {**kept, **{key: value for key, value in extra.items() if value is not None}})


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
        purse: what may be spent; without one, anything.

    Attributes:
        faults: how often each fault (code and the endpoint's words) was met.
        fatal: the fault after which no request can succeed, if there was one.
        reason: why the run must end, when it is not for faults.
        limit: how many requests may be in flight.
    """

    def __init__(
        self, endpoint: Endpoint, generator: GeneratorSettings, known: Mapping[str, Entry], purse: Purse | None = None
    ) -> None:
        self.endpoint = endpoint
        self.faults: Counter[tuple[str, str]] = Counter()
        self.fatal: Fault | None = None
        self.reason: SemilleroError | None = None
        self._generator = generator
        self._known = known
        self._purse = purse or Purse(BudgetSettings(), Cost(), Price())
        searched = generator.concurrency == "auto" and generator.kind != "embedded"
        start = _found.get((endpoint.base_url, endpoint.model), START) if searched else None
        self.limit = Limit(generator.most_in_flight, start)
        self._served = 0
        self._open_at = 0.0  # no request is sent before: the endpoint asked for a pause
        self._halted = asyncio.Event()
        self._attempts: Attempts

    def __enter__(self) -> "Channel":
        self._loop = LoopThread("requests")
        self.run(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.halt()
        # What is in flight is paid for: its replies are waited for, unless a person wants to go.
        self._loop.close(self._attempts.session.close(), None if isinstance(error, Exception | None) else GRACE)
        _found[self.endpoint.base_url, self.endpoint.model] = self.limit.now

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine on the channel's loop and wait for it (from any other thread).

        Raises:
            CancelledError: the run is over.
        """
        return self._loop.run(work)

    def halt(self) -> None:
        """Send nothing any more; requests in flight are waited for, because they are paid for."""
        self._loop.call_soon(self._halted.set)

    async def ask(self, request: Request, ledger: Ledger) -> Outcome:
        """Return the reply to a request: from a ledger, or from the endpoint once it is in this ledger.

        Raises:
            StoreError: the ledger cannot be written.
        """
        if self._generator.extra_body:
            request = request.add(self._generator.extra_body)
        name = request.digest(self.endpoint.identity)
        if entry := ledger.answers.get(name):
            return Outcome(entry.reply)
        if entry := self._known.get(name):
            await ledger.write(replace(entry, attempt=0, seconds=0.0))
            return Outcome(entry.reply)
        async with self.limit.slot() as slot:
            return await self._ask(request, name, ledger, slot)

    async def _ask(self, request: Request, name: str, ledger: Ledger, slot: Slot) -> Outcome:
        tries, served = 0, self._served
        for attempt in count(1):
            await self._wait_for_gate()
            await slot.renew()
            if not (tried := await self._try(request)):
                return Outcome(error=STOPPED)
            received, *outrun = tried
            fault = received.fault
            if fault:
                self._note(fault, slot)
                # Turned away while others were served: its turn comes, however often that takes.
                tries += fault.code != "http-429" or self._served == served
                served = self._served
            last = fault is not None and (not fault.retry or tries >= self._generator.attempts)
            status: Status = "answered" if fault is None else "failed" if last else "retried"
            await ledger.write(
                *(self._record(request, name, "retried", attempt, one) for one in outrun),
                self._record(request, name, status, attempt, received),
            )
            if fault is None:
                self._served += 1
                self.limit.served()
                return Outcome(received.reply)
            if last:
                return Outcome(error=fault.code)
            await self._wait_until(time.monotonic() + choose_wait(attempt, fault))
        raise AssertionError("the last attempt is answered or failed")

    async def _try(self, request: Request) -> list[Received]:
        """Make one attempt; return nothing when the run is over."""
        if self._halted.is_set():
            return []
        received = await self._attempts.make(request.payload)
        if not received and not self._halted.is_set():
            self.reason = self._purse.explain()
            self._halted.set()
        return received

    def _record(self, request: Request, name: str, status: Status, attempt: int, received: Received) -> Entry:
        price = self._purse.price
        money = charge(price, received.usage).money if received.usage and price != Price() else None
        answered = status == "answered"
        return Entry(
            name,
            request.item,
            status,
            attempt,
            received.reply if answered else None,
            received.finish if answered else None,
            received.usage,
            received.fault.code if received.fault else None if answered else HEDGED,
            received.seconds,
            received.estimated or None,
            money,
        )

    def _note(self, fault: Fault, slot: Slot) -> None:
        self.faults[fault.code, fault.detail] += 1
        if fault.fatal:
            self.fatal = self.fatal or fault
            self._halted.set()
        if fault.wait:
            self._open_at = max(self._open_at, time.monotonic() + fault.wait)
        if fault.code in TOO_MUCH:
            self.limit.refused(slot.era, sure=fault.wait is not None or fault.code in TOO_LONG)

    async def _wait_for_gate(self) -> None:
        if self._open_at > time.monotonic():
            await self._wait_until(self._open_at)
            await self._wait_until(time.monotonic() + random.uniform(0, SPREAD))

    async def _wait_until(self, moment: float) -> None:
        while (left := moment - time.monotonic()) > 0 and not self._halted.is_set():
            try:
                await asyncio.wait_for(self._halted.wait(), left)
            except TimeoutError:
                moment = max(moment, self._open_at)

    async def _open(self) -> None:
        session = open_session(self.endpoint, self._generator.most_in_flight)
        self._attempts = Attempts(session, self.endpoint, self._generator, self._purse, self.limit)
