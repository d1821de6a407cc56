"""Where records go, and what is sent of a row: pure functions."""

import pytest

from semillero.project.models import JudgeSettings
from semillero.review.payloads import build_payload, name_agent
from semillero.review.priority import plan_review
from semillero.review.questions import FIELDS
from semillero.review.routing import belongs, find_place, is_overlap, list_places
from tests.reviewing import make_accepted, make_project, make_scores

QUESTIONS = {"quality": "q1", "variety_label": "q2", "instruction": "q3", "answer": "q4", "comment": "q5"}


def test_a_record_goes_to_its_varietys_workspace_and_to_the_same_dataset_always() -> None:
    project = make_project("saberes", overlap=0.5, min_submitted=1, overlap_submitted=3)
    places = {find_place(project, f"{n:016x}", "es-MX", pairs=False) for n in range(100)}
    assert {(place.workspace, place.dataset, place.min_submitted) for place in places} == {
        ("saberes-es-mx", "saberes", 1),
        ("saberes-es-mx", "saberes-overlap", 3),
    }
    assert find_place(project, "ab", "es-AR", pairs=True).dataset in ("saberes-pairs", "saberes-pairs-overlap")
    assert places < set(list_places(project))


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_the_overlap_is_about_the_share_asked_for_and_grows_with_it(share: float) -> None:
    chosen = {n for n in range(5000) if is_overlap(f"{n:016x}", share)}
    assert abs(len(chosen) / 5000 - share) < 0.02
    assert chosen <= {n for n in range(5000) if is_overlap(f"{n:016x}", min(1.0, share + 0.1))}


def test_only_the_projects_own_datasets_belong_to_it() -> None:
    project = make_project("saberes")
    assert belongs(project, "saberes-es-mx", "saberes-overlap")
    assert belongs(project, "saberes-gn", "saberes")  # a variety that is no longer in the file
    assert not belongs(project, "saberes-pairs-es-mx", "saberes-pairs")  # another project, called saberes-pairs
    assert not belongs(project, "otros-es-mx", "saberes")
    assert not belongs(project, "saberes", "saberes")


def test_a_payload_has_text_metadata_and_suggestions_with_their_agents() -> None:
    accepted = make_accepted(("es-MX",), groups=2)
    row = plan_review(make_project("saberes"), accepted, make_scores(accepted)).row(1, named=True)
    payload = build_payload(row, FIELDS, QUESTIONS, "0123456789ab", JudgeSettings())
    assert payload["external_id"] == row["id"]
    assert payload["metadata"]["corpus"] == "0123456789ab"
    assert payload["metadata"]["priority"] == 2
    suggestions = {s["question_id"]: s for s in payload["suggestions"]}
    assert suggestions["q1"]["value"] == row["proposed"]
    assert suggestions["q1"]["agent"] == "judge:likelihood:gemma-3-270m-q4_k_m"
    assert 0 <= suggestions["q1"]["score"] <= 1
    assert suggestions["q4"]["value"] == row["answer"]
    assert suggestions["q2"] == {"question_id": "q2", "type": "model", "value": "es-MX", "agent": "semillero:plan"}
    assert "q5" not in suggestions


def test_a_passage_that_is_the_answer_is_not_shown_twice() -> None:
    accepted = make_accepted(("es-MX",), groups=2)
    planned = plan_review(make_project("saberes"), accepted, None)
    payloads = [build_payload(row, FIELDS, {}, "c", JudgeSettings()) for row in planned.iter_rows(named=True)]
    shown = {p["external_id"]: "passage" in p["fields"] for p in payloads}
    assert {row["id"]: row["source"] != row["answer"] for row in accepted.iter_rows(named=True)} == shown
    assert set(shown.values()) == {True, False}
    assert all("judge_score" not in p["metadata"] for p in payloads)


def test_earlier_turns_are_shown_above_the_question() -> None:
    accepted = make_accepted(("es-MX",), groups=1)
    turns = [{"role": "user", "content": "¿Qué es <b>?"}, {"role": "assistant", "content": "Una marca."}]
    row = plan_review(make_project("saberes"), accepted, None).row(0, named=True)
    assert "conversation" not in build_payload(row, FIELDS, {}, "c", JudgeSettings())["fields"]
    shown = build_payload(row | {"history": turns}, FIELDS, {}, "c", JudgeSettings())["fields"]["conversation"]
    assert shown == "Persona: ¿Qué es &lt;b&gt;?\n\nModelo: Una marca."


@pytest.mark.parametrize(
    ("model", "agent"),
    [
        ("org/modelo-7b", "judge:likelihood:org/modelo-7b"),
        ("/home/ana/secreto/base", "judge:likelihood:base"),
        ("modelo «ñ»", "judge:likelihood:modelo -"),
    ],
)
def test_agents_are_named_as_argilla_takes_them(model: str, agent: str) -> None:
    assert name_agent(JudgeSettings(model=model)) == agent
