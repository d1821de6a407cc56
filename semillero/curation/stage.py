"""`curate_records`: every answered row is accepted, or rejected with one reason and its evidence."""

import json
from collections.abc import Sequence

import polars as pl

from semillero.curation.accounting import check_items, check_shard
from semillero.curation.contamination import digest_protected, find_contaminated
from semillero.curation.duplicates import find_exact_duplicates, find_near_duplicates
from semillero.curation.funnel import Funnel
from semillero.curation.heuristics import (
    find_bad_lengths,
    find_bad_texts,
    find_echoes,
    find_repetition,
    flag_passage_references,
)
from semillero.curation.histories import clean_histories, find_contaminated_histories
from semillero.curation.language import find_other_languages
from semillero.curation.normalisation import add_plain_columns, find_unparseable, normalise_rows
from semillero.curation.offensive import flag_offensive
from semillero.curation.pii import HIT, replace_in_rows
from semillero.curation.report import build_report
from semillero.errors import GenerationError
from semillero.project import CorpusSettings
from semillero.project.models import settings_json
from semillero.project.sources import Sources
from semillero.records import ACCEPTED, GENERATED, REJECTED, read_records, write_records
from semillero.store import Artifact, Recipe, RunStore

VERSION = 2

# What the filters read; prompts, replies and passages are many times as large and stay on disk meanwhile.
NARROW = ("id", "item", "variety", "technique", "history", "instruction", "answer", "status")
EXAMPLES = 3
EXAMPLE_CHARACTERS = 160


def curate_records(store: RunStore, shards: Sequence[Artifact], sources: Sources, corpus: CorpusSettings) -> Artifact:
    """Filter the rows of all shards.

    Args:
        store: the run store.
        shards: artifacts of `generate`; ``records.parquet`` has the columns of `GENERATED`. Their order is of no
            consequence: rows are sorted by `item`.
        sources: its reserved pairs and benchmark texts must not be in the corpus.
        corpus: the filters' settings and the varieties.

    Returns:
        ``accepted.parquet`` (ACCEPTED; texts normalised, personal data replaced), ``rejected.parquet`` (REJECTED; texts
        as they were generated), ``curation.json``. An `id` is generation's and never changes here.

    Raises:
        AccountingError: counts do not balance, or an item came twice.
        GenerationError: no row was accepted.
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
    with store.draft(recipe) as draft:
        generated = read_shards(store, shards)
        rows, hits = filter_rows(generated.select("row", *NARROW), sources, corpus)
        report = build_report(rows, hits, corpus)
        if not report["counts"]["accepted"]:
            raise _nothing_left(rows.join(generated.select("row", "reply"), on="row", maintain_order="left"), report)
        accepted, rejected = join_outcome(generated, rows)
        write_records(accepted, ACCEPTED, draft.path / "accepted.parquet")
        write_records(rejected, REJECTED, draft.path / "rejected.parquet")
        text = json.dumps(report, ensure_ascii=False, indent=2, sort_keys=True)
        (draft.path / "curation.json").write_text(text + "\n", encoding="utf-8")
        draft.counts.update(report["counts"])
    return draft.artifact


def read_shards(store: RunStore, shards: Sequence[Artifact]) -> pl.DataFrame:
    """Return the rows of all shards sorted by `item`, numbered in `row`.

    Raises:
        AccountingError: a shard does not hold what its manifest says, or an item came twice.
    """
    parts = [pl.DataFrame(schema=GENERATED)]
    for shard in shards:
        part = read_records(store.folder(shard) / "records.parquet", GENERATED)
        check_shard(shard, part)
        parts.append(part)
    rows = pl.concat(parts)
    check_items(rows)
    return rows.sort("item").with_row_index("row")


def filter_rows(rows: pl.DataFrame, sources: Sources, corpus: CorpusSettings) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Send the answered rows through the filters, in the order of the reasons table.

    Args:
        rows: `row` and the columns of `NARROW`, sorted by `item`.
        sources, corpus: see `curate_records`.

    Returns:
        the same rows with texts as they are now, `reason` and `evidence` (null for those that stay) and `flags`; and
        one line a placeholder put into an accepted row.
    """
    filters = corpus.filters
    funnel = Funnel(rows.filter(pl.col("status") == "answered"))
    funnel.drop(find_unparseable(funnel.rows))
    funnel.rows = add_plain_columns(normalise_rows(funnel.rows))
    funnel.drop(find_bad_lengths(funnel.rows, filters))
    funnel.drop(find_bad_texts(funnel.rows))
    funnel.drop(find_repetition(funnel.rows, filters))
    funnel.drop(find_echoes(funnel.rows))
    funnel.flag(flag_passage_references(funnel.rows))
    other, flags = find_other_languages(funnel.rows, filters, [variety.code for variety in corpus.varieties])
    funnel.drop(other)
    funnel.flag(flags)
    cleaned, hits = replace_in_rows(funnel.rows, ("instruction", "answer"))
    funnel.rows = add_plain_columns(cleaned)  # anew: rows that differed in a phone number only are duplicates now
    funnel.flag(hits.select("row", pl.lit("pii").alias("flag")))
    funnel.flag(flag_offensive(funnel.rows))
    funnel.drop(find_contaminated(funnel.rows, sources, filters.contamination))
    funnel.drop(find_contaminated_histories(funnel.rows, sources, filters.contamination))
    funnel.drop(find_exact_duplicates(funnel.rows))
    funnel.drop(find_near_duplicates(funnel.rows, filters.near_duplicate))
    return collect_outcome(rows, funnel), hits.join(funnel.rows, on="row", how="semi").select(list(HIT))


