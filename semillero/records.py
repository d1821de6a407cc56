"""The columns that stages hand over, one polars schema a hand-over.

Inside the pipeline columns have English names; ``semillero.corpus`` writes SomosNLP's Spanish ones for the
published corpus. Each row keeps where it came from (`item`, `group`, `source`), how (`technique`, `prompt`, `model`)
and, once it leaves, why (`reason`, `evidence`).
"""

import hashlib
from pathlib import Path

import polars as pl

from semillero.errors import StoreError

Schema = dict[str, pl.DataType]
TEXT = pl.String()
MESSAGES = pl.List(pl.Struct({"role": pl.String(), "content": pl.String()}))  # a conversation; role user or assistant

# What describes a row of the corpus, at every stage.
RECORD: Schema = {
    "id": TEXT,  # 16 hex digits of item + instruction + answer
    "item": TEXT,  # the planned slot: variety/technique/passage or seed block/number
    "group": TEXT,  # rows of one group never straddle splits
    "parallel": TEXT,  # rows with the same one answer the same question, each in its variety; null elsewhere
    "variety": TEXT,  # BCP-47
    "topic": TEXT,
    "technique": TEXT,
    "history": MESSAGES,  # the turns of a conversation before the instruction; null in single turns
    "instruction": TEXT,
    "answer": TEXT,
    "alternative": TEXT,  # a second answer to the same instruction, to be ranked by people, or null
    "ranked_by": TEXT,  # who took `answer` for the better one before people look: model:NAME; null: nobody
    "register": TEXT,  # coloquial, medio, culto
    "period": TEXT,  # actual, moderno, clásico, medieval
    "domain": TEXT,
    "task": TEXT,
    "source": TEXT,  # the passage, or null
    "origin": TEXT,  # what the content comes from: a citation, pasaje:ID, semillas:…, persona:…, pregunta:…
    "prompt": TEXT,  # all prompts of the item, in order
    "model": TEXT,
}
# generate → curate: every planned item, answered or failed. A reply that could not be parsed has no instruction.
GENERATED: Schema = {
    **RECORD,
    "reply": TEXT,  # the last one
    "repairs": pl.List(pl.String()),  # what it took to read the replies; `semillero.generation.replies.REPAIRS`
    "status": TEXT,
    "error": TEXT,
}
# curate → judge, review.
# `linked`: ids of accepted rows that ask nearly the same in another variety, or before it in other words (see `flags`).
ACCEPTED: Schema = {**RECORD, "flags": pl.List(pl.String()), "linked": pl.List(pl.String())}
REJECTED: Schema = {**RECORD, "reply": TEXT, "reason": TEXT, "evidence": TEXT}
# judge → review.
SCORES: Schema = {"id": TEXT, "score": pl.Float64(), "detail": TEXT}
# review → dataset. `decision` is kept, discarded or pending.
REVIEWED: Schema = {
    **ACCEPTED,
    "decision": TEXT,
    "reason": TEXT,
    "score": pl.Float64(),
    "reviewers": pl.List(pl.String()),
    "original_instruction": TEXT,
    "original_answer": TEXT,
}
# What one person answered about one record in Argilla; one row a record and person, backed up as it is.
RESPONSES: Schema = {
    "record": TEXT,  # the row's id
    "variety": TEXT,
    "reviewer": TEXT,  # user name
    "status": TEXT,  # submitted, discarded (rejected by that person), draft
    "quality": pl.Int64(),  # 1 to 5
    "fits_variety": TEXT,  # yes, no, unsure
    "variety_label": TEXT,  # the variety the person hears, a code or "other"
    "instruction": TEXT,  # corrected text, or null when untouched
    "answer": TEXT,
    "reasons": pl.List(pl.String()),  # codes of `semillero.review.questions.REASONS`
    "ranking": TEXT,  # of two answers: first, second, both_good, both_bad; null where there is one answer
    "comment": TEXT,
    "updated_at": TEXT,  # ISO 8601, UTC
}
PREFERENCES: Schema = {
    "id": TEXT,
    "variety": TEXT,
    "history": MESSAGES,  # the turns before the prompt, or null
    "prompt": TEXT,
    "chosen": TEXT,
    "rejected": TEXT,
    "ranked_by": TEXT,  # people, or model:NAME where no person has looked
}


def record_id(item: str, instruction: str, answer: str) -> str:
    """Return a row's stable id: the same slot with the same text has the same id in every run."""
    return hashlib.sha256("\n".join((item, instruction, answer)).encode()).hexdigest()[:16]


def write_records(frame: pl.DataFrame, schema: Schema, path: Path) -> None:
    """Write ``frame`` as parquet with exactly the columns of ``schema``, in its order.

    Raises:
        StoreError: a column is missing or has another type (a bug, caught where it happens).
    """
    try:
        ordered = frame.select(pl.col(name).cast(kind) for name, kind in schema.items())
    except pl.exceptions.PolarsError as error:
        raise StoreError(f"{path.name} does not have the columns it must have: {error}") from error
    ordered.write_parquet(path, compression="zstd", statistics=False)


class RecordsWriter:
    """Writes parquet of one schema part by part, a row group each; a context manager.

    Raises:
        StoreError: a part does not have the columns it must have.
    """

    def __init__(self, path: Path, schema: Schema) -> None:
        from pyarrow.parquet import ParquetWriter

        self._path, self._schema = path, schema
        empty = pl.DataFrame(schema=schema).to_arrow()
        self._writer = ParquetWriter(path, empty.schema, compression="zstd", write_statistics=False)

    def write(self, frame: pl.DataFrame) -> None:
        """Append the rows of ``frame``; none, and nothing is written."""
        try:
            ordered = frame.select(pl.col(name).cast(kind) for name, kind in self._schema.items())
        except pl.exceptions.PolarsError as error:
            raise StoreError(f"{self._path.name} does not have the columns it must have: {error}") from error
        if ordered.height:
            self._writer.write_table(ordered.rechunk().to_arrow())

    def __enter__(self) -> "RecordsWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()


def read_records(path: Path, schema: Schema, start: int = 0, stop: int | None = None) -> pl.DataFrame:
    """Read what `write_records` wrote, or its rows from ``start`` to ``stop``.

    Raises:
        StoreError: the file is not parquet, or not of this schema.
    """
    try:
        rows = pl.scan_parquet(path).select(list(schema))
        return rows.slice(start, None if stop is None else stop - start).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise StoreError(f"{path} cannot be read as records: {error}", "", "run `semillero run` again") from error
