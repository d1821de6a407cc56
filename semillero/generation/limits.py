"""How many requests may be in flight: found by watching the endpoint, not by asking the user.

Two signs say that a limit is too high: the endpoint refuses (429, 503, a timeout), and then the limit is halved; or
the last step up brought no throughput, and then it is taken back. Endpoints that many people share refuse now and then
however little one asks of them, so a few refusals that name no pause are no sign. The lowest limit known to be too high
is the *wall*; growth goes at most half-way towards it, stops just below, and after a while tries again whether it still
stands.

Sources: the halving is TCP's AIMD (Chiu and Jain, 1989), growth half-way to the wall is BIC's (Xu, Harfoush and Rhee,
2004), and limiting what is in flight instead of the rate, by Little's law, is Netflix's concurrency-limits (2018).
Netflix's own signal, after TCP Vegas, is latency. A model server that decodes in batches gets slower with every
request it takes and still serves more of them in all, so here throughput itself is compared.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable

START = 8  # of a search
# What a step up must bring: this share of its size. Twice as many in flight must bring 30 % more replies.
GAIN = 0.3
WARM, MEASURED = 1, 2  # times the limit: replies after a change that are not counted, then those that are
# What an endpoint may refuse by chance, of a window's requests: this share of them, but at least so many. The
# tests simulate both sides of it: 2 % by chance end no search, and a sharp limit refuses at most 6 % of all requests.
CHANCE, FEW = 0.1, 2
HOLD = 20  # windows just below the wall until it is tried again


class Slot:
    """The right to have a request in flight.

    Attributes:
        era: counts the cuts of the limit; a refusal of a request sent before the last cut says nothing new.
    """

    def __init__(self, limit: "Limit") -> None:
        self.era = limit.era
        self._limit = limit

    async def renew(self) -> None:
        """Prepare for one more attempt: at once, or when the limit, cut meanwhile, has room again."""
        if self._limit.in_flight > self._limit.now:
            self._limit._give_back()
            await self._limit._take(first=True)
        self.era = self._limit.era


class Limit:
    """A semaphore whose number is found by itself.

    Args:
        most: never more than this.
        start: where to begin; `most` by default, as somebody who names a number means it.
        clock: seconds.

    Attributes:
        now: how many may be in flight.
        in_flight: how many are.
        era: see `Slot`.
    """

    def __init__(self, most: int, start: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.now = min(start or most, most)
        self.in_flight = 0
        self.era = 0
        self._clock = clock
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._trusted = self.now  # up to here the endpoint is known to serve: growth after a cut needs no proof
        self._best = (self.now, 0.0)  # the limit that served best, and its replies a second
        self._wall = most + 1
        self._searching = True  # doubling, until the first wall
        self._held = 0  # windows just below the wall
        self._proven = True  # something was served since the last cut
        self._refused = 0  # since the last change, or the last look at one
        self._open_window()

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[Slot]:
        """Wait for a slot and hold it; first come, first served."""
        await self._take()
        try:
            yield Slot(self)
        finally:
            self._give_back()

    def has_room(self) -> bool:
        """Tell whether a slot is free and nobody waits for it."""
        return self.in_flight < self.now and not self._waiting

    def served(self) -> None:
        """Note a reply."""
        self._proven = True
        if self.in_flight < self.now and not self._waiting:
            self._open_window()  # too little to do: what is served now does not show what could be
            return
        self._replies += 1
        if self._replies == WARM * self.now:
            self._since = self._clock()
            if self.now < self._trusted:
                self._grow()
        elif self._replies == (WARM + MEASURED) * self.now:
            self._close_window(MEASURED * self.now / max(self._clock() - self._since, 1e-9))

    def refused(self, era: int, sure: bool = True) -> None:
        """Note that the endpoint had too much of a request; halve the limit, once for all that were sent with it.

        Args:
            era: of the slot that the request had.
            sure: it was no chance: the endpoint took too long, or asks for a pause. Others count together.

        An endpoint that serves nothing at all since the last cut (a quota is used up, it restarts) has no trouble with
        how many are in flight: the pauses between attempts are the answer to that, and the limit stays.
        """
        if era != self.era or not self._proven:
            return
        self._refused += 1
        if not sure and self._refused <= max(FEW, CHANCE * (WARM + MEASURED) * self.now):
            return
        self.era += 1
        self._proven = False
        self._searching = False
        self._wall = max(2, min(self._wall, self.now))
        self._trusted = min(max(self._trusted, self._best[0]), self._wall - 1)
        self._set(self.now // 2)
        self._best = (self.now, 0.0)  # whatever was measured, was measured on an endpoint with fewer troubles

    def _close_window(self, rate: float) -> None:
        before, best = self._best
        if self.now > max(before, self._trusted) and rate < best * (1 + GAIN * (self.now / before - 1)):
            self._searching = False
            self._wall = self.now
            self._set(before)
            return
        self._best = (self.now, rate)
        self._grow()

    def _grow(self) -> None:
        known = self._trusted - self.now
        step = self.now if self._searching else known if known > 0 else max(1, self.now // 4)
        half_way = self.now + max(1, (self._wall - self.now) // 2)
        if (target := min(self.now + step, half_way, self.most)) < self._wall and target > self.now:
            self._held = 0
            self._set(target)
            return
        self._held += 1
        if self._held >= HOLD:
            self._wall, self._held = self.most + 1, 0
        self._refused = 0
        self._open_window()

    def _set(self, limit: int) -> None:
        self.now = max(1, limit)
        self._refused = 0
        self._open_window()
        self._wake()

    def _open_window(self) -> None:
        self._replies, self._since = 0, self._clock()

    async def _take(self, first: bool = False) -> None:
        if self.has_room():
            self.in_flight += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if first:
            self._waiting.appendleft(turn)
        else:
            self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was our turn already: pass it on
                self._give_back()
            raise

    def _give_back(self) -> None:
        self.in_flight -= 1
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self.in_flight < self.now:
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1  # on behalf of the one that wakes up
                turn.set_result(None)
