"""What the dataset card tells of the corpus: rows, columns, shares, lengths, one example."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from semillero.cards.wording import load_words
from semillero.errors import AccountingError, PublishError
from semillero.store import Artifact

SPLITS = ("train", "validation", "test")
PREFERENCES = "preferences"
EXAMPLE_CHARACTERS = 600


def describe_dataset(folder: Path, dataset: Artifact) -> dict[str, Any]:
    """Return rows by split, columns, percentages of every categorical column, lengths and one example row.

    Args:
        folder: where the dataset artifact's files are.
        dataset: the artifact, whose counts must be those of its files.

    Raises:
        AccountingError: a parquet file has another number of rows than its stage or ``statistics.json`` says.
        PublishError: a column has no explanation in ``columns.yaml``.
    """
    statistics = json.loads((folder / "statistics.json").read_text(encoding="utf-8"))
    splits = {name: count_rows(folder / f"{name}.parquet") for name in SPLITS}
    for name, rows in splits.items():
        told = {dataset.counts[name], statistics["rows"][name]}
        if told != {rows}:
            raise AccountingError(f"{name}.parquet has {rows} rows, its stage counted {sorted(told)}", "one number")
    frame = pl.concat([pl.scan_parquet(folder / f"{name}.parquet") for name in SPLITS])
    rows = sum(splits.values())
    distributions = statistics["distributions"]["all"]
    for column, values in distributions.items():
        if sum(value["count"] for value in values) != rows:
            raise AccountingError(f"the distribution of {column} does not add up to {rows} rows", "every row counted")
    return {
        "splits": splits,
        "rows": rows,
        "bytes": {name: count_bytes(folder / f"{name}.parquet") for name in SPLITS},
        "columns": explain_columns(frame, "default"),
        "distributions": distributions,
        "varieties": statistics["rows_by_variety"],
        "words": {text: measures["all"] for text, measures in statistics["words"].items()},
        "warnings": statistics.get("warnings", []),
        "score": _measure_scores(frame),
        "example": _pick_example(frame),
        "preferences": _describe_preferences(folder),
        "figures": sorted(name for name in dataset.files if name.startswith("figures/")),
    }


def count_rows(path: Path) -> int:
    """Return how many rows a parquet file has, from its footer."""
    import pyarrow.parquet

    return int(pyarrow.parquet.read_metadata(path).num_rows)


def count_bytes(path: Path) -> int:
    """Return how many bytes a parquet file's columns take uncompressed, from its footer."""
    import pyarrow.parquet

    metadata = pyarrow.parquet.read_metadata(path)
    return sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))


def size_category(rows: int) -> str:
    """Return the Hub's ``size_categories`` value for a number of rows."""
    bounds = [("n<1K", 10**3), ("1K<n<10K", 10**4), ("10K<n<100K", 10**5), ("100K<n<1M", 10**6), ("1M<n<10M", 10**7)]
    return next((name for name, bound in bounds if rows < bound), "10M<n<100M")


def explain_columns(frame: pl.LazyFrame, config: str) -> list[dict[str, Any]]:
    """Return name, type and explanation (en, es) of every column.

    Raises:
        PublishError: a column is not in ``columns.yaml``.
    """
    words = load_words("columns")
    # A column may mean something else in another configuration (`prompt`).
    schema = frame.collect_schema()
    known = {name: words.get(f"{config}.{name}") or words.get(name) or {} for name in schema.names()}
    unknown = sorted(name for name, text in known.items() if not text)
    if unknown:
        raise PublishError(
            f"columns without an explanation: {', '.join(unknown)}",
            "every column explained on the card",
            "describe them in semillero/cards/columns.yaml",
        )
    return [
        {"name": name, "type": _name_type(kind), "en": known[name]["en"], "es": known[name]["es"]}
        for name, kind in schema.items()
    ]


def _name_type(kind: pl.DataType) -> str:
    return "list" if isinstance(kind, pl.List) else str(kind).lower()


def _measure_scores(frame: pl.LazyFrame) -> dict[str, float] | None:
    score = pl.col("puntuacion")
    row = frame.select(score.mean().alias("mean"), score.min().alias("lowest"), score.max().alias("highest"))
    values = row.collect().row(0, named=True)
    return None if values["mean"] is None else {name: round(value, 4) for name, value in values.items()}


def _pick_example(frame: pl.LazyFrame) -> dict[str, Any]:
    # The row with the smallest id: the same in every run, picked by nobody.
    row = frame.sort("id").head(1).collect().to_dicts()[0]
    return {name: _shorten(value) for name, value in row.items()}


def _shorten(value: Any) -> Any:
    if isinstance(value, str) and len(value) > EXAMPLE_CHARACTERS:
        return value[:EXAMPLE_CHARACTERS] + "…"
    return value


def _describe_preferences(folder: Path) -> dict[str, Any] | None:
    path = folder / f"{PREFERENCES}.parquet"
    if not path.exists():
        return None
    return {
        "rows": count_rows(path),
        "bytes": count_bytes(path),
        "columns": explain_columns(pl.scan_parquet(path), PREFERENCES),
        "ranked_by": dict(pl.read_parquet(path)["ranked_by"].value_counts(sort=True).iter_rows()),
    }
