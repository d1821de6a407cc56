"""Progress of long work: a bar on a terminal, log lines elsewhere (Prefect's page shows those).

>>> with track("judging", total=3) as advance:
...     for _ in range(3):
...         advance(1)
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

LOG_EVERY_SECONDS = 15.0

console = Console(stderr=True)
log = logging.getLogger("semillero.progress")
_lock = threading.Lock()
_bars: Progress | None = None
_open = 0


@contextlib.contextmanager
def track(description: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show the progress of ``total`` steps; yields ``advance(n)``. Safe from several threads at once."""
    if console.is_terminal:
        with _shared_bars() as bars:
            task = bars.add_task(description, total=total)

            def advance(n: int = 1) -> None:
                bars.advance(task, n)

            try:
                yield advance
            finally:
                bars.remove_task(task)
    else:
        with _log_lines(description, total) as log_progress:
            yield log_progress


@contextlib.contextmanager
def _shared_bars() -> Iterator[Progress]:
    # rich allows one live display a process: the first tracker starts it, the last one stops it.
    global _bars, _open
    with _lock:
        if _bars is None:
            columns = (TextColumn("  {task.description}"), BarColumn(24), MofNCompleteColumn())
            _bars = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True)
            _bars.start()
        _open += 1
        bars = _bars
    try:
        yield bars
    finally:
        with _lock:
            _open -= 1
            if _open == 0:
                bars.stop()
                _bars = None


@contextlib.contextmanager
def _log_lines(description: str, total: int) -> Iterator[Callable[[int], None]]:
    done, last = 0, time.monotonic()
    lock = threading.Lock()

    def advance(n: int = 1) -> None:
        nonlocal done, last
        with lock:
            done += n
            if time.monotonic() - last >= LOG_EVERY_SECONDS:
                last = time.monotonic()
                log.info("%s: %d of %d", description, done, total)

    yield advance


def say(message: str) -> None:
    """Print one line for people above any progress bar."""
    console.print(message, highlight=False, soft_wrap=True)
