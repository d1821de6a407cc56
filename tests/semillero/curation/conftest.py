from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
import pytest

from semillero.curation.normalisation import add_plain_columns
from semillero.project import CorpusSettings
from semillero.project.sources import Sources
from semillero.records import GENERATED, record_id, write_records
from semillero.store import Artifact, Recipe, RunStore

VARIETIES = ("es-MX", "es-AR", "es-CO", "es-ES", "ca")


@pytest.fixture
def make_corpus() -> Callable[..., CorpusSettings]:
    def make(varieties: Sequence[str] = VARIETIES, **filters: Any) -> CorpusSettings:
        return CorpusSettings.model_validate(
            {
                "varieties": [{"code": v, "name": v, "country": v, "requests": 10} for v in varieties],
                "topics": "topics.yaml",
                "seeds": "seeds.jsonl",
                "passages": "passages.jsonl",
                "filters": filters,
            }
        )

    return make


@pytest.fixture
def make_sources() -> Callable[..., Sources]:
    def make(reserved: Sequence[tuple[str, str]] = (), benchmarks: Sequence[str] = ()) -> Sources:
        pairs = [
            {"id": f"h{n}", "variety": "es-MX", "topic": "t", "instruction": question, "answer": answer}
            for n, (question, answer) in enumerate(reserved, start=1)
        ]
        empty: dict[str, Any] = {"topics": (), "seeds": (), "passages": ()}
        return Sources.model_validate({**empty, "reserved": pairs, "benchmarks": tuple(benchmarks)})

    return make


@pytest.fixture
def make_rows() -> Callable[..., pl.DataFrame]:
    """Rows as generation writes them: (variety, instruction, answer), a None instruction for an unreadable reply."""

    def make(texts: Sequence[tuple[str, str | None, str | None]], **columns: Any) -> pl.DataFrame:
        rows = []
        for number, (variety, instruction, answer) in enumerate(texts):
            item = f"{variety}/backtranslation/p{number:05d}/0"
            row: dict[str, Any] = dict.fromkeys(GENERATED, "x") | {"history": None, "parallel": None, "repairs": []}
            row |= {"item": item, "group": f"p{number}", "variety": variety, "technique": "backtranslation"}
            row |= {"instruction": instruction, "answer": answer, "status": "answered", "error": None}
            row |= {"id": record_id(item, instruction or "", answer or ""), "reply": instruction, "source": answer}
            rows.append(row | columns)
        return pl.DataFrame(rows, schema=GENERATED).with_row_index("row")

    return make


@pytest.fixture
def plain_rows(make_rows: Callable[..., pl.DataFrame]) -> Callable[..., pl.DataFrame]:
    def make(texts: Sequence[tuple[str, str, str]]) -> pl.DataFrame:
        return add_plain_columns(make_rows(texts))

    return make


@pytest.fixture
def make_shard() -> Callable[..., Artifact]:
    def make(store: RunStore, name: str, rows: pl.DataFrame, **counts: int) -> Artifact:
        recipe = Recipe("generate", 1, inputs={}, settings={"name": name}, part=name)
        if found := store.find(recipe):
            return found
        with store.draft(recipe) as draft:
            write_records(rows, GENERATED, draft.path / "records.parquet")
            answered = rows.filter(pl.col("status") == "answered").height
            draft.counts.update({"requested": rows.height, "answered": answered, "failed": rows.height - answered})
            draft.counts.update(counts)
        return draft.artifact

    return make
