"""``semillero check`` finds what would fail later, and goes on to the next thing."""

import json
import shutil
from pathlib import Path

import pytest

from semillero.checking import check_project
from tests.project_files import change

EXAMPLE = Path(__file__).parents[2] / "semillero" / "project" / "starter"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLE, tmp_path / "p")
    return tmp_path / "p" / "semillero.yaml"


def outcomes(file: Path) -> dict[str, tuple[str, str]]:
    return {check.what: (check.outcome, check.found) for check in check_project(file)}


def test_a_project_to_start_from_can_run(project: Path) -> None:
    found = outcomes(project)
    assert "fails" not in {outcome for outcome, _ in found.values()}
    assert found["reviewers"] == ("warns", "nobody: review is automatic, and the card will say so")
    assert {"project file", "generator", "run store", "base model", "disk"} <= set(found)


def test_everything_that_is_wrong_is_told_at_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("A_KEY", raising=False)
    monkeypatch.setenv("B_KEY", "x")
    reviewers = [{"name": name, "varieties": ["es-MX", "es-CO"]} for name in ("ana", "eva")]
    change(
        project,
        corpus={
            "generator": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "m", "api_key_env": "A_KEY"},
            "judge": {"kind": "rubric", "base_url": "http://127.0.0.1:9/v1", "model": "m", "api_key_env": "B_KEY"},
        },
        review={"mode": "argilla", "url": "http://127.0.0.1:9", "api_key_env": "B_KEY", "reviewers": reviewers},
    )
    found = outcomes(project)
    assert found["generator"] == ("fails", "environment variable A_KEY is not set")
    assert found["judge"][0] == found["reviewers"][0] == "fails"
    assert "127.0.0.1:9" in found["judge"][1]
    assert "127.0.0.1:9" in found["reviewers"][1]
    assert found["disk"][0] == "ok"  # what comes after a fault is tried all the same


def test_more_parallel_rows_than_questions_are_told(project: Path) -> None:
    asked = {"id": "q", "topic": "cocina", "instruction": "¿Qué se desayuna en casa un domingo?"}
    (project.parent / "questions.jsonl").write_text(json.dumps(asked) + "\n", encoding="utf-8")
    change(project, corpus={"questions": "questions.jsonl", "techniques": {"backtranslation": 0.5, "parallel": 0.5}})
    assert outcomes(project)["parallel questions"][0] == "warns"
    change(project, corpus={"techniques": {"backtranslation": 0.9, "parallel": 0.01}})
    assert "parallel questions" not in outcomes(project)


def test_a_store_in_use_is_told(project: Path) -> None:
    from semillero.store.lock import lock_for

    with lock_for(str(project.parent / ".semillero")):
        outcome, found = outcomes(project)["run store"]
    assert outcome == "fails"
    assert "another run" in found


def test_the_memory_plan_is_a_table(project: Path, tmp_path: Path) -> None:
    from tests.tiny_model import tiny_base

    change(project, training={"base": str(tiny_base(tmp_path / "tiny")), "base_license": "apache-2.0"})
    outcome, found = outcomes(project)["training plan"]
    assert outcome == "ok"
    rows = dict(line.split(": ", 1) for line in found.splitlines())
    assert rows["micro-batch"] == "8192 tokens"  # sixteen sequences of training.max_length: a whole step at once
    assert rows["peak memory"].endswith("fits")
    assert rows["time, energy, carbon"] == "unknown: no earlier run on this device"
    change(project, publish={"merged": True})
    outcome, found = outcomes(project)["merged model"]
    assert outcome == "ok"
    assert found.startswith("it needs about 1.0 GiB")
