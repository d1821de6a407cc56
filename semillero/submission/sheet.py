"""`write_submission`: the sheet to copy into the form, Spanish first, and the score."""

import json
from dataclasses import asdict
from importlib.resources import files
from typing import Any

import yaml

from semillero.cards.facts import describe_project
from semillero.cards.rendering import render_template
from semillero.digests import digest_json
from semillero.errors import PublishError
from semillero.outputs import Outputs
from semillero.project import Project
from semillero.store import Artifact, Recipe, RunStore
from semillero.submission.deadline import deadline_instant
from semillero.submission.links import check_links
from semillero.submission.rubric import load_rubric
from semillero.submission.scoring import NOTE_ES, Score, score_project

VERSION = 1  # raised by hand when the stage's meaning changes
SHOWN_GAINS = 8


def write_submission(store: RunStore, project: Project, outputs: Outputs, published: Artifact) -> Artifact:
    """Write the submission sheet.

    Returns:
        Stage ``submit``: ``submission.md``, ``score.json``; counts `links`.

    Raises:
        PublishError: a published file is missing or a card's relative link leads nowhere.
    """
    inputs = {**outputs.digests(), "published": published.content}
    recipe = Recipe("submit", VERSION, inputs, _settings(project))
    if found := store.find(recipe):
        return found
    with store.draft(recipe) as draft:
        listed = json.loads((store.folder(published) / "published.json").read_text(encoding="utf-8"))
        checked, broken = check_links(project, listed["repositories"])
        if broken:
            raise PublishError(
                "the submission would have links that lead nowhere:\n" + "\n".join(f"  - {link}" for link in broken),
                "every repository and file that the cards speak of",
                "run `semillero run` again; it publishes what is missing",
            )
        score = score_project(store, project, outputs)
        kinds = list(dict.fromkeys(r["kind"] for r in listed["repositories"]))
        (draft.path / "submission.md").write_text(_render_sheet(project, kinds, score, checked), encoding="utf-8")
        text = json.dumps(asdict(score), ensure_ascii=False, indent=2, sort_keys=True)
        (draft.path / "score.json").write_text(text + "\n", encoding="utf-8")
        draft.counts["links"] = checked
    return draft.artifact


def load_fields() -> list[dict[str, str]]:
    """Return the form's fields; unofficial, because the form is not public."""
    text = (files("semillero.submission") / "fields.yaml").read_text(encoding="utf-8")
    fields: list[dict[str, str]] = yaml.safe_load(text)["fields"]
    return fields


def _settings(project: Project) -> dict[str, Any]:
    return {
        "project": project.project.model_dump(mode="json", exclude={"country"}),
        "varieties": [variety.model_dump(mode="json") for variety in project.corpus.varieties],
        "repository": project.repository,
        "folder": _folder_name(project),
        "rubric": digest_json(load_rubric().model_dump(mode="json")),
        "fields": digest_json(load_fields()),
    }


def _folder_name(project: Project) -> str:
    # An absolute path would tie the sheet to this machine.
    folder = project.publish.folder
    return folder.name if folder.is_absolute() else folder.as_posix()


def _render_sheet(project: Project, kinds: list[str], score: Score, checked: int) -> str:
    about = describe_project(project)
    links = {kind: f"{_folder_name(project)}/{kind}s/{project.repository}" for kind in kinds}
    day = project.project.deadline
    values = {
        "project": about,
        "video": project.project.video,
        "links": links,
        "fields": [(field, _fill(field["from"], project, links)) for field in load_fields()],
        "deadline": None
        if day is None
        else {"day": day.isoformat(), "utc": f"{deadline_instant(day):%Y-%m-%d %H:%M:%S}"},
        "score": score,
        "note_es": NOTE_ES,
        "gains": score.gains[:SHOWN_GAINS],
        "checked": checked,
        "checklist": _check_list(project, kinds, score),
    }
    return render_template("submission.md.j2", values, package="semillero.submission")


def _fill(source: str, project: Project, links: dict[str, str]) -> str:
    """Return a field's value as plain text; empty when the project has none."""
    about = project.project
    if source == "team":
        return "; ".join(member.name for member in about.team)
    if source == "sdgs":
        return ", ".join(map(str, about.sdgs))
    if source == "varieties":
        return ", ".join(f"{variety.name} ({variety.code})" for variety in project.corpus.varieties)
    if source in ("dataset", "model", "space"):
        return project.repository if source in links else ""
    return str(getattr(about, source) or "")


def _check_list(project: Project, kinds: list[str], score: Score) -> list[dict[str, Any]]:
    shares = {gain.check for gain in score.gains}
    return [
        {"done": "dataset" in kinds, "es": "Corpus publicado", "en": "Dataset published"},
        {"done": "dataset_spanish" not in shares, "es": "Ficha del corpus en español e inglés completa",
         "en": "Dataset card complete in Spanish and English"},
        {"done": "human_reviewed" not in shares, "es": "Filas revisadas por personas", "en": "Rows reviewed by people"},
        {"done": "model" in kinds, "es": "Modelo publicado (sin él, el máximo baja)",
         "en": "Model published (without one the maximum is lower)"},
        {"done": "space" in kinds, "es": "Demo publicada", "en": "Demo published"},
        {"done": bool(project.project.video), "es": "Vídeo de 5:00 como máximo", "en": "Video of at most 5:00"},
        {"done": False, "es": "Repositorios subidos y públicos antes de la fecha límite",
         "en": "Repositories uploaded and public before the deadline"},
        {"done": False, "es": "Formulario oficial enviado", "en": "Official form sent"},
    ]  # fmt: skip
