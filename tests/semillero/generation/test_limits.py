"""The limit finds what an endpoint can do: simulated in virtual time, so that hours take milliseconds."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from semillero.generation.limits import START, Limit


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that does not wait: when nothing is ready, the next timer's time has come."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__()

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._now = max(self._now, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


@dataclass
class Endpoint:
    """Serves ``capacity`` at once; more wait in line, or are refused."""

    capacity: int
    refuses: bool
    seconds: Callable[[], float]
    busy: int = 0
    chance: float = 0.0  # share of the requests that are refused whatever is in flight
    sure: bool = False  # its refusals name a pause
    refused: int = 0
    line: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.line = asyncio.Semaphore(self.capacity)

    async def serve(self) -> bool:
        self.busy += 1
        try:
            if (self.refuses and self.busy > self.capacity) or random.random() < self.chance:
                self.refused += 1
                await asyncio.sleep(0.01)
                return False
            async with self.line:
                await asyncio.sleep(self.seconds())
            return True
        finally:
            self.busy -= 1


def run(work: Coroutine[Any, Any, None]) -> float:
    loop = VirtualLoop()
    try:
        loop.run_until_complete(work)
        return loop.time()
    finally:
        loop.close()


async def ask_all(limit: Limit, endpoint: Endpoint, count: int) -> None:
    async def ask() -> None:
        async with limit.slot() as slot:
            for attempt in range(1000):
                await slot.renew()
                if await endpoint.serve():
                    limit.served()
                    return
                limit.refused(slot.era, endpoint.sure)
                await asyncio.sleep(random.uniform(0.5, 1.0) * min(0.5 * 2**attempt, 30.0))

    await asyncio.gather(*(ask() for _ in range(count)))


def virtual_limit(most: int, start: int | None) -> Limit:
    return Limit(most, start, clock=lambda: asyncio.get_running_loop().time())


@pytest.mark.parametrize(
    ("refuses", "sure"), [(False, True), (True, True), (True, False)], ids=["queues", "names a pause", "refuses"]
)
@pytest.mark.parametrize("capacity", [3, 20, 80])
def test_a_search_ends_near_what_the_endpoint_can_do(capacity: int, refuses: bool, sure: bool) -> None:
    random.seed(capacity)
    count, limits = 30 * capacity + 400, []
    endpoint = Endpoint(capacity, refuses, lambda: random.lognormvariate(0.5, 0.4), sure=sure)

    async def work() -> None:
        limits.append(virtual_limit(256, START))
        await ask_all(limits[0], endpoint, count)

    seconds = run(work())
    mean = 1.786  # exp(0.5 + 0.4² / 2)
    assert count / seconds > 0.7 * capacity / mean  # the search itself and the last requests included
    assert 0.6 * capacity <= limits[0].now <= max(2.5 * capacity, START + START // 4)
    assert endpoint.refused <= (0.05 if sure else 0.06) * count
    assert limits[0].in_flight == 0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("chance", [0.01, 0.02])
def test_refusals_by_chance_do_not_stop_a_search(chance: float, seed: int) -> None:
    random.seed(seed)
    capacity, count = 40, 3000
    endpoint = Endpoint(capacity, False, lambda: random.lognormvariate(0.5, 0.4), chance=chance)

    async def work() -> None:
        await ask_all(virtual_limit(256, START), endpoint, count)

    seconds = run(work())
    assert count / seconds > 0.8 * capacity / 1.786


def test_a_number_is_a_bound_and_is_come_back_to_after_trouble() -> None:
    random.seed(1)
    endpoint = Endpoint(2, True, lambda: 1.0, sure=True)
    seen: list[int] = []

    async def work() -> None:
        limit = virtual_limit(16, None)
        asyncio.get_running_loop().call_later(60, setattr, endpoint, "refuses", False)
        asyncio.get_running_loop().call_later(60, setattr, endpoint, "line", asyncio.Semaphore(50))
        asyncio.get_running_loop().call_later(50, lambda: seen.append(limit.now))
        await ask_all(limit, endpoint, 1500)
        seen.append(limit.now)

    run(work())
    assert seen[0] <= 3
    assert seen[1] == 16


def test_one_burst_of_refusals_halves_once_and_silence_no_further() -> None:
    async def work() -> None:
        limit = Limit(64, None)
        async with limit.slot() as slot:
            for _ in range(10):
                limit.refused(slot.era)
            assert limit.now == 32
            await slot.renew()
            limit.refused(slot.era)  # nothing was served since: how many are in flight is not the trouble
            assert limit.now == 32
            limit.served()
            limit.refused(slot.era)
            assert limit.now == 16

    run(work())


def test_a_slot_above_a_cut_limit_goes_to_the_head_of_the_line() -> None:
    order: list[str] = []

    async def hold(limit: Limit, name: str, seconds: float, again: bool = False) -> None:
        async with limit.slot() as slot:
            await asyncio.sleep(seconds)
            if again:
                await slot.renew()
                await asyncio.sleep(1)
            order.append(name)

    async def work() -> None:
        limit = Limit(2, None)
        asyncio.get_running_loop().call_later(1, limit.refused, 0)
        late = asyncio.create_task(asyncio.sleep(0.5))
        await asyncio.gather(hold(limit, "first", 5), hold(limit, "cut", 2, again=True), hold(limit, "next", 1), late)
        assert limit.now == 1
        assert limit.in_flight == 0

    run(work())
    assert order == ["first", "cut", "next"]


def test_one_who_stops_waiting_takes_no_slot() -> None:
    async def work() -> None:
        limit = Limit(1, None)
        async with limit.slot():
            waiting = [asyncio.create_task(limit._take()) for _ in range(3)]
            await asyncio.sleep(0)
            waiting[0].cancel()
        waiting[1].cancel()  # in the very moment in which it is its turn
        await waiting[2]
        assert limit.in_flight == 1

    run(work())
