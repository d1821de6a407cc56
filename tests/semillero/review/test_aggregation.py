"""People's answers become decisions by the documented rule, whatever their order, and nobody's name is published."""

import json
import time
from collections import Counter
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semillero.errors import CorpusError
from semillero.records import PREFERENCES, REVIEWED, SCORES
from semillero.review.aggregation import decide_by_responses
from semillero.review.anonymity import without_names
from semillero.review.decisions import Review, check_accounts
from tests.review_answers import CODES, drops, people, rows_of, says, simulate, table


def decide(*responses: dict[str, Any], rows: pl.DataFrame | None = None, **review: Any) -> Review:
    return decide_by_responses(rows_of("es-MX") if rows is None else rows, None, table(*responses), people(**review))


def outcome(*responses: dict[str, Any], **review: Any) -> tuple[str, str | None]:
    row = decide(*responses, **review).reviewed.row(0, named=True)
    return row["decision"], row["reason"]


@pytest.mark.parametrize(
    ("responses", "expected"),
    [
        ([says("r0", "ana", 3)], ("kept", None)),
        ([says("r0", "ana", 2)], ("discarded", "quality-low")),
        ([says("r0", "ana", 1, answer="Mejor.")], ("kept", None)),  # the correction saves it
        ([says("r0", "ana", 1, answer="Mejor.", reasons=["false"])], ("discarded", "false")),
        ([says("r0", "ana", 2), says("r0", "eva", 4)], ("kept", None)),  # mean 3
        ([says("r0", "ana", 2), says("r0", "eva", 3)], ("discarded", "quality-low")),
        ([drops("r0", "ana")], ("discarded", "rejected")),
        ([drops("r0", "ana", reasons=["offensive"])], ("discarded", "offensive")),
        ([says("r0", "ana", 4, reasons=["false"])], ("discarded", "false")),  # a reason says that it must go
        ([drops("r0", "ana"), says("r0", "eva", 5)], ("pending", "tie")),
        ([drops("r0", "ana"), says("r0", "eva", 2)], ("discarded", "quality-low")),  # nobody wants it
        ([drops("r0", "ana"), says("r0", "eva", 5), says("r0", "luis", 4)], ("kept", None)),
        ([drops("r0", "ana"), drops("r0", "eva", reasons=["false"]), says("r0", "luis", 5)], ("discarded", "false")),
        ([says("r0", "ana", 4, fits_variety="no")], ("discarded", "wrong-variety")),
        ([drops("r0", "ana", fits_variety="no")], ("discarded", "wrong-variety")),
        ([says("r0", "ana", fits_variety="no"), says("r0", "eva")], ("pending", "tie")),
        ([says("r0", "ana", fits_variety="no"), says("r0", "eva"), says("r0", "luis")], ("kept", None)),
        ([says("r0", "ana", fits_variety="unsure")], ("kept", None)),
        (
            [says("r0", "ana", fits_variety="no"), says("r0", "eva", fits_variety="unsure")],
            ("discarded", "wrong-variety"),
        ),
        ([says("r0", "ana", None)], ("pending", "unrated")),
        ([], ("pending", None)),
    ],
)
def test_the_rule(responses: list[dict[str, Any]], expected: tuple[str, str | None]) -> None:
    assert outcome(*responses) == expected


def test_the_commonest_reason_is_told_and_other_comes_last() -> None:
    said = [drops("r0", "ana", reasons=["other"]), drops("r0", "eva", reasons=["false", "other"])]
    assert outcome(*said, drops("r0", "luis", reasons=["false"])) == ("discarded", "false")
    assert outcome(drops("r0", "ana", reasons=["other", "off_topic"])) == ("discarded", "off_topic")
    assert outcome(drops("r0", "ana", reasons=["other"])) == ("discarded", "other")


def test_drafts_and_answers_about_other_rows_never_count() -> None:
    draft = says("r0", "ana", 1, status="draft")
    review = decide(draft, says("old", "eva"), says("r1", "eva"), rows=rows_of("es-MX", "es-MX"))
    assert review.reviewed["decision"].to_list() == ["pending", "kept"]
    assert review.reviewed["reviewers"].to_list() == [[], ["eva"]]
    assert review.agreement["answers"] == {
        "rows": 1, "counted": 1, "drafts": 1, "of_other_rows": 1, "by_count": {"1": 1},
    }  # fmt: skip


