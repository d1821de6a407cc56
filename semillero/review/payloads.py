"""A row of the corpus as Argilla takes it: fields, metadata, and the suggestions of judge, generator and plan."""

import html
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from semillero.project.models import JudgeSettings
from semillero.review.questions import CORPUS, FIELDS, JUDGE_SCORE, PRIORITY

Payload = dict[str, Any]

PLAN = "semillero:plan"  # who says which variety a row was asked for in
NOT_IN_AGENT = re.compile(r"[^a-zA-Z0-9:./ _-]+")  # Argilla's own rule for the names of agents
LONGEST_AGENT = 200
SPEAKERS = {"user": "Persona", "assistant": "Modelo"}


def build_payload(
    row: Mapping[str, Any], fields: Collection[str], questions: Mapping[str, str], corpus: str, judge: JudgeSettings
) -> Payload:
    """Return the record to send.

    Args:
        row: one row of `plan_review`.
        fields: names of the dataset's fields.
        questions: the dataset's question names and their ids on the server.
        corpus: the corpus version.
        judge: names the agent of the proposed rating.
    """
    return {
        "external_id": row["id"],
        "fields": {name: text for name, text in _build_fields(row).items() if name in fields},
        "metadata": build_metadata(row, corpus),
        "suggestions": [
            {"question_id": questions[name], "type": "model", **suggestion}
            for name, suggestion in _suggest(row, judge).items()
            if name in questions
        ],
    }


def build_metadata(row: Mapping[str, Any], corpus: str) -> dict[str, Any]:
    """Return what records can be filtered and sorted by; what a row does not have is left out."""
    values = {
        "variety": row["variety"],
        "topic": row["topic"],
        "technique": row["technique"],
        CORPUS: corpus,
        JUDGE_SCORE: row["score"],
        PRIORITY: row["priority"],
    }
    return {name: value for name, value in values.items() if value is not None}


def escape_text(text: str) -> str:
    """Return a text as a field must hold it.

    Argilla's page writes the text of a field into the page as HTML, scripts and all, although the field is of plain
    text: an answer with a script in it would run as the reviewer who looks at it. Escaped, it is shown as it is.
    """
    return html.escape(text, quote=False)


def read_text(field: str) -> str:
    """Return the text that `escape_text` made ``field`` of."""
    return html.unescape(field)


def name_agent(judge: JudgeSettings) -> str:
    """Return the judge's name as Argilla takes it: ``judge:KIND:MODEL``; of a folder, its last part only."""
    model = PurePath(judge.model).name if judge.model.startswith(("/", ".", "~")) else judge.model
    return _clean(f"judge:{judge.kind}:{model}")


def _build_fields(row: Mapping[str, Any]) -> dict[str, str]:
    texts = {**row, "history": write_turns(row["history"] or ())}
    fields = {name: escape_text(texts[column]) for name, column in FIELDS.items() if texts[column]}
    if _squeeze(row["source"] or "") == _squeeze(row["answer"]):
        fields.pop("passage", None)  # back-translation: the answer is the passage, and twice is once too often
    return fields


def write_turns(history: Sequence[Mapping[str, str]]) -> str:
    """Return the turns before the question as a reviewer reads them."""
    return "\n\n".join(f"{SPEAKERS[turn['role']]}: {turn['content']}" for turn in history)


def _suggest(row: Mapping[str, Any], judge: JudgeSettings) -> dict[str, Payload]:
    """Return question → suggestion; only the judge's has a score: how far the row is from the line, 0 to 1."""
    writer = _clean(row["model"] or "unknown")
    suggestions: dict[str, Payload] = {
        "variety_label": {"value": row["variety"], "agent": PLAN},
        "instruction": {"value": row["instruction"], "agent": writer},
        "answer": {"value": row["answer"], "agent": writer},
    }
    if row["proposed"] is not None:
        rating = {"value": row["proposed"], "agent": name_agent(judge), "score": row["certainty"]}
        suggestions["quality"] = rating
    return suggestions


def _clean(name: str) -> str:
    kept = NOT_IN_AGENT.sub("-", name)[:LONGEST_AGENT]
    return kept if re.search(r"[a-zA-Z0-9]", kept) else "unknown"


def _squeeze(text: str) -> str:
    return " ".join(text.split())
