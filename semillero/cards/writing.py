"""`write_cards`: from facts and measurements to the four README files."""

import json
from pathlib import Path
from typing import Any

from markupsafe import Markup

from semillero.cards.facts import Facts, collect_facts
from semillero.cards.front_matter import dataset_front_matter, model_front_matter
from semillero.cards.gate import check_card
from semillero.cards.impact import measure_impact
from semillero.cards.model_facts import SETTINGS
from semillero.cards.rendering import render_template
from semillero.cards.wording import LANGUAGES, load_words
from semillero.outputs import Outputs
from semillero.project import Project
from semillero.store import Artifact, Recipe, RunStore

VERSION = 2  # raised by hand when the stage's meaning changes
NAMES = {"en": "README.md", "es": "README_ES.md"}


def write_cards(store: RunStore, project: Project, outputs: Outputs) -> Artifact:
    """Write the cards of a project; a corpus-only project gets the dataset's alone.

    Returns:
        Stage ``cards``: ``facts.json``; volatile ``dataset/README.md``, ``dataset/README_ES.md`` and, with an adapter,
        ``model/README.md``, ``model/README_ES.md``; counts `cards`.

    Raises:
        AccountingError: counts do not balance, or disagree with the parquet files.
        PublishError: a finished card does not pass `check_card`.
    """
    recipe = Recipe("cards", VERSION, inputs=outputs.digests(), settings=_settings(project))
    if found := store.find(recipe):
        return found
    with store.draft(recipe) as draft:
        facts = collect_facts(store, project, outputs)
        text = json.dumps(facts, ensure_ascii=False, indent=2, sort_keys=True)
        (draft.path / "facts.json").write_text(text + "\n", encoding="utf-8")
        measured = {"impact": measure_impact(store, outputs), "speed": _measure_speed(store, outputs.adapter)}
        kinds = ["dataset"] if outputs.adapter is None else ["dataset", "model"]
        for kind in kinds:
            for language in LANGUAGES:
                card = render_card(kind, language, facts, measured)
                name = f"{kind}/{NAMES[language]}"
                check_card(card, kind, card_rows(facts), name)
                _write(draft.path / name, card)
                draft.volatile.add(name)
        draft.counts["cards"] = len(draft.volatile)
    return draft.artifact


def render_card(kind: str, language: str, facts: Facts, measured: dict[str, Any]) -> str:
    """Return one card's whole text.

    Args:
        kind: ``dataset`` or ``model``.
        language: ``en`` or ``es``.
        facts: from `collect_facts`.
        measured: ``impact`` and ``speed`` of this run.
    """
    impact = measured["impact"]
    front_matter = dataset_front_matter(facts) if kind == "dataset" else model_front_matter(facts, impact)
    headings = {name: words[language] for name, words in load_words("sections")[kind].items()}
    return render_template(
        f"{kind}.{language}.j2", {**facts, **measured, "heading": headings, "front_matter": Markup(front_matter)}
    )


def card_rows(facts: Facts) -> dict[str, int]:
    """Return the rows of each parquet file of the dataset, by the file's name without suffix."""
    rows: dict[str, int] = dict(facts["dataset"]["splits"])
    if facts["dataset"]["preferences"]:
        rows["preferences"] = facts["dataset"]["preferences"]["rows"]
    return rows


def _settings(project: Project) -> dict[str, Any]:
    """Return what the cards tell of the project file; the demo's and the evaluation's settings are not among it."""
    corpus = project.corpus
    generator = {"kind", "model", "temperature", "max_tokens", "constrain", "seed"}
    return {
        "project": project.project.model_dump(mode="json", exclude={"deadline", "country", "video"}),
        "repository": project.repository,
        "varieties": [variety.model_dump(mode="json") for variety in corpus.varieties],
        "generator": corpus.generator.model_dump(mode="json", include=generator),
        "techniques": corpus.techniques.model_dump(mode="json"),
        "training": project.training.model_dump(
            mode="json", include=SETTINGS | {"enabled", "base", "base_revision", "base_license"}
        ),
    }


def _measure_speed(store: RunStore, adapter: Artifact | None) -> dict[str, Any]:
    run = store.run_facts(adapter) if adapter else {}
    return {"seconds": run.get("seconds"), "measures": _flatten(run)}


# What a training run measures of itself, in the order a reader looks for it.
MEASURES = ("training_seconds", "tokens_per_second", "peak_memory_mb", "device", "dtype", "threads")


def _flatten(run: dict[str, Any]) -> dict[str, Any]:
    return {name: run[name] for name in MEASURES if isinstance(run.get(name), (str, int, float))}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
