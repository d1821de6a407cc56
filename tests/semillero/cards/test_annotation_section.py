"""The card tells who reviewed, how much and how far they agreed, in both languages, and never who they are."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from semillero.cards import split_card, write_cards
from semillero.cards.facts import REVIEW_REASONS
from semillero.cards.wording import load_words
from semillero.publishing import publish_project
from semillero.records import ACCEPTED
from semillero.review.aggregation import decide_by_responses
from semillero.review.agreement import LEVELS
from semillero.review.questions import REASONS
from semillero.review.voting import QUALITY_LOW, REJECTED, WRONG_VARIETY
from semillero.store import RunStore
from semillero.submission.checks import human_reviewed
from semillero.submission.evidence import gather_evidence
from tests.fake_outputs import fake_outputs, fake_project, fake_rows
from tests.review_answers import says, simulate, table

NAMES = ("zoraida", "wenceslao", "eufrasio")
TEAM = [
    {"name": "zoraida", "varieties": ["es-MX", "ca"], "country": "MX", "role": "native speaker"},
    {"name": "wenceslao", "varieties": ["es-MX"], "country": "MX", "role": "linguist"},
    {"name": "eufrasio", "varieties": ["es-MX", "ca"], "country": "ES | <b>", "role": "native speaker"},
]


def review_by_people(
    folder: Path, responses: pl.DataFrame | None = None, **settings: Any
) -> tuple[Any, dict[str, Any]]:
    project = fake_project(
        folder, review={"mode": "argilla", "reviewers": TEAM, "url": "http://10.1.2.3:6900"} | settings
    )
    rows = fake_rows().select(list(ACCEPTED))
    if responses is None:
        responses = simulate(rows, NAMES, 2, seed=1)
    agreement = decide_by_responses(rows, None, responses, project.review).agreement
    return project, agreement


def read_cards(store: RunStore, project: Any, **kinds: Any) -> dict[str, str]:
    cards = write_cards(store, project, fake_outputs(store, project, **kinds))
    return {name: (store.folder(cards) / "dataset" / name).read_text() for name in ("README.md", "README_ES.md")}


def section(card: str, heading: str) -> str:
    return card.split(f"## {heading}\n")[1].split("\n## ")[0]


def test_the_section_is_filled_in_both_languages(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path / "store"))
    project, agreement = review_by_people(tmp_path)
    cards = read_cards(store, project, agreement=agreement, pairs=2)
    english = section(cards["README.md"], "Annotations and review")
    spanish = section(cards["README_ES.md"], "Anotaciones y revisión")
    assert "3 people answered 31 of 31 accepted rows, 31 of them by two people or more" in english
    assert "3 personas respondieron 31 de 31 filas aceptadas" in spanish
    for text in (english, spanish):
        assert "native speaker 2" in text
        assert "MX 2" in text
        assert r"ES \| &lt;b&gt; 1" in text  # what people write is text, never markup
        assert "[guidelines/ca.md](guidelines/ca.md), [guidelines/es-MX.md](guidelines/es-MX.md)" in text
        assert "62; 31 re" in text  # answers; records with 2
    quality = agreement["agreement"]["questions"]["quality"]
    for part in (quality["overall"], *quality["varieties"].values()):
        told = f"| {part['records']} | {part['alpha']:.3f} | {part['low']:.3f} – {part['high']:.3f} |"
        assert told in english
        assert told in spanish
    assert english.count("| quality, 1 to 5 | ordinal |") == 3  # all, and each variety
    assert "3 reviewers are no sample" in section(cards["README.md"], "Bias, risks and limitations")
    assert "3 personas no son muestra" in section(cards["README_ES.md"], "Sesgos, riesgos y limitaciones")
    assert "Not human-reviewed" not in cards["README.md"]
    assert "Sin revisión humana" not in cards["README_ES.md"]
    assert split_card(cards["README.md"])[0]["annotations_creators"] == ["expert-generated"]


def test_undefined_agreement_is_told_in_words(tmp_path: Path) -> None:
    rows = fake_rows().select("id", "variety")
    alone = table(*(says(record, "zoraida", variety=code) for record, code in rows.iter_rows()))
    project, agreement = review_by_people(tmp_path, alone, overlap=0.0)
    cards = read_cards(RunStore(str(tmp_path / "store")), project, agreement=agreement)
    assert "| quality, 1 to 5 | ordinal | all | 0 | – (no row has two people's answers) | – |" in cards["README.md"]
    assert "| – (ninguna fila tiene respuestas de dos personas) | – |" in cards["README_ES.md"]
    assert "One person answered 31 of 31 accepted rows, 0 of them by two people or more" in cards["README.md"]
    assert "1 reviewer is no sample" in cards["README.md"]
    assert "1 persona no es muestra" in cards["README_ES.md"]
    assert "the overlap" not in cards["README.md"]


def test_who_disagrees_with_everyone_is_told_without_a_name(tmp_path: Path) -> None:
    rows = fake_rows().select(list(ACCEPTED))
    project, agreement = review_by_people(tmp_path, simulate(rows, NAMES, 3, seed=5, careless=["eufrasio"]))
    assert [found["reviewer"] for found in agreement["agreement"]["outliers"]] == ["eufrasio"]
    cards = read_cards(RunStore(str(tmp_path / "store")), project, agreement=agreement)
    assert "One of the reviewers disagrees with the others about “quality, 1 to 5”" in cards["README.md"]
    assert "Una de las personas no coincide con las demás en «calidad, de 1 a 5»" in cards["README_ES.md"]


def test_no_published_file_names_a_reviewer(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path / "store"))
    project, agreement = review_by_people(tmp_path)
    outputs = fake_outputs(store, project, agreement=agreement, pairs=1)
    cards = write_cards(store, project, outputs)
    publish_project(store, project, outputs, cards, None)
    folder = tmp_path / "published/datasets/equipo/prueba"
    for path in (*folder.rglob("*"), store.folder(cards) / "facts.json"):
        if path.is_file():
            data = path.read_bytes()
            assert not [name for name in NAMES if name.encode() in data], path
            assert b"10.1.2.3" not in data, path
    for code in ("es-MX", "ca"):
        guidelines = (folder / f"guidelines/{code}.md").read_text()
        assert f"({code};" in guidelines
        assert "#priority" not in guidelines
    published = json.loads((folder / "agreement.json").read_text())
    assert published["human_reviewed"] is True
    assert published["reviewers"]["count"] == 3
    assert human_reviewed(gather_evidence(store, project, outputs)).share == 1.0


def test_automatic_review_is_published_as_it_is(tmp_path: Path) -> None:
    store, project = RunStore(str(tmp_path / "store")), fake_project(tmp_path)
    outputs = fake_outputs(store, project)
    publish_project(store, project, outputs, write_cards(store, project, outputs), None)
    folder = tmp_path / "published/datasets/equipo/prueba"
    assert (folder / "agreement.json").read_bytes() == (store.folder(outputs.reviewed) / "agreement.json").read_bytes()
    assert not (folder / "guidelines").exists()
    assert human_reviewed(gather_evidence(store, project, outputs)).share == 0.0


@pytest.mark.parametrize("code", sorted({*REASONS, QUALITY_LOW, REJECTED, WRONG_VARIETY}))
def test_every_reason_has_words(code: str) -> None:
    assert code in REVIEW_REASONS
    assert code in load_words("reasons")


def test_every_question_has_words() -> None:
    assert set(load_words("questions")["questions"]) == set(LEVELS)
