"""A store, and a way to put reviewed rows into it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from semillero.records import PREFERENCES, REVIEWED, write_records
from semillero.store import Artifact, Recipe, RunStore


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(str(tmp_path / "store"))


@pytest.fixture
def put_reviewed(store: RunStore) -> Callable[..., Artifact]:
    """Store rows as a review artifact."""

    def put(rows: list[dict[str, Any]], preferences: list[dict[str, Any]] | None = None) -> Artifact:
        recipe = Recipe("review", 1, {}, {"rows": json.loads(json.dumps(rows)), "pairs": preferences or []})
        with store.draft(recipe) as draft:
            write_records(pl.DataFrame(rows, schema=REVIEWED), REVIEWED, draft.path / "reviewed.parquet")
            pairs = pl.DataFrame(preferences or [], schema=PREFERENCES)
            write_records(pairs, PREFERENCES, draft.path / "preferences.parquet")
        return draft.artifact

    return put
