"""Where a local Argilla keeps what it has: one folder, readable by its owner only."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from semillero.errors import InputError, SemilleroError
from semillero.progress import say

LOCK_SECONDS = 600.0  # a first start installs some 400 MB; another one waits for it


def default_home() -> Path:
    """Return ``semillero/argilla`` in the user's data folder."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "semillero" / "argilla"


@dataclass(frozen=True)
class Home:
    """The folder of one local Argilla, and the paths in it.

    Attributes:
        folder: absolute path; mode 0700 once opened.
    """

    folder: Path

    @classmethod
    def at(cls, folder: Path | None) -> "Home":
        """Return the home at a folder, or the default one; nothing is written."""
        return cls((folder or default_home()).expanduser().absolute())

    def open(self) -> "Home":
        """Make the folders, closed to other users.

        Raises:
            InputError: they cannot be made, or the path holds a character that a database URL cannot.
        """
        if set(str(self.folder)) & set("?#%"):
            raise InputError(f"{self.folder} cannot hold Argilla's database", "a path without ? # %", "choose another")
        try:
            for folder in (self.folder, self.logs, self.scratch):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
        except OSError as error:
            raise InputError(
                f"cannot keep Argilla's data in {self.folder}: {error.strerror}",
                "a folder of yours that can be written",
                "set XDG_DATA_HOME to one",
            ) from None
        return self

    @property
    def database(self) -> Path:
        """Argilla's SQLite database: users, records, responses."""
        return self.folder / "argilla.db"

    @property
    def keys(self) -> Path:
        """The generated keys (JSON, mode 0600)."""
        return self.folder / "keys.json"

    @property
    def state(self) -> Path:
        """What runs: ports and processes (JSON)."""
        return self.folder / "state.json"

    @property
    def progress(self) -> Path:
        """How far the search index has been rebuilt (JSON), while it is."""
        return self.folder / "progress.json"

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.folder / "logs"

    @property
    def scratch(self) -> Path:
        """Temporary files of the processes; emptied when Argilla starts."""
        return self.folder / "tmp"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the home: one start or stop at a time; the kernel frees the lock of a dead process.

        Raises:
            SemilleroError: another process holds it for ten minutes.
        """
        with waiting_lock(self.folder / "lock", f"another process starts or stops Argilla in {self.folder}"):
            yield


@contextlib.contextmanager
def waiting_lock(path: Path, why: str, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Take a file lock, saying why if it has to be waited for.

    Raises:
        SemilleroError: it was not free in time.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"Waiting: {why}.")
        try:
            lock.acquire(timeout=seconds)
        except Timeout:
            raise SemilleroError(f"{why} for {seconds:.0f} s", "", f"see who holds {path}", retryable=True) from None
    try:
        yield
    finally:
        lock.release()
