"""An event loop in a thread of its own, for work that many threads hand over and wait for."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from typing import Any, TypeVar

Result = TypeVar("Result")


class LoopThread:
    """Runs coroutines until it is closed."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name=name)
        self._gate = threading.Lock()
        self._closed = False
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine and wait for it (from any other thread).

        Raises:
            CancelledError: the loop is closed.
        """
        with self._gate:  # whoever comes late must not wait for a loop that has stopped
            if self._closed:
                work.close()
                raise CancelledError
            running = asyncio.run_coroutine_threadsafe(work, self._loop)
        return running.result()

    def call_soon(self, function: Any) -> None:
        """Call a function on the loop."""
        self._loop.call_soon_threadsafe(function)

    def close(self, last: Coroutine[Any, Any, None], grace: float | None) -> None:
        """Take no more work, wait for what runs, run ``last``, and stop.

        Args:
            last: what to do when nothing else runs.
            grace: seconds until what still runs is cancelled; None for as long as it takes.
        """
        with self._gate:
            self._closed = True
            ended = asyncio.run_coroutine_threadsafe(self._end(last, grace), self._loop)
        ended.result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self, last: Coroutine[Any, Any, None], grace: float | None) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if others:
            _, late = await asyncio.wait(others, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        await last