def test_too_few_answers_wait_without_a_reason() -> None:
    assert outcome(drops("r0", "ana"), min_submitted=2) == ("pending", None)
    assert outcome(drops("r0", "ana"), drops("r0", "eva"), min_submitted=2) == ("discarded", "rejected")
    # The overlap decides how long to wait, not what counts once waiting has ended.
    assert outcome(says("r0", "ana"), min_submitted=1, overlap=1.0, overlap_submitted=3) == ("kept", None)


def test_answers_of_excluded_people_do_not_count() -> None:
    assert outcome(drops("r0", "ana"), says("r0", "eva"), exclude=["ana"]) == ("kept", None)


def test_personal_data_in_corrections_is_replaced() -> None:
    row = decide(says("r0", "ana", answer="Escribe a ana.lopez@example.org.")).reviewed.row(0, named=True)
    assert "ana.lopez@example.org" not in row["answer"]
    assert row["answer"].startswith("Escribe a ")


def test_the_newest_answer_of_a_person_counts() -> None:
    old = says("r0", "ana", 1, updated_at="2026-11-01T00:00:00.000000+00:00")
    assert outcome(says("r0", "ana", 5), old) == ("kept", None)


def test_nobody_answered_is_an_error_that_says_so() -> None:
    rows = rows_of("es-MX")
    review = decide(rows=rows)
    assert review.agreement["human_reviewed"] is False
    assert review.agreement["agreement"] is None
    with pytest.raises(CorpusError, match="1 pending"):
        check_accounts(rows, review.reviewed)


def test_scores_stay_with_their_rows_and_decide_nothing() -> None:
    rows = rows_of("es-MX", "es-MX")
    scores = pl.DataFrame({"id": ["r1", "r0"], "score": [-9.0, None], "detail": ["", ""]}, schema=SCORES)
    review = decide_by_responses(rows, scores, table(says("r1", "ana")), people())
    assert review.reviewed["score"].to_list() == [None, -9.0]
    assert review.reviewed["decision"].to_list() == ["pending", "kept"]
    assert dict(review.reviewed.schema) == REVIEWED


def test_corrections_are_applied_and_the_shown_text_is_kept() -> None:
    review = decide(says("r0", "ana", answer=" Mejor respuesta. "), says("r0", "eva"))
    row = review.reviewed.row(0, named=True)
    assert (row["instruction"], row["answer"]) == ("¿Pregunta 0?", "Mejor respuesta.")
    assert (row["original_instruction"], row["original_answer"]) == ("¿Pregunta 0?", "Respuesta 0.")
    assert review.preferences.rows() == [
        ("r0", "es-MX", None, "¿Pregunta 0?", "Mejor respuesta.", "Respuesta 0.", "people")
    ]
    assert review.agreement["corrections"] == {"handed_in": 1, "rows_corrected": 1}


def test_of_several_corrections_the_one_of_most_people_then_the_best_rated_is_taken() -> None:
    one, other = says("r0", "ana", 5, answer="Una."), says("r0", "eva", 4, answer="Otra.")
    assert decide(one, other).reviewed["answer"].item() == "Una."
    assert decide(one, other, says("r0", "luis", 4, answer="Otra.")).reviewed["answer"].item() == "Otra."
    # Texts of two people are never mixed.
    mixed = decide(says("r0", "ana", 4, instruction="¿A?"), says("r0", "eva", 5, answer="B.")).reviewed
    assert mixed.select("instruction", "answer").row(0) == ("¿Pregunta 0?", "B.")


def test_white_space_is_no_correction_and_a_rejected_correction_is_not_used() -> None:
    for text in ("Respuesta  0.\n", "", "   ", "Respuesta\u00a00."):
        review = decide(says("r0", "ana", answer=text))
        assert review.reviewed["answer"].item() == "Respuesta 0.", repr(text)
        assert review.preferences.height == 0
    doubted = says("r0", "ana", 4, answer="Peor.", reasons=["false"])
    review = decide(doubted, says("r0", "eva"), says("r0", "luis"))
    assert review.reviewed.select("decision", "answer").row(0) == ("kept", "Respuesta 0.")
    assert review.preferences.height == 0


def test_a_correction_of_the_instruction_alone_makes_no_pair() -> None:
    review = decide(says("r0", "ana", instruction="¿Otra pregunta?"))
    assert review.reviewed["instruction"].item() == "¿Otra pregunta?"
    assert review.preferences.height == 0


def ranked(*rankings: str, **rest: Any) -> Review:
    rows = rows_of("es-MX", alternative="Segunda respuesta.")
    names = ("ana", "eva", "luis", "noa")
    return decide(*(says("r0", n, ranking=r, **rest) for n, r in zip(names, rankings, strict=False)), rows=rows)


