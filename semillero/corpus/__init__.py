"""The dataset stage: kept rows become the published corpus, split, measured and drawn.

In: the review artifact. Out: ``train.parquet``, ``validation.parquet`` and ``test.parquet`` in SomosNLP's corpus
structure (`semillero.corpus.structure`), ``preferences.parquet`` where review found pairs, ``statistics.json`` and
``figures/``. No group of rows, and no pair of near-duplicates, lies in two splits; every kept row lies in one.

The room is called `corpus` because `datasets` is a library's name; the stage and its artifact are `dataset`.
"""

import json

import polars as pl

from semillero.corpus.figures import draw_figures
from semillero.corpus.measuring import find_warnings, measure_corpus
from semillero.corpus.neighbours import Neighbours, merge_neighbours
from semillero.corpus.splitting import SPLITS, assign_splits
from semillero.corpus.structure import to_corpus_structure
from semillero.errors import AccountingError
from semillero.project.models import CorpusSettings, settings_json
from semillero.project.sources import Sources
from semillero.records import PREFERENCES, REVIEWED, read_records
from semillero.store import Artifact, Recipe, RunStore

__all__ = ["SPLITS", "VERSION", "build_dataset"]

VERSION = 3


def build_dataset(store: RunStore, reviewed: Artifact, sources: Sources, corpus: CorpusSettings) -> Artifact:
    """Build the published corpus of the rows that review kept.

    Args:
        store: the run store.
        reviewed: the review artifact.
        sources: gives the topics' names, for the figures.
        corpus: gives the varieties (names and countries), the splits and the similarity of near-duplicates.

    Returns:
        The dataset artifact; counts kept, train, validation, test.

    Raises:
        CorpusError: too few independent groups for three splits, or a row of an unknown variety.
        AccountingError: kept is not train + validation + test, or a group straddles splits.
    """
    topics = {topic.id: topic.name for topic in sources.topics}
    settings = {
        "varieties": {v.code: {"name": v.name, "country": v.country} for v in corpus.varieties},
        "topics": topics,
        "splits": settings_json(corpus.splits),
        "near_duplicate": corpus.filters.near_duplicate,
    }
    recipe = Recipe("dataset", VERSION, inputs={"reviewed": reviewed.content}, settings=settings)
    if found := store.find(recipe):
        return found
    with store.draft(recipe) as draft:
        folder = store.folder(reviewed)
        reviewed_rows = read_records(folder / "reviewed.parquet", REVIEWED)
        kept = reviewed_rows.filter(pl.col("decision") == "kept")
        # Ids are hashes: their order mixes varieties and topics, and does not depend on who answered first.
        rows = to_corpus_structure(kept.sort("id"), corpus.varieties)
        neighbours = merge_neighbours(rows, corpus.filters.near_duplicate)
        rows = _split(rows, neighbours, corpus)
        draft.counts.update(check_splits(kept["id"].to_list(), rows, neighbours))
        for name in SPLITS:
            part = rows.filter(pl.col("split") == name).drop("split")
            part.write_parquet(draft.path / f"{name}.parquet", compression="zstd", statistics=False)
        found_pairs = read_records(folder / "preferences.parquet", PREFERENCES)
        pairs = drop_held_out(found_pairs, reviewed_rows, rows)
        if pairs.height:
            pairs.write_parquet(draft.path / "preferences.parquet", compression="zstd", statistics=False)
        statistics = measure_corpus(rows) | {
            "near_duplicates": {
                "similarity": corpus.filters.near_duplicate,
                "linked_pairs_of_groups": neighbours.links,
                "groups_merged": neighbours.merged,
            },
            "preferences": pairs.height,
            "preferences_held_out": found_pairs.height - pairs.height,
            "warnings": find_warnings(rows),
        }
        text = json.dumps(statistics, ensure_ascii=False, indent=2, sort_keys=True)
        (draft.path / "statistics.json").write_text(text + "\n", encoding="utf-8")
        draw_figures(rows, {v.code: v.name for v in corpus.varieties}, topics, draft.path / "figures")
    return draft.artifact


def drop_held_out(pairs: pl.DataFrame, reviewed: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the preference pairs that no held-out row is related to: whoever trains on them must not see the test.

    Args:
        pairs: PREFERENCES; the row of a pair may have been discarded.
        reviewed: all reviewed rows (REVIEWED).
        rows: the kept rows with `grupo` and `split`.
    """
    held = rows.filter(pl.col("split") != "train")
    related = reviewed.filter(pl.col("group").is_in(held["grupo"].unique().implode()))["id"]
    # A visitor's vote belongs to no group, and the demo proposes questions of the test split.
    asked = held.select(_words("pregunta"))["pregunta"].unique()
    return pairs.filter(~pl.col("id").is_in(related.implode()) & ~_words("prompt").is_in(asked.implode()))


def _words(column: str) -> pl.Expr:
    """Return a question's words alone, in lower case: what two spellings of one question share."""
    return pl.col(column).str.normalize("NFKC").str.to_lowercase().str.replace_all(r"\W+", " ").str.strip_chars()


def _split(rows: pl.DataFrame, neighbours: Neighbours, corpus: CorpusSettings) -> pl.DataFrame:
    named = rows.with_columns(pl.col("grupo").replace_strict(neighbours.component).alias("component"))
    splits = assign_splits(named, corpus.splits)
    return named.with_columns(pl.col("component").replace_strict(splits).alias("split")).drop("component")


def check_splits(kept: list[str], rows: pl.DataFrame, neighbours: Neighbours) -> dict[str, int]:
    """Return the counts, after checking that each kept row is in one split and no component in two.

    Raises:
        AccountingError: it is not so.
    """
    counts = {name: rows.filter(pl.col("split") == name).height for name in SPLITS}
    if sum(counts.values()) != len(kept) or sorted(rows["id"]) != sorted(kept) or not all(counts.values()):
        raise AccountingError(
            f"review kept {len(kept)} rows, the splits hold {counts}",
            "kept = train + validation + test, each row once and no split empty",
            "this is a bug worth reporting; nothing was written",
        )
    component = pl.col("grupo").replace_strict(neighbours.component)
    straddling = rows.group_by(component).agg(pl.col("split").n_unique()).filter(pl.col("split") > 1)
    if straddling.height:
        raise AccountingError(
            f"{straddling.height} groups lie in two splits, such as {straddling['grupo'][0]}",
            "rows of one passage, or nearly the same rows, in one split",
            "this is a bug worth reporting; nothing was written",
        )
    return {"kept": len(kept), **counts}
