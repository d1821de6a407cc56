"""A heuristic that rejects good text is wrong: the quickstart's own rows must pass every filter."""

import json
from pathlib import Path

import pytest

from semillero.curation.stage import filter_rows

QUICKSTART = Path(__file__).parents[3] / "projects" / "quickstart"
ASKING = {"es": "¿Qué se cuenta en la ficha {} del archivo?", "ca": "Què s'explica a la fitxa {} de l'arxiu?"}


def load(name):
    path = QUICKSTART / f"{name}.jsonl"
    if not path.exists():
        pytest.skip(f"{path.name} is not there")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


@pytest.mark.parametrize("name", ["seeds", "heldout"])
def test_written_pairs_pass(name, make_rows, make_sources, make_corpus):
    reserved = [(row["instruction"], row["answer"]) for row in load("heldout")] if name == "seeds" else []
    rows = make_rows([(row["variety"], row["instruction"], row["answer"]) for row in load(name)])
    outcome, hits = filter_rows(rows, make_sources(reserved), make_corpus())
    lost = outcome.drop_nulls("reason").select("reason", "evidence", "instruction").rows()
    assert len(lost) / outcome.height <= 0.01, lost
    assert hits.is_empty()


def test_passages_pass_as_answers(make_rows, make_sources, make_corpus):
    reserved = [(row["instruction"], row["answer"]) for row in load("heldout")]
    texts = [
        (p["variety"], ASKING[p["variety"][:2]].format(f"{n}-{p['id']}"), p["text"])
        for n, p in enumerate(load("passages"))
    ]
    outcome, hits = filter_rows(make_rows(texts), make_sources(reserved), make_corpus())
    lost = outcome.filter(outcome["reason"].is_not_null() & (outcome["reason"] != "near_duplicate"))
    assert lost.height / outcome.height <= 0.01, lost.select("reason", "evidence", "answer").rows()
    assert hits.is_empty()


def test_reserved_pairs_are_all_caught(make_rows, make_sources, make_corpus):
    held = load("heldout")
    rows = make_rows([(row["variety"], row["instruction"], row["answer"]) for row in held])
    reserved = [(row["instruction"], row["answer"]) for row in held]
    outcome, _ = filter_rows(rows, make_sources(reserved), make_corpus())
    assert set(outcome["reason"]) == {"contaminated"}
