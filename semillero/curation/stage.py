"""`curate_records`: every answered row is accepted, or rejected with one reason and its evidence."""

import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from semillero.curation.accounting import check_items, check_shard
from semillero.curation.chunks import CHUNK_ROWS, Scratch, count_workers, plan_chunks, screen_chunks
from semillero.curation.comparing import compare_rows
from semillero.curation.contamination import Protected, digest_protected
from semillero.curation.laps import Laps
from semillero.curation.report import build_report
from semillero.curation.screening import record_outcome, screen_rows
from semillero.curation.settling import list_hits, settle, split_answered
from semillero.errors import GenerationError
from semillero.progress import track
from semillero.project import CorpusSettings
from semillero.project.models import settings_json
from semillero.project.sources import Sources
from semillero.records import ACCEPTED, GENERATED, REJECTED, RecordsWriter, read_records
from semillero.store import Artifact, Recipe, RunStore

VERSION = 3

PLANNED = {"item": GENERATED["item"], "variety": GENERATED["variety"], "status": GENERATED["status"]}
# What the report reads of every row, kept in memory; the rest goes from disk to disk.
REPORTED = {
    **{name: GENERATED[name] for name in ("id", "variety", "technique", "status", "instruction", "answer")},
    "reason": REJECTED["reason"],
    "flags": ACCEPTED["flags"],
}
EXAMPLES = 3
EXAMPLE_CHARACTERS = 160


def curate_records(
    store: RunStore,
    shards: Sequence[Artifact],
    sources: Sources,
    corpus: CorpusSettings,
    workers: int | None = None,
    chunk_rows: int = CHUNK_ROWS,
) -> Artifact:
    """Filter the rows of all shards.

    Args:
        store: the run store.
        shards: artifacts of `generate`; ``records.parquet`` has the columns of `GENERATED`. Their order is of no
            consequence: rows are sorted by `item`.
        sources: its reserved pairs and benchmark texts must not be in the corpus.
        corpus: the filters' settings and the varieties.
        workers: processes that screen rows; one a core by default, none beside this one for small corpora.
        chunk_rows: rows that a worker holds at once. Neither changes the result.

    Returns:
        ``accepted.parquet`` (ACCEPTED; texts normalised, personal data replaced), ``rejected.parquet`` (REJECTED;
        instruction and answer as they were generated), ``curation.json``. An `id` is generation's and never changes.

    Raises:
        AccountingError: counts do not balance, or an item came twice.
        GenerationError: no row was accepted.
        SemilleroError: a worker was killed.
    """
    codes = sorted(variety.code for variety in corpus.varieties)
    recipe = Recipe(
        "curate",
        VERSION,
        inputs={"shards": sorted(shard.content for shard in shards), "protected": digest_protected(sources)},
        settings={"filters": settings_json(corpus.filters), "varieties": codes},
    )
    if found := store.find(recipe):
        return found
    with store.draft(recipe) as draft, tempfile.TemporaryDirectory(prefix="curate-", dir=draft.path.parent) as folder:
        laps = Laps()
        places, varieties = order_rows(store, shards)
        laps.lap("ordering")
        paths = [store.folder(shard) / "records.parquet" for shard in shards]
        chunks = list(plan_chunks(places, paths, chunk_rows))
        scratch, processes = Scratch(Path(folder)), workers or count_workers(len(chunks))
        screener = (Path(folder), sources, corpus.filters, sorted({*codes, *varieties}))
        by_step: Counter[str] = Counter()
        with track("filters", total=places.height) as advance:
            for chunk, seconds in zip(chunks, screen_chunks(chunks, screener, processes), strict=True):
                by_step.update(seconds)
                advance(len(chunk.rows))
        laps.lap("screening, all workers at once")
        report = finish(scratch, corpus, draft.path, laps)
        draft.counts.update(report["counts"])
        draft.run.update(workers=processes, seconds=dict(laps.seconds), worker_seconds=dict(by_step))
    return draft.artifact


