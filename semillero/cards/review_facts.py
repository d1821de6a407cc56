"""What the dataset card tells of review by people: nobody's name, and tables that a template can print as they are."""

from typing import Any

from semillero.cards.wording import load_words
from semillero.review.anonymity import without_names


def describe_review(agreement: dict[str, Any]) -> dict[str, Any]:
    """Return ``agreement.json`` as the card tells it; what no person reviewed is returned as it is.

    Added: ``measures`` (one row a question and part of the corpus: its alpha, or why there is none) and
    ``reason_measures``, ``doubts`` (how much one person's answers lower alpha), and ``guidelines``, the names of the
    published texts that reviewers read.
    """
    if not agreement.get("human_reviewed"):
        return agreement
    told = without_names(agreement)
    report = told["agreement"]
    return {
        **told,
        "guidelines": [name_guidelines(variety) for variety in agreement["varieties"]],
        "measures": [
            _measure_row(question, found["level"], variety, part)
            for question, found in report["questions"].items()
            for variety, part in ((None, found["overall"]), *found["varieties"].items())
        ],
        "reason_measures": [{"code": code, **_word_undefined(part)} for code, part in report["reasons"].items()],
        "doubts": [
            {
                **_name_question(question),
                "with": found["with"],
                "without": found["without"],
                "records": found["records"],
            }
            for outlier in report["outliers"]
            for question in outlier["questions"]
            for found in report["questions"][question]["without"]
            if found["reviewer"] == outlier["reviewer"]
        ],
    }


def _measure_row(question: str, level: str, variety: str | None, part: dict[str, Any]) -> dict[str, Any]:
    levels = load_words("questions")["levels"]
    return {**_name_question(question), "level": levels[level], "variety": variety, **_word_undefined(part)}


def _name_question(question: str) -> dict[str, Any]:
    return {"code": question, "question": load_words("questions")["questions"][question]}


def _word_undefined(part: dict[str, Any]) -> dict[str, Any]:
    """Return a measure whose ``undefined`` is None or the words for it."""
    why = part.get("undefined")
    return {**part, "undefined": load_words("questions")["undefined"][why] if why else None}


def name_guidelines(variety: str) -> str:
    """Return what the published guidelines for a variety are called."""
    return f"guidelines/{variety}.md"
