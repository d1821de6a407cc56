"""Automatic review: exact accounts, no variety emptied, and no claim that a person looked."""

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semillero.errors import AccountingError, CorpusError
from semillero.project import ReviewSettings
from semillero.records import ACCEPTED, PREFERENCES, REVIEWED, SCORES, read_records, write_records
from semillero.review import review_records
from semillero.review.automatic import REASON, decide_by_score
from semillero.review.decisions import check_accounts
from semillero.store import Artifact, Recipe, RunStore

JUDGE = {"kind": "likelihood", "model": "tiny", "method": "m", "meaning": "s"}


def accepted(varieties: list[str]) -> pl.DataFrame:
    texts = dict.fromkeys(ACCEPTED) | {"flags": []}
    rows = [
        texts | {"id": f"{n:016x}", "variety": code, "instruction": f"¿pregunta {n}?", "answer": f"respuesta {n}"}
        for n, code in enumerate(varieties)
    ]
    return pl.DataFrame(rows, schema=ACCEPTED)


def scored(frame: pl.DataFrame, scores: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame({"id": frame["id"], "score": scores, "detail": [""] * len(scores)}, schema=SCORES)


def store_curated(store: RunStore, frame: pl.DataFrame) -> Artifact:
    with store.draft(Recipe("curate", 1, {}, {"rows": frame["id"].to_list()})) as draft:
        write_records(frame, ACCEPTED, draft.path / "accepted.parquet")
    return draft.artifact


def store_scores(store: RunStore, table: pl.DataFrame) -> Artifact:
    with store.draft(Recipe("judge", 1, {}, {"scores": table["score"].to_list()})) as draft:
        write_records(table, SCORES, draft.path / "scores.parquet")
        (draft.path / "judge.json").write_text(json.dumps(JUDGE))
    return draft.artifact


def test_a_models_ranking_makes_pairs_that_say_so() -> None:
    frame = accepted(["es-MX"] * 6).with_columns(
        pl.Series("alternative", ["peor", "peor", None, "respuesta 3", "peor", "peor"]),
        pl.Series("ranked_by", ["model:m", "model:m", None, "model:m", None, "model:m"]),
    )
    review = decide_by_score(frame, scored(frame, [1.0, 2.0, 3.0, 4.0, 5.0, -9.0]), JUDGE, ReviewSettings(discard=0.2))
    pairs = review.preferences
    # Not: a single answer, two equal ones, two that nobody ranked, and a row that is discarded.
    assert pairs.select("prompt", "chosen", "rejected").rows() == [
        ("¿pregunta 0?", "respuesta 0", "peor"),
        ("¿pregunta 1?", "respuesta 1", "peor"),
    ]
    assert set(pairs["ranked_by"]) == {"model:m"}
    assert review.agreement["human_reviewed"] is False
    assert review.agreement["preferences"] == {"pairs": 2, "ranked_by": {"model:m": 2}}
    assert "a model decided" in review.agreement["statement"]


SCORE = st.one_of(st.none(), st.floats(-5, 5, allow_nan=False).map(lambda x: round(x, 1)))
ROWS = st.lists(st.tuples(st.sampled_from(["es-MX", "es-AR", "ca"]), SCORE), min_size=1, max_size=60)


@settings(max_examples=40, deadline=None)
@given(ROWS, st.sampled_from([0.0, 0.1, 0.29, 0.5, 1.0]))
def test_every_row_gets_one_decision_and_the_lowest_leave(rows: list[tuple[str, float | None]], share: float) -> None:
    frame = accepted([code for code, _ in rows])
    table = scored(frame, [score for _, score in rows]).sample(fraction=1.0, shuffle=True, seed=3)
    reviewed = decide_by_score(frame, table, JUDGE, ReviewSettings(discard=share)).reviewed
    counts = check_accounts(frame, reviewed)
    assert counts["kept"] + counts["discarded"] == len(rows)
    assert reviewed.filter(pl.col("score").is_null())["decision"].unique().to_list() in ([], ["kept"])
    for (_,), group in reviewed.group_by("variety"):
        gone, kept = (group.filter(pl.col("decision") == name) for name in ("discarded", "kept"))
        assert kept.height >= 1
        ranked = group.filter(pl.col("score").is_not_null())
        assert gone.height == min(int(round(share * 100) * ranked.height // 100), group.height - 1)
        pairs = sorted(ranked.select("score", "id").rows())
        assert sorted(gone.select("score", "id").rows()) == pairs[: gone.height]
        assert set(gone["reason"]) <= {REASON}


def test_says_that_no_person_reviewed(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path))
    frame = accepted(["es-MX"] * 10 + ["ca"] * 5)
    scores = store_scores(store, scored(frame, [float(n) for n in range(15)]))
    artifact = review_records(store, store_curated(store, frame), scores, ReviewSettings(discard=0.2))
    assert dict(artifact.counts) == {"accepted": 15, "kept": 12, "discarded": 3, "pending": 0}
    folder = store.folder(artifact)
    reviewed = read_records(folder / "reviewed.parquet", REVIEWED)
    assert reviewed.filter(pl.col("decision") == "discarded")["score"].to_list() == [0.0, 1.0, 10.0]
    assert reviewed["reviewers"].to_list() == [["judge:likelihood:tiny"]] * 15
    assert reviewed["original_answer"].to_list() == reviewed["answer"].to_list()
    assert read_records(folder / "preferences.parquet", PREFERENCES).height == 0
    agreement = json.loads((folder / "agreement.json").read_text())
    assert agreement["mode"] == "automatic"
    assert agreement["human_reviewed"] is False
    assert agreement["agreement"] is None
    assert agreement["varieties"]["es-MX"] == {
        "accepted": 10, "kept": 8, "discarded": 2, "pending": 0, "unscored": 0,
        "highest_discarded_score": 1.0,
    }  # fmt: skip


def test_without_a_judge_only_the_filters_have_spoken(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path))
    curated = store_curated(store, accepted(["es-MX"] * 4))
    artifact = review_records(store, curated, None, ReviewSettings(discard=0.5))
    assert artifact.counts["kept"] == 4
    reviewed = read_records(store.folder(artifact) / "reviewed.parquet", REVIEWED)
    assert reviewed["reviewers"].to_list() == [["filters:curation"]] * 4
    assert review_records(store, curated, None, ReviewSettings(discard=0.5)).reused


def test_another_share_or_other_scores_make_another_artifact(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path))
    frame = accepted(["es-MX"] * 4)
    curated = store_curated(store, frame)
    one = store_scores(store, scored(frame, [1.0, 2.0, 3.0, 4.0]))
    other = store_scores(store, scored(frame, [4.0, 3.0, 2.0, 1.0]))
    first = review_records(store, curated, one, ReviewSettings(discard=0.5))
    assert review_records(store, curated, one, ReviewSettings(discard=0.25)).key != first.key
    assert review_records(store, curated, other, ReviewSettings(discard=0.5)).content != first.content


def test_nothing_accepted_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path))
    with pytest.raises(CorpusError, match="keeps none of 0 accepted rows") as caught:
        review_records(store, store_curated(store, accepted([])), None, ReviewSettings())
    assert "rejected.parquet" in caught.value.remedy


def test_scores_of_other_rows_are_refused(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path))
    frame = accepted(["es-MX"] * 4)
    scores = store_scores(store, scored(frame.head(3), [1.0, 2.0, 3.0]))
    with pytest.raises(AccountingError, match="4 rows were accepted"):
        review_records(store, store_curated(store, frame), scores, ReviewSettings())


def test_a_lost_row_is_an_accounting_error() -> None:
    frame = accepted(["es-MX"] * 4)
    reviewed = decide_by_score(frame, None, None, ReviewSettings()).reviewed
    with pytest.raises(AccountingError, match="4 rows were accepted, but review has 3"):
        check_accounts(frame, reviewed.head(3))
    silent = reviewed.with_columns(decision=pl.lit("discarded"))
    with pytest.raises(AccountingError, match="without a reason"):
        check_accounts(frame, silent)
