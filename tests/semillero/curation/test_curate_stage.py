import json
import random
from collections import Counter

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from semillero.curation import FLAGS, REASONS, curate_records
from semillero.curation.report import build_report
from semillero.curation.stage import filter_rows
from semillero.errors import AccountingError, GenerationError
from semillero.records import ACCEPTED, REJECTED, read_records
from semillero.store import RunStore

PULQUE = "El pulque se prepara con la savia del maguey, que los tlachiqueros recogen cada mañana con un acocote."
RATAFIA = "La ratafia és un licor que es prepara amb nous verdes i moltes herbes remeieres de la muntanya."
MATE = "Llená el mate con yerba, tapalo con la mano y sacudilo para sacarle el polvillo antes de cebar."
RESERVED = ("¿En qué año se fundó la Universidad Nacional de México?", "En 1910, por iniciativa de Justo Sierra.")

TEXTS = [
    ("es-MX", "¿Quién recoge la savia del maguey cada mañana?", PULQUE),
    ("es-MX", "¿quién recoge la savia del maguey, cada mañana?", PULQUE),
    ("es-MX", "¿Quién recoge la savia del maguey cada mañana, entonces?", PULQUE),
    ("es-MX", "¿Con  que\u0301 herramienta se extrae la savia?", PULQUE),
    ("es-MX", "El pulque es una bebida de México.", PULQUE),
    ("es-MX", "What is the drink called pulque made from in Mexico today?", PULQUE),
    ("es-MX", RESERVED[0], PULQUE),
    ("es-MX", None, None),
    ("es-AR", "Contame cómo se prepara un buen mate amargo.", MATE),
    ("es-AR", "Mandame la receta a ana@correo.example o llamame al 011 4321-5678.", MATE),
    ("ca", "Amb què es prepara la ratafia de la muntanya?", RATAFIA),
    ("ca", "Segons el text, amb quines herbes es fa el licor?", RATAFIA),
    ("ca", "Amb què es", RATAFIA),
]


@pytest.fixture
def shards(make_rows, make_shard):
    """The rows above in shards of ``size``; one of them failed."""

    def make(store, order=None, counts=None, size=5):
        rows = make_rows(TEXTS)
        failed = pl.col("row") == 10
        rows = rows.with_columns(
            pl.when(failed).then(pl.lit("failed")).otherwise("status").alias("status"),
            pl.when(failed).then(None).otherwise("instruction").alias("instruction"),
            pl.when(failed).then(None).otherwise("answer").alias("answer"),
            pl.lit("Prompt con ana@correo.example dentro.").alias("prompt"),
        )
        rows = rows if order is None else rows[order]
        parts = rows.iter_slices(size)
        return [make_shard(store, f"s{n}", part, **(counts or {})) for n, part in enumerate(parts)]

    return make


def test_every_row_is_accounted_for(tmp_path, shards, make_sources, make_corpus):
    store = RunStore(str(tmp_path))
    made = curate_records(store, shards(store), make_sources([RESERVED]), make_corpus())
    accepted = read_records(store.folder(made) / "accepted.parquet", ACCEPTED)
    rejected = read_records(store.folder(made) / "rejected.parquet", REJECTED)
    report = json.loads((store.folder(made) / "curation.json").read_text())
    assert made.counts == {"requested": 13, "answered": 12, "failed": 1, "accepted": 5, "rejected": 7}
    assert (accepted.height, rejected.height) == (5, 7)
    assert report["counts"] == dict(made.counts)
    assert report["reasons"] == Counter(rejected["reason"])
    assert set(rejected["reason"]) == {
        "unparseable", "instruction_too_short", "not_a_request", "other_language", "contaminated", "exact_duplicate",
        "near_duplicate",
    }  # fmt: skip
    assert rejected["evidence"].null_count() == 0
    assert {v: line["accepted"] for v, line in report["varieties"].items()} == {"ca": 1, "es-AR": 2, "es-MX": 2}
    assert report["varieties"]["ca"]["failed"] == 1
    assert set(report["reasons"]) <= set(REASONS)
    assert set(report["flags"]) <= set(FLAGS)


def test_accepted_texts_are_normalised_and_hold_no_personal_data(tmp_path, shards, make_sources, make_corpus):
    store = RunStore(str(tmp_path))
    inputs = shards(store)
    made = curate_records(store, inputs, make_sources([RESERVED]), make_corpus())
    accepted = read_records(store.folder(made) / "accepted.parquet", ACCEPTED)
    assert "¿Con qué herramienta se extrae la savia?" in accepted["instruction"].to_list()
    flagged = accepted.filter(pl.col("flags").list.contains("pii"))
    assert flagged["instruction"].to_list() == ["Mandame la receta a [EMAIL] o llamame al [TELEFONO]."]
    assert set(accepted["prompt"]) == {"Prompt con [EMAIL] dentro."}
    assert accepted.filter(pl.col("flags").list.contains("refers_to_passage")).height == 1
    # The id is generation's: it is not computed anew from the changed text.
    generated = pl.concat(pl.read_parquet(store.folder(shard) / "records.parquet") for shard in inputs)
    assert set(accepted["id"]) <= set(generated["id"])


