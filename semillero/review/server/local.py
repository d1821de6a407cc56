"""Looking at a local Argilla without touching it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from semillero.ports import HOST
from semillero.review.server.database import count_contents
from semillero.review.server.environment import is_installed
from semillero.review.server.keys import Keys, NewOwner, load_keys
from semillero.review.server.parts import ORDER, answers
from semillero.review.server.places import Home
from semillero.review.server.processes import is_ours
from semillero.review.server.state import State, read_state

PROBE_SECONDS = 3.0
Outcome = Literal["started", "mended", "running"]


@dataclass(frozen=True)
class LocalArgilla:
    """A local Argilla that runs.

    Attributes:
        url: of page and API.
        api_key: the owner's.
        home: the folder with its data.
        pids: by part.
        outcome: what `start_argilla` did: started (from nothing), mended (what was dead), running (nothing).
        new_owner: the owner's account, when this start made it.
    """

    url: str
    api_key: str = field(repr=False)
    home: Path
    pids: Mapping[str, int]
    outcome: Outcome = "running"
    new_owner: NewOwner | None = None


@dataclass(frozen=True)
class PartStatus:
    """How one process is.

    Attributes:
        name: search, redis, argilla or worker.
        state: up, down, silent (it lives but does not answer), incomplete (search whose index was not rebuilt).
        pid: of the process, if it lives.
        port: on 127.0.0.1, if it has one.
        log: its output.
    """

    name: str
    state: Literal["up", "down", "silent", "incomplete"]
    pid: int | None
    port: int | None
    log: Path


@dataclass(frozen=True)
class ArgillaStatus:
    """How a local Argilla is.

    Attributes:
        url: of page and API, if it was ever started.
        contents: users, datasets, records, responses (empty where there is no database).
        disk_bytes: of the home folder, shared environment left out.
        key_file: the file with the owner's password and API key, if there is one.
        installed: whether Argilla's environment is there.
    """

    home: Path
    url: str | None
    parts: tuple[PartStatus, ...]
    contents: Mapping[str, int]
    disk_bytes: int
    key_file: Path | None
    installed: bool

    @property
    def running(self) -> bool:
        """Whether every part does its work."""
        return all(part.state == "up" for part in self.parts)

    def as_json(self) -> dict[str, Any]:
        """Return the status as a JSON value; it holds no key, only where the keys are."""
        value = {**asdict(self), "running": self.running, "home": str(self.home)}
        value["key_file"] = str(self.key_file) if self.key_file else None
        value["parts"] = [{**asdict(part), "log": str(part.log)} for part in self.parts]
        return value


def local_argilla(home: Path | None = None) -> LocalArgilla | None:
    """Return the local Argilla whose server process lives, or None."""
    place = Home.at(home)
    keys, state = load_keys(place.keys), read_state(place.state)
    if keys is None or "argilla" not in state.ports or not is_ours(state.processes.get("argilla")):
        return None
    return LocalArgilla(page_url(state), keys.api_key, place.folder, living_pids(state))


def living_pids(state: State) -> dict[str, int]:
    """Return the pid of each part that lives."""
    return {name: started.pid for name, started in state.processes.items() if is_ours(started)}


def argilla_status(home: Path | None = None) -> ArgillaStatus:
    """Return how a local Argilla is, asking each part; nothing is started, stopped or mended."""
    place = Home.at(home)
    keys, state = load_keys(place.keys), read_state(place.state)
    return ArgillaStatus(
        home=place.folder,
        url=page_url(state) if "argilla" in state.ports else None,
        parts=tuple(_look_at(name, place, keys, state) for name in ORDER),
        contents=count_contents(place.database),
        disk_bytes=_size(place.folder),
        key_file=place.keys if keys else None,
        installed=is_installed(),
    )


def page_url(state: State) -> str:
    """Return the address of page and API."""
    return f"http://{HOST}:{state.ports['argilla']}"


def _look_at(name: str, place: Home, keys: Keys | None, state: State) -> PartStatus:
    started, port = state.processes.get(name), state.ports.get(name)
    log = place.logs / f"{name}.log"
    if started is None or keys is None or not is_ours(started):
        return PartStatus(name, "down", None, port, log)
    if not answers(name, keys, state.ports, PROBE_SECONDS):
        return PartStatus(name, "silent", started.pid, port, log)
    complete = name != "search" or state.index_is_complete
    return PartStatus(name, "up" if complete else "incomplete", started.pid, port, log)


def _size(folder: Path) -> int:
    """Return the bytes of a folder's files, without the environments that every home shares."""
    total = 0
    for path in folder.rglob("*"):
        if "environments" in path.relative_to(folder).parts[:1]:
            continue
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # gone in between
            continue
    return total
