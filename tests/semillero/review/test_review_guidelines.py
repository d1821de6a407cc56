"""What reviewers read: complete, in two languages, with the project's own words shown as text."""

from datetime import UTC, datetime

import pytest

from semillero.errors import InputError
from semillero.project import Project
from semillero.review.guidelines import LONGEST, render_guidelines
from semillero.review.questions import BOTH_BAD, REASONS, list_reasons
from semillero.review.routing import find_place
from tests.reviewing import make_project


def render(project: Project, pairs: bool = False) -> str:
    return render_guidelines(project, find_place(project, "ab", "es-MX", pairs))


def test_both_languages_name_the_project_its_varieties_and_the_deadline() -> None:
    text = render(make_project("saberes", deadline=datetime(2026, 12, 5, 18, 30, tzinfo=UTC)))
    spanish, english = text.split("\n---\n")
    for part in (spanish, english):
        assert "Saberes de prueba" in part
        assert "variedad es-MX (es-MX; MX)" in part.replace("**", "")
        assert "2026-12-05 18:30 UTC" in part
        assert "equipo@example.org" in part
        assert "(#priority)" in part
    assert "variedad es-AR" in spanish
    assert "{{" not in text
    assert "{%" not in text


def test_only_datasets_with_two_answers_explain_the_ranking() -> None:
    project = make_project("saberes")
    assert "Ninguna respuesta sirve" in render(project, pairs=True)
    assert "Ninguna respuesta sirve" not in render(project)
    assert BOTH_BAD not in list_reasons(pairs=False)
    assert list_reasons(pairs=True) == REASONS


def test_the_projects_words_are_text_and_no_markup() -> None:
    project = make_project("saberes")
    nasty = {**project.project.model_dump(), "title": "<img src=x onerror=alert(1)> [clic](http://mal.example)"}
    text = render(project.model_validate({**project.model_dump(), "project": nasty}))
    assert "<img" not in text
    assert "[clic](" not in text


def test_guidelines_too_long_for_argilla_are_refused_with_the_remedy() -> None:
    project = make_project("saberes")
    long = {**project.project.model_dump(), "contact": "x" * LONGEST}
    with pytest.raises(InputError, match="at most"):
        render(project.model_validate({**project.model_dump(), "project": long}))


def test_a_long_list_of_varieties_fits() -> None:
    codes = tuple(f"es-{a}{b}" for a in "ABCD" for b in "RSTUV")
    project = make_project("saberes", codes)
    assert len(render_guidelines(project, find_place(project, "a", codes[0], True))) < LONGEST
