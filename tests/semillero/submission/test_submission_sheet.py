"""The sheet: the same for the same project, no broken links, no clock in it."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from semillero.cards import write_cards
from semillero.errors import PublishError
from semillero.publishing import publish_project
from semillero.store import Artifact, RunStore
from semillero.submission import deadline_instant, time_left, write_submission
from tests.fake_outputs import fake_outputs, fake_project, plain_adapter


def submit(folder: Path, harm: str = "", **sections: dict[str, object]) -> tuple[RunStore, Artifact]:
    store, project = RunStore(str(folder / ".semillero")), fake_project(folder, **sections)
    outputs = fake_outputs(store, project, plain_adapter)
    published = publish_project(store, project, outputs, write_cards(store, project, outputs), None)
    if harm:
        (folder / "published" / harm).unlink()
    return store, write_submission(store, project, outputs, published)


def test_spanish_first_then_english_with_every_part(tmp_path: Path) -> None:
    store, sheet = submit(tmp_path)
    text = (store.folder(sheet) / "submission.md").read_text(encoding="utf-8")
    spanish, english = text.split("## Submission")
    assert "Un corpus diminuto" in spanish
    assert "A tiny corpus" in english
    for heading in ("Enlaces", "Fecha límite", "Lista de comprobación", "Hoja de campos (no oficial)"):
        assert f"### {heading}" in spanish
    for part in ("published/datasets/equipo/prueba", "published/models/equipo/prueba", "4 (Educación de calidad)"):
        assert part in spanish
    assert "2026-12-31, 23:59:59 Anywhere on Earth (AoE, UTC−12), which is 2027-01-01 11:59:59 UTC" in english
    score = json.loads((store.folder(sheet) / "score.json").read_text())
    assert f"{score['points']:.2f} of the {score['measurable']:.2f} points" in english


def test_the_content_is_the_same_elsewhere_and_later(tmp_path: Path) -> None:
    contents = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        store, sheet = submit(tmp_path / name)
        contents.add(sheet.content)
        for path in store.folder(sheet).glob("s*.*"):
            assert str(tmp_path) not in path.read_text(encoding="utf-8")
    assert len(contents) == 1
    store, again = submit(tmp_path / "b")
    assert again.reused


@pytest.mark.parametrize(
    "name", ["datasets/equipo/prueba/figures/rows_by_variety.png", "models/equipo/prueba/README_ES.md"]
)
def test_a_link_that_leads_nowhere_stops_the_submission(tmp_path: Path, name: str) -> None:
    with pytest.raises(PublishError, match=name.rsplit("/", 1)[1]):
        submit(tmp_path, harm=name)


def test_a_project_without_deadline_says_so(tmp_path: Path) -> None:
    store, sheet = submit(tmp_path, project={"deadline": None})
    assert "No date in the project file" in (store.folder(sheet) / "submission.md").read_text(encoding="utf-8")


def test_a_deadline_ends_in_the_last_time_zone() -> None:
    day = date(2026, 12, 31)
    assert deadline_instant(day) == datetime(2027, 1, 1, 11, 59, 59, tzinfo=UTC)
    assert time_left(day, datetime(2027, 1, 1, 10, 59, 59, tzinfo=UTC)) == timedelta(hours=1)
    assert time_left(day, datetime(2027, 1, 1, 13, 59, 59, tzinfo=UTC)) == timedelta(hours=-2)
