"""A finished project's artifacts, written in milliseconds with the real schemas and no model."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from semillero.corpus.measuring import measure_corpus
from semillero.corpus.structure import to_corpus_structure
from semillero.digests import digest_json
from semillero.outputs import Outputs
from semillero.project import Project
from semillero.records import (
    ACCEPTED,
    GENERATED,
    PREFERENCES,
    REJECTED,
    REVIEWED,
    SCORES,
    record_id,
    write_records,
)
from semillero.store import Artifact, Recipe, RunStore

ROWS = 30  # kept; two more are rejected, one discarded, one request failed
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c63606060f80f0001040100a1d5b6a50000000049454e44ae426082"
)


def fake_project(folder: Path, **sections: dict[str, Any]) -> Project:
    """A small valid project whose file is ``folder/semillero.yaml``."""
    data: dict[str, dict[str, Any]] = {
        "project": {
            "name": "prueba", "organization": "equipo", "title": "Corpus de prueba",
            "summary": "A tiny corpus that exists to test cards.",
            "summary_es": "Un corpus diminuto que existe para probar las fichas.",
            "motivation": "Probar que las fichas dicen la verdad.", "sdgs": [4, 10],
            "team": [{"name": "Ana Pérez", "role": "todo", "hub_user": "ana"}], "contact": "ana at example",
            "deadline": "2026-12-31",
        },
        "corpus": {
            "varieties": [
                {"code": "es-MX", "name": "español de México", "country": "MX", "requests": 17},
                {"code": "ca", "name": "catalán", "country": "ES (Cataluña)", "requests": 17},
            ],
            "topics": "topics.yaml", "seeds": "seeds.jsonl", "passages": "passages.jsonl",
            "techniques": {"backtranslation": 0.5, "self_instruct": 0.5},
        },
    }  # fmt: skip
    for name, values in sections.items():
        data[name] = {**data.get(name, {}), **values}
    project = Project.model_validate(data)
    project._file = folder / "semillero.yaml"
    return project


def fake_rows(text: Callable[[int], str] = lambda number: f"¿Pregunta número {number}?") -> pl.DataFrame:
    rows = []
    for number in range(ROWS + 1):
        instruction, answer = text(number), f"Respuesta número {number}, con algunas palabras más."
        row = {
            "id": record_id(str(number), instruction, answer), "item": str(number), "group": f"g{number}",
            "variety": "ca" if number % 3 == 0 else "es-MX", "topic": f"tema{number % 4}",
            "technique": "self_instruct" if number % 2 else "backtranslation", "instruction": instruction,
            "answer": answer, "alternative": None, "register": "medio", "period": "actual", "domain": "cultura",
            "task": "pregunta_abierta", "source": None, "prompt": f"Escribe la pregunta {number}",
            "model": "gemma-3-270m-q4_k_m", "flags": [], "decision": "discarded" if number == ROWS else "kept",
            "reason": "judge-score-low" if number == ROWS else None, "score": number / 10, "reviewers": ["judge:x"],
            "original_instruction": instruction, "original_answer": answer, "reply": answer, "status": "answered",
            "error": None, "evidence": "2 words", "detail": "",
        }  # fmt: skip
        rows.append(row)
    return pl.DataFrame(rows, schema={**REVIEWED, **GENERATED, **REJECTED, "detail": pl.String()})


def fake_outputs(
    store: RunStore,
    project: Project,
    adapter: Callable[[Path], None] | None = None,
    *,
    pairs: int = 0,
    ranked_by: str = "people",
    agreement: dict[str, Any] | None = None,
    **rows: Any,
) -> Outputs:
    """Every artifact of ``project``; ``adapter`` writes the adapter's folder, None makes a corpus-only project.

    ``agreement`` is what people's review says of itself; automatic review by default.
    """
    frame = fake_rows(**rows)
    shard = _make(store, "generate", {"n": frame.height}, {"requested": 34, "answered": 33, "failed": 1}, _shard(frame))
    counts = {"requested": 34, "answered": 33, "failed": 1, "accepted": 31, "rejected": 2}
    curated = _make(store, "curate", {"shard": shard.content}, counts, _curate(frame))
    scores = _make(store, "judge", {"curated": curated.content}, {"judged": 31}, _judge(frame))
    counts = {"accepted": 31, "kept": 30, "discarded": 1, "pending": 0}
    recipe = {"curated": curated.content} | ({"agreement": digest_json(agreement)} if agreement else {})
    reviewed = _make(store, "review", recipe, counts, _review(frame, agreement))
    kept = to_corpus_structure(frame.filter(pl.col("decision") == "kept").sort("id"), project.corpus.varieties)
    counts = {"kept": 30, "train": 20, "validation": 4, "test": 6}
    dataset = _make(
        store,
        "dataset",
        {"reviewed": reviewed.content, "pairs": f"{pairs} {ranked_by}"},
        counts,
        _dataset(kept, pairs, ranked_by),
    )
    outputs = Outputs((shard,), curated, scores, reviewed, dataset)
    if adapter is None:
        return outputs
    trained = _make(store, "train", {"dataset": dataset.content}, {"steps": 12}, _train(adapter))
    evaluated = _make(store, "evaluate", {"adapter": trained.content}, {"rows": 6}, _evaluate)
    return Outputs((shard,), curated, scores, reviewed, dataset, trained, evaluated)


def _make(
    store: RunStore, stage: str, inputs: dict[str, Any], counts: dict[str, int], write: Callable[[Path], None]
) -> Artifact:
    recipe = Recipe(stage, 1, {name: str(value) for name, value in inputs.items()}, {})
    if found := store.find(recipe):
        return found
    with store.draft(recipe) as draft:
        write(draft.path)
        draft.counts.update(counts)
        draft.run["peak_memory_mb"] = 512
    return draft.artifact


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _shard(frame: pl.DataFrame) -> Callable[[Path], None]:
    return lambda folder: write_records(frame, GENERATED, folder / "records.parquet")


def _curate(frame: pl.DataFrame) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        write_records(frame, ACCEPTED, folder / "accepted.parquet")
        rejected = frame.head(2).with_columns(pl.lit("answer_too_short").alias("reason"))
        write_records(rejected, REJECTED, folder / "rejected.parquet")
        report = {
            "counts": {}, "reasons": {"answer_too_short": 2}, "placeholders": {"[EMAIL]": 1}, "flags": {"pii": 1},
            "meanings": {"reasons": {"answer_too_short": "fewer words in the answer than the least"}},
        }  # fmt: skip
        _json(folder / "curation.json", report)

    return write


def _judge(frame: pl.DataFrame) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        write_records(frame, SCORES, folder / "scores.parquet")
        _json(folder / "judge.json", {"kind": "likelihood", "model": "gemma-3-270m-q4_k_m"})

    return write


def _review(frame: pl.DataFrame, people: dict[str, Any] | None = None) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        write_records(frame, REVIEWED, folder / "reviewed.parquet")
        write_records(pl.DataFrame(schema=PREFERENCES), PREFERENCES, folder / "preferences.parquet")
        agreement = {
            "mode": "automatic", "human_reviewed": False, "statement": "No person has reviewed these rows.",
            "reviewers": ["judge:x"], "discard_share": 0.1, "agreement": None,
        }  # fmt: skip
        _json(folder / "agreement.json", people or agreement)

    return write


def _dataset(kept: pl.DataFrame, pairs: int, ranked_by: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        names = ["train"] * 20 + ["validation"] * 4 + ["test"] * 6
        rows = kept.with_columns(pl.Series("split", names))
        for name in ("train", "validation", "test"):
            rows.filter(pl.col("split") == name).drop("split").write_parquet(folder / f"{name}.parquet")
        if pairs:
            columns = {**dict.fromkeys(PREFERENCES, "x"), "history": None, "ranked_by": ranked_by}
            frame = pl.DataFrame([columns] * pairs, schema=PREFERENCES)
            frame.write_parquet(folder / "preferences.parquet")
        _json(folder / "statistics.json", measure_corpus(rows) | {"warnings": [], "preferences": pairs})
        (folder / "figures").mkdir()
        (folder / "figures" / "rows_by_variety.png").write_bytes(PNG)

    return write


def _train(adapter: Callable[[Path], None]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "adapter").mkdir()
        adapter(folder / "adapter")
        _json(folder / "training.json", {"steps": 12, "trainable_parameters": 1024, "base": {"license": ""}})
        (folder / "figures").mkdir()
        (folder / "figures" / "loss.png").write_bytes(PNG)

    return write


def _evaluate(folder: Path) -> None:
    loss = {
        "rows": 6, "base": {"value": 3.5, "low": 3.1, "high": 3.9}, "tuned": {"value": 2.25, "low": 2.0, "high": 2.5},
        "difference": {"value": -1.25, "low": -1.5, "high": -1.0},
    }  # fmt: skip
    section = {"rows": 6, "groups": 6, "answered": 2, "loss": loss}
    report = {
        "confidence": 0.95, "better": True, "conclusive": True, "overall": section,
        "varieties": {"es-MX": section, "ca": section}, "reserved": {"rows": 6, "groups": 6, "loss": loss},
    }  # fmt: skip
    _json(folder / "evaluation.json", report)
    (folder / "evaluation.md").write_text("# Evaluation\n", encoding="utf-8")
    (folder / "figures").mkdir()
    (folder / "figures" / "evaluation.png").write_bytes(PNG)
    (folder / "samples.jsonl").write_text('{"question": "¿Qué?", "base": "a", "tuned": "b"}\n', encoding="utf-8")


def plain_adapter(folder: Path) -> None:
    """An adapter's files with an empty safetensors table; enough where nothing loads it."""
    header = b"{}      "
    (folder / "adapter_model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    config = {"peft_type": "LORA", "base_model_name_or_path": "/home/ana/cache/base", "r": 16}
    _json(folder / "adapter_config.json", config)
