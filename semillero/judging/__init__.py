"""Judging: a score for every accepted row, from the model that the project names, before review decides.

In: the curate artifact (``accepted.parquet``). Out: ``scores.parquet`` (SCORES: id, score, detail) and ``judge.json``
(which model judged, how, and what its score means). Two judges, and each says which it is:

- likelihood: a base model; how much likelier the answer becomes given its question (`semillero.judging.likelihood`);
- rubric: an instruction-tuned model at an endpoint; a grade from 1 to 5 (`semillero.judging.rubric`).
"""

import json
import shutil
from typing import Any

import polars as pl

from semillero.errors import AccountingError
from semillero.judging.likelihood import ANSWER_TOKENS, OTHERS, WORDING, score_by_likelihood
from semillero.judging.rubric import HIGHEST, LOWEST, digest_prompt, score_by_rubric
from semillero.models.base import BaseModelInfo, digest_base, resolve_base
from semillero.project.models import BudgetSettings, JudgeSettings
from semillero.records import ACCEPTED, SCORES, read_records, write_records
from semillero.store import Artifact, Draft, Recipe, RunStore

__all__ = ["VERSION", "identify_judge", "judge_base", "judge_records"]

VERSION = 2
LEDGER = "ledger.jsonl"
EMBEDDED_MODEL = str(JudgeSettings.model_fields["model"].default)  # how the project file names the embedded base


def judge_records(
    store: RunStore, curated: Artifact, judge: JudgeSettings, budget: BudgetSettings | None = None
) -> Artifact | None:
    """Score every accepted row.

    Args:
        store: the run store.
        curated: the curate artifact.
        judge: the corpus section's judge.
        budget: what requests may cost in all; changes no score. No limit by default.

    Returns:
        The judge artifact, counts accepted, scored, unscored; None when ``kind`` is ``none``.

    Raises:
        InputError: the model is not there, or the API key's variable is not set.
        EvaluationError: a likelihood is not a number, or too many verdicts cannot be read.
        GenerationError: the rubric judge's endpoint fails.
        AccountingError: scores and rows do not match.
    """
    if judge.kind == "none":
        return None
    recipe = _build_recipe(curated, judge)
    if found := store.find(recipe):
        return found
    with store.draft(recipe) as draft:
        rows = read_records(store.folder(curated) / "accepted.parquet", ACCEPTED)
        if judge.kind == "likelihood":
            info = resolve_base(judge_base(judge))
            scores = score_by_likelihood(rows, info.folder, judge.batch_tokens)
            about = _describe_likelihood(info)
        else:
            ledger = store.work(recipe) / LEDGER
            scores = score_by_rubric(rows, judge, ledger, budget)
            about = _describe_rubric(judge)
            shutil.copyfile(ledger, draft.path / LEDGER)
            draft.volatile.add(LEDGER)
        _fill_draft(draft, rows, scores, about)
    return draft.artifact


def judge_base(judge: JudgeSettings) -> str:
    """Return the base of a likelihood judge, as `resolve_base` takes it."""
    return "embedded" if judge.model == EMBEDDED_MODEL else judge.model


def identify_judge(judge: JudgeSettings) -> tuple[dict[str, str | list[str]], dict[str, Any]]:
    """Return what a judge's scores depend on besides the rows: digests (the recipe's inputs) and settings."""
    # Address, speed and patience change no score, and neither does the size of a batch.
    if judge.kind == "likelihood":
        wording = {language: list(words) for language, words in WORDING.items()}
        settings: dict[str, Any] = {"answer_tokens": ANSWER_TOKENS, "others": OTHERS, "wording": wording}
        return {"base": digest_base(judge_base(judge))}, {"kind": judge.kind, **settings}
    settings = {"model": judge.model, "max_tokens": judge.max_tokens}
    if judge.constrain != "json_schema":
        settings["constrain"] = judge.constrain
    return {"prompt": digest_prompt()}, {"kind": judge.kind, **settings}


def _build_recipe(curated: Artifact, judge: JudgeSettings) -> Recipe:
    inputs, settings = identify_judge(judge)
    return Recipe("judge", VERSION, {"curated": curated.content, **inputs}, settings)


def _describe_likelihood(info: BaseModelInfo) -> dict[str, Any]:
    return {
        "kind": "likelihood",
        "model": info.name,
        "method": f"A base model; by how many nats a token the first {ANSWER_TOKENS} tokens of the answer are likelier "
        f"after their own question than after {OTHERS} other questions of the same variety.",
        "meaning": "About 0: the question would fit any answer. Below 0: other questions fit better. "
        "The higher, the more question and answer belong together. It does not tell whether the answer is true or "
        "the question well written.",
    }


def _describe_rubric(judge: JudgeSettings) -> dict[str, Any]:
    return {
        "kind": "rubric",
        "model": judge.model,
        "method": f"An instruction-tuned model grades each pair from {LOWEST} to {HIGHEST} by a rubric in Spanish: "
        "clear question, complete and correct answer, fit to the variety.",
        "meaning": "0 is the lowest grade, 1 the highest; empty where the verdict could not be read.",
    }


def _fill_draft(draft: Draft, rows: pl.DataFrame, scores: pl.DataFrame, about: dict[str, Any]) -> None:
    if scores["id"].to_list() != rows["id"].to_list():
        raise AccountingError(
            f"{rows.height} rows were judged and {scores.height} scores came back",
            "one score a row, in the rows' order",
            "this is a bug worth reporting; nothing was written",
        )
    unscored = scores["score"].null_count()
    draft.counts.update(accepted=rows.height, scored=rows.height - unscored, unscored=unscored)
    write_records(scores, SCORES, draft.path / "scores.parquet")
    text = json.dumps({**about, "unscored": unscored}, ensure_ascii=False, indent=2, sort_keys=True)
    (draft.path / "judge.json").write_text(text + "\n", encoding="utf-8")
