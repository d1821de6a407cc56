"""`evaluate_adapter`: measure, compare, report."""

import json
import time
from pathlib import Path

import polars as pl

from semillero.digests import digest_json
from semillero.errors import EvaluationError
from semillero.evaluation.answering import answer_questions
from semillero.evaluation.comparison import Section, compare_rows, compare_sections
from semillero.evaluation.figure import draw_losses
from semillero.evaluation.losses import measure_losses
from semillero.evaluation.measures import loss_table, text_tables
from semillero.evaluation.pair import load_pair
from semillero.evaluation.report import write_report
from semillero.evaluation.rows import choose_rows, list_reserved, read_test_split
from semillero.models.base import digest_base
from semillero.project import EvaluationSettings, TrainingSettings
from semillero.project.models import settings_json
from semillero.project.sources import Sources
from semillero.store import Artifact, Draft, Recipe, RunStore

VERSION = 2  # raised by hand when the stage's meaning changes


def evaluate_adapter(
    store: RunStore,
    dataset: Artifact,
    adapter: Artifact,
    training: TrainingSettings,
    evaluation: EvaluationSettings,
    sources: Sources,
) -> Artifact:
    """Compare base and tuned on the held-out split and on the reserved pairs.

    Args:
        store: the run store.
        dataset: has ``test.parquet``; the columns `id`, `grupo`, `variedad`, `messages` are read.
        adapter: has ``adapter/``.
        training: says which base and how it is loaded.
        evaluation: what to measure.
        sources: the reserved pairs.

    Returns:
        Stage ``evaluate``; counts `rows`, `answered`, `reserved`.

    Raises:
        EvaluationError: no held-out row, a loss that is not a number, or an adapter that changes nothing.
    """
    reserved = list_reserved(sources.reserved)
    reserved = reserved[choose_rows(reserved, evaluation.reserved_rows, evaluation.seed)]
    recipe = Recipe(
        "evaluate",
        VERSION,
        inputs={
            "test": dataset.files["test.parquet"],
            "adapter": adapter.content,
            "base": digest_base(training.base, training.base_revision),
            "reserved": digest_json(reserved.to_dicts()),
        },
        settings={**settings_json(evaluation), "method": training.method},
    )
    if found := store.find(recipe):
        return found
    test = read_test_split(store.folder(dataset) / "test.parquet")
    if test.is_empty():
        raise EvaluationError(
            "the held-out split has no rows",
            "at least one",
            "generate more rows, or raise corpus.splits.test",
        )
    with store.draft(recipe) as draft:
        report, samples = _measure(test, reserved, store.folder(adapter) / "adapter", training, evaluation, draft)
        _write(draft.path, report, samples)
        draft.counts.update(rows=test.height, answered=len(samples), reserved=reserved.height)
    return draft.artifact


def _measure(
    test: pl.DataFrame,
    reserved: pl.DataFrame,
    adapter: Path,
    training: TrainingSettings,
    evaluation: EvaluationSettings,
    draft: Draft,
) -> tuple[Section, list[dict[str, str]]]:
    chosen = test[choose_rows(test, evaluation.generate_rows, evaluation.seed)]
    conversations = [*test["messages"].to_list(), *reserved["messages"].to_list()]
    start = time.perf_counter()
    with load_pair(adapter, training) as (model, tokenizer):
        loaded = time.perf_counter()
        nats, tokens = measure_losses(model, tokenizer, conversations, evaluation.batch_tokens)
        scored = time.perf_counter()
        answers, speed = answer_questions(model, tokenizer, chosen["messages"].to_list(), evaluation.max_new_tokens)
    draft.run.update(
        seconds_loading=round(loaded - start, 1),
        seconds_losses=round(scored - loaded, 1),
        answer_tokens_scored_per_second=round(2 * float(tokens.sum()) / max(scored - loaded, 1e-9), 1),
        seconds_answers=round(time.perf_counter() - scored, 1),
        tokens_written_per_second=speed,
    )
    losses = loss_table(nats, tokens)
    references = [messages[-1]["content"] for messages in chosen["messages"].to_list()]
    texts = text_tables(answers, references, chosen["variety"].to_list())
    of_test, of_reserved = losses[: test.height], losses[test.height :]
    report: Section = {
        "confidence": evaluation.confidence,
        **compare_sections(test, {"loss": of_test}, chosen, texts, evaluation),
        "reserved": {
            "rows": reserved.height,
            "groups": reserved["group"].n_unique(),
            **compare_rows(reserved, {"loss": of_reserved}, evaluation),
        },
        "settings": {**settings_json(evaluation), "method": training.method},
    }
    return report, _list_samples(chosen, answers)


def _list_samples(chosen: pl.DataFrame, answers: dict[str, list[str]]) -> list[dict[str, str]]:
    return [
        {
            "id": row["id"],
            "variety": row["variety"],
            "question": row["messages"][-2]["content"],
            "reference": row["messages"][-1]["content"],
            "base": answers["base"][place],
            "tuned": answers["tuned"][place],
        }
        for place, row in enumerate(chosen.iter_rows(named=True))
    ]


def _write(folder: Path, report: Section, samples: list[dict[str, str]]) -> None:
    text = json.dumps(report, ensure_ascii=False, indent=2, allow_nan=False)
    (folder / "evaluation.json").write_text(text + "\n", encoding="utf-8")
    (folder / "evaluation.md").write_text(write_report(report, samples), encoding="utf-8")
    lines = "".join(json.dumps(sample, ensure_ascii=False) + "\n" for sample in samples)
    (folder / "samples.jsonl").write_text(lines, encoding="utf-8")
    draw_losses(report, folder / "figures" / "evaluation.png")