@pytest.mark.parametrize(
    ("rankings", "pair", "told"),
    [
        (["first"], ("Respuesta 0.", "Segunda respuesta."), {}),
        (["second"], ("Segunda respuesta.", "Respuesta 0."), {}),
        (["second", "second", "first"], ("Segunda respuesta.", "Respuesta 0."), {}),
        (["first", "second"], None, {"tied": 1}),
        (["both_good"], None, {"both_good": 1}),
        (["both_bad"], None, {"both_bad": 1}),
        (["both_good", "both_good", "first"], None, {"both_good": 1}),
    ],
)
def test_rankings_make_pairs(rankings: list[str], pair: tuple[str, str] | None, told: dict[str, int]) -> None:
    review = ranked(*rankings)
    assert review.preferences.select("chosen", "rejected").rows() == ([pair] if pair else [])
    counts = review.agreement["preferences"]
    assert counts == {
        "pairs": int(pair is not None), "from_corrections": 0, "from_rankings": int(pair is not None), "doubled": 0,
        "ranked": 1, "both_good": 0, "both_bad": 0, "tied": 0, **told,
    }  # fmt: skip


def test_the_corrected_first_answer_is_the_chosen_one() -> None:
    pairs = ranked("first", answer="Corregida.").preferences.select("chosen", "rejected").rows()
    assert pairs == [("Corregida.", "Respuesta 0."), ("Corregida.", "Segunda respuesta.")]


def test_a_bad_first_answer_still_loses_to_the_second_but_an_offensive_row_is_not_published() -> None:
    review = ranked("second", quality=1)
    assert review.reviewed["decision"].item() == "discarded"
    assert review.preferences["chosen"].to_list() == ["Segunda respuesta."]
    assert ranked("first", quality=1).preferences.height == 0
    assert ranked("second", quality=1, reasons=["false"]).preferences.height == 1
    assert ranked("second", quality=1, reasons=["offensive"]).preferences.height == 0
    assert ranked("second", quality=1, reasons=["false", "personal_data"]).preferences.height == 0
    assert ranked("second", fits_variety="no").preferences.height == 0


def test_a_ranking_without_a_second_answer_says_nothing() -> None:
    review = decide(says("r0", "ana", ranking="second"))
    assert review.preferences.height == 0
    assert review.agreement["preferences"]["ranked"] == 0


def test_the_same_pair_is_kept_once() -> None:
    review = decide(says("r0", "ana", answer="Mejor."), says("r0", "eva", answer="Mejor."))
    assert review.preferences.height == 1
    assert review.agreement["preferences"]["doubled"] == 1


RESPONSE = st.fixed_dictionaries(
    {
        "record": st.sampled_from(["r0", "r1", "r2", "old"]),
        "reviewer": st.sampled_from(["ana", "eva", "luis", "noa"]),
        "status": st.sampled_from(["submitted", "submitted", "discarded", "draft"]),
        "quality": st.sampled_from([None, 1, 2, 3, 4, 5]),
        "fits_variety": st.sampled_from([None, "yes", "no", "unsure"]),
        "answer": st.sampled_from([None, "Una.", "Otra.", " "]),
        "instruction": st.sampled_from([None, "¿Una?"]),
        "reasons": st.sampled_from([[], [], ["false"], ["other", "offensive"], None]),
        "ranking": st.sampled_from([None, "first", "second", "both_good", "both_bad"]),
        "updated_at": st.sampled_from(["2026-11-20T10:00:00.000000+00:00", "2026-11-21T10:00:00.000000+00:00"]),
    }
)


def rate(answer: dict[str, Any], keep_from: float) -> float:
    corrected = answer["instruction"] is not None or (answer["answer"] or " ") != " "
    return max(answer["quality"], keep_from) if corrected and not answer["reasons"] else answer["quality"]


