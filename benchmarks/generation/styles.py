"""Which way of holding the embedded model to the form gives most usable rows: grammar, JSON schema, or none?

Run from the repository's root; writes nothing but its table::

    python -m benchmarks.generation.styles [--requests 120] [--varieties es-MX,es-AR,es-CO,es-ES]

*Parsed* is the share of replies that `semillero.generation.replies` accepts. *Usable* leaves out, of those, questions
asked before in the same run, questions about "the text", and questions or (self-instruct) answers in which a
four-word sequence comes back. It is a measure of form: nobody checked that a question fits or an answer is true.
CPU seconds are the server's, its start included; with ``taskset -c 0`` (one thread, no spinning) they hardly depend
on what else the machine is doing, which the rows a minute do.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from semillero.generation import generate_shards, plan_shards
from semillero.project import CorpusSettings
from semillero.project.sources import Pair, Passage, Sources, Topic, load_rows
from semillero.records import GENERATED, read_records
from semillero.store import RunStore

STYLES = ("grammar", "json_schema", "none")
TECHNIQUES = ("backtranslation", "self_instruct")


def read_sources(folder: Path) -> Sources:
    topics = tuple(Topic.model_validate(t) for t in yaml.safe_load((folder / "topics.yaml").read_text("utf-8")))
    seeds, passages = load_rows(folder / "seeds.jsonl", Pair), load_rows(folder / "passages.jsonl", Passage)
    return Sources(topics=topics, seeds=seeds, passages=passages, reserved=(), benchmarks=())


def build_corpus(technique: str, style: str, varieties: list[str], requests: int, temperature: float) -> CorpusSettings:
    return CorpusSettings.model_validate(
        {
            "varieties": [
                {"code": code, "name": NAMES.get(code, code), "country": "-", "requests": requests // len(varieties)}
                for code in varieties
            ],
            "topics": "topics.yaml",
            "seeds": "seeds.jsonl",
            "passages": "passages.jsonl",
            "techniques": {name: float(name == technique) for name in TECHNIQUES},
            "min_yield": 0.0,
            "generator": {
                "constrain": style,
                "temperature": temperature,
                "max_failed": 1.0,
                "attempts": 1,
                "timeout": 900,
            },
        }
    )


NAMES = {
    "es-MX": "español de México", "es-AR": "español de Argentina", "es-CO": "español de Colombia",
    "es-ES": "español de España", "ca": "catalán",
}  # fmt: skip


def repeats(text: str) -> bool:
    words = text.lower().split()
    grams = [tuple(words[n : n + 4]) for n in range(len(words) - 3)]
    return len(set(grams)) < len(grams)


def is_good(row: dict[str, Any]) -> bool:
    question = row["instruction"].lower()
    if "el texto" in question or "el text " in question or repeats(question):
        return False
    return row["technique"] == "backtranslation" or not repeats(row["answer"])


def measure(corpus: CorpusSettings, sources: Sources, samples: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore(folder)
        started, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        shards = generate_shards(store, plan_shards(corpus, sources), corpus)
        seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        rows = pl.concat([read_records(store.folder(shard) / "records.parquet", GENERATED) for shard in shards])
    parsed = rows.filter(pl.col("instruction").is_not_null()).unique("instruction", maintain_order=True)
    good = [row for row in parsed.iter_rows(named=True) if is_good(row)]
    for row in good[:samples]:
        print(f"    {row['instruction']}" + (f" → {row['answer']}" if row["technique"] == "self_instruct" else ""))
    for row in rows.filter(pl.col("instruction").is_null()).head(samples).iter_rows(named=True):
        print(f"    NOT PARSED ({row['error']}): {row['reply']!r:.200}")
    return {
        "parsed": rows["instruction"].is_not_null().mean(),
        "usable": len(good) / rows.height,
        "minute": 60 * len(good) / seconds,
        "cpu": (after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime) / max(1, len(good)),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=120)
    parser.add_argument("--varieties", default="es-MX,es-AR,es-CO,es-ES")
    parser.add_argument("--temperature", type=float, default=0.7)
    parser.add_argument("--techniques", default=",".join(TECHNIQUES))
    parser.add_argument("--styles", default=",".join(STYLES))
    parser.add_argument("--samples", type=int, default=0, help="replies to print of each cell")
    parser.add_argument("--project", type=Path, default=Path("projects/quickstart"), help="where the sources are")
    options = parser.parse_args()
    sources = read_sources(options.project)
    lines = []
    for technique in options.techniques.split(","):
        for style in options.styles.split(","):
            corpus = build_corpus(technique, style, options.varieties.split(","), options.requests, options.temperature)
            found = measure(corpus, sources, options.samples)
            lines.append(
                f"| {technique} | {style} | {found['parsed']:.0%} | {found['usable']:.0%} "
                f"| {found['minute']:.0f} | {found['cpu']:.2f} |"
            )
            print(lines[-1], flush=True)
    print(
        "\n| technique | held by | parsed | usable | usable a minute | CPU s a usable row |\n|---|---|---|---|---|---|"
    )
    print("\n".join(lines))


if __name__ == "__main__":
    main()
