"""Ask judge and generator about the swapped sentences; each of the two is an artifact of its own.

Their recipes hold the sentences and what the judge or generator is, and no rows: a corpus that grows asks nothing anew.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import polars as pl

from semillero.digests import digest_json
from semillero.judging import identify_judge, judge_base
from semillero.models.base import resolve_base
from semillero.project.models import BudgetSettings, CorpusSettings, GeneratorSettings, JudgeSettings
from semillero.reporting.replies import ASKED, MAX_TOKENS, ask_generator, measure_reply
from semillero.reporting.swaps import Measures, Swap, list_swaps, summarise
from semillero.store import Artifact, Recipe, RunStore

VERSION = 1
LEDGER = "ledger.jsonl"
Reason = dict[str, str]
NOT_ASKED = {
    "es": "no se pidió (report.swaps del archivo de proyecto)",
    "en": "it was not asked for (report.swaps of the project file)",
}
NO_JUDGE = {"es": "el proyecto no tiene juez", "en": "the project has no judge"}
BASE_MODEL = {
    "es": "el generador incorporado es un modelo base: no sigue instrucciones, solo continúa ejemplos",
    "en": "the embedded generator is a base model: it follows no instructions, it only continues examples",
}
NO_SPANISH = {
    "es": "las frases son en español y el proyecto no tiene ninguna variedad del español",
    "en": "the sentences are in Spanish and the project has no variety of Spanish",
}
NATS = {"es": "nats por token", "en": "nats a token"}
GRADE = {"es": "nota de 0 a 1", "en": "grade from 0 to 1"}
REPLY_UNITS = {
    "words": {"es": "palabras", "en": "words"},
    "politeness": {"es": "proporción de respuestas corteses", "en": "share of polite replies"},
    "refusal": {"es": "proporción de respuestas que se niegan", "en": "share of replies that refuse"},
}


def swap_artifacts(
    store: RunStore, corpus: CorpusSettings, wanted: Sequence[str]
) -> tuple[dict[str, Artifact], dict[str, Reason]]:
    """Return the artifacts with the effects of swaps, and for what is not measured the reason.

    Args:
        store: the run store.
        corpus: judge and generator; the sentences are said to be of its first variety of Spanish.
        wanted: of ``judge``, ``generator``.

    Returns:
        By ``judge`` and ``generator``: an artifact whose ``swaps.json`` holds `model`, `kind`, `sentences`,
        `unanswered`, `unit` and `axes` (`semillero.reporting.swaps.summarise`), or the reason (es, en).

    Raises:
        InputError, GenerationError, EvaluationError: as of the judge and the generator.
    """
    variety = next((v.code for v in corpus.varieties if v.code.split("-")[0] == "es"), "")
    blocked: dict[str, Reason | None] = {
        "judge": NO_JUDGE if corpus.judge.kind == "none" else None,
        "generator": BASE_MODEL if corpus.generator.kind == "embedded" else None,
    }
    reasons: dict[str, Reason] = {}
    artifacts: dict[str, Artifact] = {}
    for name, reason in blocked.items():
        reason = NOT_ASKED if name not in wanted else reason or (None if variety else NO_SPANISH)
        if reason:
            reasons[name] = reason
        elif name == "judge":
            artifacts[name] = _swap_judge(store, corpus, variety)
        else:
            artifacts[name] = _swap_generator(store, corpus)
    return artifacts, reasons


def score_swaps(
    swaps: Sequence[Swap], judge: JudgeSettings, variety: str, ledger: Path, budget: BudgetSettings
) -> list[float | None]:
    """Return the judge's score of each sentence (of kind likelihood up to a constant of its case)."""
    rows = pl.DataFrame(
        {
            "id": [f"{s.axis}/{s.case}/{s.variant}" for s in swaps],
            "variety": [variety] * len(swaps),
            "topic": ["vida cotidiana"] * len(swaps),
            "instruction": [s.question for s in swaps],
            "answer": [s.answer for s in swaps],
        }
    )
    if judge.kind == "rubric":
        from semillero.judging.rubric import score_by_rubric

        return score_by_rubric(rows, judge, ledger, budget)["score"].to_list()
    from semillero.judging.likelihood import measure_answers

    # A score is log p(answer | question) less the same for other questions; those are held equal within a case, so they
    # cancel out of every effect and need not be computed.
    return [*measure_answers(rows, resolve_base(judge_base(judge)).folder, judge.batch_tokens)]


def _swap_judge(store: RunStore, corpus: CorpusSettings, variety: str) -> Artifact:
    judge = corpus.judge
    inputs, settings = identify_judge(judge)
    swaps = list_swaps()

    def measure(ledger: Path) -> dict[str, Any]:
        scores = score_swaps(swaps, judge, variety, ledger, corpus.budget)
        measured = {s: {"score": score} for s, score in zip(swaps, scores, strict=True) if score is not None}
        return _describe(judge, swaps, measured, {"score": NATS if judge.kind == "likelihood" else GRADE})

    return _make(store, "swaps-judge", inputs, {**settings, "variety": variety}, measure)


def _swap_generator(store: RunStore, corpus: CorpusSettings) -> Artifact:
    generator = corpus.generator
    swaps = list_swaps()

    def measure(ledger: Path) -> dict[str, Any]:
        replies = ask_generator([s.question for s in swaps], generator, ledger, corpus.budget)
        measured = {s: measure_reply(text) for s, text in zip(swaps, replies, strict=True) if text}
        return _describe(generator, swaps, measured, REPLY_UNITS)

    settings = {"model": generator.model, "seed": generator.seed, "asked": ASKED, "max_tokens": MAX_TOKENS}
    return _make(store, "swaps-generator", {}, settings, measure)


def _describe(
    asked: JudgeSettings | GeneratorSettings, swaps: list[Swap], measured: dict[Swap, Measures], unit: dict[str, Reason]
) -> dict[str, Any]:
    return {
        "model": asked.model,
        "kind": asked.kind,
        "sentences": len(swaps),
        "unanswered": len(swaps) - len(measured),
        "unit": unit,
        "axes": summarise(measured),
    }


def _make(
    store: RunStore,
    part: str,
    inputs: dict[str, str | list[str]],
    settings: dict[str, Any],
    measure: Callable[[Path], Any],
) -> Artifact:
    sentences = digest_json([list(astuple(swap)) for swap in list_swaps()])
    recipe = Recipe("report", VERSION, {**inputs, "sentences": sentences}, settings, part=part)
    if found := store.find(recipe):
        return found
    with store.draft(recipe) as draft:
        ledger = store.work(recipe) / LEDGER
        text = json.dumps(measure(ledger), ensure_ascii=False, indent=2, sort_keys=True)
        (draft.path / "swaps.json").write_text(text + "\n", encoding="utf-8")
        if ledger.exists():
            shutil.copyfile(ledger, draft.path / LEDGER)
            draft.volatile.add(LEDGER)
    return draft.artifact