def judge_by_hand(answers: list[dict[str, Any]], keep_from: float, needed: int) -> str:
    """The rule once more, for one row, in plain Python."""
    if len(answers) < needed:
        return "pending"
    rejections = sum(a["status"] == "discarded" or bool(a["reasons"]) for a in answers)
    ratings = [rate(a, keep_from) for a in answers if a["status"] == "submitted" and a["quality"] is not None]
    fits = Counter(a["fits_variety"] for a in answers)
    low = bool(ratings) and sum(ratings) / len(ratings) < keep_from
    if 2 * rejections > len(answers) or low or fits["no"] > fits["yes"]:
        return "discarded"
    tie = 2 * rejections == len(answers) or (fits["no"] and fits["no"] == fits["yes"])
    return "pending" if tie or not ratings else "kept"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(RESPONSE, max_size=14, unique_by=lambda r: (r["record"], r["reviewer"])),
    st.randoms(),
    st.sampled_from([1, 2]),
    st.sampled_from([2.5, 3.0, 10 / 3]),
)
def test_decisions_follow_the_rule_and_not_the_order(
    given_: list[dict[str, Any]], random: Any, needed: int, keep_from: float
) -> None:
    rows = rows_of("es-MX", "es-AR", "es-MX", alternative="Segunda.")
    settings_ = people("ana", "eva", min_submitted=needed, keep_from=keep_from)
    responses = [says("", "") | one for one in given_]
    one = decide_by_responses(rows, None, table(*responses), settings_)
    random.shuffle(responses)
    other = decide_by_responses(rows, None, table(*responses), settings_)
    assert one.reviewed.equals(other.reviewed)
    assert one.preferences.equals(other.preferences)
    assert json.dumps(one.agreement, allow_nan=False) == json.dumps(other.agreement, allow_nan=False)
    assert one.reviewed["id"].to_list() == rows["id"].to_list()
    for row in one.reviewed.to_dicts():
        answers = [r for r in responses if r["record"] == row["id"] and r["status"] != "draft"]
        assert row["decision"] == judge_by_hand(answers, keep_from, needed)
        assert row["reviewers"] == sorted(a["reviewer"] for a in answers)
        assert row["decision"] != "discarded" or row["reason"]
        assert row["decision"] != "kept" or row["reason"] is None
    assert all(pair["chosen"].split() != pair["rejected"].split() for pair in one.preferences.to_dicts())
    assert dict(one.preferences.schema) == PREFERENCES


def test_names_stay_in_the_run_store() -> None:
    rows = rows_of(*["es-MX"] * 40)
    names = ("zoraida", "wenceslao", "eufrasio")
    agreement = decide_by_responses(rows, None, simulate(rows, names, 2, seed=1), people(*names)).agreement
    assert [person["name"] for person in agreement["reviewers"]] == sorted(names)
    published = without_names(agreement)
    text = json.dumps(published)
    assert not [name for name in names if name in text]
    assert published["reviewers"] == {
        "count": 3, "roles": {"native speaker": 3}, "countries": {"MX": 3}, "varieties": {"es-AR": 3, "es-MX": 3},
    }  # fmt: skip
    pairs = published["agreement"]["questions"]["quality"]["pairs"]
    assert {label for pair in pairs for label in pair["reviewers"]} == {"reviewer 1", "reviewer 2", "reviewer 3"}
    automatic = {"human_reviewed": False, "reviewers": ["judge:x"]}
    assert without_names(automatic) is automatic


def test_the_summary_counts_what_people_did() -> None:
    rows = rows_of("es-MX", "es-MX", "es-AR", "es-AR")
    review = decide(
        says("r0", "ana", 5), says("r0", "eva", 1, fits_variety="no"),
        says("r1", "ana", 4), says("r1", "stranger", 4),
        says("r2", "ana", 4, fits_variety="no", variety_label="es-MX"),
        rows=rows,
    ).agreement  # fmt: skip
    assert review["human_reviewed"] is True
    assert review["mode"] == "argilla"
    assert review["statement"] == (
        "3 people answered 3 of 4 accepted rows, 2 of them by two people or more; "
        "rows without enough answers are left out."
    )
    assert review["disagreement"] == {"ties": 1, "unrated": 0, "split_verdict": 1, "split_variety": 1, "spread": 1}
    assert review["varieties"]["es-AR"]["heard_instead"] == {"es-MX": 1}
    assert review["varieties"]["es-MX"] == {
        "accepted": 2, "kept": 1, "discarded": 0, "pending": 1, "answered": 2, "answered_by_several": 2,
        "corrected": 0, "people": 3, "mean_quality": 3.5, "heard_instead": {},
    }  # fmt: skip
    assert [(p["name"], p["listed"]) for p in review["reviewers"]] == [
        ("ana", True), ("eva", True), ("stranger", False),
    ]  # fmt: skip


def test_a_large_review_is_decided_in_seconds() -> None:
    rows = rows_of(*[CODES[n % 2] for n in range(2000)])
    responses = simulate(rows, ("ana", "luis", "eva"), 3, seed=0)
    start = time.perf_counter()
    review = decide_by_responses(rows, None, responses, people())
    assert time.perf_counter() - start < 60
    counts = check_accounts(rows, review.reviewed)
    assert sum(counts.values()) == 2 * counts["accepted"]
