"""Every deterministic fact that the cards tell, taken from the artifacts' files and from nothing else.

In: the project and its artifacts. Out: one JSON value, the cards' ``facts.json``. Counts are compared with the parquet
files themselves, so a card cannot tell another number than the files it stands beside.
"""

import json
from typing import Any

from semillero.cards.dataset_facts import describe_dataset
from semillero.cards.model_facts import describe_evaluation, describe_model
from semillero.cards.report_facts import describe_report
from semillero.cards.review_facts import describe_review
from semillero.cards.wording import LANGUAGES, load_words
from semillero.errors import AccountingError, PublishError
from semillero.outputs import Outputs
from semillero.project import Project
from semillero.store import Artifact, RunStore

Facts = dict[str, Any]
# The English words for why review discards; curation brings its own in curation.json.
REVIEW_REASONS = {
    "judge-score-low": "among the automatic judge's lowest scores in its variety",
    "false": "review: says something false or made up",
    "ungrammatical": "review: badly written",
    "other_variety": "review: in another variety",
    "offensive": "review: offensive or a stereotype",
    "personal_data": "review: holds personal data",
    "off_topic": "review: the answer does not answer the instruction",
    "meaningless": "review: makes no sense",
    "both_bad": "review: neither of the two answers will do",
    "other": "review: another reason",
    "rejected": "review: a majority rejected it without giving a reason",
    "quality-low": "review: its mean quality rating is below the least",
    "wrong-variety": "review: to a majority it does not sound natural in its variety",
}


def collect_facts(store: RunStore, project: Project, outputs: Outputs) -> Facts:
    """Return what the cards tell, the same for the same artifacts.

    Raises:
        AccountingError: counts that must balance, or agree with a file, do not.
        PublishError: something the card must explain (a column, a technique) has no words.
    """
    facts: Facts = {
        "project": describe_project(project),
        "funnel": count_funnel(store, outputs),
        "generation": _describe_generation(project, outputs),
        "review": describe_review(_read_json(store, outputs.reviewed, "agreement.json")),
        "judge": None if outputs.scores is None else _read_json(store, outputs.scores, "judge.json"),
        "dataset": describe_dataset(store.folder(outputs.dataset), outputs.dataset),
        "report": None,
        "model": None,
        "evaluation": None,
    }
    kept, rows = facts["funnel"]["kept"], facts["dataset"]["rows"]
    if kept != rows:
        raise AccountingError(f"{kept} rows were kept by review but {rows} are in the splits", "the same number")
    if outputs.report is not None:
        facts["report"] = describe_report(_read_json(store, outputs.report, "report.json"), list(outputs.report.files))
    if outputs.adapter is not None:
        facts["model"] = describe_model(store.folder(outputs.adapter), project, outputs.adapter)
    if outputs.evaluation is not None:
        facts["evaluation"] = describe_evaluation(store.folder(outputs.evaluation), outputs.evaluation)
    return facts


def describe_project(project: Project) -> Facts:
    """Return who, what and why, with the goals' names and the languages' codes."""
    about = project.project.model_dump(mode="json", exclude={"deadline", "country", "video"})
    goals = load_words("sdgs")
    about["sdgs"] = [{"number": number, **goals[number]} for number in project.project.sdgs]
    about["repository"] = project.repository
    about["varieties"] = [variety.model_dump(mode="json") for variety in project.corpus.varieties]
    about["languages"] = list(dict.fromkeys(v.code.split("-")[0] for v in project.corpus.varieties))
    return about


def count_funnel(store: RunStore, outputs: Outputs) -> Facts:
    """Return how many rows each step let through, and why the others left.

    Raises:
        AccountingError: requested ≠ answered + failed, answered ≠ accepted + rejected, rejected ≠ its reasons, or
            accepted ≠ kept + discarded + pending.
    """
    report = _read_json(store, outputs.curated, "curation.json")
    counts = {**outputs.curated.counts, **outputs.reviewed.counts}
    names = ("requested", "answered", "failed", "accepted", "rejected", "kept", "discarded", "pending")
    funnel: Facts = {name: int(counts.get(name, 0)) for name in names}
    rests = {
        "requested = answered + failed": funnel["requested"] - funnel["answered"] - funnel["failed"],
        "answered = accepted + rejected": funnel["answered"] - funnel["accepted"] - funnel["rejected"],
        "accepted = kept + discarded + pending": funnel["accepted"]
        - sum(funnel[name] for name in ("kept", "discarded", "pending")),
        "rejected = the sum of its reasons": funnel["rejected"] - sum(report["reasons"].values()),
    }
    for name, rest in rests.items():
        if rest:
            raise AccountingError(
                f"{name} does not hold: {rest} rows apart", "exact accounting", "report this as a bug"
            )
    funnel["reasons"] = _word_reasons(report["reasons"], report["meanings"]["reasons"])
    funnel["discards"] = _word_reasons(_count_discards(store, outputs.reviewed), REVIEW_REASONS)
    funnel["placeholders"] = report.get("placeholders", {})
    return funnel


def _count_discards(store: RunStore, reviewed: Artifact) -> dict[str, int]:
    import polars as pl

    rows = pl.scan_parquet(store.folder(reviewed) / "reviewed.parquet").filter(pl.col("decision") == "discarded")
    return dict(rows.group_by(pl.col("reason").fill_null("discarded")).len().sort("reason").collect().iter_rows())


def _word_reasons(counts: dict[str, int], meanings: dict[str, str]) -> list[Facts]:
    spanish = load_words("reasons")
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [
        {
            "code": code,
            "count": count,
            "en": meanings.get(code, code),
            "es": spanish.get(code, meanings.get(code, code)),
        }
        for code, count in ordered
    ]


def _describe_generation(project: Project, outputs: Outputs) -> Facts:
    generator = project.corpus.generator
    words = load_words("techniques")
    shares = {name: share for name, share in project.corpus.techniques.model_dump().items() if share}
    unknown = sorted(set(shares) - set(words))
    if unknown:
        raise PublishError(
            f"techniques without a description: {', '.join(unknown)}",
            "every technique explained on the card",
            "describe them in semillero/cards/techniques.yaml",
        )
    return {
        "model": generator.model,
        "kind": generator.kind,
        "sampling": generator.model_dump(mode="json", include={"temperature", "max_tokens", "constrain", "seed"}),
        "shards": len(outputs.shards),
        "techniques": [
            {"name": name, "share": share, **{language: words[name][language] for language in LANGUAGES}}
            for name, share in shares.items()
        ],
    }


def _read_json(store: RunStore, artifact: Artifact, name: str) -> Facts:
    value: Facts = json.loads((store.folder(artifact) / name).read_text(encoding="utf-8"))
    return value