def order_rows(store: RunStore, shards: Sequence[Artifact]) -> tuple[pl.DataFrame, list[str]]:
    """Number the rows of all shards in the order of their items.

    Returns:
        `shard`, `position`, `row`, sorted by shard and position; and the varieties.

    Raises:
        AccountingError: a shard does not hold what its manifest says, or an item came twice.
    """
    parts = [pl.DataFrame(schema={**PLANNED, "shard": pl.UInt32(), "position": pl.UInt32()})]
    for number, shard in enumerate(shards):
        part = read_records(store.folder(shard) / "records.parquet", PLANNED)
        check_shard(shard, part)
        position = pl.int_range(pl.len(), dtype=pl.UInt32).alias("position")
        parts.append(part.with_columns(pl.lit(number, pl.UInt32).alias("shard"), position))
    rows = pl.concat(parts)
    check_items(rows)
    numbered = rows.sort("item").with_row_index("row").sort("shard", "position")
    return numbered.select("shard", "position", "row"), rows["variety"].drop_nulls().unique().sort().to_list()


def finish(scratch: Scratch, corpus: CorpusSettings, folder: Path, laps: Laps) -> dict[str, Any]:
    """Compare the screened rows with one another and write the artifact's files; return ``curation.json``'s content.

    Raises:
        AccountingError: counts do not balance.
        GenerationError: no row was accepted.
    """
    compared = compare_rows(scratch.read_signed(), scratch.fetch_texts, corpus.filters, laps)
    reported = [pl.DataFrame(schema=REPORTED)]
    examples = pl.DataFrame(schema=REJECTED)
    with (
        RecordsWriter(folder / "accepted.parquet", ACCEPTED) as accepted,
        RecordsWriter(folder / "rejected.parquet", REJECTED) as rejected,
    ):
        for bucket in scratch.read_buckets():
            rows = settle(bucket, compared)
            stays, leaves = split_answered(rows)
            accepted.write(stays)
            rejected.write(leaves)
            reported.append(rows.select(list(REPORTED)))
            examples = pl.concat([examples, leaves.select(list(REJECTED)).head(EXAMPLES - examples.height)])
    laps.lap("writing")
    report = build_report(pl.concat(reported), list_hits(compared), corpus) | compared.told
    laps.lap("report")
    if not report["counts"]["accepted"]:
        raise _nothing_left(examples, report)
    text = json.dumps(report, ensure_ascii=False, indent=2, sort_keys=True)
    (folder / "curation.json").write_text(text + "\n", encoding="utf-8")
    return report


def filter_rows(rows: pl.DataFrame, sources: Sources, corpus: CorpusSettings) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Send a table in memory through all filters, as a notebook or a test wants it.

    Args:
        rows: `row` and the columns of GENERATED, sorted by `item`.
        sources, corpus: see `curate_records`.

    Returns:
        the same rows with texts as they are now, `reason` and `evidence` (null for those that stay), `flags`, `linked`;
        and one line a placeholder put into an accepted row.
    """
    codes = sorted({*(variety.code for variety in corpus.varieties), *rows["variety"].drop_nulls()})
    protected = Protected(sources, corpus.filters.contamination)
    screened = screen_rows(rows, protected, corpus.filters, codes)
    texts = screened.funnel.rows.select("row", "plain_asked", "plain_answer")

    def fetch(wanted: pl.Series) -> pl.DataFrame:
        return texts.join(wanted.alias("row").to_frame(), on="row", how="semi", maintain_order="left")

    compared = compare_rows(screened.sign(corpus.filters), fetch, corpus.filters)
    return settle(record_outcome(rows, screened), compared), list_hits(compared)


def _nothing_left(rejected: pl.DataFrame, report: dict[str, Any]) -> GenerationError:
    counts, reasons = report["counts"], report["reasons"]
    top = sorted(reasons, key=lambda reason: (-reasons[reason], reason))[:EXAMPLES]
    why = ", ".join(f"{reason} {reasons[reason]}" for reason in top) or "no request was answered"
    shown = []
    for line in rejected.iter_rows(named=True):
        text = " ".join((line["reply"] or line["instruction"] or "").split())[:EXAMPLE_CHARACTERS]
        shown.append(f"\n  {line['item']}: {line['reason']} ({line['evidence']}): {text!r}")
    return GenerationError(
        f"curation accepted none of {counts['answered']} answered rows ({counts['failed']} requests failed): {why}"
        + "".join(shown),
        "at least one usable row",
        "look at the replies above; change the generator's model or its prompt, or loosen corpus.filters",
    )
