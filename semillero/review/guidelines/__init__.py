"""The guidelines that reviewers read in Argilla, Spanish first, then English: one text a dataset."""

from datetime import UTC
from typing import Any

from semillero.errors import InputError
from semillero.project.models import Project
from semillero.review.routing import Place

LONGEST = 9_700  # characters: Argilla takes 10,000, and a link is added


def render_guidelines(project: Project, place: Place) -> str:
    """Return the guidelines of the dataset at ``place``, in Markdown; every value of the project file is shown as text.

    Raises:
        InputError: titles or names are so long that Argilla would not take the text.
    """
    from semillero.cards.rendering import render_template

    values = _collect_values(project, place)
    package = "semillero.review.guidelines"
    text = "\n---\n\n".join(render_template(f"{name}.j2", values, package=package) for name in ("es", "en")).strip()
    if len(text) > LONGEST:
        raise InputError(
            f"the guidelines for {place.variety} have {len(text)} characters",
            f"at most {LONGEST}, which is what Argilla takes",
            "shorten project.title, project.contact or the varieties' names",
        )
    return text


def _collect_values(project: Project, place: Place) -> dict[str, Any]:
    variety = next(v for v in project.corpus.varieties if v.code == place.variety)
    return {
        "title": project.project.title,
        "contact": project.project.contact,
        "license": project.project.license,
        "variety": variety,
        "varieties": project.corpus.varieties,
        "pairs": place.pairs,
        "people": place.min_submitted,
        "deadline": _format_deadline(project),
    }


def _format_deadline(project: Project) -> str | None:
    """Return the day and hour until which answers count, or None."""
    if moment := project.review.deadline:
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    day = project.project.deadline
    return f"{day} (AoE)" if day else None
