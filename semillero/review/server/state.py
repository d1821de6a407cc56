"""What was started: written after each process, believed only as far as the processes prove it."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from semillero.review.server.keys import write_private


@dataclass(frozen=True)
class Started:
    """One process as it was started.

    Attributes:
        pid: its process id, which is also that of its session.
        ticks: when it started, as the kernel counts; a recycled pid has another one.
        recipe: digest of its command and settings; another recipe needs another process.
    """

    pid: int
    ticks: int
    recipe: str


@dataclass
class State:
    """What runs, by part.

    Attributes:
        ports: the ports that were chosen; kept from start to start while they are free.
        processes: what was started.
        indexed: the search process whose index is known to be complete.
    """

    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, Started] = field(default_factory=dict)
    indexed: Started | None = None

    @property
    def index_is_complete(self) -> bool:
        """Tell whether the search process that was started last has the whole index."""
        return self.indexed is not None and self.indexed == self.processes.get("search")

    def write(self, path: Path) -> None:
        """Replace the state file."""
        write_private(path, json.dumps(asdict(self), indent=2) + "\n")


def read_state(path: Path) -> State:
    """Return the recorded state; an empty one when there is none or it cannot be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        ports = {str(name): int(port) for name, port in value["ports"].items()}
        processes = {str(name): Started(**entry) for name, entry in value["processes"].items()}
        indexed = Started(**value["indexed"]) if value["indexed"] else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return State()
    if not all(isinstance(p.pid, int) and p.pid > 0 and isinstance(p.ticks, int) for p in processes.values()):
        return State()
    return State(ports, processes, indexed)
