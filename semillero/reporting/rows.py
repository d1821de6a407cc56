"""The rows that the report looks at, with what became of each and what its texts hold.

Counts are of every row; texts are looked at in a sample when there are more than ``limit`` rows. Ids are hashes, so the
rows with the smallest ids are a sample that is the same in every run and depends on no order.
"""

from pathlib import Path

import polars as pl

from semillero.curation.offensive import find_offensive
from semillero.curation.varieties import mask_names
from semillero.curation.variety_forms import find_forms
from semillero.records import RECORD
from semillero.reporting.genders import find_mentions

TEXTS = ("instruction", "answer")
READ = ("id", "group", "variety", "topic", "technique", "instruction", "answer", "source")
OPTIONAL = ("parallel",)  # rows that ask the same in several varieties share it
FATE = {"reason": pl.String(), "decision": pl.String(), "score": pl.Float64()}


def read_fates(curated: Path, reviewed: Path, limit: int) -> tuple[pl.DataFrame, int]:
    """Return the answered rows that have both texts, at most ``limit`` of them, and how many there are.

    Args:
        curated: folder with ``accepted.parquet`` and ``rejected.parquet``.
        reviewed: folder with ``reviewed.parquet``.
        limit: the largest sample.

    Returns:
        Rows sorted by id: the columns of `READ`, `parallel` where records have it, `reason` (of curation or
        review; null for rows that are kept or pending), `decision` (null for rows that curation rejected) and `score`.
    """
    columns = [name for name in (*READ, *OPTIONAL) if name in RECORD]
    rejected = pl.scan_parquet(curated / "rejected.parquet").select(*columns, "reason")
    accepted = pl.scan_parquet(reviewed / "reviewed.parquet").select(*columns, *FATE)
    rows = pl.concat([accepted, rejected], how="diagonal")
    rows = rows.filter(pl.col("reason").ne_missing("unparseable"))
    total = rows.select(pl.len()).collect().item()
    return rows.bottom_k(limit, by="id").collect().sort("id"), int(total)


def mark_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Add what each row's texts hold.

    Returns:
        The rows with `evidence`, `contradiction` (markers for and against the variety; null where it has no lists),
        `offensive` (listed words), `feminine`, `masculine` (does it name a profession in that gender, in the singular).
    """
    marks: dict[str, list[object]] = {name: [] for name in MARKS}
    for variety, instruction, answer in rows.select("variety", *TEXTS).iter_rows():
        text = f"{instruction}\n{answer}"
        forms, masked = find_forms(variety), mask_names(text)
        sides = (None, None) if forms is None else [any(p.search(masked) for p in side.values()) for side in forms]
        kinds = {mention.kind for mention in find_mentions(text, variety)}
        values = (*sides, find_offensive(text, variety), "feminine" in kinds, "masculine" in kinds)
        for name, value in zip(MARKS, values, strict=True):
            marks[name].append(value)
    return rows.with_columns(pl.Series(name, values, dtype=MARKS[name]) for name, values in marks.items())


MARKS: dict[str, pl.DataType] = {
    "evidence": pl.Boolean(),
    "contradiction": pl.Boolean(),
    "offensive": pl.List(pl.String()),
    "feminine": pl.Boolean(),
    "masculine": pl.Boolean(),
}
