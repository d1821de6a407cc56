"""An aiohttp application on loopback, in a thread of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from aiohttp import web

HOST = "127.0.0.1"


@contextlib.contextmanager
def serve(app: web.Application, port: int = 0) -> Iterator[str]:
    """Serve until the block ends; yields the address, without a slash at its end.

    Args:
        app: the application.
        port: 0 for a free one.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True, name="loopback")
    thread.start()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    asyncio.run_coroutine_threadsafe(_start(runner, port), loop).result()
    try:
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        asyncio.run_coroutine_threadsafe(_end(runner), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _start(runner: web.AppRunner, port: int) -> None:
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()


async def _end(runner: web.AppRunner) -> None:
    await runner.cleanup()
    hanging = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
