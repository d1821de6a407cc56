"""Curation at three sizes, and two other libraries' near-duplicates on a slice; from the repository's root::

    make bench-curation                                  # 100k, 300k and 1M rows; an otherwise idle machine, please
    python -m benchmarks.curation [--sizes 20000,50000] [--slice 5000]

Rows are made first (`rows.py`: deterministic, faults planted) and are not timed. Each size is one process that runs
`curate_records`, the whole stage: reading shards, every filter, writing, the report. Memory is the largest sum over its
process tree, sampled; PSS counts shared pages once, RSS counts them in every process.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import polars as pl
import psutil

from benchmarks.curation.rows import make_reserved, make_shards
from semillero.curation import curate_records
from semillero.project import CorpusSettings
from semillero.records import GENERATED, write_records
from semillero.store import Artifact, Recipe, RunStore

SHARD_ROWS = 10_000
SAMPLE_SECONDS = 0.25
PLANTED = {"exact": "exact_duplicate", "near": "near_duplicate", "contaminated": "contaminated"}


def make_corpus() -> CorpusSettings:
    from benchmarks.curation.words import VARIETIES

    varieties = [{"code": code, "name": code, "country": code[3:], "requests": 1} for code in VARIETIES]
    return CorpusSettings.model_validate(
        {"varieties": varieties, "topics": "topics.yaml", "seeds": "seeds.jsonl", "passages": "passages.jsonl"}
    )


def put_shards(folder: Path, rows: int) -> None:
    """Write the generate artifacts and, beside them, what was planted in which row."""
    store = RunStore(str(folder / "store"))
    labels = []
    for number, part in enumerate(make_shards(rows, SHARD_ROWS)):
        with store.draft(Recipe("generate", 1, {}, {"rows": rows}, f"s{number:05d}")) as draft:
            write_records(part, GENERATED, draft.path / "records.parquet")
            draft.counts.update(requested=part.height, answered=part.height, failed=0)
        labels.append(part.select("item", "label", "of"))
    pl.concat(labels).write_parquet(folder / "labels.parquet")


def curate(folder: Path) -> None:
    """What the timed process does."""
    store = RunStore(str(folder / "store"))
    shards = [_artifact(store, entry) for entry in store.last("generate").values()]
    start = time.perf_counter()
    made = curate_records(store, shards, make_reserved(), make_corpus())
    facts = store.run_facts(made)
    result = {"total": time.perf_counter() - start, "path": str(store.folder(made)), **facts}
    (folder / "result.json").write_text(json.dumps(result))


def measure(folder: Path) -> dict[str, Any]:
    """Run `curate` in a process of its own; return its result with the peak memory of its process tree in MiB."""
    child = subprocess.Popen([sys.executable, "-m", "benchmarks.curation", "--child", str(folder)])
    peak = {"pss": 0, "rss": 0}
    done = threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_SECONDS):
            for name, size in tree_memory(child.pid).items():
                peak[name] = max(peak[name], size)

    sampler = threading.Thread(target=sample)
    sampler.start()
    code = child.wait()
    done.set()
    sampler.join()
    if code:
        sys.exit(code)
    return {**json.loads((folder / "result.json").read_text()), **{name: size >> 20 for name, size in peak.items()}}


def tree_memory(pid: int) -> dict[str, int]:
    """Return the bytes that a process and its descendants hold now."""
    found = {"pss": 0, "rss": 0}
    try:
        tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return found
    for process in tree:
        try:
            memory = process.memory_full_info()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        found["pss"] += memory.pss
        found["rss"] += memory.rss
    return found


def check(folder: Path, result: dict[str, Any]) -> dict[str, Any]:
    """Return recall of what was planted, and what was dropped that should not have been."""
    labels = pl.read_parquet(folder / "labels.parquet")
    rejected = pl.read_parquet(Path(result["path"]) / "rejected.parquet", columns=["item", "reason"])
    rows = labels.join(rejected, on="item", how="left")
    found: dict[str, Any] = {}
    for label, reason in PLANTED.items():
        planted = rows.filter(pl.col("label") == label)
        # A near-duplicate that was changed in the same way as another is an exact one of that.
        caught = planted.filter(pl.col("reason").is_in([reason, "exact_duplicate"]))
        found[label] = caught.height / max(planted.height, 1)
    innocent = rows.filter(pl.col("label").is_in(["clean", "pii", "linked"]))
    found["innocent_near"] = innocent.filter(pl.col("reason") == "near_duplicate").height
    found["innocent_other"] = innocent.drop_nulls("reason").height - found["innocent_near"]
    return found


def report(sizes: list[int], results: list[dict[str, Any]], checks: list[dict[str, Any]]) -> str:
    """Return the tables as Markdown."""
    heads = ["rows", "seconds", "rows/s", "peak PSS MiB", "peak RSS MiB", *(f"{name} found" for name in PLANTED)]
    heads += ["innocent rows dropped as near", "for other reasons"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for rows, result, found in zip(sizes, results, checks, strict=True):
        cells = [f"{rows:,}", f"{result['total']:.1f}", f"{rows / result['total']:,.0f}"]
        cells += [f"{result[name]:,}" for name in ("pss", "rss")] + [f"{found[name]:.3f}" for name in PLANTED]
        cells += [str(found["innocent_near"]), str(found["innocent_other"])]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", f"Workers: {results[-1]['workers']}. Seconds by step (a worker's own are summed over workers):", ""]
    lines += ["| step | " + " | ".join(f"{rows:,}" for rows in sizes) + " |", "|---" * (len(sizes) + 1) + "|"]
    for kind, own in (("seconds", ""), ("worker_seconds", "workers: ")):
        for step in results[-1][kind]:
            cells = " | ".join(f"{result[kind].get(step, 0.0):.1f}" for result in results)
            lines.append(f"| {own}{step} | {cells} |")
    return "\n".join(lines)


def _artifact(store: RunStore, entry: dict[str, Any]) -> Artifact:
    found = store.find(Recipe(**entry["recipe"]))
    assert found is not None
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="100000,300000,1000000")
    parser.add_argument(
        "--slice", type=int, default=50_000, help="rows for datasketch and datatrove; 0: leave them out"
    )
    parser.add_argument("--child", type=Path)
    options = parser.parse_args()
    if options.child:
        return curate(options.child)
    sizes = [int(size) for size in options.sizes.split(",")]
    results, checks = [], []
    for rows in sizes:
        with tempfile.TemporaryDirectory(prefix="bench-curation-") as name:
            put_shards(Path(name), rows)
            results.append(measure(Path(name)))
            checks.append(check(Path(name), results[-1]))
            print(f"{rows:,} rows: {results[-1]['total']:.1f} s", file=sys.stderr)
    print(report(sizes, results, checks))
    if options.slice:
        from benchmarks.curation.others import compare_libraries

        print("\n" + compare_libraries(options.slice))
    return None


if __name__ == "__main__":
    main()
