"""What people have answered, kept in the run store: one artifact a state of the table, and none is ever removed.

The table's own digest is its recipe, so the same answers make the same artifact, and an artifact that was damaged is
missed and collected again. `newest_snapshot` is what the review stage goes on with.
"""

from pathlib import Path

import polars as pl

from semillero.digests import digest_text
from semillero.records import RESPONSES, read_records, write_records
from semillero.store import Artifact, Recipe, RunStore

STAGE = "responses"
VERSION = 1
FILE = "responses.parquet"


def keep_snapshot(store: RunStore, responses: pl.DataFrame) -> Artifact:
    """Keep a table of responses (RESPONSES, sorted); it is the newest one afterwards.

    Returns:
        The artifact; counts responses, submitted, records, reviewers.
    """
    recipe = _recipe(digest_text(responses.select(list(RESPONSES)).write_ndjson()))
    if found := store.find(recipe):
        return found
    with store.draft(recipe) as draft:
        write_records(responses, RESPONSES, draft.path / FILE)
        draft.counts.update(
            responses=responses.height,
            submitted=responses.filter(pl.col("status") == "submitted").height,
            records=responses["record"].n_unique(),
            reviewers=responses["reviewer"].n_unique(),
        )
    return draft.artifact


def newest_snapshot(store: RunStore) -> Artifact | None:
    """Return the snapshot that was kept last, or None when there is none or it does not verify."""
    entry = store.last(STAGE).get("")
    return store.find(_recipe(entry["recipe"]["inputs"]["table"])) if entry else None


def read_snapshot(store: RunStore, snapshot: Artifact | None) -> pl.DataFrame:
    """Return a snapshot's table (RESPONSES); an empty one for None."""
    if snapshot is None:
        return pl.DataFrame(schema=RESPONSES)
    return read_records(store.folder(snapshot) / FILE, RESPONSES)


def read_backup(path: Path) -> pl.DataFrame:
    """Return the table of a file that ``semillero review backup`` wrote.

    Raises:
        StoreError: it is no such file.
    """
    return read_records(path, RESPONSES)


def _recipe(table: str) -> Recipe:
    return Recipe(STAGE, VERSION, inputs={"table": table}, settings={})
