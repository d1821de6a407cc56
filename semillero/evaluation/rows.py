"""The rows that are evaluated: the test split, the reserved pairs, and which of them are answered."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from semillero.project.sources import Pair
from semillero.records import MESSAGES

COLUMNS = {"id": pl.String(), "group": pl.String(), "variety": pl.String(), "messages": MESSAGES}


def read_test_split(path: Path) -> pl.DataFrame:
    """Return `id`, `group`, `variety`, `messages` of a dataset's ``test.parquet``, in order of id."""
    rows = pl.read_parquet(path, columns=["id", "grupo", "variedad", "messages"]).sort("id")
    return rows.rename({"grupo": "group", "variedad": "variety"}).select(
        pl.col(name).cast(kind) for name, kind in COLUMNS.items()
    )


def list_reserved(pairs: Sequence[Pair]) -> pl.DataFrame:
    """Return the reserved pairs with the columns of `read_test_split`; each is a group of its own."""
    rows: list[dict[str, Any]] = [
        {
            "id": pair.id,
            "group": pair.id,
            "variety": pair.variety,
            "messages": [
                {"role": "user", "content": pair.instruction},
                {"role": "assistant", "content": pair.answer},
            ],
        }
        for pair in pairs
    ]
    return pl.DataFrame(rows, schema=COLUMNS).sort("id")


def choose_rows(rows: pl.DataFrame, wanted: int, seed: int) -> list[int]:
    """Return the places of up to ``wanted`` rows: varieties take turns, and within one a group's rows come apart.

    The choice hangs on ids and seed alone, so a row more or less in the split changes few others.
    """
    queues: dict[str, list[tuple[int, str, int]]] = {}
    taken: dict[tuple[str, str], int] = {}
    places = sorted(range(rows.height), key=lambda i: hashlib.sha256(f"{seed}/{rows['id'][i]}".encode()).hexdigest())
    for order, place in enumerate(places):
        variety, group = rows["variety"][place], rows["group"][place]
        round_ = taken.get((variety, group), 0)  # a group's second row waits until every group has given its first
        taken[variety, group] = round_ + 1
        queues.setdefault(variety, []).append((round_, f"{order:09d}", place))
    lines = [sorted(queues[variety]) for variety in sorted(queues)]
    turns = [line[turn][2] for turn in range(max(map(len, lines), default=0)) for line in lines if turn < len(line)]
    return sorted(turns[:wanted])
