"""The dataset stage from end to end: files, accounts, statistics, figures, and the datasets library reading them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from semillero.corpus import SPLITS, build_dataset, check_splits
from semillero.corpus.neighbours import merge_neighbours
from semillero.errors import AccountingError, CorpusError
from semillero.store import Artifact, RunStore
from tests.reviewed_rows import SOURCES, make_corpus, make_rows

Put = Callable[..., Artifact]
COUNTRIES = {"es-MX": "MX", "es-AR": "AR", "ca": "ES (Cataluña)"}


def read_splits(folder: Path) -> pl.DataFrame:
    parts = [pl.read_parquet(folder / f"{name}.parquet").with_columns(split=pl.lit(name)) for name in SPLITS]
    return pl.concat(parts)


def test_kept_rows_become_the_corpus(store: RunStore, put_reviewed: Put) -> None:
    rows = make_rows(list(COUNTRIES))
    for row in rows[::9]:
        row |= {"decision": "discarded", "reason": "judge-score-low"}
    kept = {row["id"] for row in rows if row["decision"] == "kept"}
    reviewed, corpus = put_reviewed(rows), make_corpus(COUNTRIES)
    artifact = build_dataset(store, reviewed, SOURCES, corpus)
    assert artifact.stage == "dataset"
    counts = artifact.counts
    assert counts["kept"] == len(kept) == counts["train"] + counts["validation"] + counts["test"]
    folder = store.folder(artifact)
    found = read_splits(folder)
    assert sorted(found["id"]) == sorted(kept)
    assert found.group_by("grupo").agg(pl.col("split").n_unique())["split"].max() == 1
    assert found.group_by("variedad").agg(pl.col("split").n_unique())["split"].to_list() == [3, 3, 3]
    assert set(artifact.files) == {
        "train.parquet", "validation.parquet", "test.parquet", "statistics.json",
        "figures/varieties.png", "figures/answer_lengths.png", "figures/topics.png",
    }  # fmt: skip
    assert build_dataset(store, reviewed, SOURCES, corpus).reused


def test_the_same_rows_make_the_same_bytes(tmp_path: Path, put_reviewed: Put, store: RunStore) -> None:
    reviewed = put_reviewed(make_rows(list(COUNTRIES), groups=5))
    first = build_dataset(store, reviewed, SOURCES, make_corpus(COUNTRIES))
    (store.folder(first) / "manifest.json").unlink()  # no manifest, no artifact: it is made again
    again = build_dataset(store, reviewed, SOURCES, make_corpus(COUNTRIES))
    assert not again.reused
    assert again.content == first.content


def test_near_duplicates_of_two_groups_do_not_straddle(store: RunStore, put_reviewed: Put) -> None:
    rows = make_rows(["es-MX", "es-AR"], groups=12, each=2)
    twins = []
    for g in range(0, 12, 2):  # each even group's answer is an odd group's, but for one word
        one, other = f"es-MX-p{g:02d}", f"es-AR-p{g + 1:02d}"
        text = next(row["answer"] for row in rows if row["group"] == one)
        for row in rows:
            if row["group"] == other:
                row["answer"] = text.rsplit(" ", 1)[0] + " distinto."
        twins.append((one, other))
    artifact = build_dataset(store, put_reviewed(rows), SOURCES, make_corpus(COUNTRIES))
    found = read_splits(store.folder(artifact))
    split = dict(found.select("grupo", "split").unique().iter_rows())
    assert all(split[one] == split[other] for one, other in twins)
    statistics = json.loads((store.folder(artifact) / "statistics.json").read_text())
    assert statistics["near_duplicates"]["groups_merged"] == len(twins)


def test_rows_of_one_question_in_several_varieties_do_not_straddle(store: RunStore, put_reviewed: Put) -> None:
    rows = make_rows(["es-MX", "es-AR", "ca"], groups=12, each=1)
    for row in rows:
        question = f"pregunta:{row['group'][-2:]}"  # the same twelve questions in every variety
        row |= {"group": question, "parallel": question, "technique": "parallel"}
    artifact = build_dataset(store, put_reviewed(rows), SOURCES, make_corpus(COUNTRIES))
    found = read_splits(store.folder(artifact)).group_by("paralelo").agg(pl.col("split").n_unique(), pl.len())
    assert found.height == 12
    assert set(found["len"]) == {3}
    assert set(found["split"]) == {1}


def test_statistics_agree_with_the_files(store: RunStore, put_reviewed: Put) -> None:
    artifact = build_dataset(store, put_reviewed(make_rows(list(COUNTRIES))), SOURCES, make_corpus(COUNTRIES))
    found = read_splits(store.folder(artifact))
    statistics = json.loads((store.folder(artifact) / "statistics.json").read_text())
    assert statistics["rows"] == dict(artifact.counts)
    for name, part in {"all": found, **{s: found.filter(pl.col("split") == s) for s in SPLITS}}.items():
        for column, values in statistics["distributions"][name].items():
            assert sum(value["count"] for value in values) == part.height
            assert sum(value["percent"] for value in values) == pytest.approx(100, abs=0.1)
            assert {value["value"] for value in values} == set(part[column])
    words = found["respuesta"].str.split(" ").list.len()
    assert statistics["words"]["respuesta"]["all"]["mean"] == pytest.approx(words.mean(), abs=0.01)
    assert statistics["words"]["respuesta"]["all"]["median"] == words.median()
    tokens = [word.strip(".").lower() for text in found["respuesta"] for word in text.split()]
    distinct = len(set(tokens)) / len(tokens)
    assert statistics["distinct"]["respuesta"]["all"]["distinct_1"] == pytest.approx(distinct, abs=1e-4)
    assert statistics["warnings"] == []
    assert set(statistics["imbalance"]["variedad"]) == set(SPLITS)


def test_a_variety_with_too_few_groups_is_said(store: RunStore, put_reviewed: Put) -> None:
    rows = make_rows(["es-MX"], groups=8) + make_rows(["ca"], groups=2)
    artifact = build_dataset(store, put_reviewed(rows), SOURCES, make_corpus(COUNTRIES))
    statistics = json.loads((store.folder(artifact) / "statistics.json").read_text())
    assert any(warning.startswith("ca has no row in") for warning in statistics["warnings"])


def test_one_passage_cannot_be_split(store: RunStore, put_reviewed: Put) -> None:
    with pytest.raises(CorpusError, match="1 independent groups of rows"):
        build_dataset(store, put_reviewed(make_rows(["ca"], groups=1, each=30)), SOURCES, make_corpus(COUNTRIES))


def test_preference_pairs_are_handed_on(store: RunStore, put_reviewed: Put) -> None:
    rows = make_rows(["ca"], groups=4)
    pair = {
        "id": rows[0]["id"], "variety": "ca", "history": [{"role": "user", "content": "h"}], "prompt": "p",
        "chosen": "c", "rejected": "r", "ranked_by": "people",
    }  # fmt: skip
    artifact = build_dataset(store, put_reviewed(rows, [pair]), SOURCES, make_corpus(COUNTRIES))
    assert pl.read_parquet(store.folder(artifact) / "preferences.parquet").to_dicts() == [pair]


def test_settings_that_do_not_matter_make_nothing_again(store: RunStore, put_reviewed: Put) -> None:
    reviewed = put_reviewed(make_rows(["ca"], groups=4))
    first = build_dataset(store, reviewed, SOURCES, make_corpus(COUNTRIES))
    other: dict[str, Any] = {"generator": {"temperature": 0.1}, "judge": {"kind": "none"}, "shard_size": 3}
    assert build_dataset(store, reviewed, SOURCES, make_corpus(COUNTRIES, **other)).reused
    splits = {"splits": {"seed": 99}}
    assert build_dataset(store, reviewed, SOURCES, make_corpus(COUNTRIES, **splits)).key != first.key


def test_accounts_that_do_not_balance_are_refused() -> None:
    rows = pl.DataFrame(
        {
            "id": ["1", "2", "3"], "grupo": ["a", "b", "c"], "split": ["train", "validation", "test"],
            "pregunta": ["uno", "dos", "tres"], "respuesta": ["cuatro", "cinco", "seis"],
        }
    )  # fmt: skip
    neighbours = merge_neighbours(rows, 0.7)
    assert check_splits(["1", "2", "3"], rows, neighbours)["kept"] == 3
    with pytest.raises(AccountingError, match="review kept 4 rows"):
        check_splits(["1", "2", "3", "4"], rows, neighbours)
    with pytest.raises(AccountingError, match="1 groups lie in two splits"):
        check_splits(["1", "2", "3"], rows.with_columns(grupo=pl.Series(["a", "b", "a"])), neighbours)


def test_the_datasets_library_loads_the_files(store: RunStore, put_reviewed: Put, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    artifact = build_dataset(store, put_reviewed(make_rows(list(COUNTRIES))), SOURCES, make_corpus(COUNTRIES))
    files = {name: str(store.folder(artifact) / f"{name}.parquet") for name in SPLITS}
    loaded = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache"))
    assert {name: loaded[name].num_rows for name in SPLITS} == {name: artifact.counts[name] for name in SPLITS}
    row = loaded["train"][0]
    assert [message["role"] for message in row["messages"]] == ["user", "assistant"]
    assert row["messages"][1]["content"] == row["respuesta"]
    assert isinstance(row["puntuacion"], float)
