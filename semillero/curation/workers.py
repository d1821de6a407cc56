"""Worker processes for work that is the same for every chunk."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from semillero.errors import SemilleroError
from semillero.processes import dies_with_parent

_worker: Any = None  # what this process works with, made once
ONE_THREAD = {"POLARS_MAX_THREADS": "1", "RAYON_NUM_THREADS": "1"}  # the processes are the parallelism


def run_in_processes(
    make: Callable[..., Any], arguments: tuple[Any, ...], method: str, tasks: Sequence[Any], processes: int
) -> Iterator[Any]:
    """Yield what ``make(*arguments).method(task)`` returns for each task, in order.

    Processes are spawned, not forked: polars' threads do not survive a fork. They die with this one.

    Raises:
        SemilleroError: a worker was killed.
    """
    context = multiprocessing.get_context("spawn")
    start = (os.getpid(), make, arguments)
    with ProcessPoolExecutor(processes, context, _start_worker, start) as pool:
        before = {name: os.environ.get(name) for name in ONE_THREAD}
        os.environ.update(ONE_THREAD)  # read when polars is imported, so it must be there when a worker starts
        try:
            results = [pool.submit(_call, method, task) for task in tasks]
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
        try:
            for result in results:
                yield result.result()
        except BrokenProcessPool:
            raise SemilleroError(
                "a worker process of curation was killed",
                "about 1 GB of memory a core",
                "free some memory and run the same command again; nothing was written",
            ) from None
        finally:
            for result in results:
                result.cancel()


def _start_worker(parent: int, make: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    from rich.console import Console

    from semillero import progress

    global _worker
    dies_with_parent(parent=parent)()
    progress.console = Console(stderr=True, force_terminal=False)  # bars are the parent's
    _worker = make(*arguments)


def _call(method: str, task: Any) -> Any:
    return getattr(_worker, method)(task)
