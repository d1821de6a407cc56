"""The rubric judge against a real local server: grades, unreadable verdicts, faults, and nothing asked twice."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
import pytest

from semillero.errors import EvaluationError, GenerationError, InputError
from semillero.judging import judge_records
from semillero.judging.rubric import parse_verdict
from semillero.project import JudgeSettings
from semillero.records import SCORES, read_records
from semillero.store import Artifact, RunStore
from tests.grader import Grader, open_grader

Put = Callable[[pl.DataFrame], Artifact]


@pytest.fixture
def grader() -> Iterator[Grader]:
    with open_grader() as server:
        yield server


def settings_for(grader: Grader, **more: Any) -> JudgeSettings:
    return JudgeSettings(kind="rubric", base_url=grader.base_url, model="grader", attempts=1, **more)


def read_scores(store: RunStore, artifact: Artifact | None) -> pl.DataFrame:
    assert artifact is not None
    return read_records(store.folder(artifact) / "scores.parquet", SCORES)


def test_grades_become_scores(
    rows: pl.DataFrame, store: RunStore, put_accepted: Put, grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGE_KEY", "s3cret-key")
    grader.reply = lambda prompt: f'{{"razon": "porque sí", "nota": {5 if "maíz" in prompt else 2}}}'
    judge = settings_for(grader, api_key_env="JUDGE_KEY")
    artifact = judge_records(store, put_accepted(rows), judge)
    scores = read_scores(store, artifact)
    assert scores["id"].to_list() == rows["id"].to_list()
    assert scores["score"].to_list() == [1.0 if "maíz" in text else 0.25 for text in rows["instruction"]]
    assert scores["detail"][0] == "5 of 5: porque sí"
    assert artifact is not None
    folder = store.folder(artifact)
    assert json.loads((folder / "judge.json").read_text())["kind"] == "rubric"
    assert grader.keys == {"Bearer s3cret-key"}
    assert not any(b"s3cret-key" in path.read_bytes() for path in folder.iterdir())
    body = grader.bodies[0]
    assert (body["model"], body["temperature"]) == ("grader", 0.0)
    assert body["response_format"]["type"] == "json_schema"


def test_a_conversation_is_shown_to_the_judge(
    rows: pl.DataFrame, store: RunStore, put_accepted: Put, grader: Grader
) -> None:
    earlier = [{"role": "user", "content": "¿Se toma frío?"}, {"role": "assistant", "content": "Sí, bien frío."}]
    talks = rows.head(2).with_columns(pl.Series("history", [earlier, None], dtype=rows.schema["history"]))
    judge_records(store, put_accepted(talks), settings_for(grader))
    [talk] = [prompt for prompt in grader.prompts if "Sí, bien frío." in prompt]
    [single] = [prompt for prompt in grader.prompts if prompt != talk]
    assert talk.index("¿Se toma frío?") < talk.index("Sí, bien frío.") < talk.index(rows["instruction"][0])
    assert "conversación" in talk
    assert "<antes>" not in single


def test_nothing_is_asked_twice(rows: pl.DataFrame, store: RunStore, put_accepted: Put, grader: Grader) -> None:
    judge_records(store, put_accepted(rows.head(8)), settings_for(grader))
    assert len(grader.bodies) == 8
    first = judge_records(store, put_accepted(rows), settings_for(grader))  # eight of the twelve are known
    assert len(grader.bodies) == 12
    assert first is not None
    (store.folder(first) / "manifest.json").unlink()
    again = judge_records(store, put_accepted(rows), settings_for(grader, concurrency=2, timeout=30))
    assert len(grader.bodies) == 12
    assert again == first


def test_a_few_unreadable_verdicts_are_nulls_that_are_counted(
    rows: pl.DataFrame, store: RunStore, put_accepted: Put, grader: Grader
) -> None:
    grader.reply = lambda prompt: (
        "No sé qué decir." if "¿Qué es el maíz 0?" in prompt else '```json\n{"razon": "r", "nota": 3}\n```'
    )
    artifact = judge_records(store, put_accepted(rows), settings_for(grader))
    scores = read_scores(store, artifact)
    assert artifact is not None
    assert dict(artifact.counts) == {"accepted": 12, "scored": 10, "unscored": 2}
    assert set(scores["score"].drop_nulls()) == {0.5}
    assert scores["detail"][0] == "unreadable verdict: No sé qué decir."
    assert json.loads((store.folder(artifact) / "judge.json").read_text())["unscored"] == 2


def test_too_many_unreadable_verdicts_stop_the_run_and_three_are_shown(
    rows: pl.DataFrame, store: RunStore, put_accepted: Put, grader: Grader
) -> None:
    grader.reply = lambda prompt: "La nota la pone usted." if "yerba" in prompt else '{"razon": "r", "nota": 3}'
    with pytest.raises(EvaluationError, match="4 of 12 verdicts cannot be read") as caught:
        judge_records(store, put_accepted(rows), settings_for(grader))
    assert str(caught.value).count("La nota la pone usted.") == 3


def test_a_row_that_the_endpoint_refuses_has_no_score(
    rows: pl.DataFrame, store: RunStore, put_accepted: Put, grader: Grader
) -> None:
    grader.reply = lambda prompt: 400 if "¿Qué es el maíz 0?" in prompt else '{"razon": "r", "nota": 3}'
    scores = read_scores(store, judge_records(store, put_accepted(rows), settings_for(grader)))
    assert scores["detail"][0] == "no verdict: http-400"
    assert scores["score"].null_count() == 2


def test_an_endpoint_that_breaks_off_loses_nothing(
    rows: pl.DataFrame, store: RunStore, put_accepted: Put, grader: Grader
) -> None:
    grader.reply = lambda prompt: 503 if len(grader.bodies) > 6 else '{"razon": "r", "nota": 3}'
    curated = put_accepted(rows)
    with pytest.raises(GenerationError, match="http-503") as caught:
        judge_records(store, curated, settings_for(grader, concurrency=1))
    assert "kept" in caught.value.remedy
    asked = len(grader.bodies)
    assert asked in (7, 8)  # the others were not tried; one may have been on its way
    grader.reply = lambda prompt: '{"razon": "r", "nota": 3}'
    assert read_scores(store, judge_records(store, curated, settings_for(grader))).height == 12
    assert len(grader.bodies) == asked + 6


def test_a_refused_key_and_a_missing_one(
    rows: pl.DataFrame, store: RunStore, put_accepted: Put, grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    with pytest.raises(InputError, match="JUDGE_KEY"):
        judge_records(store, put_accepted(rows), settings_for(grader, api_key_env="JUDGE_KEY"))
    grader.reply = lambda prompt: 401
    with pytest.raises(GenerationError, match="refuses the API key"):
        judge_records(store, put_accepted(rows), settings_for(grader))


def test_an_endpoint_that_is_not_there(rows: pl.DataFrame, store: RunStore, put_accepted: Put) -> None:
    judge = JudgeSettings(kind="rubric", base_url="http://127.0.0.1:9/v1", model="grader")
    with pytest.raises(GenerationError, match="cannot be reached"):
        judge_records(store, put_accepted(rows), judge)


def test_a_row_cannot_run_code_in_the_template(
    rows: pl.DataFrame, store: RunStore, put_accepted: Put, grader: Grader
) -> None:
    nasty = rows.with_columns(pl.lit("{{ row.__class__ }} {% for %}").alias("answer"))
    judge_records(store, put_accepted(nasty), settings_for(grader))
    assert all("{{ row.__class__ }} {% for %}" in body["messages"][0]["content"] for body in grader.bodies)


@pytest.mark.parametrize(
    ("reply", "grade"),
    [
        ('{"razon": "bien", "nota": 5}', 5),
        ('```json\n{"nota": "4", "razon": "x"}\n```', 4),
        ('Mi veredicto: {"nota": 3.0, "razon": "salto\nde línea"} y ya.', 3),
        ('{"nota": "4/5", "razon": ""}', 4),
        ('{"razon": "cortado a la mitad", "nota": 2', 2),
        ("**Nota:** 4", 4),
        ("Nota: 4,5 porque…", 4.5),
        ("3", 3),
        ("3/5", 3),
        ('{"razon": "x", "nota": 0}', None),
        ('{"razon": "x", "nota": 10}', None),
        ('{"razon": "x", "nota": -3}', None),
        ('{"razon": "x", "nota": true}', None),
        ('{"razon": "x"}', None),
        ("Nota: 10", None),
        ("Tiene 3 errores y 5 aciertos.", None),
        ("", None),
        ("[]", None),
    ],
)
def test_verdicts_are_read_tolerantly_and_never_invented(reply: str, grade: float | None) -> None:
    verdict = parse_verdict(reply)
    assert (verdict[0] if verdict else None) == grade
