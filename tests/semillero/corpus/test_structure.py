"""The published columns: SomosNLP's structure for Spanish varieties, Catalan, Guarani and Quechua."""

import polars as pl
import pytest

from semillero.corpus.structure import COLUMNS, MESSAGES, to_corpus_structure
from semillero.errors import CorpusError
from semillero.records import REVIEWED
from tests.reviewed_rows import make_corpus, make_rows

COUNTRIES = {"es-MX": "MX", "ca": "ES (Cataluña)", "gn": "PY", "quy": "PE", "es-419": "419"}


def publish(rows: list[dict[str, object]]) -> pl.DataFrame:
    return to_corpus_structure(pl.DataFrame(rows, schema=REVIEWED), make_corpus(COUNTRIES).varieties)


@pytest.mark.parametrize(
    ("code", "idioma"), [("es-MX", "es_MX"), ("ca", "ca"), ("gn", "gn"), ("quy", "quy"), ("es-419", "es_419")]
)
def test_codes_and_countries(code: str, idioma: str) -> None:
    row = publish(make_rows([code], groups=1, each=1)).row(0, named=True)
    assert (row["idioma"], row["variedad"]) == (idioma, code)
    assert row["pais_origen"] == row["pais_referencia"] == COUNTRIES[code]


def test_every_column_in_order() -> None:
    rows = make_rows(["es-MX"], groups=1, each=1)
    published = publish(rows)
    assert published.columns == list(COLUMNS)
    assert published.schema["messages"] == MESSAGES
    found, made = published.row(0, named=True), rows[0]
    assert found["pregunta"] == made["instruction"]
    assert found["respuesta"] == made["answer"]
    assert found["messages"] == [
        {"role": "user", "content": made["instruction"]},
        {"role": "assistant", "content": made["answer"]},
    ]
    same = {
        "id": "id", "registro": "register", "periodo": "period", "dominio": "domain", "tarea": "task", "tema": "topic",
        "prompt": "prompt", "modelo": "model", "tecnica": "technique", "grupo": "group", "puntuacion": "score",
        "origen": "origin",
    }  # fmt: skip
    assert {column: found[column] for column in same} == {column: made[key] for column, key in same.items()}


def test_a_passage_is_published_unless_it_is_the_answer() -> None:
    rows = make_rows(["es-MX"], groups=3, each=1)
    rows[1] |= {
        "technique": "grounded",
        "answer": "Es lo que dice.",
        "source": "Lo que dice.",
        "origin": "https://a.org",
    }
    rows[2] |= {"technique": "self_instruct", "source": None}
    found = publish(rows)
    assert found["pasaje"].to_list() == [None, "Lo que dice.", None]
    assert found["origen"].to_list()[:2] == ["pasaje:es-MX-p00", "https://a.org"]


def test_a_conversation_is_whole_in_messages_and_its_last_turn_in_the_pair() -> None:
    rows = make_rows(["es-MX"], groups=2, each=1)
    before = [{"role": "user", "content": "¿Qué es el maíz?"}, {"role": "assistant", "content": "Un grano."}]
    rows[0]["history"] = before
    first, second = publish(rows).to_dicts()
    assert first["messages"][:2] == before
    assert [turn["role"] for turn in first["messages"]] == ["user", "assistant"] * 2
    assert first["messages"][-1]["content"] == first["respuesta"] == rows[0]["answer"]
    assert len(second["messages"]) == 2


def test_a_variety_that_the_project_does_not_list_is_refused() -> None:
    with pytest.raises(CorpusError, match="eu"):
        publish(make_rows(["eu"], groups=1, each=1))
