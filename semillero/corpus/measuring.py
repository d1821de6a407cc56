"""What ``statistics.json`` says of the corpus: rows, percentages, lengths, diversity, balance of the splits."""

from typing import Any

import polars as pl

from semillero.corpus.splitting import SPLITS
from semillero.corpus.structure import CATEGORICAL

TEXTS = ("pregunta", "respuesta")
FACETS = {"by_split": "split", "by_variety": "variedad", "by_technique": "tecnica"}
WORD = r"[\p{L}\p{M}\p{N}]+"


def measure_corpus(rows: pl.DataFrame) -> dict[str, Any]:
    """Return the statistics of the corpus.

    Args:
        rows: the published columns and `split`.

    Returns:
        ``rows`` and ``groups`` by split; ``distributions`` (percent of every categorical column, over all rows and
        by split); ``words`` (mean, median and 95th percentile of each text's length in words); ``distinct`` (share
        of different words and word bigrams among all, Li et al. 2016; falls as a corpus grows, so compare equal
        sizes only); ``imbalance`` (total variation distance of each split from the whole; 0 is a perfect stratum).
    """
    parts = {"all": rows} | {name: rows.filter(pl.col("split") == name) for name in SPLITS}
    return {
        "rows": {"kept": rows.height} | {name: parts[name].height for name in SPLITS},
        "groups": {name: part["grupo"].n_unique() for name, part in parts.items()},
        "rows_by_variety": _cross(rows),
        "distributions": {
            name: {column: _percentages(part[column]) for column in CATEGORICAL} for name, part in parts.items()
        },
        "words": {text: _facet(rows, text, _lengths) for text in TEXTS},
        "distinct": {text: _facet(rows, text, _distinct) for text in TEXTS},
        "imbalance": {
            column: {name: _distance(rows[column], parts[name][column]) for name in SPLITS}
            for column in ("variedad", "tema")
        },
    }


def _facet(rows: pl.DataFrame, text: str, measure: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"all": measure(rows[text])}
    for name, column in FACETS.items():
        groups = sorted(rows.group_by(column), key=lambda group: str(group[0][0]))
        found[name] = {str(value): measure(part[text]) for (value,), part in groups}
    return found


def _cross(rows: pl.DataFrame) -> dict[str, dict[str, int]]:
    counts = {code: dict.fromkeys(SPLITS, 0) for code in sorted(rows["variedad"].unique())}
    for code, split, count in rows.group_by("variedad", "split").len().iter_rows():
        counts[code][split] = count
    return counts


def _percentages(column: pl.Series) -> list[dict[str, Any]]:
    counts = column.value_counts(name="count").sort(["count", column.name], descending=[True, False])
    return [
        {"value": value, "count": count, "percent": round(100 * count / column.len(), 2)}
        for value, count in counts.iter_rows()
    ]


def _lengths(texts: pl.Series) -> dict[str, float]:
    words = pl.col(texts.name).str.count_matches(WORD).cast(pl.Float64)
    measures = {"mean": words.mean(), "median": words.median(), "p95": words.quantile(0.95, "nearest")}
    row = texts.to_frame().select(measure.round(2).alias(name) for name, measure in measures.items())
    return {name: value or 0.0 for name, value in row.row(0, named=True).items()}


def _distinct(texts: pl.Series) -> dict[str, float]:
    words = pl.DataFrame({"words": texts.str.to_lowercase().str.extract_all(WORD)}).with_row_index("text")
    tokens = words.explode("words").drop_nulls()
    pairs = tokens.select((pl.col("words") + " " + pl.col("words").shift(-1).over("text")).alias("pairs")).drop_nulls()
    return {
        f"distinct_{n}": round(series.n_unique() / series.len(), 4) if series.len() else 0.0
        for n, series in ((1, tokens["words"]), (2, pairs["pairs"]))
    }


def _distance(whole: pl.Series, part: pl.Series) -> float:
    share = {value: count / whole.len() for value, count in whole.value_counts().iter_rows()}
    found = {value: count / part.len() for value, count in part.value_counts().iter_rows()}
    return round(sum(abs(share[value] - found.get(value, 0.0)) for value in sorted(share)) / 2, 4)


def find_warnings(rows: pl.DataFrame) -> list[str]:
    """Return what a reader of the splits must know: varieties that a split lacks, topics that only it has."""
    warnings = []
    for code, counts in _cross(rows).items():
        missing = [name for name in SPLITS if not counts[name]]
        if missing:
            warnings.append(
                f"{code} has no row in {', '.join(missing)}: its rows come from too few independent passages or seeds"
            )
    trained = set(rows.filter(pl.col("split") == "train")["tema"])
    unseen = sorted(set(rows["tema"]) - trained)
    if unseen:
        warnings.append(f"topics that are held out or in validation only: {', '.join(unseen)}")
    return warnings
