"""The short cards of a model's other forms (merged, GGUF): what they are, how to load them, where the rest stands."""

from typing import Any

import yaml
from markupsafe import Markup

from semillero.cards.gate import split_card
from semillero.cards.rendering import render_template
from semillero.project import Project

# What holds for the adapter holds for its other forms; measurements and energy stay on the adapter's card.
SHARED = ("language", "license", "license_name", "license_link", "pipeline_tag", "datasets", "tags", "language_details")
LIBRARIES = {"merge": "transformers", "gguf": "gguf"}


def render_export_card(form: str, language: str, adapter_card: str, project: Project, facts: dict[str, Any]) -> str:
    """Return the card of a merged model or a GGUF.

    Args:
        form: ``merge`` or ``gguf``.
        language: ``en`` or ``es``.
        adapter_card: the adapter's card, whose front matter it shares.
        project: gives names.
        facts: ``merged_too`` (there is a merged repository as well) and ``file`` (the GGUF's name).
    """
    shared, _ = split_card(adapter_card)
    front = {key: shared[key] for key in SHARED if key in shared}
    front["tags"] = [tag for tag in front.get("tags", []) if tag != "lora"]
    from_merged = form == "gguf" and facts["merged_too"]
    front |= {
        "library_name": LIBRARIES[form],
        "base_model": f"{project.repository}-merged" if from_merged else project.repository,
        "base_model_relation": "quantized" if form == "gguf" else "merge",
    }
    text = yaml.safe_dump(front, allow_unicode=True, sort_keys=False)
    return render_template(
        f"{form}.{language}.j2",
        {
            "front_matter": Markup(f"---\n{text}---\n"),
            "title": project.project.title,
            "repository": Markup(project.repository),
            "contact": project.project.contact,
            **facts,
        },
    )
