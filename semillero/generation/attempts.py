"""One attempt at a request: its cost is set aside, it is sent, perhaps hedged, and what it cost is settled.

Hedging, after Dean and Barroso, *The Tail at Scale* (2013): when a reply takes longer than ``hedge_after`` seconds, an
equal request is sent and the first reply counts. It helps against single replies that hang, and it costs: both
requests are paid for and both are recorded. It never makes a busy endpoint busier, since it needs a free slot.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from semillero.generation.budget import Cost, Purse, charge, estimate_tokens, longest_reply, prompt_text
from semillero.generation.endpoint import Endpoint
from semillero.generation.limits import Limit
from semillero.generation.retries import Fault
from semillero.generation.sending import Received, send
from semillero.project import GeneratorSettings

if TYPE_CHECKING:
    import aiohttp

HEDGED = "hedged"  # the code of a request that an equal one outran


@dataclass(frozen=True)
class Attempts:
    """Makes attempts at one endpoint."""

    session: "aiohttp.ClientSession"
    endpoint: Endpoint
    generator: GeneratorSettings
    purse: Purse
    limit: Limit

    async def make(self, payload: Mapping[str, Any]) -> list[Received]:
        """Return what became of a request: what counts first, then what it outran; nothing without money for it."""
        most = self.purse.most(payload)
        if not await self.purse.set_aside(most):
            return []
        if self.generator.hedge_after is None:
            return [await self._send(payload, most)]
        first = asyncio.create_task(self._send(payload, most))
        while not first.done():
            await asyncio.wait({first}, timeout=self.generator.hedge_after)
            if self.limit.has_room() and self.purse.has_room(most):
                break
        if first.done():
            return [await first]
        async with self.limit.slot():
            await self.purse.set_aside(most)
            second = asyncio.create_task(self._send(payload, most))
            return await self._race(first, second)

    async def _race(self, *racing: "asyncio.Task[Received]") -> list[Received]:
        done, pending = await asyncio.wait(racing, return_when=asyncio.FIRST_COMPLETED)
        if pending and all(task.result().fault for task in done):  # the other may still do better
            done, pending = await asyncio.wait(racing)
        for task in pending:
            task.cancel()
        received = [await task for task in racing]
        return sorted(received, key=lambda one: one.fault is not None)

    async def _send(self, payload: Mapping[str, Any], most: Cost) -> Received:
        started = time.monotonic()
        body = {"model": self.endpoint.model, **payload}
        try:
            received = await send(self.session, body, self.generator.timeout)
        except asyncio.CancelledError:
            if self.generator.hedge_after is None:
                raise
            received = Received(round(time.monotonic() - started, 3), fault=Fault(HEDGED, charged=True))
        measured = measure(payload, received)
        self.purse.settle(most, charge(self.purse.price, measured.usage, measured.estimated))
        return measured


def measure(payload: Mapping[str, Any], received: Received) -> Received:
    """Return what was received with token counts: the endpoint's, or else an estimate.

    Where there is no reply but the endpoint may have worked for one, that is the longest reply.
    """
    charged = received.fault is None or received.fault.charged
    if received.usage or not charged:
        return received
    reply = estimate_tokens(received.reply) if received.fault is None else longest_reply(payload)
    usage = {"prompt_tokens": estimate_tokens(prompt_text(payload)), "completion_tokens": reply}
    return replace(received, usage=usage, estimated=True)
