"""Starting, mending and stopping a local Argilla.

Each part is compared with what it should be: a process that lives, answers and was started from the same recipe stays;
any other is replaced. So the same command starts from nothing, mends what died, and does nothing where all is well.
"""

import shutil
from pathlib import Path

from semillero.errors import InputError
from semillero.ports import HOST, free_port, is_free
from semillero.progress import say
from semillero.review.server.database import ensure_database
from semillero.review.server.environment import Environment, ensure_environment
from semillero.review.server.keys import OWNER, Keys, NewOwner, load_keys, load_or_make_keys
from semillero.review.server.launching import launch
from semillero.review.server.local import LocalArgilla, Outcome, living_pids, page_url
from semillero.review.server.parts import ORDER, Part, answers, describe_parts, write_redis_file
from semillero.review.server.places import Home
from semillero.review.server.processes import find_strays, is_ours, stop, stop_strays
from semillero.review.server.state import State, read_state
from semillero.review.server.waiting import await_reindex

PORT = 6900
PATIENCE_SECONDS = 20.0  # a server in the middle of a big push answers late; it must not be taken for a hung one


def start_argilla(home: Path | None = None, port: int | None = None) -> LocalArgilla:
    """Start a local Argilla, or mend the one that is there; returns when its page answers and its index is whole.

    Args:
        home: folder of its data; ``semillero/argilla`` in the user's data folder by default.
        port: of page and API; by default the one it had last, else 6900, else a free one. 0 is a free one, not 6900.

    Returns:
        What runs. It goes on running when this process ends.

    Raises:
        InputError: the port that was asked for is taken, or the folder cannot be used.
        StoreError: the database file is none of Argilla's.
        SemilleroError: installation or start failed; the message shows why.
    """
    place = Home.at(home).open()
    made = ensure_environment()
    with place.locked():
        keys, new = load_or_make_keys(place.keys)
        state = read_state(place.state)
        stop_strays(find_strays(keys.token, state.processes.values()))
        state.ports = choose_ports(state, port)
        parts = describe_parts(place, made, keys, state.ports)
        lost = _lost(parts, keys, state)
        outcome: Outcome = "started" if len(lost) == len(parts) else "mended"
        if lost or not state.index_is_complete:
            _start(place, made, keys, state, [parts[name] for name in lost])
        else:
            outcome = "running"
        owner = NewOwner(OWNER, keys.password) if new else None
        return LocalArgilla(page_url(state), keys.api_key, place.folder, living_pids(state), outcome, owner)


def stop_argilla(home: Path | None = None) -> bool:
    """Stop a local Argilla; its data stay. Returns whether anything ran."""
    place = Home.at(home)
    if not place.folder.is_dir():
        return False
    with place.locked():
        keys, state = load_keys(place.keys), read_state(place.state)
        token = keys.token if keys else ""
        # Those that use the others end first, so that nothing they still do fails.
        first = [started for name, started in state.processes.items() if name in ("argilla", "worker")]
        last = [started for name, started in state.processes.items() if name in ("search", "redis")]
        stopped = stop(first, token) + stop(last, token)
        strays = find_strays(token, ()) if token else []
        stop_strays(strays)
        if state.processes:
            state.processes, state.indexed = {}, None
            state.write(place.state)
        shutil.rmtree(place.scratch, ignore_errors=True)
    return bool(stopped or strays)


def choose_ports(state: State, wanted: int | None) -> dict[str, int]:
    """Return a port for each part that has one: the recorded one while it is free or ours.

    Raises:
        InputError: the port that the user wants is taken.
    """
    asked = wanted or state.ports.get("argilla") or (PORT if wanted is None else free_port())
    page = _port(state, "argilla", asked)
    if page is None and wanted:
        raise InputError(
            f"port {wanted} on {HOST} is taken by another program", "a free port", "stop that program, or choose --port"
        )
    if page is None:
        page = free_port()
        say(f"Port {asked} is taken by another program; using {page}.")
    ports = {"argilla": page}
    for name in ("search", "redis"):
        ports[name] = _port(state, name, state.ports.get(name)) or free_port(ports.values())
    return ports


def _port(state: State, name: str, port: int | None) -> int | None:
    ours = is_ours(state.processes.get(name)) and state.ports.get(name) == port
    return port if port is not None and (ours or is_free(port)) else None


def _lost(parts: dict[str, Part], keys: Keys, state: State) -> list[str]:
    """Return the parts to start, in order."""
    lost = [name for name, part in parts.items() if not _stands(part, keys, state)]
    if "redis" in lost and "worker" not in lost:
        lost.append("worker")  # it waits on a connection that is gone
    return lost


def _stands(part: Part, keys: Keys, state: State) -> bool:
    started = state.processes.get(part.name)
    if started is None or started.recipe != part.recipe or not is_ours(started):
        return False
    return answers(part.name, keys, state.ports, PATIENCE_SECONDS)


def _start(place: Home, made: Environment, keys: Keys, state: State, lost: list[Part]) -> None:
    """Start the lost parts and wait for each; what was begun is stopped again when one fails."""
    names = [part.name for part in lost]
    if len(names) == len(ORDER):
        say(f"Starting Argilla at {page_url(state)} …")
    elif names:
        say(f"Starting again: {', '.join(names)} …")
    stop([state.processes.pop(name) for name in names if name in state.processes], keys.token)
    state.write(place.state)
    place.progress.unlink(missing_ok=True)
    if "argilla" in names:
        shutil.rmtree(place.scratch, ignore_errors=True)
        place.scratch.mkdir(mode=0o700, exist_ok=True)
        ensure_database(place, made)
    if "redis" in names:
        write_redis_file(place, keys, state.ports["redis"])
    try:
        launch(place, keys, state, lost)
        if "argilla" not in names and not state.index_is_complete:
            await_reindex(place, made, keys, state)
        state.indexed = state.processes["search"]
    except BaseException:  # Ctrl-C too
        stop([state.processes.pop(name) for name in names if name in state.processes], keys.token)
        stop_strays(find_strays(keys.token, state.processes.values()))
        raise
    finally:
        place.progress.unlink(missing_ok=True)
        state.write(place.state)
