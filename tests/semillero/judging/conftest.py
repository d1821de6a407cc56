"""Accepted rows as curation hands them over."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from semillero.records import ACCEPTED, write_records
from semillero.store import Artifact, Recipe, RunStore


def accept(rows: list[dict[str, Any]]) -> pl.DataFrame:
    blank = dict.fromkeys(ACCEPTED) | {"flags": [], "topic": "cocina"}
    return pl.DataFrame([blank | row for row in rows], schema=ACCEPTED)


@pytest.fixture
def rows() -> pl.DataFrame:
    """Twelve rows: two varieties, three groups each, two rows a group."""
    texts = ("el maíz", "la yerba mate", "el pan con tomate")
    made = []
    for code in ("es-MX", "ca"):
        for g, thing in enumerate(texts):
            for n in range(2):
                row = {"id": f"{code}-{g}-{n}", "group": f"{code}-p{g}", "variety": code}
                row |= {
                    "instruction": f"¿Qué es {thing} {n}?",
                    "answer": f"Es {thing}, que se come o se toma caliente.",
                }
                made.append(row)
    return accept(made)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(str(tmp_path / "store"))


@pytest.fixture
def put_accepted(store: RunStore) -> Callable[[pl.DataFrame], Artifact]:
    def put(frame: pl.DataFrame) -> Artifact:
        with store.draft(Recipe("curate", 1, {}, {"rows": frame["id"].to_list()})) as draft:
            write_records(frame, ACCEPTED, draft.path / "accepted.parquet")
        return draft.artifact

    return put