def collect_outcome(rows: pl.DataFrame, funnel: Funnel) -> pl.DataFrame:
    """Return all rows with the kept ones' texts, `reason`, `evidence` and `flags`."""
    kept = funnel.rows.select("row", "instruction", "answer")
    rows = rows.update(kept, on="row", maintain_order="left")
    rows = rows.join(funnel.verdicts, on="row", how="left", maintain_order="left")
    rows = rows.join(funnel.flags, on="row", how="left", maintain_order="left")
    return rows.with_columns(pl.col("flags").fill_null([]))


def join_outcome(generated: pl.DataFrame, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (accepted, rejected) with all their columns; personal data is replaced in passage and prompt too."""
    verdicts = rows.select("row", "reason", "evidence", "flags", new_instruction="instruction", new_answer="answer")
    answered = generated.join(verdicts, on="row", maintain_order="left").filter(pl.col("status") == "answered")
    accepted = answered.filter(pl.col("reason").is_null()).with_columns(
        pl.col("new_instruction").alias("instruction"), pl.col("new_answer").alias("answer")
    )
    accepted, _ = replace_in_rows(accepted, ("alternative", "source", "prompt"))
    return clean_histories(accepted).rechunk(), answered.filter(pl.col("reason").is_not_null()).rechunk()


def _nothing_left(rows: pl.DataFrame, report: dict[str, dict[str, int]]) -> GenerationError:
    counts, reasons = report["counts"], report["reasons"]
    top = sorted(reasons, key=lambda reason: (-reasons[reason], reason))[:EXAMPLES]
    why = ", ".join(f"{reason} {reasons[reason]}" for reason in top) or "no request was answered"
    shown = []
    for line in rows.filter(pl.col("reason").is_not_null()).head(EXAMPLES).iter_rows(named=True):
        text = " ".join((line["reply"] or line["instruction"] or "").split())[:EXAMPLE_CHARACTERS]
        shown.append(f"\n  {line['item']}: {line['reason']} ({line['evidence']}): {text!r}")
    return GenerationError(
        f"curation accepted none of {counts['answered']} answered rows ({counts['failed']} requests failed): {why}"
        + "".join(shown),
        "at least one usable row",
        "look at the replies above; change the generator's model or its prompt, or loosen corpus.filters",
    )
