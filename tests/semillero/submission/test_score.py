"""The rubric's score: honest at every stage, and it rises when the project gets better."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from semillero.cards import write_cards
from semillero.errors import InputError
from semillero.publishing import publish_project
from semillero.store import Recipe, RunStore
from semillero.submission import Score, load_rubric, score_lines, score_project
from tests.fake_outputs import fake_outputs, fake_project, plain_adapter

LONG = " ".join(["palabra"] * 30)


def grow(folder: Path, *, adapter: bool = True, space: bool = False, **sections: dict[str, object]) -> Score:
    store, project = RunStore(str(folder / ".semillero")), fake_project(folder, **sections)
    outputs = fake_outputs(store, project, plain_adapter if adapter else None)
    page = None
    if space:
        with store.draft(Recipe("demo", 1, {}, {})) as draft:
            (draft.path / "app.py").write_text("x = 1\n")
            front = f"datasets: [{project.repository}]\nmodels: [{project.repository}]\n"
            (draft.path / "README.md").write_text(f"---\n{front}---\n# x\n")
        page = draft.artifact
    publish_project(store, project, outputs, write_cards(store, project, outputs), page)
    return score_project(store, project, outputs)


def points(score: Score, criterion: str) -> float:
    return next(row.points for row in score.rows if row.criterion == criterion)


def test_the_rubric_is_somosnlps() -> None:
    rubric = load_rubric()
    assert {section.id: section.points for section in rubric.sections} == {
        "corpus": 4, "model": 3, "demo": 1, "project": 2,
    }  # fmt: skip
    assert (rubric.total, rubric.corpus_only_cap) == (10, 7)


def test_nothing_made_scores_what_the_project_file_shows(tmp_path: Path) -> None:
    score = score_project(RunStore(str(tmp_path / "store")), fake_project(tmp_path), None)
    assert {row.section for row in score.rows if row.points} == {"project"}
    assert sum(row.possible for row in score.rows) == pytest.approx(10)
    assert {gain.check for gain in score.gains} >= {"several_varieties", "adapter_trained", "space_published"}
    assert score.points + sum(gain.points for gain in score.gains) == pytest.approx(score.measurable, abs=0.02)


def test_the_score_rises_with_each_part(tmp_path: Path) -> None:
    steps = []
    for name in ("a", "b", "c", "d"):
        (tmp_path / name).mkdir()
    steps.append(grow(tmp_path / "a", adapter=False))
    steps.append(grow(tmp_path / "b"))
    steps.append(grow(tmp_path / "c", space=True))
    about = {"motivation": LONG, "impact": LONG, "video": "https://example.org/v"}
    steps.append(grow(tmp_path / "d", space=True, project=about))
    assert [s.points for s in steps] == sorted({s.points for s in steps})
    assert steps[0].cap == 7.0
    assert steps[0].points <= 7.0
    assert not [row for row in steps[0].rows if row.section in ("model", "demo") and row.points]
    assert steps[1].cap is None
    assert points(steps[1], "training") == points(steps[1], "evaluation") == 0.75
    assert points(steps[2], "demo_present") == 0.5
    assert points(steps[3], "motivation") == points(steps[3], "video") == 0.5
    # What is left: people's points, no human review, two varieties only, and those uneven.
    assert {gain.check for gain in steps[3].gains} == {"human_reviewed", "several_varieties", "balanced_varieties"}
    assert steps[3].points + steps[3].people < steps[3].total


def test_gains_come_first_things_first_and_add_up(tmp_path: Path) -> None:
    score = grow(tmp_path)
    assert [gain.points for gain in score.gains] == sorted((g.points for g in score.gains), reverse=True)
    assert score.points + sum(gain.points for gain in score.gains) == pytest.approx(score.measurable, abs=0.02)
    assert all(gain.remedy for gain in score.gains)


def test_people_are_not_replaced(tmp_path: Path) -> None:
    score = grow(tmp_path)
    assert points(score, "originality") == 0
    assert score.people == 1.5
    lines = "\n".join(score_lines(score))
    assert "people judge the rest" in lines
    assert "1.5 more are for people to judge" in lines
    json.dumps(asdict(score))


def test_a_half_made_card_loses_points(tmp_path: Path) -> None:
    whole = grow(tmp_path)
    readme = tmp_path / "published/datasets/equipo/prueba/README.md"
    text = readme.read_text().replace("## Recommendations", "## Otra cosa").replace("**`tema`**", "tema")
    readme.write_text(text)
    store, project = RunStore(str(tmp_path / ".semillero")), fake_project(tmp_path)
    half = score_project(store, project, fake_outputs(store, project, plain_adapter))
    assert points(half, "dataset_card") < points(whole, "dataset_card")
    assert "Recommendations" in next(gain.found for gain in half.gains if gain.check == "dataset_sections")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"total": 11}, "the sections add up to 10, not 11"),
        ({"extra": 1}, "extra"),
        ({"sections": []}, "sections"),
        ({"sections": [{"id": "a", "points": 10, "en": "A", "es": "A", "criteria": [
            {"id": "b", "points": 10, "en": "B", "es": "B", "checks": ["magic"]}]}]}, "unknown checks: magic"),
        ({"sections": [{"id": "a", "points": 10, "en": "A", "es": "A", "criteria": [
            {"id": "b", "points": 9, "en": "B", "es": "B", "people": True}]}]}, "add up to 9, not 10"),
        ({"sections": [{"id": "a", "points": 10, "en": "A", "es": "A", "criteria": [
            {"id": "b", "points": 10, "en": "B", "es": "B"}]}]}, "either checks or people"),
    ],
)  # fmt: skip
def test_a_bad_rubric_is_refused(tmp_path: Path, change: dict[str, object], fault: str) -> None:
    from importlib.resources import files

    data = yaml.safe_load((files("semillero.submission") / "rubric_2024.yaml").read_text())
    path = tmp_path / "rubric.yaml"
    path.write_text(yaml.safe_dump({**data, **change}))
    with pytest.raises(InputError, match=fault):
        load_rubric(path)


def test_another_edition_is_another_file(tmp_path: Path) -> None:
    path = tmp_path / "rubric.yaml"
    criterion = {"id": "b", "points": 3, "en": "B", "es": "B", "checks": ["sdgs_named"]}
    section = {"id": "a", "points": 3, "en": "A", "es": "A", "criteria": [criterion]}
    path.write_text(yaml.safe_dump({"name": "2026", "total": 3, "corpus_only_cap": 2, "sections": [section]}))
    score = score_project(RunStore(str(tmp_path / "store")), fake_project(tmp_path), None, path)
    assert (score.rubric, score.points, score.measurable) == ("2026", 2.0, 3.0)  # capped: there is no model
