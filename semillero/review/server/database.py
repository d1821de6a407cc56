"""Argilla's database file: made whole, upgraded on a copy, never overwritten."""

import shutil
import sqlite3
from pathlib import Path

from semillero.errors import StoreError
from semillero.progress import say
from semillero.review.server.environment import Environment, migrate, schema_revision
from semillero.review.server.places import Home


def ensure_database(home: Home, made: Environment) -> None:
    """Make sure of a database with this Argilla's schema; nobody may be using it.

    Raises:
        StoreError: the file is there but is no database of Argilla's; it is left as it is.
        SemilleroError: its schema could not be brought up to date; it is left as it is.
    """
    database = home.database
    if not database.exists() or database.stat().st_size == 0:
        _copy_template(database, made.empty_database)
        return
    revision = schema_revision(database)
    if revision is None:
        raise StoreError(
            f"{database} is no Argilla database, or it is damaged",
            "the database with the reviewers' work, or no file at all",
            "put a backup in its place, or move it away and run `semillero review restore` after the start",
        )
    if revision != schema_revision(made.empty_database):
        _upgrade(database, made, revision)


def count_contents(database: Path) -> dict[str, int]:
    """Return how many users, datasets, records and responses there are; empty where that cannot be read."""
    if not database.exists():
        return {}
    try:
        connection = sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True, timeout=2)
        try:
            tables = ("users", "datasets", "records", "responses")
            return {name: int(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]) for name in tables}
        finally:
            connection.close()
    except sqlite3.Error:
        return {}


def _copy_template(database: Path, template: Path) -> None:
    for leftover in ("-wal", "-shm", "-journal"):  # of a database that is gone; SQLite would replay them
        Path(f"{database}{leftover}").unlink(missing_ok=True)
    draft = database.with_suffix(".new")
    shutil.copyfile(template, draft)
    draft.chmod(0o600)
    draft.replace(database)


def _upgrade(database: Path, made: Environment, revision: str) -> None:
    say(f"Upgrading {database} from schema {revision}; a copy of it stays beside it.")
    draft, kept = database.with_suffix(".new"), database.with_name(f"argilla-{revision}.db")
    draft.unlink(missing_ok=True)
    for target in (draft, kept):
        _back_up(database, target)
    migrate(made, draft)
    _back_up(draft, database)
    draft.unlink()


def _back_up(source: Path, target: Path) -> None:
    """Copy a database by SQLite's own means: one transaction, write-ahead log included."""
    reading, writing = sqlite3.connect(source), sqlite3.connect(target)
    try:
        with writing:
            reading.backup(writing)
    finally:
        reading.close()
        writing.close()