def test_the_order_and_size_of_shards_are_of_no_consequence(tmp_path, shards, make_sources, make_corpus):
    contents = set()
    for seed in range(4):
        store = RunStore(str(tmp_path / str(seed)))
        order = random.Random(seed).sample(range(len(TEXTS)), len(TEXTS))
        inputs = shards(store, order, size=(5, 1, 13, 4)[seed])[:: -1 if seed % 2 else 1]
        contents.add(curate_records(store, inputs, make_sources([RESERVED]), make_corpus()).content)
    assert len(contents) == 1


def test_the_recipe_holds_what_matters_and_nothing_else(tmp_path, shards, make_sources, make_corpus):
    store = RunStore(str(tmp_path))
    inputs, corpus = shards(store), make_corpus()
    first = curate_records(store, inputs, make_sources([RESERVED]), corpus)
    again = curate_records(store, inputs[::-1], make_sources([RESERVED]), corpus)
    other_judge = corpus.model_copy(update={"shard_size": 99})
    assert again == first
    assert again.reused
    assert curate_records(store, inputs, make_sources([RESERVED]), other_judge).reused
    assert not curate_records(store, inputs, make_sources([RESERVED], ["Un texto de examen nuevo."]), corpus).reused
    assert not curate_records(store, inputs, make_sources([RESERVED]), make_corpus(near_duplicate=0.8)).reused


def test_a_shard_that_does_not_balance_is_named(tmp_path, shards, make_sources, make_corpus):
    store = RunStore(str(tmp_path))
    inputs = shards(store, counts={"answered": 4})
    with pytest.raises(AccountingError, match=r"shard s0 .*answered 4 in the manifest, 5 in the file"):
        curate_records(store, inputs, make_sources(), make_corpus())


def test_an_item_in_two_shards_is_refused(tmp_path, shards, make_rows, make_shard, make_sources, make_corpus):
    store = RunStore(str(tmp_path))
    twice = make_shard(store, "twice", make_rows(TEXTS[:2]))
    with pytest.raises(AccountingError, match="present twice"):
        curate_records(store, [*shards(store), twice], make_sources(), make_corpus())


def test_a_strange_status_is_refused(tmp_path, make_rows, make_shard, make_sources, make_corpus):
    store = RunStore(str(tmp_path))
    shard = make_shard(store, "odd", make_rows(TEXTS[:2], status="done"))
    with pytest.raises(AccountingError, match="odd"):
        curate_records(store, [shard], make_sources(), make_corpus())


def test_nothing_accepted_stops_with_reasons_and_examples(tmp_path, make_rows, make_shard, make_sources, make_corpus):
    store = RunStore(str(tmp_path))
    rows = make_rows([("es-MX", f"El pulque número {n} es una bebida.", PULQUE) for n in range(8)] + [TEXTS[7]] * 2)
    rows = rows.with_columns(pl.col("item") + pl.col("row").cast(pl.String))
    shard = make_shard(store, "bad", rows)
    with pytest.raises(GenerationError) as caught:
        curate_records(store, [shard], make_sources(), make_corpus())
    message = str(caught.value)
    assert "none of 10 answered rows" in message
    assert "not_a_request 8, unparseable 2" in message
    assert message.count("'El pulque número") == 3
    assert not list(tmp_path.rglob("accepted.parquet"))


def test_no_answer_at_all_stops_too(tmp_path, make_rows, make_shard, make_sources, make_corpus):
    store = RunStore(str(tmp_path))
    shard = make_shard(store, "down", make_rows([("es-MX", None, None)], status="failed"))
    with pytest.raises(GenerationError, match=r"none of 0 answered rows \(1 requests failed\)"):
        curate_records(store, [shard], make_sources(), make_corpus())


WORDS = ["¿Qué", "es", "la", "milpa", "?", "Explica", "tomàquet", "ana@correo.example", "55 1234 5678", "the", "house",
         "de", "\u200b", "Pregunta:", "12345", "maíz"]  # fmt: skip
TEXT = st.none() | st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join) | st.text(max_size=30)
ROW = st.tuples(st.sampled_from(["es-MX", "ca", "ay"]), TEXT, TEXT, st.sampled_from(["answered", "failed"]))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROW, max_size=25))
def test_any_rows_balance(make_rows, make_sources, make_corpus, drawn):
    rows = make_rows([row[:3] for row in drawn])
    rows = rows.with_columns(pl.Series("status", [row[3] for row in drawn], dtype=pl.String))
    corpus = make_corpus(min_instruction_words=1, min_answer_words=1)
    outcome, hits = filter_rows(rows, make_sources([RESERVED], ["la milpa de maíz"]), corpus)
    report = build_report(outcome, hits, corpus)
    counts = report["counts"]
    assert outcome["row"].to_list() == rows["row"].to_list()
    assert counts["requested"] == len(drawn) == counts["answered"] + counts["failed"]
    assert counts["answered"] == counts["accepted"] + counts["rejected"]
    assert sum(report["reasons"].values()) == counts["rejected"]
    left = outcome.filter(pl.col("reason").is_not_null())
    assert left["evidence"].null_count() == 0
    assert set(left["reason"]) <= set(REASONS)


def test_a_ledger_that_does_not_balance_is_an_error(make_rows, make_sources, make_corpus):
    rows = make_rows(TEXTS[:3])
    outcome, hits = filter_rows(rows, make_sources(), make_corpus())
    tampered = outcome.with_columns(pl.lit("failed").alias("status"))
    with pytest.raises(AccountingError, match="answered = accepted"):
        build_report(tampered.with_columns(pl.lit("echo").alias("reason")), hits, make_corpus())
