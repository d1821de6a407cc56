import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from semillero.project import CorpusSettings
from semillero.records import ACCEPTED, REJECTED, REVIEWED, record_id, write_records
from semillero.store import Artifact, Recipe, RunStore
from tests.grader import Grader, open_grader

Row = tuple[str, str, str, str | None]  # variety, instruction, answer, why it left


@pytest.fixture
def make_rows() -> Callable[..., pl.DataFrame]:
    """Rows with the columns of REVIEWED and `reason`; a reason of review starts with ``judge``."""

    def make(texts: Sequence[Row], **columns: Any) -> pl.DataFrame:
        rows = []
        for number, (variety, instruction, answer, reason) in enumerate(texts):
            item = f"{variety}/backtranslation/p{number:05d}/0"
            row: dict[str, Any] = dict.fromkeys(REVIEWED, "x") | {"history": None, "parallel": None, "linked": []}
            row |= {"id": record_id(item, instruction, answer), "item": item, "group": f"p{number}", "variety": variety}
            row |= {"instruction": instruction, "answer": answer, "flags": [], "reviewers": [], "score": 0.5}
            row |= {"topic": f"t{number % 3}", "technique": "backtranslation", "reason": reason, "reply": "x"}
            decision = None if reason and not reason.startswith("judge") else "discarded" if reason else "kept"
            rows.append(row | {"decision": decision, "evidence": "x"} | columns)
        return pl.DataFrame(rows, schema={**REVIEWED, **REJECTED})

    return make


@pytest.fixture
def make_corpus() -> Callable[..., CorpusSettings]:
    def make(*varieties: str, **settings: Any) -> CorpusSettings:
        listed = [{"code": v, "name": f"variedad {v}", "country": v, "requests": 10} for v in varieties]
        sources = {"topics": "t.yaml", "seeds": "s.jsonl", "passages": "p.jsonl"}
        return CorpusSettings.model_validate({"varieties": listed, **sources, "judge": {"kind": "none"}, **settings})

    return make


@pytest.fixture
def put_rows() -> Callable[[RunStore, pl.DataFrame], tuple[Artifact, Artifact]]:
    """Write rows as the curate and the review artifact."""

    def put(store: RunStore, rows: pl.DataFrame) -> tuple[Artifact, Artifact]:
        accepted = rows.filter(pl.col("decision").is_not_null())
        rejected = rows.filter(pl.col("decision").is_null())
        reasons = dict(rejected.group_by("reason").len().sort("reason").iter_rows())
        varieties = {
            code: {
                "requested": part.height,
                "answered": part.height,
                "accepted": part["decision"].count(),
                "rejected": part["decision"].null_count(),
            }
            for (code,), part in rows.group_by("variety")
        }
        counts = {"answered": rows.height, "accepted": accepted.height, "rejected": rejected.height}
        curation = {"counts": counts, "reasons": reasons, "varieties": varieties, "placeholders": {}}

        def write_curated(folder: Path) -> None:
            write_records(accepted, ACCEPTED, folder / "accepted.parquet")
            write_records(rejected, REJECTED, folder / "rejected.parquet")
            (folder / "curation.json").write_text(json.dumps(curation), encoding="utf-8")

        def write_reviewed(folder: Path) -> None:
            write_records(accepted, REVIEWED, folder / "reviewed.parquet")

        return _put(store, "curate", rows, write_curated), _put(store, "review", rows, write_reviewed)

    return put


def _put(store: RunStore, stage: str, rows: pl.DataFrame, write: Callable[[Path], None]) -> Artifact:
    recipe = Recipe(stage, 1, {"rows": "".join(sorted(rows["id"]))}, {})
    if found := store.find(recipe):
        return found
    with store.draft(recipe) as draft:
        write(draft.path)
    return draft.artifact


@pytest.fixture
def model() -> Iterator[Grader]:
    with open_grader() as server:
        server.reply = lambda prompt: '{"razon": "clara", "nota": 3}'
        yield server
