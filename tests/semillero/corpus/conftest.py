"""Reviewed rows to build corpora of."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from semillero.project import CorpusSettings
from semillero.project.sources import Sources, Topic
from semillero.records import PREFERENCES, REVIEWED, record_id, write_records
from semillero.store import Artifact, Recipe, RunStore

WORDS = "maíz río cerro plaza baile canto barro tejido mercado lluvia puerto selva nieve trigo olivo faro".split()


def sentence(seed: int, words: int) -> str:
    return " ".join(WORDS[(seed * 7 + n * (seed % 11 + 3) + n * n) % len(WORDS)] + str((seed * 31 + n) % 97) for n in range(words))


def make_rows(varieties: Sequence[str], groups: int = 10, each: int = 3) -> list[dict[str, Any]]:
    """``each`` rows a group, ``groups`` groups a variety; the rows of a group share their answer."""
    rows = []
    for v, code in enumerate(varieties):
        for g in range(groups):
            passage = f"{code}-p{g:02d}"
            for n in range(each):
                item = f"{code}/backtranslation/{passage}/{n}"
                question = f"¿{sentence(1000 * v + 10 * g + n + 5000, 8)}?"
                answer = sentence(100 * v + g, 30 + g) + "."
                rows.append(
                    {
                        "id": record_id(item, question, answer), "item": item, "group": passage, "variety": code,
                        "topic": f"t{g % 4}", "technique": "backtranslation", "instruction": question,
                        "answer": answer, "register": "medio", "period": "actual", "domain": "cultura",
                        "task": "pregunta_abierta", "source": answer, "prompt": "p", "model": "m", "flags": [],
                        "decision": "kept", "reason": None, "score": float(n), "reviewers": ["judge:likelihood:m"],
                        "original_instruction": question, "original_answer": answer,
                    }
                )  # fmt: skip
    return rows


def make_corpus(codes: dict[str, str], **settings: Any) -> CorpusSettings:
    """Corpus settings for varieties given as code → country."""
    varieties = [{"code": c, "name": f"variedad {c}", "country": country, "requests": 10} for c, country in codes.items()]
    return CorpusSettings.model_validate(
        {"varieties": varieties, "topics": "t.yaml", "seeds": "s.jsonl", "passages": "p.jsonl", **settings}
    )


SOURCES = Sources(
    topics=tuple(Topic(id=f"t{n}", name=f"Tema {n}", domain="cultura") for n in range(4)),
    seeds=(), passages=(), reserved=(), benchmarks=(),
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(str(tmp_path / "store"))


@pytest.fixture
def put_reviewed(store: RunStore) -> Callable[..., Artifact]:
    """Store rows as a review artifact."""

    def put(rows: list[dict[str, Any]], preferences: list[dict[str, Any]] | None = None) -> Artifact:
        recipe = Recipe("review", 1, {}, {"rows": json.loads(json.dumps(rows)), "pairs": preferences or []})
        with store.draft(recipe) as draft:
            write_records(pl.DataFrame(rows, schema=REVIEWED), REVIEWED, draft.path / "reviewed.parquet")
            pairs = pl.DataFrame(preferences or [], schema=PREFERENCES)
            write_records(pairs, PREFERENCES, draft.path / "preferences.parquet")
        return draft.artifact

    return put
