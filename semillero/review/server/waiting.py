"""Waiting for a part to answer and for the search index to be whole, with progress shown."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

from semillero.errors import SemilleroError
from semillero.progress import track
from semillero.review.server.environment import Environment
from semillero.review.server.keys import Keys
from semillero.review.server.parts import answers, describe_parts
from semillero.review.server.places import Home
from semillero.review.server.processes import is_ours, spawn, stop
from semillero.review.server.state import Started, State

START_SECONDS = 240.0  # without an answer and without progress; a loaded machine imports Argilla for half a minute
POLL_SECONDS = 0.1
PROBE_SECONDS = 2.0


def await_answer(place: Home, name: str, keys: Keys, state: State) -> None:
    """Wait until a part that was just started does its work.

    Raises:
        SemilleroError: it ended, or neither answered nor got on for four minutes; the message ends with its log.
    """
    started, log = state.processes[name], place.logs / f"{name}.log"
    _wait(place, started, log, name, lambda: answers(name, keys, state.ports, PROBE_SECONDS))


def await_reindex(place: Home, made: Environment, keys: Keys, state: State) -> None:
    """Rebuild the index of a search server beside an Argilla that runs.

    Raises:
        SemilleroError: it failed; the message ends with its log.
    """
    part = describe_parts(place, made, keys, state.ports)["argilla"]
    log = place.logs / "reindex.log"
    log.unlink(missing_ok=True)
    inside = str(files("semillero.review.server") / "inside.py")
    started = spawn((str(made.python), inside, "reindex"), part.settings, place.folder, log, "reindex")
    try:
        _wait(place, started, log, "the search index", lambda: _is_complete(place.progress))
    finally:
        stop([started], keys.token)


def _wait(place: Home, started: Started, log: Path, name: str, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    with _index_bar() as show:
        while not ready():
            if not is_ours(started):
                if ready():
                    return
                raise _failure(f"{name} ended while it was starting", log)
            if show(read_progress(place.progress)):
                deadline = time.monotonic() + START_SECONDS
            if time.monotonic() > deadline:
                raise _failure(f"{name} does not answer after {START_SECONDS:.0f} s", log)
            time.sleep(POLL_SECONDS)


@contextlib.contextmanager
def _index_bar() -> Iterator[Callable[[tuple[int, int] | None], bool]]:
    """Yield a function that shows (done, total) records and tells whether there are more than before."""
    with contextlib.ExitStack() as stack:
        shown = 0
        advance: Callable[[int], None] | None = None

        def show(progress: tuple[int, int] | None) -> bool:
            nonlocal shown, advance
            if progress is None or progress[0] <= shown:
                return False
            if advance is None:
                advance = stack.enter_context(track("rebuilding the search index", total=progress[1]))
            advance(progress[0] - shown)
            shown = progress[0]
            return True

        yield show


def read_progress(path: Path) -> tuple[int, int] | None:
    """Return (done, total) records of the index, or None when nobody rebuilds it."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return int(value["done"]), int(value["total"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_complete(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_text(encoding="utf-8"))["complete"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _failure(what: str, log: Path) -> SemilleroError:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    tail = "\n".join(["", *lines[-12:]])
    return SemilleroError(f"Argilla did not start: {what}{tail}", "", f"run the same command again; read {log}")
