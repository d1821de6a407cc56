"""The questions of benchmark files, which the corpus must not contain: JSON lines, CSV, TSV, parquet or plain text."""

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from semillero.errors import InputError

# Names under which benchmarks keep what they ask, in English and in the languages of the corpus; case is of no matter.
QUESTION_COLUMNS = (
    "question", "questions", "pregunta", "preguntas", "prompt", "instruction", "instruccion", "instrucción", "query",
    "input", "enunciado", "pergunta", "qüestió", "text", "texto", "sentence", "premise", "ctx", "goal",
)  # fmt: skip
TABLES = {".csv": ",", ".tsv": "\t"}


def load_benchmark(path: Path, columns: Sequence[str] = ()) -> list[str]:
    """Return the questions of a benchmark file.

    Args:
        path: ``.jsonl``, ``.ndjson``, ``.csv``, ``.tsv`` or ``.parquet``; anything else is one text a line.
        columns: names of columns with questions, where theirs are not among `QUESTION_COLUMNS`.

    Raises:
        InputError: the file cannot be read, has no column that is known to hold questions, or none of them has text.
    """
    try:
        if path.suffix in (".jsonl", ".ndjson"):
            table = _read_json_lines(path)
        elif path.suffix in TABLES:
            table = pl.read_csv(path, separator=TABLES[path.suffix], infer_schema=False)
        elif path.suffix == ".parquet":
            table = pl.read_parquet(path)
        else:
            return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{path} cannot be read: {error}", "JSON lines, CSV, TSV, parquet or UTF-8 text") from None
    known = {name.lower() for name in (*QUESTION_COLUMNS, *columns)}
    chosen = [name for name, kind in table.schema.items() if name.lower() in known and kind == pl.String]
    if not chosen:
        raise InputError(
            f"{path}: no text column that is known to hold questions; it has {', '.join(table.columns) or 'none'}",
            f"one of {', '.join([*columns, *QUESTION_COLUMNS])}",
            "name the column in corpus.benchmark_columns",
        )
    texts = [text for name in chosen for text in table[name].drop_nulls().to_list() if text.strip()]
    if not texts:
        raise InputError(
            f"{path}: nothing in {', '.join(chosen)}", "at least one question", "remove the file, or mend it"
        )
    return texts


def _read_json_lines(path: Path) -> pl.DataFrame:
    """Return the string values of JSON lines as a table; a bare string is a question."""
    rows: list[dict[str, str]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"{path}:{number}: not JSON: {error.msg}", "one JSON value a line") from None
        row = {"question": value} if isinstance(value, str) else value
        if not isinstance(row, dict):
            raise InputError(f"{path}:{number}: a {type(value).__name__}", "a JSON object or a string on each line")
        rows.append({str(name): text for name, text in row.items() if isinstance(text, str)})
    names = sorted({name for row in rows for name in row})
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String()))
