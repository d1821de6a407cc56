"""Any rows balance, and neither shards, chunks nor workers can be told from the result."""

import json
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from semillero.curation import REASONS, curate_records
from semillero.errors import GenerationError
from semillero.records import ACCEPTED, REJECTED, read_records
from semillero.store import RunStore

ENOUGH = {"min_instruction_words": 1, "min_answer_words": 1, "min_language_words": 30}
RESERVED = [("¿Qué es la milpa y quién la siembra en la montaña?", "Un cultivo antiguo de maíz, frijol y calabaza.")]
ASKED = [
    "¿Qué es la milpa?", "¿Qué es la milpa, entonces?", "¿Quién siembra la milpa en la montaña?", "La milpa.",
    "Explica cómo se riega la milpa en la montaña.", "¿Cómo se riega la milpa de la montaña?", RESERVED[0][0], None,
    "¿Quién siembra la milpa en esa montaña?", "Escríbeme a ana@correo.example: ¿qué es la milpa?",
    "¿Qué  es la \u200bmilpa?",
]  # fmt: skip
TOLD = [
    "Es un sistema de cultivo de maíz, frijol y calabaza.", "La siembran las familias de la montaña cada año.",
    "Llama al 55 1234 5678, por favor.", "¿Qué es la milpa?", " ".join(["la"] * 18), "",
]  # fmt: skip
ROW = st.tuples(
    st.sampled_from(["es-MX", "es-CO", "ca", "ay"]),
    st.sampled_from(ASKED) | st.text(max_size=20),
    st.sampled_from(TOLD) | st.text(max_size=20),
    st.sampled_from(["answered"] * 5 + ["failed"]),
    st.sampled_from(["agua", "tierra", None]),
)


@pytest.fixture
def run(make_rows, make_shard, make_sources, tmp_path_factory):
    """Curate rows cut into shards at the given places, the shards turned round or not; returns artifact and folder."""

    def curate(rows, corpus, cuts=(), turned=False, **how):
        store = RunStore(str(tmp_path_factory.mktemp("store")))
        edges = sorted({0, rows.height, *(cut for cut in cuts if cut < rows.height)})
        shards = [make_shard(store, f"s{a}", rows[a:b]) for a, b in pairwise(edges)]
        made = curate_records(store, shards[::-1] if turned else shards, make_sources(RESERVED), corpus, **how)
        return made, store.folder(made)

    return curate


def as_rows(make_rows, drawn):
    rows = make_rows([row[:3] for row in drawn]).drop("row")
    return rows.with_columns(
        pl.Series("status", [row[3] for row in drawn], dtype=pl.String),
        pl.Series("topic", [row[4] for row in drawn], dtype=pl.String),
    )


def outcome(run, *arguments, **named):
    try:
        made, folder = run(*arguments, **named)
    except GenerationError as error:
        return str(error)
    return made, folder


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    drawn=st.lists(ROW, min_size=1, max_size=25),
    cuts=st.lists(st.integers(1, 24), max_size=4),
    chunk_rows=st.integers(1, 9),
    order=st.randoms(use_true_random=False),
    quotas=st.tuples(st.none() | st.integers(1, 3), st.none() | st.integers(1, 3)),
    reworded=st.sampled_from(["drop", "flag", "off"]),
)
def test_every_row_has_one_fate_however_the_work_is_cut(
    make_rows, make_corpus, run, drawn, cuts, chunk_rows, order, quotas, reworded
):
    corpus = make_corpus(**ENOUGH, topic_quota=quotas[0], variety_quota=quotas[1], reworded=reworded)
    rows = as_rows(make_rows, drawn)
    plain = outcome(run, rows, corpus)
    shuffled = rows[order.sample(range(rows.height), rows.height)]
    cut = outcome(run, shuffled, corpus, cuts, turned=True, chunk_rows=chunk_rows)
    if isinstance(plain, str):  # nothing was accepted, and the message is the same
        assert plain == cut
        return
    assert plain[0].content == cut[0].content
    made, folder = plain
    accepted = read_records(folder / "accepted.parquet", ACCEPTED)
    rejected = read_records(folder / "rejected.parquet", REJECTED)
    answered = rows.filter(pl.col("status") == "answered")
    assert sorted([*accepted["item"], *rejected["item"]]) == sorted(answered["item"])
    assert set(rejected["reason"]) <= set(REASONS)
    assert rejected.select("reason", "evidence").null_count().row(0) == (0, 0)
    report = json.loads((folder / "curation.json").read_text())
    assert report["counts"] == dict(made.counts)
    assert dict(rejected["reason"].value_counts().iter_rows()) == report["reasons"]
    ids = set(accepted["id"])
    assert all(set(linked) <= ids - {own} for own, linked in accepted.select("id", "linked").iter_rows())


@pytest.mark.slow
def test_the_number_of_workers_is_of_no_consequence(make_rows, make_corpus, run):
    drawn = [
        (variety, asked and asked.replace("milpa", f"milpa {n}") if n % 3 else asked, TOLD[n % 2], "answered", "agua")
        for n in range(12)
        for variety in ("es-MX", "ca")
        for asked in ASKED
    ]
    rows, corpus = as_rows(make_rows, drawn), make_corpus(**ENOUGH)
    alone, _ = run(rows, corpus, workers=1)
    together, folder = run(rows, corpus, cuts=(50, 51, 200), turned=True, workers=2, chunk_rows=40)
    again, _ = run(rows, corpus, cuts=(50, 51, 200), workers=2, chunk_rows=40)
    assert alone.content == together.content == again.content
    assert json.loads((folder / "run.json").read_text())["workers"] == 2
