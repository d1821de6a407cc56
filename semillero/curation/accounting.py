"""Exact accounting: requested = answered + failed, answered = accepted + rejected; per shard, variety and in total."""

from collections.abc import Sequence

import polars as pl

from semillero.errors import AccountingError
from semillero.store import Artifact

STATUSES = ("answered", "failed")


def check_shard(shard: Artifact, rows: pl.DataFrame) -> None:
    """Compare a shard's rows with the counts in its manifest.

    Raises:
        AccountingError: they differ, or a row's status is neither answered nor failed.
    """
    found = {
        "requested": rows.height,
        "answered": rows.filter(pl.col("status") == "answered").height,
        "failed": rows.filter(pl.col("status") == "failed").height,
    }
    told = shard.counts
    wrong = [
        f"{name} {told[name]} in the manifest, {n} in the file" for name, n in found.items() if told.get(name, n) != n
    ]
    if found["requested"] != found["answered"] + found["failed"]:
        wrong.append(
            f"statuses other than {' and '.join(STATUSES)}: {sorted(set(rows['status']) - set(STATUSES), key=str)}"
        )
    if wrong:
        raise AccountingError(
            f"shard {shard.part or shard.path} does not balance: {'; '.join(wrong)}",
            "requested = answered + failed, in the manifest and in records.parquet",
            f"remove {shard.path} from the run store and run again; it alone is made anew",
        )


def check_items(rows: pl.DataFrame) -> None:
    """Check that every planned item stands in one shard only.

    Raises:
        AccountingError: an item twice (its rows would be counted twice).
    """
    twice = rows.filter(pl.col("item").is_duplicated() | pl.col("item").is_null())["item"].unique().sort()
    if twice.len():
        raise AccountingError(
            f"{twice.len()} items missing a name or present twice, such as {twice[0]!r}",
            "each planned item in one shard, once",
            "this is a bug in the plan: report it with the project file",
        )


def check_balance(table: pl.DataFrame, where: str) -> None:
    """Check every line of a table of counts.

    Args:
        table: has `requested, answered, failed, accepted, rejected` and, as its first column, what was counted.
        where: what the lines stand for, such as ``variety``.

    Raises:
        AccountingError: a line does not balance; names it and its counts.
    """
    for line in table.iter_rows(named=True):
        name = f"{where} {next(iter(line.values()))}"
        if line["requested"] != line["answered"] + line["failed"]:
            raise AccountingError(f"{name}: {_show(line)}", "requested = answered + failed")
        if line["answered"] != line["accepted"] + line["rejected"]:
            raise AccountingError(f"{name}: {_show(line)}", "answered = accepted + rejected")


def check_parts(tables: Sequence[pl.DataFrame], total: dict[str, int]) -> None:
    """Check that the lines of each table add up to the total.

    Raises:
        AccountingError: they do not.
    """
    for table in tables:
        for name, expected in total.items():
            found = int(table[name].sum())
            if found != expected:
                raise AccountingError(f"{name} by {table.columns[0]} adds up to {found}", f"{expected}, the total")


def _show(line: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in line.items() if name in COUNTS)


COUNTS = ("requested", "answered", "failed", "accepted", "rejected")
