"""Starting the processes of a local Argilla in order, each recorded as soon as it lives."""

from semillero.progress import track
from semillero.review.server.keys import Keys
from semillero.review.server.parts import Part
from semillero.review.server.places import Home
from semillero.review.server.processes import spawn, start_ticks
from semillero.review.server.state import Started, State
from semillero.review.server.waiting import await_answer

LOG_BYTES = 10_000_000
WITH_WORKER = "SEMILLERO_ARGILLA_WORKER"  # folder where inside.py finds the worker's log and leaves its pid


def launch(place: Home, keys: Keys, state: State, lost: list[Part]) -> None:
    """Start search and Redis; once they answer, Argilla; once it answers, its worker.

    Importing Argilla keeps a core busy for five seconds. Where both are to be started, Argilla's server forks the
    worker after its imports, which halves that.

    Raises:
        SemilleroError: a process ended or does not answer.
    """
    together = {"argilla", "worker"} <= {part.name for part in lost}
    pid_file = place.logs / "worker.pid"
    pid_file.unlink(missing_ok=True)
    with track("starting Argilla", total=len(lost)) as advance:
        for group in (("search", "redis"), ("argilla",), ("worker",)):
            begun = [part for part in lost if part.name in group]
            for part in begun:
                extra = {WITH_WORKER: str(place.logs)} if together and part.name == "argilla" else {}
                forked = _read_forked(place, part) if together and part.name == "worker" else None
                state.processes[part.name] = forked or _spawn(place, part, extra)
                state.write(place.state)
            for part in begun:
                await_answer(place, part.name, keys, state)
                advance(1)


def _spawn(place: Home, part: Part, extra: dict[str, str]) -> Started:
    log = place.logs / f"{part.name}.log"
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    return spawn(part.command, {**part.settings, **extra}, place.folder, log, part.recipe)


def _read_forked(place: Home, part: Part) -> Started | None:
    """Return the worker that Argilla's server has forked, or None if there is none."""
    try:
        pid = int((place.logs / "worker.pid").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    ticks = start_ticks(pid)
    return Started(pid, ticks, part.recipe) if ticks is not None else None
