"""Earlier turns of a conversation: cleaned, and looked at for what must not be in the corpus."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from semillero.curation import curate_records
from semillero.curation.histories import clean_histories
from semillero.project import CorpusSettings
from semillero.project.sources import Sources
from semillero.records import ACCEPTED, MESSAGES, REJECTED, read_records
from semillero.store import Artifact, RunStore
from tests.semillero.generation.conftest import make_corpus

RESERVED = ("¿Cuántos cráteres tiene el volcán Xinantécatl y cómo se llaman?", "Uno, con dos lagunas.")
LAST = (
    "es-MX",
    "¿Y en qué época del año conviene subir con niños pequeños?",
    "En los meses secos, temprano y sin prisa.",
)


def turns(question: str, answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


@pytest.fixture
def corpus() -> CorpusSettings:
    return make_corpus()


def test_personal_data_leaves_earlier_turns_too(make_rows: Callable[..., pl.DataFrame]) -> None:
    asked = turns("¿Te  escribo a ana.perez@example.org?", "Sí, o llámame al 55 1234 5678.")
    rows = make_rows([LAST, ("es-MX", "¿Qué es un cenote?", "Un pozo natural.")], history=None)
    rows = rows.with_columns(pl.Series("history", [asked, None], dtype=MESSAGES))
    cleaned = clean_histories(rows.sort("row"))
    first, second = cleaned["history"].to_list()
    assert [turn["role"] for turn in first] == ["user", "assistant"]
    assert "ana.perez" not in json.dumps(first)
    assert first[0]["content"].startswith("¿Te escribo a [")
    assert second is None
    assert cleaned.drop("history").sort("row").equals(rows.drop("history"))


def test_a_reserved_question_in_an_earlier_turn_is_contamination(
    tmp_path: Path,
    make_rows: Callable[..., pl.DataFrame],
    make_shard: Callable[..., Artifact],
    make_sources: Callable[..., Sources],
    corpus: CorpusSettings,
) -> None:
    clean = turns("¿Qué volcán se ve desde Toluca en un día despejado?", "El Nevado, con nieve en la cumbre.")
    texts: list[Any] = [
        LAST,
        (
            "es-MX",
            "¿Y hace falta reservar para entrar en coche?",
            "Los domingos de verano sí, y casi siempre se llena.",
        ),
    ]
    rows = make_rows(texts, history=None).with_columns(
        pl.Series("history", [turns(*RESERVED), clean], dtype=MESSAGES), repairs=pl.lit([], pl.List(pl.String))
    )
    store = RunStore(str(tmp_path))
    curated = curate_records(store, [make_shard(store, "a", rows.drop("row"))], make_sources([RESERVED]), corpus)
    folder = store.folder(curated)
    assert read_records(folder / "rejected.parquet", REJECTED)["reason"].to_list() == ["contaminated"]
    assert read_records(folder / "accepted.parquet", ACCEPTED)["history"].to_list() == [clean]
